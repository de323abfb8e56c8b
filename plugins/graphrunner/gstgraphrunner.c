/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphrunner: runs the network on samples and pushes its outputs, a buffer per sample. The graph goes on unchanged. */
#include "data/batch.h"
#include "gst/gstpare.h"
#include "integer/integer.h"

#define MAX_TENSORS 16

G_DECLARE_FINAL_TYPE (GstGraphRunner, gst_graph_runner, GST, GRAPH_RUNNER, GstPareStage)

struct _GstGraphRunner
{
  GstPareStage parent_instance;
  gboolean integer;
  PareExecutor *executor;
  GstPad *results; /* NULL while nobody asked for it */
  GstCaps *caps;   /* of the last result */
};

G_DEFINE_TYPE (GstGraphRunner, gst_graph_runner, GST_TYPE_PARE_STAGE)

static const GstPareProperty properties[] = {
  { "integer", "Execute a quantized network on integers instead of simulating them in floats", G_TYPE_BOOLEAN,
    G_STRUCT_OFFSET (GstGraphRunner, integer) },
};

static GstStaticPadTemplate results_template
    = GST_STATIC_PAD_TEMPLATE ("results", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS (GST_PARE_TENSORS_CAPS));

static GstPad *
request_new_pad (GstElement *element, GstPadTemplate *template, const char *name, const GstCaps *caps)
{
  GstGraphRunner *runner = GST_GRAPH_RUNNER (element);

  if (GST_PAD_TEMPLATE_DIRECTION (template) != GST_PAD_SRC)
    return GST_ELEMENT_CLASS (gst_graph_runner_parent_class)->request_new_pad (element, template, name, caps);
  if (runner->results)
    return NULL;
  runner->results = gst_pad_new_from_template (template, "results");
  gst_pad_use_fixed_caps (runner->results);
  gst_element_add_pad (element, runner->results);
  return runner->results;
}

static void
release_pad (GstElement *element, GstPad *pad)
{
  GstGraphRunner *runner = GST_GRAPH_RUNNER (element);

  if (pad == runner->results)
    runner->results = NULL;
  GST_ELEMENT_CLASS (gst_graph_runner_parent_class)->release_pad (element, pad);
}

static gboolean
begin (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphRunner *runner = GST_GRAPH_RUNNER (stage);
  g_autofree char *id = NULL;

  if (graph->outputs->len == 0 || graph->outputs->len > MAX_TENSORS)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "The network has %u outputs; a buffer of results holds 1 to %d: remove some.", graph->outputs->len,
                   MAX_TENSORS);
      return FALSE;
    }
  runner->executor = pare_graph_executor (graph, runner->integer, error);
  if (!runner->executor)
    return FALSE;
  if (runner->results)
    {
      id = g_strdup_printf ("%s/results", GST_OBJECT_NAME (stage));
      gst_pad_push_event (runner->results, gst_event_new_stream_start (id));
    }
  return TRUE;
}

/* Sample @index of a batched output, sharing its bytes. */
static PareTensor *
sample_of (const PareTensor *output, guint index)
{
  PareShape shape = { output->shape.rank - 1 };
  gsize size;

  for (guint i = 0; i < shape.rank; i++)
    shape.dims[i] = output->shape.dims[i + 1];
  size = pare_data_size (output->type, pare_shape_elements (&shape));
  return pare_tensor_new (output->type, &shape, g_bytes_new_from_bytes (output->bytes, index * size, size));
}

/* Every output has a sample per sample of the input. */
static gboolean
check_outputs (GstPareStage *stage, GPtrArray *outputs, gint64 batch, GError **error)
{
  PareGraph *graph = gst_pare_stage_get_graph (stage);

  for (guint i = 0; i < outputs->len; i++)
    {
      const PareTensor *output = outputs->pdata[i];
      const PareValue *value = graph->outputs->pdata[i];
      g_autofree char *shape = pare_shape_to_string (&output->shape);
      if (output->bytes && output->shape.rank && output->shape.dims[0] == batch)
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "Output '%s' is %s %s for a batch of %" G_GINT64_FORMAT
                   " samples, so it has no part for each of them: set batch-size=1 or use pare infer.",
                   value->name, pare_data_type_name (output->type), shape, batch);
      return FALSE;
    }
  return TRUE;
}

/* Caps and segment, when this is the first result or its shape is another. */
static gboolean
negotiate (GstGraphRunner *runner, GPtrArray *tensors, GError **error)
{
  PareSpec specs[MAX_TENSORS];
  GstSegment segment;
  g_autoptr (GstCaps) caps = NULL;

  for (guint i = 0; i < tensors->len; i++)
    {
      const PareTensor *tensor = tensors->pdata[i];
      specs[i] = (PareSpec){ tensor->type, tensor->shape };
    }
  caps = gst_pare_tensor_caps_new (tensors->len, specs);
  if (!caps)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "An output of the network is %s or empty, which tensor caps cannot say.",
                   pare_data_type_name (specs[0].type));
      return FALSE;
    }
  if (runner->caps && gst_caps_is_equal (caps, runner->caps))
    return TRUE;
  gst_pad_push_event (runner->results, gst_event_new_caps (caps));
  if (!runner->caps)
    {
      gst_segment_init (&segment, GST_FORMAT_TIME);
      gst_pad_push_event (runner->results, gst_event_new_segment (&segment));
    }
  gst_caps_replace (&runner->caps, caps);
  return TRUE;
}

/* Pushes sample @index of @outputs; what downstream cannot take is an error, that it wants no more is not. */
static gboolean
push_sample (GstGraphRunner *runner, GPtrArray *outputs, guint index, GError **error)
{
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  GstFlowReturn flow;

  for (guint i = 0; i < outputs->len; i++)
    g_ptr_array_add (tensors, sample_of (outputs->pdata[i], index));
  if (!negotiate (runner, tensors, error))
    return FALSE;
  flow = gst_pad_push (runner->results, gst_pare_buffer_from_tensors ((PareTensor **)tensors->pdata, tensors->len));
  if (flow == GST_FLOW_EOS || flow == GST_FLOW_FLUSHING)
    gst_pare_stage_enough (GST_PARE_STAGE (runner));
  if (flow >= GST_FLOW_OK || flow == GST_FLOW_EOS || flow == GST_FLOW_FLUSHING || flow == GST_FLOW_NOT_LINKED)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_LIBRARY, "The element behind the results of %s refused them: %s.",
               GST_OBJECT_NAME (runner), gst_flow_get_name (flow));
  return FALSE;
}

static gboolean
feed (GstPareStage *stage, PareTensor **batch, guint n, GError **error)
{
  GstGraphRunner *runner = GST_GRAPH_RUNNER (stage);
  g_autoptr (GPtrArray) outputs = pare_batch_run (gst_pare_stage_get_graph (stage), runner->executor, batch, n, error);
  gint64 samples = batch[0]->shape.rank ? batch[0]->shape.dims[0] : 1;

  if (!outputs || !check_outputs (stage, outputs, samples, error))
    return FALSE;
  for (guint i = 0; runner->results && i < gst_pare_stage_get_valid (stage); i++)
    if (!push_sample (runner, outputs, i, error))
      return FALSE;
  return TRUE;
}

static void
reset (GstPareStage *stage)
{
  GstGraphRunner *runner = GST_GRAPH_RUNNER (stage);

  g_clear_pointer (&runner->executor, pare_executor_free);
  gst_clear_caps (&runner->caps);
}

static void
gst_graph_runner_init (GstGraphRunner *runner)
{
}

static void
gst_graph_runner_class_init (GstGraphRunnerClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstPareStageClass *stage_class = GST_PARE_STAGE_CLASS (klass);

  stage_class->needs_samples = TRUE;
  stage_class->begin = begin;
  stage_class->feed = feed;
  stage_class->reset = reset;
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  gst_pare_stage_class_add_tensors_pad (stage_class);
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_add_static_pad_template (element_class, &results_template);
  gst_element_class_set_static_metadata (element_class, "Graph runner", "Filter/Graph",
                                         "Runs a network on samples and pushes its outputs", "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphrunner, "Runs networks", gst_graph_runner_get_type ())
