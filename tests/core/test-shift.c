/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Shifted accumulators: the search against every shift tried on integers that are computed here, and what a graph with
 * shifts computes, trains and is written as. */
#include "exec/executor.h"
#include "net.h"
#include "ops/operator.h"
#include "quantize/pair.h"
#include "quantize/quantize.h"
#include "quantize/shift.h"
#include "quantize/shiftsearch.h"
#include "train/gradient.h"
#include "train/trainer.h"
#include <math.h>
#include <string.h>

#define BATCH 6
#define INPUTS 2
#define SIDE 5
#define CHANNELS 4
#define KERNEL 3

/* Arithmetic on integers, without the library */

static gint64
squeezed (gint64 accumulator, guint shift)
{
  return CLAMP (accumulator >> shift, -32768, 32767) * (G_GINT64_CONSTANT (1) << shift);
}

static guint
best_of (guint n, const gint64 *accumulators)
{
  double least = INFINITY;
  guint best = 0;

  for (guint shift = 0; shift <= 16; shift++)
    {
      double sum = 0;
      for (guint i = 0; i < n; i++)
        sum += pow (accumulators[i] - squeezed (accumulators[i], shift), 2);
      if (sum < least)
        {
          least = sum;
          best = shift;
        }
    }
  return best;
}

/* A convolution whose channels have accumulators of different sizes: one scale for all weights. */

static PareGraph *
convolution (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, BATCH, INPUTS, SIDE, SIDE));
  PareValue *weight = net_random (&net, "w", pare_shape_of (4, CHANNELS, INPUTS, KERNEL, KERNEL), 0.2, 0.5);
  PareValue *y = OP (&net, "Conv", "y", x, weight, net_random (&net, "b", pare_shape_of (1, CHANNELS), -0.3, 0.3));
  g_autofree float *data = g_memdup2 (pare_tensor_data (weight->constant), pare_tensor_size (weight->constant));
  g_autoptr (PareTensor) scaled = NULL;
  PareQuantizeSettings settings;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < CHANNELS * INPUTS * KERNEL * KERNEL; i++)
    data[i] /= 1 << (2 * (i / (INPUTS * KERNEL * KERNEL)));
  scaled = pare_tensor_new_floats (&weight->constant->shape, data);
  pare_value_set_constant (weight, scaled);
  net_output (&net, OP (&net, "Relu", "r", y));
  x->range = (PareRange){ -1, 1 };
  ((PareValue *)net.graph->outputs->pdata[0])->range = (PareRange){ 0, 9 };
  pare_quantize_settings_init (&settings);
  settings.per_channel = FALSE;
  pare_graph_quantize (net.graph, &settings, &error);
  g_assert_no_error (error);
  return g_object_ref (net.graph);
}

static PareTensor *
images (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  PareShape shape = pare_shape_of (4, BATCH, INPUTS, SIDE, SIDE);
  float data[BATCH * INPUTS * SIDE * SIDE];

  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    data[i] = g_rand_double_range (random, -0.5, 1);
  return pare_tensor_new_floats (&shape, data);
}

static PareNode *
find_node (PareGraph *graph, const char *op_type)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    if (strcmp (((PareNode *)graph->nodes->pdata[i])->op_type, op_type) == 0)
      return graph->nodes->pdata[i];
  return NULL;
}

/* round (x / scale) + zero_point, as the pair in front of input @index of @node rounds @tensor; minus the zero point.
 */
static gint64 *
integers_of (const PareNode *node, guint index, const PareTensor *tensor, double *scale)
{
  gint64 n = pare_tensor_elements (tensor), *integers = g_new (gint64, n);
  gint64 zero_point;
  ParePair pair;

  g_assert_true (pare_pair_read (pare_node_input (node, index)->producer, &pair));
  *scale = pare_tensor_get_double (pair.scale->constant, 0);
  zero_point = pare_tensor_get_int (pair.zero_point->constant, 0);
  for (gint64 i = 0; i < n; i++)
    integers[i] = CLAMP (rintf ((float)pare_tensor_get_double (tensor, i) / (float)*scale) + zero_point, pair.lowest,
                         pair.highest)
                  - zero_point;
  return integers;
}

/* Accumulators of channel @c over all images, row by row. */
static guint
accumulate (PareGraph *graph, const PareTensor *batch, guint c, gint64 *accumulators)
{
  const PareNode *node = find_node (graph, "Conv");
  double data_scale, weight_scale;
  ParePair pair;
  g_assert_true (pare_pair_read (pare_node_input (node, 1)->producer, &pair));
  g_autofree gint64 *x = integers_of (node, 0, batch, &data_scale);
  g_autofree gint64 *w = integers_of (node, 1, pair.input->constant, &weight_scale);
  gint64 bias = llrint (pare_tensor_get_double (pare_node_constant (node, 2), c) / (data_scale * weight_scale));
  guint n = 0, side = SIDE - KERNEL + 1;

  for (guint b = 0; b < BATCH; b++)
    for (guint row = 0; row < side; row++)
      for (guint column = 0; column < side; column++)
        {
          gint64 sum = bias;
          for (guint i = 0; i < INPUTS * KERNEL * KERNEL; i++)
            sum += w[c * INPUTS * KERNEL * KERNEL + i]
                   * x[((b * INPUTS + i / (KERNEL * KERNEL)) * SIDE + row + i / KERNEL % KERNEL) * SIDE + column
                       + i % KERNEL];
          accumulators[n++] = sum;
        }
  return n;
}

static const PareRecordEntry *
find_entry (PareGraph *graph, const char *layer)
{
  for (guint i = pare_record_length (graph->record); i-- > 0;)
    {
      const PareRecordEntry *entry = pare_record_get (graph->record, i);
      if (strcmp (pare_record_entry_stage (entry), "graphshifter") == 0
          && strcmp (pare_record_entry_layer (entry), layer) == 0)
        return entry;
    }
  g_error ("there is no entry of %s", layer);
}

/* Searches with one batch, all of it, and simulates. */
static void
search (PareGraph *graph, PareTensor *batch, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) layers = pare_shift_layers_parse (text, &error);
  g_autoptr (PareShiftSearch) found = pare_shift_search_new (graph, layers, &error);

  g_assert_no_error (error);
  g_assert_true (pare_shift_search_add (found, &batch, 1, &error));
  g_assert_no_error (error);
  pare_shift_search_finish (found, graph, TRUE);
  pare_graph_assert_consistent (graph);
}

static void
test_no_other_shift_has_a_smaller_error (void)
{
  g_autoptr (PareGraph) graph = convolution ();
  g_autoptr (PareTensor) batch = images ();
  gint64 accumulators[BATCH * SIDE * SIDE];
  const PareRecordList *list;
  guint different = 0;

  search (graph, batch, NULL);
  list = pare_record_entry_list (find_entry (graph, "y"));
  g_assert_cmpstr (list->name, ==, "shift_bit");
  g_assert_cmpuint (list->n, ==, CHANNELS);
  for (guint c = 0; c < CHANNELS; c++)
    {
      guint n = accumulate (graph, batch, c, accumulators);
      g_assert_cmpfloat (list->values[c], ==, best_of (n, accumulators));
      different += c && list->values[c] != list->values[0];
    }
  /* Channels of other sizes have other shifts, or the test would show nothing. */
  g_assert_cmpuint (different, >=, 2);
}

static PareTensor *
run (PareGraph *graph, PareTensor *input)
{
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  g_autoptr (GError) error = NULL;
  PareTensor *output = NULL;

  pare_executor_run (executor, &input, 1, &output, &error);
  g_assert_no_error (error);
  return output;
}

static void
test_simulation_is_the_arithmetic_of_integers (void)
{
  g_autoptr (PareGraph) graph = convolution ();
  g_autoptr (PareTensor) batch = images (), result = NULL;
  const guint pixels = (SIDE - KERNEL + 1) * (SIDE - KERNEL + 1);
  gint64 accumulators[BATCH * SIDE * SIDE];
  const PareNode *node;
  const gint64 *shifts;
  double unit;
  guint n;

  search (graph, batch, "y:shift=9");
  node = find_node (graph, "AccumulatorShift");
  shifts = pare_node_get_ints (node, "shift", &n);
  unit = pare_tensor_get_double (pare_node_constant (node, 1), 0)
         * pare_tensor_get_double (pare_node_constant (node, 2), 0);
  /* The layer's result, before the activation and its quantizer. */
  graph->outputs->pdata[0] = node->outputs->pdata[0];
  result = run (graph, batch);
  for (guint c = 0; c < CHANNELS; c++)
    {
      guint total = accumulate (graph, batch, c, accumulators);
      g_assert_cmpint (shifts[c], ==, 9);
      for (guint i = 0; i < total; i++)
        g_assert_cmpfloat_with_epsilon (
            pare_tensor_get_double (result, (i / pixels * CHANNELS + c) * pixels + i % pixels) / unit,
            squeezed (accumulators[i], 9), 1e-2);
    }
}

/* A product whose accumulators are known: 255 x the sum of a column. */

static PareValue *
dequantized (Net *net, const char *name, PareDataType type, PareShape shape, gconstpointer integers)
{
  g_autoptr (PareTensor) tensor = pare_tensor_new_copy (type, &shape, integers);
  g_autoptr (PareTensor) scale = pare_tensor_new_scalar_float (0.5);

  return OP (net, "DequantizeLinear", name, pare_graph_add_constant (net->graph, "integers", tensor),
             pare_graph_add_constant (net->graph, "scale", scale));
}

#define COLUMNS 4

static PareGraph *
product (void)
{
  static const gint8 weight[8 * COLUMNS] = { 127, 1, -127, 64, 127, 1, -127, 64, 127, 1, -127, 64, 127, 1, -127, 64,
                                             127, 1, -127, 64, 127, 1, -127, 64, 127, 1, -127, 64, 127, 1, -127, 65 };
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 1, 8));
  g_autoptr (PareTensor) scale = pare_tensor_new_scalar_float (0.25);
  PareValue *scale_value = pare_graph_add_constant (net.graph, "data_scale", scale);
  PareValue *integers = OP (&net, "QuantizeLinear", "q", x, scale_value);
  PareValue *data = OP (&net, "DequantizeLinear", "d", integers, scale_value);

  net_output (
      &net, OP (&net, "MatMul", "y", data, dequantized (&net, "w", PARE_INT8, pare_shape_of (2, 8, COLUMNS), weight)));
  return g_object_ref (net.graph);
}

static PareTensor *
largest_input (void)
{
  PareShape shape = pare_shape_of (2, 1, 8);

  return pare_tensor_new_floats (&shape, (float[]){ 100, 100, 100, 100, 100, 100, 100, 100 });
}

/* 259080 = 32385 x 8; 2040 fits; 130815 = 32703 x 4 + 3 */
static const double product_shifts[COLUMNS] = { 3, 0, 3, 2 };
static const double product_results[COLUMNS] = { 259080 / 8.0, 2040 / 8.0, -259080 / 8.0, 130812 / 8.0 };

static void
assert_numbers (const PareTensor *tensor, const double *expected)
{
  for (guint i = 0; i < COLUMNS; i++)
    g_assert_cmpfloat (pare_tensor_get_double (tensor, i), ==, expected[i]);
}

static void
test_known_accumulators (void)
{
  g_autoptr (PareGraph) graph = product ();
  g_autoptr (PareTensor) input = largest_input (), result = NULL;
  const PareRecordEntry *entry;
  double number;

  search (graph, input, NULL);
  entry = find_entry (graph, "y");
  for (guint c = 0; c < COLUMNS; c++)
    g_assert_cmpfloat (pare_record_entry_list (entry)->values[c], ==, product_shifts[c]);
  g_assert_true (pare_record_entry_number (entry, "accumulator_low", &number));
  g_assert_cmpfloat (number, ==, -259080);
  g_assert_true (pare_record_entry_number (entry, "accumulator_high", &number));
  g_assert_cmpfloat (number, ==, 259080);
  g_assert_true (pare_record_entry_number (entry, "sqnr_db", &number));
  g_assert_cmpfloat_with_epsilon (number, 10 * log10 ((2 * pow (259080, 2) + pow (2040, 2) + pow (130815, 2)) / 9),
                                  1e-6);
  result = run (graph, input);
  assert_numbers (result, product_results);
}

/* What else there is of domain pare in @graph: nothing. */
static void
assert_standard (PareGraph *graph)
{
  pare_graph_assert_consistent (graph);
  g_assert_cmpint (pare_graph_opset (graph, PARE_DOMAIN), ==, 0);
  for (guint i = 0; i < graph->nodes->len; i++)
    g_assert_cmpstr (((PareNode *)graph->nodes->pdata[i])->domain, ==, "");
}

/* ONNX Runtime refuses a model with two nodes of one name. */
static void
assert_names_differ (PareGraph *graph)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const char *name = ((PareNode *)graph->nodes->pdata[i])->name;
      g_assert_true (!*name || g_hash_table_add (names, (gpointer)name));
    }
}

static void
test_standard_operators_compute_the_same (void)
{
  g_autoptr (PareGraph) graph = convolution (), shifted = NULL;
  g_autoptr (PareTensor) batch = images (), before = NULL, after = NULL;
  g_autoptr (GError) error = NULL;

  search (graph, batch, NULL);
  before = run (graph, batch);
  shifted = pare_graph_copy (graph);
  g_assert_true (pare_form_find ("fakequant", NULL)->lower (shifted, &error));
  g_assert_no_error (error);
  assert_standard (shifted);
  g_assert_nonnull (find_node (shifted, "Floor"));
  assert_names_differ (shifted);
  after = run (shifted, batch);
  g_assert_true (pare_tensor_equal (before, after));
}

static void
test_integer_form_has_the_names_of_before (void)
{
  g_autoptr (PareGraph) graph = convolution ();
  g_autoptr (PareTensor) batch = images ();

  search (graph, batch, NULL);
  g_assert_true (pare_form_find ("qdq", NULL)->lower (graph, NULL));
  pare_graph_assert_consistent (graph);
  g_assert_cmpstr (pare_node_output (find_node (graph, "Conv"), 0)->name, ==, "y");
}

static void
test_integer_form_has_whole_accumulators (void)
{
  static const double whole[COLUMNS] = { 259080 / 8.0, 2040 / 8.0, -259080 / 8.0, 130815 / 8.0 };
  g_autoptr (PareGraph) graph = product ();
  g_autoptr (PareTensor) input = largest_input (), result = NULL;

  search (graph, input, NULL);
  g_assert_true (pare_form_find ("qdq", NULL)->lower (graph, NULL));
  assert_standard (graph);
  g_assert_cmpstr (((PareValue *)graph->outputs->pdata[0])->name, ==, "y");
  result = run (graph, input);
  assert_numbers (result, whole);
}

/* Learning */

static PareValue *
scale_input (PareGraph *graph, const char *name, float number)
{
  g_autoptr (PareTensor) tensor = pare_tensor_new_scalar_float (number);

  return pare_graph_add_constant (graph, name, tensor);
}

static void
test_gradient_passes_where_nothing_is_clipped (void)
{
  g_auto (Net) net = net_new ();
  PareShape shape = pare_shape_of (2, 2, 2);
  PareValue *x = net_input (&net, "x", shape), *y = OP (&net, "Identity", "y", x), *loss, *gradient;
  PareNode *layer = y->producer;
  PareAccumulator accumulator = { layer, scale_input (net.graph, "s", 0.5), scale_input (net.graph, "w", 2), 2, -1 };
  /* Channel 0 holds up to 32767, channel 1 up to 65535. */
  g_autoptr (PareTensor) input = pare_tensor_new_floats (&shape, (float[]){ 32767, 40000, -32769, -70000 });
  g_autoptr (PareTensor) slopes = NULL;
  g_autoptr (GError) error = NULL;

  pare_graph_set_opset (net.graph, "", 17);
  pare_shift_insert (net.graph, &accumulator, (gint64[]){ 0, 1 });
  loss = OP (&net, "ReduceSum", "loss", y);
  g_assert_true (pare_graph_add_gradients (net.graph, loss, 1, &x, &gradient, &error));
  g_assert_no_error (error);
  net_output (&net, gradient);
  slopes = run (net.graph, input);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpfloat (pare_tensor_get_double (slopes, i), ==, i < 2);
}

static PareGraph *
classifier (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 16, 8));
  PareValue *h = OP (&net, "Gemm", "h", x, net_random (&net, "hw", pare_shape_of (2, 8, 12), -0.5, 0.5),
                     net_random (&net, "hb", pare_shape_of (1, 12), -0.3, 0.3));
  PareValue *r = OP (&net, "Relu", "r", h);
  PareQuantizeSettings settings;
  g_autoptr (GError) error = NULL;

  net_output (&net, OP (&net, "Gemm", "y", r, net_random (&net, "yw", pare_shape_of (2, 12, 3), -0.5, 0.5),
                        net_random (&net, "yb", pare_shape_of (1, 3), -0.3, 0.3)));
  x->range = (PareRange){ -1, 1 };
  r->range = (PareRange){ 0, 2 };
  pare_quantize_settings_init (&settings);
  pare_graph_quantize (net.graph, &settings, &error);
  g_assert_no_error (error);
  return g_object_ref (net.graph);
}

/* The class of a sample is the largest of its first three numbers. */
static void
labelled (PareTensor **samples, PareTensor **labels)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (11);
  PareShape shape = pare_shape_of (2, 16, 8);
  float data[16 * 8];
  gint64 classes[16] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    data[i] = g_rand_double_range (random, -1, 1);
  for (guint i = 0; i < 16; i++)
    for (guint c = 1; c < 3; c++)
      if (data[i * 8 + c] > data[i * 8 + classes[i]])
        classes[i] = c;
  *samples = pare_tensor_new_floats (&shape, data);
  *labels = pare_tensor_new_int64s (16, classes);
}

static void
check_training (const char *quantizers)
{
  g_autoptr (PareGraph) graph = classifier (), trained = NULL;
  g_autoptr (PareTensor) samples = NULL, labels = NULL;
  g_autoptr (PareTrainer) trainer = NULL;
  g_autoptr (GError) error = NULL;
  PareTrainSettings settings;
  PareTrainStep first = { 0 }, last = { 0 };
  guint shifted = 0;

  labelled (&samples, &labels);
  search (graph, samples, NULL);
  trained = pare_graph_copy (graph);
  pare_train_settings_init (&settings);
  settings.learning_rate = 0.05;
  settings.quantizer_rate = 0.01;
  settings.quantizers = quantizers;
  trainer = pare_trainer_new (graph, &settings, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 60; i++)
    g_assert_true (pare_trainer_step (trainer, (PareTensor *[]){ samples, labels }, 2, 16, i ? &last : &first, &error));
  g_assert_cmpfloat (last.loss, <, 0.5 * first.loss);
  g_assert_true (pare_trainer_apply (trainer, trained, &error));
  g_assert_no_error (error);
  pare_graph_assert_consistent (trained);
  for (guint i = 0; i < trained->nodes->len; i++)
    {
      const PareNode *node = trained->nodes->pdata[i], *layer;
      if (!pare_shift_is (node))
        continue;
      shifted++;
      layer = pare_node_input (node, 0)->producer;
      /* In the unit of the layer as it is now. */
      g_assert_true (pare_node_input (node, 1) == pare_node_input (pare_node_input (layer, 0)->producer, 1));
      g_assert_true (pare_node_input (node, 2) == pare_node_input (pare_node_input (layer, 1)->producer, 1));
    }
  g_assert_cmpuint (shifted, ==, 2);
}

static void
test_network_learns_through_shifts (void)
{
  check_training ("lsq");
}

static void
test_network_learns_ranges_through_shifts (void)
{
  check_training ("ulq");
}

/* What is refused */

static void
assert_refused (PareGraph *graph, const char *text, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) layers = pare_shift_layers_parse (text, &error);
  g_autoptr (PareShiftSearch) found = layers ? pare_shift_search_new (graph, layers, &error) : NULL;

  g_assert_null (found);
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  if (!strstr (error->message, part))
    g_error ("'%s' does not hold '%s'", error->message, part);
}

static void
test_settings_that_do_not_fit_are_refused (void)
{
  g_autoptr (PareGraph) graph = classifier ();

  assert_refused (graph, "h:shift=17", "'h'");
  assert_refused (graph, "g:shift=1", "'g'");
  assert_refused (graph, "h:enable=false;y:enable=false", "graphquantizer");
}

static void
test_float_network_has_nothing_to_shift (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 1, 4));

  net_output (&net, OP (&net, "MatMul", "y", x, net_random (&net, "w", pare_shape_of (2, 4, 3), -1, 1)));
  assert_refused (net.graph, NULL, "graphquantizer");
}

static void
test_layer_left_alone_is_recorded (void)
{
  g_autoptr (PareGraph) graph = classifier ();
  g_autoptr (PareTensor) samples = NULL, labels = NULL;

  labelled (&samples, &labels);
  search (graph, samples, "h:enable=false");
  g_assert_cmpstr (pare_record_entry_action (find_entry (graph, "h")), ==, "not shifted");
  g_assert_cmpstr (pare_record_entry_action (find_entry (graph, "y")), ==, "shifted");
}

static void
test_number_that_is_not_finite_names_the_layer (void)
{
  g_autoptr (PareGraph) graph = product ();
  g_autoptr (GError) error = NULL;
  PareValue *scale = pare_graph_find_value (graph, "scale");
  g_autoptr (PareTensor) infinite = pare_tensor_new_scalar_float (INFINITY), input = largest_input ();
  g_autoptr (PareShiftSearch) found = NULL;

  pare_value_set_constant (scale, infinite);
  found = pare_shift_search_new (graph, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (pare_shift_search_add (found, &input, 1, &error));
  g_assert_nonnull (strstr (error->message, "'y'"));
}

/* A file may name the operator, with anything in it. */
static void
test_operator_refuses_what_does_not_fit (void)
{
  static const gint64 shifts[][2] = { { 0, 17 }, { -1, 0 } };

  for (guint i = 0; i < 4; i++)
    {
      g_auto (Net) net = net_new ();
      PareShape shape = pare_shape_of (2, 2, 2);
      PareValue *x = net_input (&net, "x", shape), *y = OP (&net, "Identity", "y", x);
      PareAccumulator accumulator
          = { y->producer, scale_input (net.graph, "s", 0.5), scale_input (net.graph, "w", 2), i == 2 ? 1 : 2, -1 };
      g_autoptr (PareTensor) input = pare_tensor_new_floats (&shape, (float[]){ 1, 2, 3, 4 });
      g_autoptr (PareExecutor) executor = NULL;
      g_autoptr (GError) error = NULL;
      PareTensor *output = NULL;
      PareNode *node = pare_shift_insert (net.graph, &accumulator, shifts[i % 2]);
      if (i == 3)
        {
          pare_node_set_input (node, 2, x);
          g_assert_false (pare_graph_lower_shifts (net.graph, NULL));
        }
      net_output (&net, y);
      executor = pare_executor_new (net.graph);
      g_assert_false (pare_executor_run (executor, &input, 1, &output, &error));
      g_assert_nonnull (strstr (error->message, "AccumulatorShift"));
    }
}

#define ADD(path, name) g_test_add_func ("/shift/" path, test_##name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("least-error", no_other_shift_has_a_smaller_error);
  ADD ("simulation", simulation_is_the_arithmetic_of_integers);
  ADD ("known", known_accumulators);
  ADD ("fakequant", standard_operators_compute_the_same);
  ADD ("qdq", integer_form_has_whole_accumulators);
  ADD ("qdq-names", integer_form_has_the_names_of_before);
  ADD ("gradient", gradient_passes_where_nothing_is_clipped);
  ADD ("training", network_learns_through_shifts);
  ADD ("training-ranges", network_learns_ranges_through_shifts);
  ADD ("settings", settings_that_do_not_fit_are_refused);
  ADD ("float", float_network_has_nothing_to_shift);
  ADD ("left-alone", layer_left_alone_is_recorded);
  ADD ("not-finite", number_that_is_not_finite_names_the_layer);
  ADD ("refused", operator_refuses_what_does_not_fit);
  return g_test_run ();
}
