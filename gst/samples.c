/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The sample side of a stage: the pad "tensors", batches, passes, and where its thread meets that of the graph. */
#include "gst/errors.h"
#include "gst/stage-private.h"
#include "gst/tensorcaps.h"

/* Thread of the graph */

static gboolean
publish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (PareBatcher) batcher = NULL;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  if (priv->samples_over && priv->graphs_fed)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA,
                   "The samples ended with an earlier graph and another one came: put a tensorstore right before the "
                   "tensors pad of %s.",
                   GST_OBJECT_NAME (stage));
      return FALSE;
    }
  batcher = pare_batcher_new (graph, priv->batch_size, error);
  if (!batcher)
    return FALSE;
  priv->graph = g_object_ref (graph);
  priv->batcher = g_steal_pointer (&batcher);
  priv->pass_over = priv->samples_over;
  priv->enough = FALSE;
  priv->n_samples = 0;
  priv->graphs_fed++;
  g_cond_broadcast (&priv->changed);
  return TRUE;
}

/* Waits until the samples' thread has done its part, and takes the graph back from it. */
static GstFlowReturn
await (GstPareStage *stage)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  while (priv->feeding || !(priv->graph_flushing || priv->failed || priv->pass_over))
    g_cond_wait (&priv->changed, &priv->lock);
  g_clear_object (&priv->graph);
  g_clear_pointer (&priv->batcher, pare_batcher_free);
  return priv->graph_flushing ? GST_FLOW_FLUSHING : priv->failed ? GST_FLOW_ERROR : GST_FLOW_OK;
}

GstFlowReturn
gst_pare_stage_collect (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  gboolean linked = priv->tensors != NULL;
  GstFlowReturn flow = GST_FLOW_OK;

  if (linked)
    flow = publish (stage, graph, error) ? await (stage) : GST_FLOW_ERROR;
  if (flow == GST_FLOW_OK && GST_PARE_STAGE_GET_CLASS (stage)->needs_samples && !(linked && priv->n_samples))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA, "%s received no sample: %s.", GST_OBJECT_NAME (stage),
                   linked ? "the stream on its tensors pad ended before the first one"
                          : "link a tensorsrc or a tensorizer to its tensors pad");
      flow = GST_FLOW_ERROR;
    }
  return flow;
}

/* Thread of the samples */

/* Waits for a graph that wants samples. On GST_FLOW_OK the graph and the batcher belong to the caller until leave(). */
static GstFlowReturn
enter (GstPareStage *stage)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  for (;;)
    {
      if (priv->tensors_flushing)
        return GST_FLOW_FLUSHING;
      if (priv->failed)
        return GST_FLOW_ERROR;
      if (priv->samples_over || priv->graphs_over)
        return GST_FLOW_EOS;
      if (priv->graph && !priv->pass_over && !priv->graph_flushing)
        break;
      g_cond_wait (&priv->changed, &priv->lock);
    }
  priv->feeding = TRUE;
  return GST_FLOW_OK;
}

static void
leave (GstPareStage *stage, gboolean pass_over, gboolean samples_over)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  priv->feeding = FALSE;
  priv->pass_over |= pass_over;
  priv->samples_over |= samples_over;
  g_cond_broadcast (&priv->changed);
}

/* Feeds the pending batch, if there is one. */
static gboolean
feed_pending (GstPareStage *stage, GError **error)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GPtrArray) batch = pare_batcher_take (priv->batcher, &priv->valid);

  if (!batch)
    return TRUE;
  if (!GST_PARE_STAGE_GET_CLASS (stage)->feed (stage, (PareTensor **)batch->pdata, batch->len, error))
    return FALSE;
  priv->n_samples += priv->valid;
  gst_pare_stage_progress (stage, priv->n_samples, priv->total * priv->passes);
  return TRUE;
}

static gboolean
add_sample (GstPareStage *stage, GstBuffer *buffer, GError **error)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GPtrArray) sample = gst_pare_buffer_to_tensors (buffer, priv->specs, error);
  int added = 0;

  if (!sample)
    return FALSE;
  while (added == 0)
    {
      added = pare_batcher_add (priv->batcher, (PareTensor **)sample->pdata, sample->len, error);
      if (added == 0 && !feed_pending (stage, error))
        return FALSE;
      if (priv->enough)
        return TRUE;
    }
  return added > 0 && (!pare_batcher_full (priv->batcher) || feed_pending (stage, error));
}

/* How many samples upstream says that there are: tensorsrc and tensorstore know. */
static guint64
query_total (GstPad *pad)
{
  gint64 total;

  return gst_pad_peer_query_duration (pad, GST_FORMAT_BUFFERS, &total) && total > 0 ? total : 0;
}

/* Whether upstream leaves the rest of this pass out and has another one for the next graph, as a tensorstore does. */
static gboolean
end_pass_upstream (GstPad *pad)
{
  GstStructure *fields = gst_structure_new (GST_PARE_PASS_ENOUGH, "consumer", GST_TYPE_PAD, pad, NULL);

  return gst_pad_push_event (pad, gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, fields));
}

GstFlowReturn
gst_pare_stage_chain_tensors (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstPareStage *stage = GST_PARE_STAGE (parent);
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GstBuffer) owned = buffer;
  g_autoptr (GError) error = NULL;
  GstFlowReturn flow;

  if (!priv->negotiated)
    return GST_FLOW_NOT_NEGOTIATED;
  flow = enter (stage);
  if (flow != GST_FLOW_OK)
    return flow;
  if (!priv->n_samples)
    priv->total = query_total (pad);
  if (!add_sample (stage, buffer, &error))
    {
      gst_pare_stage_fail (stage, error);
      flow = GST_FLOW_ERROR;
    }
  else if (priv->enough && !end_pass_upstream (pad))
    flow = GST_FLOW_EOS;
  leave (stage, flow != GST_FLOW_ERROR && priv->enough, flow == GST_FLOW_EOS);
  return flow;
}

/* The samples stop here, for now or for good. */
static gboolean
finish_pass (GstPareStage *stage, gboolean *again, GError **error)
{
  GstPareStageClass *klass = GST_PARE_STAGE_GET_CLASS (stage);
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);

  *again = FALSE;
  if (!feed_pending (stage, error))
    return FALSE;
  *again = klass->again && !priv->enough && klass->again (stage);
  if (!*again && priv->n_samples != priv->total * priv->passes)
    gst_pare_stage_progress (stage, priv->n_samples, priv->n_samples);
  return TRUE;
}

static void
end_pass (GstPareStage *stage, gboolean eos)
{
  g_autoptr (GError) error = NULL;
  gboolean again = FALSE;

  if (enter (stage) != GST_FLOW_OK)
    return;
  if (finish_pass (stage, &again, &error) && again && eos)
    g_set_error (&error, PARE_ERROR, PARE_ERROR_NO_DATA,
                 "%s needs the samples once more: put a tensorstore before its tensors pad.", GST_OBJECT_NAME (stage));
  if (error)
    gst_pare_stage_fail (stage, error);
  leave (stage, !again, eos);
}

static gboolean
is_waiting_for_samples (GstPareStage *stage)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  return priv->graph && !priv->pass_over;
}

/* Unlike the end of a pass, the end of the stream waits for no graph: a graph that comes later finds no samples. */
static void
end_samples (GstPareStage *stage)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GMutexLocker) locker = NULL;

  if (is_waiting_for_samples (stage))
    end_pass (stage, TRUE);
  locker = g_mutex_locker_new (&priv->lock);
  priv->samples_over = TRUE;
  priv->pass_over = TRUE;
  g_cond_broadcast (&priv->changed);
}

static gboolean
set_caps (GstPareStage *stage, GstCaps *caps)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&priv->specs, g_array_unref);
  priv->negotiated = gst_pare_tensor_caps_parse (caps, &priv->specs, &error);
  if (!priv->negotiated)
    gst_pare_stage_fail (stage, error);
  return priv->negotiated;
}

static void
set_flushing (GstPareStage *stage, gboolean flushing)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  priv->tensors_flushing = flushing;
  if (!flushing)
    {
      /* The stream lock is held: nobody feeds. */
      priv->samples_over = FALSE;
      if (priv->batcher)
        pare_batcher_clear (priv->batcher);
    }
  g_cond_broadcast (&priv->changed);
}

gboolean
gst_pare_stage_event_tensors (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstPareStage *stage = GST_PARE_STAGE (parent);
  g_autoptr (GstEvent) owned = event;
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event))
    {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      return set_caps (stage, caps);
    case GST_EVENT_FLUSH_START:
    case GST_EVENT_FLUSH_STOP:
      set_flushing (stage, GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START);
      return TRUE;
    case GST_EVENT_EOS:
      end_samples (stage);
      return TRUE;
    default:
      if (gst_event_has_name (event, GST_PARE_PASS_END))
        end_pass (stage, FALSE);
      /* Nothing of the samples' stream goes on with the graph. */
      return TRUE;
    }
}
