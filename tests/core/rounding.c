/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Networks of one quantized layer. */
#include "rounding.h"
#include "graph/extract.h"
#include "quantize/quantize.h"
#include <math.h>
#include <string.h>

const RoundingCase rounding_cases[] = {
  { "Conv", { 3, { 4, 5, 5 } }, { 4, { 6, 4, 3, 3 } }, .group = 1, .bias = TRUE },
  { "Conv", { 3, { 4, 5, 5 } }, { 4, { 6, 2, 3, 3 } }, .group = 2 },
  { "Conv", { 3, { 4, 5, 5 } }, { 4, { 4, 1, 3, 3 } }, .group = 4, .bias = TRUE, .per_tensor = TRUE },
  { "Gemm", { 1, { 12 } }, { 2, { 12, 5 } }, .bias = TRUE },
  { "MatMul", { 2, { 3, 10 } }, { 2, { 10, 6 } } },
  { "MatMul", { 1, { 10 } }, { 2, { 10, 6 } }, .per_tensor = TRUE },
  { "MatMul", { 2, { 3, 10 } }, { 2, { 10, 6 } }, .group_size = 4 },
};
const guint n_rounding_cases = G_N_ELEMENTS (rounding_cases);

static PareShape
with_batch (const PareShape *sample, gint64 n)
{
  PareShape shape = { .rank = sample->rank + 1, .dims = { n } };

  memcpy (shape.dims + 1, sample->dims, sample->rank * sizeof *sample->dims);
  return shape;
}

static gint64
channels_of (const RoundingCase *kind)
{
  return kind->weight.dims[kind->group ? 0 : 1];
}

void
rounding_name_layer (PareValue *result)
{
  g_free (result->producer->name);
  result->producer->name = g_strdup ("layer");
}

static PareValue *
build (Net *net, const RoundingCase *kind)
{
  PareValue *x = net_input (net, "x", with_batch (&kind->x, -1)), *y;
  PareValue *weight = net_random (net, "w", kind->weight, -1, 1);
  PareValue *bias = net_random (net, "b", pare_shape_of (1, channels_of (kind)), -1, 1);

  y = kind->bias ? OP (net, kind->op_type, "layer", x, weight, bias) : OP (net, kind->op_type, "layer", x, weight);
  rounding_name_layer (y);
  if (kind->group)
    {
      pare_node_set_attribute (y->producer, pare_attribute_new_int ("group", kind->group));
      net_set_ints (y, "pads", 4, (gint64[]){ 1, 1, 1, 1 });
    }
  x->range = (PareRange){ -1, 3 };
  y->range = (PareRange){ -30, 30 };
  return strcmp (kind->op_type, "MatMul") ? y : OP (net, "Add", "sum", y, bias);
}

/* Numbers that go together: an error of one weight can be made up for by others. And their mean is not zero. */
static PareTensor *
draw (GRand *random, const PareShape *sample)
{
  PareShape shape = with_batch (sample, ROUNDING_SAMPLES);
  gint64 n = pare_shape_elements (&shape), each = n / ROUNDING_SAMPLES;
  float *numbers = g_new (float, n);

  for (gint64 s = 0; s < ROUNDING_SAMPLES; s++)
    {
      double common = g_rand_double_range (random, 0, 2);
      for (gint64 i = 0; i < each; i++)
        numbers[s * each + i] = common + g_rand_double_range (random, -0.5, 0.5);
    }
  return pare_tensor_new_take (PARE_FLOAT32, &shape, numbers);
}

void
rounding_net_init (RoundingNet *result, const RoundingCase *kind, guint bits)
{
  g_auto (Net) net = net_new ();
  PareQuantizeSettings settings;
  g_autoptr (GError) error = NULL;

  net_output (&net, build (&net, kind));
  result->floats = pare_graph_copy (net.graph);
  result->quantized = pare_graph_copy (net.graph);
  pare_quantize_settings_init (&settings);
  settings.bits = settings.edge_bits = bits;
  settings.activation_bits = 8;
  settings.per_channel = !kind->per_tensor;
  settings.group_size = kind->group_size;
  pare_graph_quantize (result->quantized, &settings, &error);
  g_assert_no_error (error);
  result->batch = draw (net.random, &kind->x);
  result->samples = pare_samples_new (1, G_MAXINT32);
  g_assert_true (pare_samples_add (result->samples, &result->batch, 1, ROUNDING_SAMPLES, NULL));
}

void
rounding_net_clear (RoundingNet *net)
{
  g_clear_object (&net->floats);
  g_clear_object (&net->quantized);
  g_clear_pointer (&net->batch, pare_tensor_unref);
  g_clear_pointer (&net->samples, pare_samples_free);
}

PareTensor *
rounding_output (PareGraph *graph, const char *label, PareTensor *batch)
{
  PareNode *node = pare_graph_find_layer (graph, label, NULL);
  PareValue *value = pare_node_output (node, 0), *x = pare_graph_find_value (graph, "x");
  PareNode *next = pare_value_only_consumer (value);
  g_autoptr (PareGraph) piece = NULL;
  g_autoptr (GPtrArray) inputs = g_ptr_array_new (), outputs = NULL;

  if (next && pare_node_is (next, "Add"))
    value = pare_node_output (next, 0);
  piece = pare_graph_extract (graph, 1, &x, 1, &value, NULL);
  g_assert_nonnull (piece);
  g_ptr_array_add (inputs, batch);
  outputs = network_run (piece, inputs);
  return pare_tensor_ref (outputs->pdata[0]);
}

PareGraph *
rounding_run (const RoundingNet *net, const PareRoundingSettings *settings, gboolean sampled)
{
  PareGraph *graph = pare_graph_copy (net->quantized);
  g_autoptr (GError) error = NULL;

  pare_graph_round (graph, NULL, sampled ? net->samples : NULL, settings, NULL, NULL, &error);
  g_assert_no_error (error);
  pare_graph_assert_consistent (graph);
  return graph;
}

double
rounding_distance (const PareTensor *a, const PareTensor *b)
{
  double sum = 0;

  g_assert_true (pare_shape_equal (&a->shape, &b->shape));
  for (gint64 i = 0; i < pare_tensor_elements (a); i++)
    sum += pow (pare_tensor_get_double (a, i) - pare_tensor_get_double (b, i), 2);
  return sum;
}

ParePair
rounding_pair (PareGraph *graph, const char *label)
{
  PareNode *node = pare_graph_find_layer (graph, label, NULL);
  ParePair pair;

  g_assert_true (pare_pair_read (pare_node_input (node, 1)->producer, &pair));
  return pair;
}
