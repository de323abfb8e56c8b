/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The base class of every stage: graph pads, copies, the order of a stage's functions, errors and progress. The sample
 * side is in samples.c. */
#include "amct/config.h"
#include "fuse/widen.h"
#include "gst/errors.h"
#include "gst/graphmeta.h"
#include "gst/properties.h"
#include "gst/stage-private.h"
#include "gst/tensorcaps.h"

/* Presets: groups of settings by name, from files. */
G_DEFINE_ABSTRACT_TYPE_WITH_CODE (GstPareStage, gst_pare_stage, GST_TYPE_ELEMENT,
                                  G_ADD_PRIVATE (GstPareStage) G_IMPLEMENT_INTERFACE (GST_TYPE_PRESET, NULL))

#define PROGRESS_INTERVAL (G_USEC_PER_SEC / 5)

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_PARE_GRAPH_CAPS));
static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_PARE_GRAPH_CAPS));
static GstStaticPadTemplate tensors_template
    = GST_STATIC_PAD_TEMPLATE ("tensors", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (GST_PARE_TENSORS_CAPS));
static GstStaticPadTemplate teacher_template
    = GST_STATIC_PAD_TEMPLATE ("teacher", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (GST_PARE_GRAPH_CAPS));

GstPareStagePrivate *
gst_pare_stage_private (GstPareStage *stage)
{
  return gst_pare_stage_get_instance_private (stage);
}

void
gst_pare_stage_fail (GstPareStage *stage, const GError *error)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  gboolean first;

  g_mutex_lock (&priv->lock);
  first = !priv->failed;
  priv->failed = TRUE;
  g_mutex_unlock (&priv->lock);
  /* Posted before the other thread wakes up, so that this message is the first on the bus. */
  if (first)
    gst_pare_element_error (stage, error);
  g_mutex_lock (&priv->lock);
  g_cond_broadcast (&priv->changed);
  g_mutex_unlock (&priv->lock);
}

/* The pad "teacher" */

static GstFlowReturn
chain_teacher (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (GST_PARE_STAGE (parent));
  g_autoptr (GstBuffer) owned = buffer;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  g_set_object (&priv->teacher_graph, gst_pare_buffer_get_graph (buffer));
  g_cond_broadcast (&priv->changed);
  return GST_FLOW_OK;
}

static gboolean
event_teacher (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (GST_PARE_STAGE (parent));
  g_autoptr (GstEvent) owned = event;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    priv->teacher_over = TRUE;
  g_cond_broadcast (&priv->changed);
  return TRUE;
}

static GstFlowReturn
await_teacher (GstPareStage *stage, GError **error)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  while (priv->teacher && !(priv->teacher_graph || priv->teacher_over || priv->graph_flushing || priv->failed))
    g_cond_wait (&priv->changed, &priv->lock);
  if (priv->graph_flushing)
    return GST_FLOW_FLUSHING;
  if (!priv->teacher || priv->teacher_graph)
    return GST_FLOW_OK;
  g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA, "%s received no teacher: its teacher pad ended without a graph.",
               GST_OBJECT_NAME (stage));
  return GST_FLOW_ERROR;
}

/* The pad "sink" */

/* What the configuration says of this stage becomes properties. */
static gboolean
configure (GstPareStage *stage, PareGraph *graph, GError **error)
{
  const char *path = gst_pare_stage_private (stage)->config;
  g_autoptr (PareAmctConfig) config = NULL;
  g_autoptr (GPtrArray) assignments = NULL;

  if (!path || !*path)
    return TRUE;
  config = pare_amct_config_load (path, error);
  assignments = config ? pare_amct_config_assign (
                    config, graph, GST_OBJECT_NAME (gst_element_get_factory (GST_ELEMENT (stage))), error)
                       : NULL;
  for (guint i = 0; assignments && i < assignments->len; i++)
    {
      const PareAmctAssignment *assignment = assignments->pdata[i];
      if (!gst_pare_object_assign (G_OBJECT (stage), assignment->name, assignment->value, error))
        {
          g_prefix_error (error, "In '%s': ", path);
          return FALSE;
        }
    }
  return assignments != NULL;
}

static gboolean
check_precision (GstPareStage *stage, const PareGraph *graph, GError **error)
{
  if (!GST_PARE_STAGE_GET_CLASS (stage)->needs_float32 || !pare_graph_computes_in_half (graph))
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "%s works on networks of float32, and this one is of half precision: put 'graphfuser widen=true' before "
               "it, which makes it float32.",
               GST_OBJECT_NAME (stage));
  return FALSE;
}

/* Runs the stage's functions on @graph. On GST_FLOW_ERROR either @error is set or the samples' side has posted its own.
 */
static GstFlowReturn
process (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstPareStageClass *klass = GST_PARE_STAGE_GET_CLASS (stage);
  GstFlowReturn flow = await_teacher (stage, error);

  if (flow != GST_FLOW_OK)
    return flow;
  if (!check_precision (stage, graph, error) || !configure (stage, graph, error)
      || (klass->begin && !klass->begin (stage, graph, error)))
    return GST_FLOW_ERROR;
  if (klass->feed)
    flow = gst_pare_stage_collect (stage, graph, error);
  if (flow == GST_FLOW_OK && klass->finish && !klass->finish (stage, graph, error))
    flow = GST_FLOW_ERROR;
  return flow;
}

static GstFlowReturn
chain_graph (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstPareStage *stage = GST_PARE_STAGE (parent);
  GstPareStageClass *klass = GST_PARE_STAGE_GET_CLASS (stage);
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GstBuffer) owned = buffer;
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = NULL;
  PareGraph *given = gst_pare_buffer_get_graph (buffer);
  GstFlowReturn flow = GST_FLOW_ERROR;

  if (given)
    {
      graph = pare_graph_copy (given);
      flow = process (stage, graph, &error);
      if (klass->reset)
        klass->reset (stage);
      g_clear_pointer (&priv->samples, pare_samples_free);
    }
  else
    g_set_error (&error, PARE_ERROR, PARE_ERROR_FORMAT,
                 "%s received a buffer without a graph: only stages and onnxloader can stand before it.",
                 GST_OBJECT_NAME (stage));
  if (error)
    gst_pare_stage_fail (stage, error);
  return flow == GST_FLOW_OK ? gst_pad_push (priv->src, gst_pare_buffer_new_graph (graph)) : flow;
}

static gboolean
event_graph (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (GST_PARE_STAGE (parent));

  g_mutex_lock (&priv->lock);
  switch (GST_EVENT_TYPE (event))
    {
    case GST_EVENT_FLUSH_START:
      priv->graph_flushing = TRUE;
      break;
    case GST_EVENT_FLUSH_STOP:
      priv->graph_flushing = priv->graphs_over = FALSE;
      break;
    case GST_EVENT_EOS:
      priv->graphs_over = TRUE;
      break;
    default:
      break;
    }
  g_cond_broadcast (&priv->changed);
  g_mutex_unlock (&priv->lock);
  /* A stage may have further src pads; they end with the graphs. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    return gst_pad_event_default (pad, parent, event);
  return gst_pad_push_event (priv->src, event);
}

/* Request pads */

typedef struct
{
  GstStaticPadTemplate *template;
  GstPadChainFunction chain;
  GstPadEventFunction event;
  gsize field; /* of GstPareStagePrivate */
} RequestPad;

static const RequestPad request_pads[] = {
  { &tensors_template, gst_pare_stage_chain_tensors, gst_pare_stage_event_tensors,
    G_STRUCT_OFFSET (GstPareStagePrivate, tensors) },
  { &teacher_template, chain_teacher, event_teacher, G_STRUCT_OFFSET (GstPareStagePrivate, teacher) },
};

static GstPad *
request_new_pad (GstElement *element, GstPadTemplate *template, const char *name, const GstCaps *caps)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (GST_PARE_STAGE (element));

  for (guint i = 0; i < G_N_ELEMENTS (request_pads); i++)
    {
      const RequestPad *request = &request_pads[i];
      GstPad **field = G_STRUCT_MEMBER_P (priv, request->field);
      if (g_strcmp0 (GST_PAD_TEMPLATE_NAME_TEMPLATE (template), request->template->name_template) || *field)
        continue;
      *field = gst_pad_new_from_template (template, request->template->name_template);
      gst_pad_set_chain_function (*field, request->chain);
      gst_pad_set_event_function (*field, request->event);
      /* Tensor caps may lack the framerate; what the rest says is checked by parsing it. */
      GST_PAD_SET_ACCEPT_INTERSECT (*field);
      gst_element_add_pad (element, *field);
      return *field;
    }
  return NULL;
}

static void
release_pad (GstElement *element, GstPad *pad)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (GST_PARE_STAGE (element));

  g_mutex_lock (&priv->lock);
  if (pad == priv->tensors)
    {
      priv->tensors = NULL;
      priv->samples_over = priv->pass_over = TRUE;
    }
  else if (pad == priv->teacher)
    {
      priv->teacher = NULL;
      priv->teacher_over = TRUE;
    }
  g_cond_broadcast (&priv->changed);
  g_mutex_unlock (&priv->lock);
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (element, pad);
}

/* The life of the element */

static void
set_stopping (GstPareStage *stage, gboolean stopping)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  priv->graph_flushing = priv->tensors_flushing = stopping;
  g_cond_broadcast (&priv->changed);
}

static void
start_afresh (GstPareStage *stage)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  priv->failed = priv->graphs_over = priv->samples_over = priv->teacher_over = priv->pass_over = FALSE;
  priv->negotiated = FALSE;
  priv->graphs_fed = 0;
  priv->n_samples = 0;
  priv->passes = 1;
  g_clear_object (&priv->teacher_graph);
  g_clear_pointer (&priv->specs, g_array_unref);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  GstPareStage *stage = GST_PARE_STAGE (element);

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    {
      set_stopping (stage, FALSE);
      start_afresh (stage);
    }
  /* Before the pads stop, which waits for both threads to come out of their functions. */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    set_stopping (stage, TRUE);
  return GST_ELEMENT_CLASS (gst_pare_stage_parent_class)->change_state (element, transition);
}

static void
gst_pare_stage_finalize (GObject *object)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (GST_PARE_STAGE (object));

  g_clear_object (&priv->teacher_graph);
  g_clear_pointer (&priv->specs, g_array_unref);
  g_mutex_clear (&priv->lock);
  g_cond_clear (&priv->changed);
  G_OBJECT_CLASS (gst_pare_stage_parent_class)->finalize (object);
}

static void
gst_pare_stage_init (GstPareStage *stage)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);

  g_mutex_init (&priv->lock);
  g_cond_init (&priv->changed);
  priv->batch_size = 1;
  priv->sink = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (priv->sink, chain_graph);
  gst_pad_set_event_function (priv->sink, event_graph);
  gst_element_add_pad (GST_ELEMENT (stage), priv->sink);
  priv->src = gst_pad_new_from_static_template (&src_template, "src");
  gst_element_add_pad (GST_ELEMENT (stage), priv->src);
}

static void
gst_pare_stage_class_init (GstPareStageClass *klass)
{
  const GstPareProperty properties[] = {
    { "config", "File of AMCT that says what the stage does: protobuf text or JSON. It wins over properties",
      G_TYPE_STRING, G_PRIVATE_OFFSET (GstPareStage, config) },
  };
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  /* GStreamer looks in its own prefix only. */
  if (!gst_preset_get_app_dir ())
    gst_preset_set_app_dir (PRESET_DIR);
  object_class->finalize = gst_pare_stage_finalize;
  /* Also for subclasses with handlers of their own to chain up to. */
  gst_pare_class_install_properties (object_class, properties, G_N_ELEMENTS (properties));
  element_class->change_state = change_state;
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
}

void
gst_pare_stage_class_add_tensors_pad (GstPareStageClass *klass)
{
  const GstPareProperty properties[] = {
    { "batch-size", "Samples that are computed at once, where the network leaves it open", G_TYPE_UINT,
      G_PRIVATE_OFFSET (GstPareStage, batch_size), .initial = 32, .minimum = 1, .maximum = 65536 },
  };

  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_add_static_pad_template (GST_ELEMENT_CLASS (klass), &tensors_template);
}

/* The first @n_kept tensors of every sample. */
static gboolean
keep (GstPareStage *stage, PareTensor **batch, guint n, guint n_kept, GError **error)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);

  if (!priv->samples)
    priv->samples = pare_samples_new (n_kept, priv->memory_limit);
  return pare_samples_add (priv->samples, batch, n, priv->valid, error);
}

static gboolean
keep_inputs (GstPareStage *stage, PareTensor **batch, guint n, GError **error)
{
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (gst_pare_stage_private (stage)->graph);

  return keep (stage, batch, n, inputs->len, error);
}

static gboolean
keep_all (GstPareStage *stage, PareTensor **batch, guint n, GError **error)
{
  return keep (stage, batch, n, n, error);
}

void
gst_pare_stage_class_keep_samples (GstPareStageClass *klass)
{
  const GstPareProperty properties[] = {
    { "memory-limit",
      "Bytes of samples in memory, the rest goes into a temporary file; and bytes of activations to keep",
      G_TYPE_UINT64, G_PRIVATE_OFFSET (GstPareStage, memory_limit), .initial = 1 << 30, .maximum = G_MAXINT64 },
  };

  klass->feed = keep_inputs;
  gst_pare_stage_class_add_tensors_pad (klass);
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
}

void
gst_pare_stage_class_keep_labelled_samples (GstPareStageClass *klass)
{
  gst_pare_stage_class_keep_samples (klass);
  klass->feed = keep_all;
}

void
gst_pare_stage_class_add_teacher_pad (GstPareStageClass *klass)
{
  gst_element_class_add_static_pad_template (GST_ELEMENT_CLASS (klass), &teacher_template);
}

/* What a stage asks of its base class */

PareGraph *
gst_pare_stage_get_graph (GstPareStage *stage)
{
  return gst_pare_stage_private (stage)->graph;
}

void
gst_pare_stage_enough (GstPareStage *stage)
{
  gst_pare_stage_private (stage)->enough = TRUE;
}

guint
gst_pare_stage_get_valid (GstPareStage *stage)
{
  return gst_pare_stage_private (stage)->valid;
}

guint64
gst_pare_stage_get_n_samples (GstPareStage *stage)
{
  return gst_pare_stage_private (stage)->n_samples;
}

PareSamples *
gst_pare_stage_get_samples (GstPareStage *stage)
{
  return gst_pare_stage_private (stage)->samples;
}

guint64
gst_pare_stage_get_memory_limit (GstPareStage *stage)
{
  return gst_pare_stage_private (stage)->memory_limit;
}

guint64
gst_pare_stage_get_total (GstPareStage *stage)
{
  return gst_pare_stage_private (stage)->total;
}

void
gst_pare_stage_set_passes (GstPareStage *stage, guint passes)
{
  gst_pare_stage_private (stage)->passes = passes;
}

PareGraph *
gst_pare_stage_get_teacher (GstPareStage *stage)
{
  return gst_pare_stage_private (stage)->teacher_graph;
}

gboolean
gst_pare_stage_is_cancelled (GstPareStage *stage)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  return priv->failed || priv->graph_flushing || priv->tensors_flushing;
}

void
gst_pare_stage_progress (GstPareStage *stage, guint64 current, guint64 total)
{
  GstPareStagePrivate *priv = gst_pare_stage_private (stage);
  gint64 now = g_get_monotonic_time ();
  GstStructure *structure;

  if (current != total && now - priv->progress_posted < PROGRESS_INTERVAL)
    return;
  priv->progress_posted = now;
  structure = gst_structure_new ("progress", "current", G_TYPE_INT64, (gint64)current, "total", G_TYPE_INT64,
                                 (gint64)total, NULL);
  if (total)
    {
      double percent = 100.0 * MIN (current, total) / total;
      gst_structure_set (structure, "percent", G_TYPE_INT, (int)percent, "percent-double", G_TYPE_DOUBLE, percent,
                         NULL);
    }
  gst_element_post_message (GST_ELEMENT (stage), gst_message_new_element (GST_OBJECT (stage), structure));
}

gboolean
gst_pare_stage_report (guint64 done, guint64 total, gpointer stage)
{
  gst_pare_stage_progress (stage, done, total);
  return !gst_pare_stage_is_cancelled (stage);
}
