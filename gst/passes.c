/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A pad whose samples are fetched pass by pass. */
#include "gst/passes.h"
#include "gst/stage-private.h"
#include "gst/tensorcaps.h"

struct _GstParePasses
{
  GstPareStage *stage;
  GstPad *pad;
  GArray *specs; /* of the caps; thread of the pad only */
  GMutex lock;
  GCond changed;
  /* Below the lock: */
  gboolean stopping;
  gboolean over;   /* EOS */
  gboolean wanted; /* a pass is under way; the fields below are the pad's thread's then */
  gboolean busy;   /* that thread uses them */
  PareBatcher *batcher;
  GstParePassFunc feed;
  gpointer user_data;
  guint64 samples;
  GError *error;
};

/* Thread of the pad */

/* Waits until a pass is wanted. FALSE when there is nothing to wait for any more. */
static gboolean
enter (GstParePasses *passes)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&passes->lock);

  while (!passes->wanted && !passes->stopping)
    g_cond_wait (&passes->changed, &passes->lock);
  passes->busy = passes->wanted && !passes->stopping;
  return passes->busy;
}

static void
leave (GstParePasses *passes, gboolean pass_over)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&passes->lock);

  passes->busy = FALSE;
  passes->wanted &= !pass_over;
  g_cond_broadcast (&passes->changed);
}

static gboolean
feed_pending (GstParePasses *passes)
{
  guint valid;
  g_autoptr (GPtrArray) batch = pare_batcher_take (passes->batcher, &valid);

  if (!batch)
    return TRUE;
  passes->samples += valid;
  return passes->feed ((PareTensor **)batch->pdata, batch->len, valid, passes->user_data, &passes->error);
}

static gboolean
add_sample (GstParePasses *passes, GstBuffer *buffer)
{
  g_autoptr (GPtrArray) sample = gst_pare_buffer_to_tensors (buffer, passes->specs, &passes->error);
  int added = 0;

  while (sample && added == 0)
    {
      added = pare_batcher_add (passes->batcher, (PareTensor **)sample->pdata, sample->len, &passes->error);
      if (added == 0 && !feed_pending (passes))
        return FALSE;
    }
  return added > 0 && (!pare_batcher_full (passes->batcher) || feed_pending (passes));
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstParePasses *passes = gst_pad_get_element_private (pad);
  g_autoptr (GstBuffer) owned = buffer;
  gboolean added;

  if (!gst_pad_has_current_caps (pad))
    return GST_FLOW_NOT_NEGOTIATED;
  if (!enter (passes))
    return GST_FLOW_FLUSHING;
  added = add_sample (passes, buffer);
  leave (passes, !added);
  /* The stage tells what went wrong; upstream just ends. */
  return added ? GST_FLOW_OK : GST_FLOW_EOS;
}

static void
end_pass (GstParePasses *passes)
{
  if (!enter (passes))
    return;
  feed_pending (passes);
  leave (passes, TRUE);
}

static gboolean
is_wanted (GstParePasses *passes)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&passes->lock);

  return passes->wanted;
}

/* Waits for nobody: whoever wants a pass later learns that there is none. */
static void
end_samples (GstParePasses *passes)
{
  g_autoptr (GMutexLocker) locker = NULL;

  if (is_wanted (passes))
    end_pass (passes);
  locker = g_mutex_locker_new (&passes->lock);
  passes->over = TRUE;
  passes->wanted = FALSE;
  g_cond_broadcast (&passes->changed);
}

static gboolean
set_caps (GstParePasses *passes, GstCaps *caps)
{
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&passes->specs, g_array_unref);
  if (gst_pare_tensor_caps_parse (caps, &passes->specs, &error))
    return TRUE;
  gst_pare_stage_fail (passes->stage, error);
  return FALSE;
}

static gboolean
event (GstPad *pad, GstObject *parent, GstEvent *it)
{
  GstParePasses *passes = gst_pad_get_element_private (pad);
  g_autoptr (GstEvent) owned = it;
  GstCaps *caps;

  switch (GST_EVENT_TYPE (it))
    {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (it, &caps);
      return set_caps (passes, caps);
    case GST_EVENT_FLUSH_START:
    case GST_EVENT_FLUSH_STOP:
      gst_pare_passes_set_stopping (passes, GST_EVENT_TYPE (it) == GST_EVENT_FLUSH_START);
      return TRUE;
    case GST_EVENT_EOS:
      end_samples (passes);
      return TRUE;
    default:
      if (gst_event_has_name (it, GST_PARE_PASS_END))
        end_pass (passes);
      return TRUE;
    }
}

/* What the stage calls */

GstParePasses *
gst_pare_passes_new (GstPareStage *stage, GstPad *pad)
{
  GstParePasses *passes = g_new0 (GstParePasses, 1);

  passes->stage = stage;
  passes->pad = pad;
  g_mutex_init (&passes->lock);
  g_cond_init (&passes->changed);
  gst_pad_set_element_private (pad, passes);
  gst_pad_set_chain_function (pad, chain);
  gst_pad_set_event_function (pad, event);
  GST_PAD_SET_ACCEPT_INTERSECT (pad);
  return passes;
}

void
gst_pare_passes_free (GstParePasses *passes)
{
  g_clear_pointer (&passes->specs, g_array_unref);
  g_clear_pointer (&passes->batcher, pare_batcher_free);
  g_clear_error (&passes->error);
  g_mutex_clear (&passes->lock);
  g_cond_clear (&passes->changed);
  g_free (passes);
}

void
gst_pare_passes_set_stopping (GstParePasses *passes, gboolean stopping)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&passes->lock);

  passes->stopping = stopping;
  if (!stopping)
    passes->over = FALSE;
  g_cond_broadcast (&passes->changed);
}

static gboolean
check_samples (GstParePasses *passes, GError **error)
{
  if (passes->error)
    {
      g_propagate_error (error, g_steal_pointer (&passes->error));
      return FALSE;
    }
  if (passes->samples)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA,
               "%s received no sample on its %s pad, or not once more: put a tensorstore before it.",
               GST_OBJECT_NAME (passes->stage), GST_OBJECT_NAME (passes->pad));
  return FALSE;
}

gboolean
gst_pare_passes_run (GstParePasses *passes, PareGraph *graph, GstParePassFunc feed, gpointer user_data, GError **error)
{
  guint batch_size = gst_pare_stage_private (passes->stage)->batch_size;
  PareBatcher *batcher = pare_batcher_new (graph, batch_size, error);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&passes->lock);

  if (!batcher)
    return FALSE;
  passes->batcher = batcher;
  passes->feed = feed;
  passes->user_data = user_data;
  passes->samples = 0;
  passes->wanted = !passes->over;
  g_cond_broadcast (&passes->changed);
  while (passes->busy || (passes->wanted && !passes->stopping))
    g_cond_wait (&passes->changed, &passes->lock);
  passes->wanted = FALSE;
  g_clear_pointer (&passes->batcher, pare_batcher_free);
  return check_samples (passes, error);
}
