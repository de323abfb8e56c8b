/* SPDX-License-Identifier: LGPL-2.1-or-later
 * tensorstore: keeps the samples that come in once, and gives them to any number of consumers, in any number of passes.
 * This is the taking side and the element itself; serve.c is the giving side. */
#include "gsttensorstore.h"
#include "gst/errors.h"
#include "gst/plugin.h"
#include "gst/properties.h"
#include "gst/tensorcaps.h"
#include <string.h>

static void child_proxy_init (gpointer iface, gpointer data);

G_DEFINE_FINAL_TYPE_WITH_CODE (GstTensorStore, gst_tensor_store, GST_TYPE_ELEMENT,
                               G_IMPLEMENT_INTERFACE (GST_TYPE_CHILD_PROXY, child_proxy_init))

static const GstPareProperty properties[] = {
  { "memory-limit", "Bytes of samples that are kept in memory; the rest goes into a temporary file", G_TYPE_UINT64,
    G_STRUCT_OFFSET (GstTensorStore, memory_limit), .initial = 1 << 30, .maximum = G_MAXINT64 },
  { "spill-directory", "Folder of the temporary file; unset is the system's", G_TYPE_STRING,
    G_STRUCT_OFFSET (GstTensorStore, spill_directory) },
  { "validation-split", "Share of the samples that are for validation", G_TYPE_DOUBLE,
    G_STRUCT_OFFSET (GstTensorStore, validation_split), .maximum = 1 },
  { "seed", "What decides which samples are for validation", G_TYPE_UINT64, G_STRUCT_OFFSET (GstTensorStore, seed),
    .maximum = G_MAXINT64 },
  { "stored", "Samples that are kept", G_TYPE_UINT64, G_STRUCT_OFFSET (GstTensorStore, stored), .maximum = G_MAXINT64,
    .read_only = TRUE },
  { "spilled", "Bytes of them in the temporary file", G_TYPE_UINT64, G_STRUCT_OFFSET (GstTensorStore, spilled),
    .maximum = G_MAXINT64, .read_only = TRUE },
};

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_PARE_TENSORS_CAPS));
/* Numbered, or named after its consumer. */
static GstStaticPadTemplate src_templates[] = {
  GST_STATIC_PAD_TEMPLATE ("src_%u", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS (GST_PARE_TENSORS_CAPS)),
  GST_STATIC_PAD_TEMPLATE ("src_%s", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS (GST_PARE_TENSORS_CAPS)),
};

TensorStoreStock
gst_tensor_store_get_stock (GstTensorStore *self)
{
  return (TensorStoreStock){ self->stored, self->ended, self->validation_split, self->seed };
}

/* Samples come in */

/* Will anybody ask for samples that are still to come? Under the lock. */
static GstFlowReturn
demand (GstTensorStore *self)
{
  TensorStoreStock stock = gst_tensor_store_get_stock (self);

  for (guint i = 0; i < self->pads->len; i++)
    {
      GstTensorStorePad *pad = self->pads->pdata[i];
      TensorStoreWish wish = gst_tensor_store_pad_get_wish (pad);
      if (!pad->done && tensor_store_order_wants_more (&pad->order, &wish, &stock))
        return GST_FLOW_OK;
    }
  return self->pads->len ? GST_FLOW_EOS : GST_FLOW_NOT_LINKED;
}

/* Says what helps when the file cannot take the samples. */
static void
advise (GError *error)
{
  char *message
      = g_strconcat (error->message, " Raise memory-limit, or set spill-directory to a folder with room.", NULL);

  g_free (error->message);
  error->message = message;
}

static gboolean
append (GstTensorStore *self, GstBuffer *buffer, GError **error)
{
  guint count = gst_buffer_n_memory (buffer), mapped;
  g_autofree GstMapInfo *maps = g_new (GstMapInfo, count);
  g_autofree GBytes **pieces = g_new (GBytes *, count);
  gboolean good = FALSE;

  for (mapped = 0; mapped < count; mapped++)
    {
      GstMapInfo *map = &maps[mapped];
      if (!gst_memory_map (gst_buffer_peek_memory (buffer, mapped), map, GST_MAP_READ))
        break;
      pieces[mapped] = g_bytes_new_static (map->data, map->size);
    }
  if (mapped < count)
    g_set_error_literal (error, PARE_ERROR, PARE_ERROR_FORMAT, "The memory of a tensor buffer cannot be read.");
  else if (!(good = pare_store_append (self->store, pieces, count, error)))
    advise (*error);
  while (mapped-- > 0)
    {
      g_bytes_unref (pieces[mapped]);
      gst_memory_unmap (maps[mapped].memory, &maps[mapped]);
    }
  return good;
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstTensorStore *self = GST_TENSOR_STORE (parent);
  g_autoptr (GstBuffer) owned = buffer;
  g_autoptr (GError) error = NULL;
  g_autoptr (GMutexLocker) locker = NULL;
  GstFlowReturn flow;

  if (!self->runs->len)
    return GST_FLOW_NOT_NEGOTIATED;
  if (self->ended)
    return GST_FLOW_EOS;
  if (!append (self, buffer, &error))
    {
      gst_pare_element_error (self, error);
      return GST_FLOW_ERROR;
    }
  locker = g_mutex_locker_new (&self->lock);
  self->stored = pare_store_count (self->store);
  self->spilled = pare_store_spilled (self->store);
  flow = demand (self);
  self->ended = flow == GST_FLOW_EOS;
  g_cond_broadcast (&self->changed);
  return flow;
}

static void
add_run (GstTensorStore *self, GstCaps *caps)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  TensorStoreRun run = { self->stored, NULL };

  if (self->runs->len && gst_caps_is_equal (g_array_index (self->runs, TensorStoreRun, self->runs->len - 1).caps, caps))
    return;
  run.caps = gst_caps_ref (caps);
  g_array_append_val (self->runs, run);
}

static void
end_input (GstTensorStore *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->ended = TRUE;
  g_cond_broadcast (&self->changed);
}

static void
forget (GstTensorStore *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  const char *folder = self->spill_directory && *self->spill_directory ? self->spill_directory : NULL;

  g_clear_pointer (&self->store, pare_store_free);
  self->store = pare_store_new (self->memory_limit, folder);
  g_array_set_size (self->runs, 0);
  self->stored = self->spilled = 0;
  self->ended = FALSE;
}

/* The source pads are of the group that upstream is of, if it says so. */
static void
take_group (GstTensorStore *self, GstEvent *event)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  guint group_id;

  if (gst_event_parse_group_id (event, &group_id))
    self->group_id = group_id;
}

/* The streams of the source pads are new ones: nothing but a flush goes through. */
static gboolean
event_sink (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstTensorStore *self = GST_TENSOR_STORE (parent);
  g_autoptr (GstEvent) owned = event;
  g_autoptr (GstCaps) current = NULL;
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event))
    {
    case GST_EVENT_STREAM_START:
      take_group (self, event);
      break;
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      add_run (self, caps);
      break;
    case GST_EVENT_EOS:
      end_input (self);
      break;
    case GST_EVENT_FLUSH_START:
      gst_tensor_store_set_flushing (self, TRUE);
      break;
    case GST_EVENT_FLUSH_STOP:
      forget (self);
      /* The caps stay, and upstream need not repeat them. */
      if ((current = gst_pad_get_current_caps (pad)))
        add_run (self, current);
      gst_tensor_store_set_flushing (self, FALSE);
      break;
    default:
      break;
    }
  return TRUE;
}

static gboolean
query_sink (GstPad *pad, GstObject *parent, GstQuery *query)
{
  /* Samples are copied: no consumer's memory can help. */
  return GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION && gst_pad_query_default (pad, parent, query);
}

/* Consumers come and go */

static char *
choose_name (GstTensorStore *self, const char *wanted)
{
  if (wanted && !strchr (wanted, '%'))
    return g_strdup (wanted);
  for (;;)
    {
      g_autofree char *name = g_strdup_printf ("src_%u", self->next_pad++);
      g_autoptr (GstPad) taken = gst_element_get_static_pad (GST_ELEMENT (self), name);
      if (!taken)
        return g_steal_pointer (&name);
    }
}

static GstPad *
request_new_pad (GstElement *element, GstPadTemplate *template, const char *wanted, const GstCaps *caps)
{
  GstTensorStore *self = GST_TENSOR_STORE (element);
  g_autofree char *name = choose_name (self, wanted);
  g_autoptr (GstPad) taken = gst_element_get_static_pad (element, name);
  GstTensorStorePad *pad;

  if (taken)
    return NULL;
  pad = gst_tensor_store_pad_new (template, name);
  gst_tensor_store_serve (self, pad);
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->pads, pad);
  g_mutex_unlock (&self->lock);
  if (GST_STATE (self) > GST_STATE_READY || GST_STATE_NEXT (self) > GST_STATE_READY)
    gst_pad_set_active (GST_PAD (pad), TRUE);
  gst_element_add_pad (element, GST_PAD (pad));
  gst_child_proxy_child_added (GST_CHILD_PROXY (self), G_OBJECT (pad), name);
  return GST_PAD (pad);
}

static void
release_pad (GstElement *element, GstPad *pad)
{
  GstTensorStore *self = GST_TENSOR_STORE (element);

  gst_child_proxy_child_removed (GST_CHILD_PROXY (self), G_OBJECT (pad), GST_PAD_NAME (pad));
  g_mutex_lock (&self->lock);
  g_ptr_array_remove (self->pads, pad);
  g_mutex_unlock (&self->lock);
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (element, pad);
}

/* The source pads are the children, so that store.src_0::passes=3 can be written in a pipeline. */

static GObject *
get_child_by_index (GstChildProxy *proxy, guint index)
{
  GstTensorStore *self = GST_TENSOR_STORE (proxy);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return index < self->pads->len ? g_object_ref (self->pads->pdata[index]) : NULL;
}

static guint
get_children_count (GstChildProxy *proxy)
{
  GstTensorStore *self = GST_TENSOR_STORE (proxy);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->pads->len;
}

static void
child_proxy_init (gpointer iface, gpointer data)
{
  GstChildProxyInterface *proxy = iface;

  proxy->get_child_by_index = get_child_by_index;
  proxy->get_children_count = get_children_count;
}

/* The life of the element */

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  GstTensorStore *self = GST_TENSOR_STORE (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    forget (self);
  result = GST_ELEMENT_CLASS (gst_tensor_store_parent_class)->change_state (element, transition);
  /* Every thread has stopped. The counts stay to be read. */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    g_clear_pointer (&self->store, pare_store_free);
  return result;
}

static void
clear_run (gpointer data)
{
  TensorStoreRun *run = data;

  gst_clear_caps (&run->caps);
}

static void
gst_tensor_store_finalize (GObject *object)
{
  GstTensorStore *self = GST_TENSOR_STORE (object);

  g_clear_pointer (&self->store, pare_store_free);
  g_ptr_array_unref (self->pads);
  g_array_unref (self->runs);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  G_OBJECT_CLASS (gst_tensor_store_parent_class)->finalize (object);
}

static void
gst_tensor_store_init (GstTensorStore *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->pads = g_ptr_array_new ();
  self->runs = g_array_new (FALSE, FALSE, sizeof (TensorStoreRun));
  g_array_set_clear_func (self->runs, clear_run);
  self->group_id = gst_util_group_id_next ();
  self->sink = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink, chain);
  gst_pad_set_event_function (self->sink, event_sink);
  gst_pad_set_query_function (self->sink, query_sink);
  /* Consumers may lack the framerate in their caps. */
  GST_PAD_SET_PROXY_CAPS (self->sink);
  GST_PAD_SET_ACCEPT_INTERSECT (self->sink);
  gst_element_add_pad (GST_ELEMENT (self), self->sink);
}

static void
gst_tensor_store_class_init (GstTensorStoreClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = gst_tensor_store_finalize;
  element_class->change_state = change_state;
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  for (guint i = 0; i < G_N_ELEMENTS (src_templates); i++)
    gst_element_class_add_static_pad_template_with_gtype (element_class, &src_templates[i], GST_TYPE_TENSOR_STORE_PAD);
  gst_element_class_set_static_metadata (element_class, "Tensor store", "Generic",
                                         "Keeps samples and gives them to several consumers in several passes",
                                         "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (tensorstore, "Samples for several consumers and passes", GST_TYPE_TENSOR_STORE)
