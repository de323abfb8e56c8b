/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The giving side of tensorstore: each source pad has a thread that pushes the pad's samples, marks the end of every
 * pass, and stops when downstream has enough. A slow consumer holds up nobody else: samples wait in the store. */
#include "gst/errors.h"
#include "gst/stage.h"
#include "gsttensorstore.h"

/* What to do next, once it is known; FALSE when the pad is to stop. */
static gboolean
await_step (GstTensorStore *self, GstTensorStorePad *pad, TensorStoreStep *step, guint64 *index)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  while (!pad->flushing && !pad->done)
    {
      TensorStoreWish wish = gst_tensor_store_pad_get_wish (pad);
      TensorStoreStock stock = gst_tensor_store_get_stock (self);
      /* Nothing is lost while nobody listens. */
      if (gst_pad_is_linked (GST_PAD (pad)))
        {
          *step = tensor_store_order_next (&pad->order, &wish, &stock, index);
          if (*step != TENSOR_STORE_WAIT)
            return TRUE;
        }
      g_cond_wait (&self->changed, &self->lock);
    }
  return FALSE;
}

static GstCaps *
caps_of (GstTensorStore *self, guint64 index)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  guint low = 0, high = self->runs->len;

  /* The last run that begins at or before the sample. */
  while (high - low > 1)
    {
      guint middle = (low + high) / 2;
      if (g_array_index (self->runs, TensorStoreRun, middle).first <= index)
        low = middle;
      else
        high = middle;
    }
  return gst_caps_ref (g_array_index (self->runs, TensorStoreRun, low).caps);
}

static void
greet (GstTensorStore *self, GstTensorStorePad *pad)
{
  g_autofree char *id = NULL;
  GstEvent *event;
  guint group_id;

  if (pad->greeted)
    return;
  pad->greeted = TRUE;
  id = gst_pad_create_stream_id (GST_PAD (pad), GST_ELEMENT (self), GST_PAD_NAME (pad));
  event = gst_event_new_stream_start (id);
  g_mutex_lock (&self->lock);
  group_id = self->group_id;
  g_mutex_unlock (&self->lock);
  gst_event_set_group_id (event, group_id);
  gst_pad_push_event (GST_PAD (pad), event);
}

static void
push_caps (GstTensorStorePad *pad, GstCaps *caps)
{
  GstSegment segment;
  gboolean first = !pad->caps;

  if (pad->caps && gst_caps_is_equal (caps, pad->caps))
    return;
  gst_caps_replace (&pad->caps, caps);
  gst_pad_push_event (GST_PAD (pad), gst_event_new_caps (caps));
  if (!first)
    return;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (GST_PAD (pad), gst_event_new_segment (&segment));
}

/* A buffer over the store's own bytes. It has no time: a second pass would go back in it. */
static GstBuffer *
wrap (GPtrArray *pieces, guint64 number)
{
  GstBuffer *buffer = gst_buffer_new ();

  for (guint i = 0; i < pieces->len; i++)
    {
      gsize size;
      gpointer bytes = (gpointer)g_bytes_get_data (pieces->pdata[i], &size);
      gst_buffer_append_memory (buffer,
                                gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, bytes, size, 0, size,
                                                        g_bytes_ref (pieces->pdata[i]), (GDestroyNotify)g_bytes_unref));
    }
  GST_BUFFER_OFFSET (buffer) = number;
  return buffer;
}

static GstFlowReturn
push_sample (GstTensorStore *self, GstTensorStorePad *pad, guint64 index)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) pieces = pare_store_read (self->store, index, &error);
  g_autoptr (GstCaps) caps = NULL;
  GstFlowReturn flow;

  if (!pieces)
    {
      gst_pare_element_error (self, error);
      return GST_FLOW_ERROR;
    }
  caps = caps_of (self, index);
  push_caps (pad, caps);
  flow = gst_pad_push (GST_PAD (pad), wrap (pieces, index));
  if (flow != GST_FLOW_OK)
    return flow;
  g_mutex_lock (&self->lock);
  tensor_store_order_advance (&pad->order);
  pad->pushed++;
  if (pad->had_enough)
    tensor_store_order_end_pass (&pad->order);
  pad->had_enough = FALSE;
  g_mutex_unlock (&self->lock);
  return GST_FLOW_OK;
}

/* GST_FLOW_EOS after the last pass. */
static GstFlowReturn
end_pass (GstTensorStore *self, GstTensorStorePad *pad)
{
  guint64 pass, served;
  gboolean more;

  g_mutex_lock (&self->lock);
  pass = pad->order.pass;
  served = pad->order.served;
  more = tensor_store_order_end_pass (&pad->order);
  g_mutex_unlock (&self->lock);
  if (served)
    gst_pad_push_event (GST_PAD (pad),
                        gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
                                              gst_structure_new (GST_PARE_PASS_END, "pass", G_TYPE_UINT64, pass,
                                                                 "samples", G_TYPE_UINT64, served, NULL)));
  return more ? GST_FLOW_OK : GST_FLOW_EOS;
}

/* A wish that nothing can fulfil is an error before the first sample. */
static gboolean
check_wish (GstTensorStore *self, GstTensorStorePad *pad)
{
  g_autoptr (GError) error = NULL;

  if (pad->greeted || gst_tensor_store_pad_get_wish (pad).part != TENSOR_STORE_VALIDATION || self->validation_split > 0)
    return TRUE;
  g_set_error (&error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "%s.%s asks for validation samples, but there are none; set the property validation-split of %s.",
               GST_OBJECT_NAME (self), GST_PAD_NAME (pad), GST_OBJECT_NAME (self));
  gst_pare_element_error (self, error);
  return FALSE;
}

/* Ends the stream of @pad. */
static void
finish (GstTensorStore *self, GstTensorStorePad *pad, GstFlowReturn flow)
{
  if (flow < GST_FLOW_EOS || flow == GST_FLOW_NOT_LINKED)
    GST_ELEMENT_FLOW_ERROR (self, flow);
  g_mutex_lock (&self->lock);
  pad->done = TRUE;
  g_mutex_unlock (&self->lock);
  gst_pad_push_event (GST_PAD (pad), gst_event_new_eos ());
}

/* One sample, or the end of a pass; the pad's task calls it again and again. */
static void
serve_step (gpointer data)
{
  GstTensorStorePad *pad = data;
  GstTensorStore *self = GST_TENSOR_STORE (GST_PAD_ELEMENT_PRIVATE (pad));
  TensorStoreStep step;
  guint64 index;
  GstFlowReturn flow;

  if (!await_step (self, pad, &step, &index))
    flow = GST_FLOW_FLUSHING;
  else if (!check_wish (self, pad))
    flow = GST_FLOW_ERROR;
  else
    {
      greet (self, pad);
      flow = step == TENSOR_STORE_SAMPLE ? push_sample (self, pad, index) : end_pass (self, pad);
    }
  if (flow == GST_FLOW_OK || (flow == GST_FLOW_NOT_LINKED && !gst_pad_is_linked (GST_PAD (pad))))
    return;
  if (flow != GST_FLOW_FLUSHING)
    finish (self, pad, flow);
  gst_pad_pause_task (GST_PAD (pad));
}

static gboolean
activate_mode (GstPad *pad, GstObject *parent, GstPadMode mode, gboolean active)
{
  GstTensorStore *self = GST_PAD_ELEMENT_PRIVATE (pad);
  GstTensorStorePad *own = GST_TENSOR_STORE_PAD (pad);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  g_mutex_lock (&self->lock);
  own->flushing = !active;
  if (active)
    gst_tensor_store_pad_reset (own);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  return active ? gst_pad_start_task (pad, serve_step, pad, NULL) : gst_pad_stop_task (pad);
}

/* A thread that a former peer's flushing has stopped begins again, too. */
static void
on_linked (GstPad *pad, GstPad *peer, GstTensorStore *self)
{
  gboolean stopped;

  g_mutex_lock (&self->lock);
  stopped = GST_TENSOR_STORE_PAD (pad)->flushing || GST_TENSOR_STORE_PAD (pad)->done;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  if (!stopped)
    gst_pad_start_task (pad, serve_step, pad, NULL);
}

/* The samples of one pass: those in store when all have come, else what upstream says it will send. */
static gboolean
query_duration (GstTensorStore *self, GstTensorStorePad *pad, GstQuery *query)
{
  TensorStoreWish wish = gst_tensor_store_pad_get_wish (pad);
  TensorStoreStock stock;
  GstFormat format;
  gint64 total;

  gst_query_parse_duration (query, &format, NULL);
  if (format != GST_FORMAT_BUFFERS)
    return FALSE;
  g_mutex_lock (&self->lock);
  stock = gst_tensor_store_get_stock (self);
  g_mutex_unlock (&self->lock);
  if (!stock.ended)
    {
      if (!gst_pad_peer_query_duration (self->sink, GST_FORMAT_BUFFERS, &total) || total < 0)
        return FALSE;
      stock.count = total;
    }
  gst_query_set_duration (query, format, tensor_store_wish_count (&wish, &stock));
  return TRUE;
}

static gboolean
query_position (GstTensorStore *self, GstTensorStorePad *pad, GstQuery *query)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GstFormat format;

  gst_query_parse_position (query, &format, NULL);
  if (format == GST_FORMAT_BUFFERS)
    gst_query_set_position (query, format, pad->pushed);
  return format == GST_FORMAT_BUFFERS;
}

static gboolean
query_src (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstTensorStore *self = GST_TENSOR_STORE (parent);
  GstFormat format;

  switch (GST_QUERY_TYPE (query))
    {
    case GST_QUERY_DURATION:
      return query_duration (self, GST_TENSOR_STORE_PAD (pad), query);
    case GST_QUERY_POSITION:
      return query_position (self, GST_TENSOR_STORE_PAD (pad), query);
    case GST_QUERY_SEEKING:
      gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
      gst_query_set_seeking (query, format, FALSE, 0, -1);
      return TRUE;
    default:
      return gst_pad_query_default (pad, parent, query);
    }
}

/* The consumer, while it takes a sample, asks for the next pass. Not understood when there is none, nor when the wish
 * comes from behind another element, which may hold samples of this pass or have other consumers. */
static gboolean
skip_pass (GstTensorStore *self, GstTensorStorePad *pad, GstEvent *event)
{
  g_autoptr (GstPad) peer = gst_pad_get_peer (GST_PAD (pad));
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  const TensorStoreWish *wish = &pad->order.wish;
  const GValue *consumer = gst_structure_get_value (gst_event_get_structure (event), "consumer");

  pad->had_enough = peer && consumer && g_value_get_object (consumer) == peer && pad->order.begun
                    && !(wish->passes && pad->order.pass + 1 >= wish->passes);
  return pad->had_enough;
}

/* What consumers say about their speed concerns nobody before the store. */
static gboolean
event_src (GstPad *pad, GstObject *parent, GstEvent *event)
{
  g_autoptr (GstEvent) owned = event;

  if (gst_event_has_name (event, GST_PARE_PASS_ENOUGH))
    return skip_pass (GST_TENSOR_STORE (parent), GST_TENSOR_STORE_PAD (pad), event);
  return GST_EVENT_TYPE (event) != GST_EVENT_SEEK;
}

void
gst_tensor_store_serve (GstTensorStore *self, GstTensorStorePad *own)
{
  GstPad *pad = GST_PAD (own);

  gst_pad_set_element_private (pad, self);
  gst_pad_set_activatemode_function (pad, activate_mode);
  gst_pad_set_query_function (pad, query_src);
  gst_pad_set_event_function (pad, event_src);
  GST_PAD_SET_PROXY_CAPS (pad);
  g_signal_connect_object (pad, "linked", G_CALLBACK (on_linked), self, 0);
}

static GPtrArray *
copy_pads (GstTensorStore *self)
{
  GPtrArray *pads = g_ptr_array_new_with_free_func (gst_object_unref);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  for (guint i = 0; i < self->pads->len; i++)
    g_ptr_array_add (pads, gst_object_ref (self->pads->pdata[i]));
  return pads;
}

static void
mark_flushing (GstTensorStore *self, GPtrArray *pads, gboolean flushing)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  for (guint i = 0; i < pads->len; i++)
    {
      GstTensorStorePad *pad = pads->pdata[i];
      pad->flushing = flushing;
      if (!flushing)
        gst_tensor_store_pad_reset (pad);
    }
  g_cond_broadcast (&self->changed);
}

void
gst_tensor_store_set_flushing (GstTensorStore *self, gboolean flushing)
{
  g_autoptr (GPtrArray) pads = copy_pads (self);

  mark_flushing (self, pads, flushing);
  for (guint i = 0; i < pads->len; i++)
    {
      GstPad *pad = pads->pdata[i];
      gst_pad_push_event (pad, flushing ? gst_event_new_flush_start () : gst_event_new_flush_stop (TRUE));
      /* Downstream has let go of the thread by now. */
      if (flushing)
        gst_pad_pause_task (pad);
      else if (gst_pad_is_active (pad))
        gst_pad_start_task (pad, serve_step, pad, NULL);
    }
}
