/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Adaptive rounding: how close it comes to the best of all roundings, and to the nearest one on layers of every kind.
 */
#include "adaptive.h"
#include <math.h>
#include <string.h>

/* The best of all ways to round */

#define COUNT 8
#define OUTPUTS 5

static Net
tiny_layer (void)
{
  Net net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, COUNT));

  net_output (&net, OP (&net, "MatMul", "y", x, adaptive_weight (&net, "w", pare_shape_of (2, COUNT, OUTPUTS))));
  return net;
}

/* Mean squared sum of x times the change that @choice makes of weights up and down, by plain arithmetic. */
static double
error_of_choice (const float *w, guint choice, PareSamples *samples)
{
  const float step = 1 / 3.5f;
  double sum = 0;

  for (guint64 s = 0; s < ADAPTIVE_SAMPLES; s++)
    {
      g_autoptr (GPtrArray) batch = pare_samples_stack (samples, &s, 1, NULL);
      const float *x = pare_tensor_data (batch->pdata[0]);
      double difference = 0;
      for (guint i = 0; i < COUNT; i++)
        {
          double place = floor (w[i * OUTPUTS] / step) + (choice >> i & 1);
          difference += x[i] * (CLAMP (place, -4, 3) * step - w[i * OUTPUTS]);
        }
      sum += difference * difference;
    }
  return sum / ADAPTIVE_SAMPLES;
}

/* The least of 2^8 roundings for each output. */
static double
best_error (const Net *net, PareSamples *samples)
{
  const float *w = pare_tensor_data (adaptive_weight_of (net->graph, "w"));
  double sum = 0;

  for (guint o = 0; o < OUTPUTS; o++)
    {
      double best = INFINITY;
      for (guint choice = 0; choice < 1 << COUNT; choice++)
        best = MIN (best, error_of_choice (w + o, choice, samples));
      sum += best;
    }
  return sum / OUTPUTS;
}

static void
test_a_tiny_layer_comes_near_the_best_rounding (void)
{
  g_auto (Net) net = tiny_layer ();
  PareShape shape = pare_shape_of (2, -1, COUNT);
  g_autoptr (PareSamples) samples = adaptive_samples (&shape);
  PareRoundingSettings settings = adaptive_settings ("adaround"), plain = adaptive_settings ("nearest");
  g_autoptr (PareGraph) graph = adaptive_round (&net, samples, &settings),
                        nearest = adaptive_round (&net, samples, &plain);
  double found = adaptive_error (&net, graph, samples), best = best_error (&net, samples);

  /* Otherwise there would be nothing to find. */
  g_assert_cmpfloat (adaptive_error (&net, nearest, samples), >, best * 2);
  g_assert_cmpfloat (found, >=, best * 0.999);
  g_assert_cmpfloat (found, <=, best * 1.25);
}

/* Layers of all kinds */

/**
 * Case:
 * @activation: what follows; NULL: nothing
 * @input: shape of a sample's batch; likewise @weight
 */
typedef struct
{
  const char *op_type, *activation;
  gint64 input[5], weight[5];
  gint64 group;
} Case;

static const Case cases[] = {
  { "Conv", "Relu", { 4, -1, 3, 6, 6 }, { 4, 4, 3, 3, 3 }, 1 },
  { "Conv", "Sigmoid", { 3, -1, 4, 9 }, { 3, 6, 4, 3 }, 1 },
  { "Conv", "HardSwish", { 4, -1, 4, 6, 6 }, { 4, 6, 2, 3, 3 }, 2 },
  { "Conv", "LeakyRelu", { 4, -1, 4, 6, 6 }, { 4, 4, 1, 3, 3 }, 4 },
  { "ConvTranspose", "Tanh", { 4, -1, 4, 5, 5 }, { 4, 4, 3, 2, 2 }, 1 },
  { "Gemm", "Elu", { 2, -1, 12 }, { 2, 12, 5 }, 0 },
  { "MatMul", NULL, { 3, -1, 3, 12 }, { 2, 12, 5 }, 0 },
};

static PareShape
shape_of (const gint64 *numbers)
{
  PareShape shape = { .rank = numbers[0] };

  memcpy (shape.dims, numbers + 1, shape.rank * sizeof *shape.dims);
  return shape;
}

static Net
layer (const Case *item)
{
  Net net = net_new ();
  PareValue *x = net_input (&net, "x", shape_of (item->input));
  PareValue *y = OP (&net, item->op_type, "layer", x, adaptive_weight (&net, "w", shape_of (item->weight)));

  pare_graph_set_opset (net.graph, "", 14);
  if (item->group > 1)
    pare_node_set_attribute (y->producer, pare_attribute_new_int ("group", item->group));
  net_output (&net, item->activation ? OP (&net, item->activation, "y", y) : y);
  return net;
}

static void
test_layer_is_better_than_nearest (gconstpointer data)
{
  const Case *item = data;
  g_auto (Net) net = layer (item);
  PareShape shape = shape_of (item->input);
  g_autoptr (PareSamples) samples = adaptive_samples (&shape);
  PareRoundingSettings settings = adaptive_settings ("adaround"), plain = adaptive_settings ("nearest");
  g_autoptr (PareGraph) graph = adaptive_round (&net, samples, &settings),
                        nearest = adaptive_round (&net, samples, &plain);

  g_assert_cmpfloat (adaptive_error (&net, graph, samples), <, 0.4 * adaptive_error (&net, nearest, samples));
}

static void
test_weights_are_on_their_grid_beside_the_float_ones (void)
{
  g_auto (Net) net = layer (&cases[0]);
  PareShape shape = shape_of (cases[0].input);
  g_autoptr (PareSamples) samples = adaptive_samples (&shape);
  PareRoundingSettings settings = adaptive_settings ("adaround");
  g_autoptr (PareGraph) graph = adaptive_round (&net, samples, &settings);
  const float *was = pare_tensor_data (adaptive_weight_of (net.graph, "w")),
              *is = pare_tensor_data (adaptive_weight_of (graph, "w"));
  guint elsewhere = 0;

  for (gint64 i = 0; i < pare_tensor_elements (adaptive_weight_of (graph, "w")); i++)
    {
      float place = is[i] * 3.5f, exact = was[i] * 3.5f;
      g_assert_cmpfloat (fabsf (place - roundf (place)), <, 1e-5);
      g_assert_cmpfloat (fabsf (place - CLAMP (exact, -4.0f, 3.0f)), <=, 1.0001);
      elsewhere += fabsf (place - CLAMP (exact, -4.0f, 3.0f)) > 0.5001;
    }
  /* Some took the further neighbour, or nothing was learnt. */
  g_assert_cmpuint (elsewhere, >, 0);
}

static void
test_zeros_stay_zero (void)
{
  g_auto (Net) net = layer (&cases[0]);
  PareShape shape = shape_of (cases[0].input);
  g_autoptr (PareSamples) samples = adaptive_samples (&shape);
  PareRoundingSettings settings = adaptive_settings ("adaround");
  g_autoptr (PareGraph) graph = NULL;
  float *w = (float *)pare_tensor_data (adaptive_weight_of (net.graph, "w"));
  const float *is;

  for (gint64 i = 0; i < pare_tensor_elements (adaptive_weight_of (net.graph, "w")); i += 2)
    w[i] = 0;
  graph = adaptive_round (&net, samples, &settings);
  is = pare_tensor_data (adaptive_weight_of (graph, "w"));
  for (gint64 i = 0; i < pare_tensor_elements (adaptive_weight_of (graph, "w")); i += 2)
    g_assert_cmpfloat (is[i], ==, 0);
}

/* Determinism, memory, cancellation */

static void
assert_same_bytes (PareGraph *a, PareGraph *b)
{
  g_assert_true (pare_tensor_equal (adaptive_weight_of (a, "w"), adaptive_weight_of (b, "w")));
}

static void
test_threads_do_not_show (void)
{
  g_auto (Net) net = layer (&cases[0]);
  PareShape shape = shape_of (cases[0].input);
  g_autoptr (PareSamples) samples = adaptive_samples (&shape);
  PareRoundingSettings settings = adaptive_settings ("adaround");
  g_autoptr (PareGraph) two = adaptive_round (&net, samples, &settings), one = NULL;

  pare_set_threads (1);
  one = adaptive_round (&net, samples, &settings);
  pare_set_threads (0);
  assert_same_bytes (one, two);
}

/* A limit of a batch or two: the samples come in parts, and it learns all the same. */
static void
test_little_memory_is_enough (void)
{
  g_auto (Net) net = layer (&cases[0]);
  PareShape shape = shape_of (cases[0].input);
  g_autoptr (PareSamples) samples = adaptive_samples (&shape);
  PareRoundingSettings settings = adaptive_settings ("adaround"), plain = adaptive_settings ("nearest");
  g_autoptr (PareGraph) graph = NULL, nearest = adaptive_round (&net, samples, &plain);

  settings.memory_limit = 1;
  graph = adaptive_round (&net, samples, &settings);
  g_assert_cmpfloat (adaptive_error (&net, graph, samples), <, 0.4 * adaptive_error (&net, nearest, samples));
}

static gboolean
stop_halfway (guint64 done, guint64 total, gpointer user_data)
{
  guint *calls = user_data;

  ++*calls;
  return done * 2 < total;
}

static void
test_it_can_be_cancelled (void)
{
  g_auto (Net) net = layer (&cases[0]);
  PareShape shape = shape_of (cases[0].input);
  g_autoptr (PareSamples) samples = adaptive_samples (&shape);
  PareRoundingSettings settings = adaptive_settings ("adaround");
  g_autoptr (GError) error = NULL;
  guint calls = 0;

  g_assert_false (pare_graph_round (net.graph, NULL, samples, &settings, stop_halfway, &calls, &error));
  g_assert_nonnull (strstr (error->message, "cancelled"));
  g_assert_cmpuint (calls, >, settings.iterations / 3);
  g_assert_cmpuint (calls, <, settings.iterations);
}

static void
test_infinite_activations_are_an_error (void)
{
  g_auto (Net) net = layer (&cases[0]);
  PareShape shape = shape_of (cases[0].input);
  g_autoptr (PareSamples) samples = adaptive_samples (&shape);
  PareRoundingSettings settings = adaptive_settings ("adaround");
  g_autoptr (GError) error = NULL;

  ((float *)pare_tensor_data (adaptive_weight_of (net.graph, "w")))[0] = INFINITY;
  g_assert_false (pare_graph_round (net.graph, NULL, samples, &settings, NULL, NULL, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "'layer'"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/adaround/a-tiny-layer-comes-near-the-best-rounding",
                   test_a_tiny_layer_comes_near_the_best_rounding);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/adaround/better-than-nearest/%u-%s", i, cases[i].op_type);
      g_test_add_data_func (path, &cases[i], test_layer_is_better_than_nearest);
    }
  g_test_add_func ("/adaround/weights-are-on-their-grid-beside-the-float-ones",
                   test_weights_are_on_their_grid_beside_the_float_ones);
  g_test_add_func ("/adaround/zeros-stay-zero", test_zeros_stay_zero);
  g_test_add_func ("/adaround/threads-do-not-show", test_threads_do_not_show);
  g_test_add_func ("/adaround/little-memory-is-enough", test_little_memory_is_enough);
  g_test_add_func ("/adaround/it-can-be-cancelled", test_it_can_be_cancelled);
  g_test_add_func ("/adaround/infinite-activations-are-an-error", test_infinite_activations_are_an_error);
  return g_test_run ();
}
