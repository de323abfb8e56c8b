/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Channels in another order: the network computes the same, and more energy stays in an n:m pattern. */
#include "exec/executor.h"
#include "net.h"
#include "graph/pattern.h"
#include "sparsify/permute.h"
#include <math.h>
#include <string.h>

#define WIDTH 12

typedef PareGraph *(*Build) (void);

static PareValue *
conv (Net *net, const char *name, PareValue *x, int out, int in, int kernel, int groups)
{
  g_autofree char *w = g_strconcat (name, "_w", NULL), *b = g_strconcat (name, "_b", NULL);
  PareValue *y = OP (net, "Conv", name, x, net_random (net, w, pare_shape_of (4, out, in, kernel, kernel), -1, 1),
                     net_random (net, b, pare_shape_of (1, out), -1, 1));

  if (groups > 1)
    pare_node_set_attribute (y->producer, pare_attribute_new_int ("group", groups));
  if (kernel > 1)
    net_set_ints (y, "pads", 4, (gint64[]){ 1, 1, 1, 1 });
  return y;
}

static PareGraph *
finish (Net *net, PareValue *h, int channels)
{
  h = OP (net, "Flatten", "flat", OP (net, "GlobalAveragePool", "pooled", h));
  net_output (net,
              OP (net, "MatMul", "scores", h, net_random (net, "scores_w", pare_shape_of (2, channels, 3), -1, 1)));
  return g_object_ref (net->graph);
}

/* A residual block with a depthwise convolution and a normalization inside. */
static PareGraph *
residual (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 2, 3, 5, 5)), *h, *stem;

  stem = OP (&net, "Relu", "stem_relu", conv (&net, "stem", x, WIDTH, 3, 3, 1));
  h = net_batchnorm (&net, "normal", conv (&net, "widen", stem, 2 * WIDTH, WIDTH, 1, 1), 2 * WIDTH);
  h = OP (&net, "Relu", "inner", conv (&net, "depthwise", h, 2 * WIDTH, 1, 3, 2 * WIDTH));
  h = OP (&net, "Add", "sum", stem, conv (&net, "narrow", h, WIDTH, 2 * WIDTH, 1, 1));
  return finish (&net, OP (&net, "Relu", "outer", h), WIDTH);
}

/* Two branches side by side. */
static PareGraph *
concatenated (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 2, 3, 5, 5)), *both;

  both = OP (&net, "Concat", "both", OP (&net, "Relu", "left_relu", conv (&net, "left", x, 6, 3, 1, 1)),
             OP (&net, "Tanh", "right_tanh", conv (&net, "right", x, 10, 3, 3, 1)));
  pare_node_set_attribute (both->producer, pare_attribute_new_int ("axis", 1));
  return finish (&net, conv (&net, "after", both, 8, 16, 1, 1), 8);
}

/* Every channel becomes 25 inputs of a matrix product. */
static PareGraph *
flattened (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 2, 3, 5, 5)), *h;

  h = conv (&net, "second", OP (&net, "Relu", "relu", conv (&net, "first", x, 8, 3, 1, 1)), 8, 8, 1, 1);
  h = OP (&net, "Flatten", "flat", h);
  h = OP (&net, "Gemm", "hidden", h, net_random (&net, "hidden_w", pare_shape_of (2, 200, 12), -1, 1));
  net_output (&net, OP (&net, "MatMul", "scores", h, net_random (&net, "scores_w", pare_shape_of (2, 12, 3), -1, 1)));
  return g_object_ref (net.graph);
}

/* The halves do not have the same done to them: no channel may go from one to the other. */
static PareGraph *
halved (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 2, 3, 5, 5)), *h, *left, *right, *both;
  PareNode *split;

  h = conv (&net, "first", x, 8, 3, 1, 1);
  left = OP (&net, "Split", "left", h);
  split = left->producer;
  right = pare_graph_add_value (net.graph, "right");
  pare_node_add_output (split, right);
  pare_node_set_attribute (split, pare_attribute_new_int ("axis", 1));
  both = OP (&net, "Concat", "both", OP (&net, "Relu", "relu", left), OP (&net, "Sigmoid", "sigmoid", right));
  pare_node_set_attribute (both->producer, pare_attribute_new_int ("axis", 1));
  return finish (&net, conv (&net, "after", both, 6, 8, 1, 1), 6);
}

static PareTensor *
output_of (PareGraph *graph)
{
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  g_autoptr (GRand) random = g_rand_new_with_seed (9);
  g_autoptr (GError) error = NULL;
  PareShape shape = pare_shape_of (4, 2, 3, 5, 5);
  float x[150];
  g_autoptr (PareTensor) input = NULL;
  PareTensor *output;

  for (guint i = 0; i < G_N_ELEMENTS (x); i++)
    x[i] = g_rand_double_range (random, -1, 1);
  input = pare_tensor_new_floats (&shape, x);
  g_assert_true (pare_executor_run (executor, &input, 1, &output, &error));
  g_assert_no_error (error);
  return output;
}

static gboolean
differs (const PareGraph *a, const PareGraph *b, const char *value)
{
  return !pare_tensor_equal (pare_graph_find_value (a, value)->constant, pare_graph_find_value (b, value)->constant);
}

static PareGraph *
permuted (const PareGraph *graph)
{
  PareGraph *copy = pare_graph_copy (graph);
  g_autoptr (GError) error = NULL;

  g_assert_true (pare_graph_permute_channels (copy, NULL, 2, 4, &error));
  g_assert_no_error (error);
  pare_graph_assert_consistent (copy);
  return copy;
}

static void
assert_same_function (PareGraph *before, PareGraph *after)
{
  g_autoptr (PareTensor) a = output_of (before), b = output_of (after);

  for (gint64 i = 0; i < pare_tensor_elements (a); i++)
    g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (a, i), pare_tensor_get_double (b, i), 1e-4);
}

static void
test_the_network_computes_the_same (gconstpointer build)
{
  g_autoptr (PareGraph) before = ((Build)build) (), after = permuted (before);

  assert_same_function (before, after);
  g_assert_true (differs (before, after, "scores_w"));
}

/* Energy that stays in 2:4 along axis 1 of a 1x1 convolution's weight. */
static double
kept_energy (const PareGraph *graph, const char *name)
{
  const PareTensor *weight = pare_graph_find_value (graph, name)->constant;
  gint64 inputs = weight->shape.dims[1];
  double sum = 0;

  for (gint64 o = 0; o < weight->shape.dims[0]; o++)
    for (gint64 g = 0; g < inputs; g += 4)
      {
        double first = 0, second = 0;
        for (gint64 i = g; i < MIN (g + 4, inputs); i++)
          {
            double w = fabs (pare_tensor_get_double (weight, o * inputs + i));
            second = MAX (second, MIN (w, first));
            first = MAX (first, w);
          }
        sum += first * first + second * second;
      }
  return sum;
}

static void
test_more_energy_stays (void)
{
  g_autoptr (PareGraph) before = residual (), after = permuted (before);
  double kept, was;

  g_assert_cmpfloat (kept_energy (after, "narrow_w"), >, 1.02 * kept_energy (before, "narrow_w"));
  /* The record counts what is counted here. */
  for (guint i = 0; i < pare_record_length (after->record); i++)
    {
      const PareRecordEntry *entry = pare_record_get (after->record, i);
      if (strcmp (pare_record_entry_layer (entry), "widen") != 0)
        continue;
      g_assert_true (pare_record_entry_number (entry, "energy kept before", &was));
      g_assert_true (pare_record_entry_number (entry, "energy kept after", &kept));
      g_assert_cmpfloat_with_epsilon (was, kept_energy (before, "narrow_w"), 1e-3);
      g_assert_cmpfloat_with_epsilon (kept, kept_energy (after, "narrow_w"), 1e-3);
      return;
    }
  g_assert_not_reached ();
}

static void
test_halves_stay_apart (void)
{
  g_autoptr (PareGraph) before = halved (), after = permuted (before);

  assert_same_function (before, after);
  g_assert_false (differs (before, after, "first_w"));
}

static void
test_shared_constants_stay (void)
{
  g_autoptr (PareGraph) before = residual (), after = NULL;
  PareValue *weight = pare_graph_find_value (before, "narrow_w");

  g_ptr_array_add (before->outputs, OP (&(Net){ .graph = before }, "Identity", "shown", weight));
  after = permuted (before);
  g_assert_false (differs (before, after, "narrow_w"));
  g_assert_false (differs (before, after, "widen_w"));
}

static void
test_unknown_shapes_are_an_error (void)
{
  g_autoptr (PareGraph) graph = residual ();
  g_autoptr (GError) error = NULL;
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (4, 2, 3, 5, 5) };
  g_autoptr (GArray) specs = g_array_new (FALSE, FALSE, sizeof (PareSpec));

  ((PareValue *)graph->inputs->pdata[0])->has_shape = FALSE;
  g_assert_false (pare_graph_permute_channels (graph, NULL, 2, 4, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "permute=false"));
  g_clear_error (&error);
  /* Samples say what the graph does not. */
  g_array_append_val (specs, spec);
  g_assert_true (pare_graph_permute_channels (graph, specs, 2, 4, &error));
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/permute/residual", residual, test_the_network_computes_the_same);
  g_test_add_data_func ("/permute/concatenated", concatenated, test_the_network_computes_the_same);
  g_test_add_data_func ("/permute/flattened", flattened, test_the_network_computes_the_same);
  g_test_add_func ("/permute/energy", test_more_energy_stays);
  g_test_add_func ("/permute/halves", test_halves_stay_apart);
  g_test_add_func ("/permute/unknown-shapes", test_unknown_shapes_are_an_error);
  g_test_add_func ("/permute/shared", test_shared_constants_stay);
  return g_test_run ();
}
