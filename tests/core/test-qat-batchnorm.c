/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Networks that keep BatchNormalization while they are quantized and trained, and are folded afterwards: before and
 * after compute the same, whatever the factors are. */
#include "exec/executor.h"
#include "fuse/fuse.h"
#include "net.h"
#include "onnx/onnx.h"
#include "quantize/pair.h"
#include "quantize/quantize.h"
#include "quantize/trainable.h"
#include "train/trainer.h"
#include <math.h>
#include <string.h>

#define CHANNELS 8
#define BATCH 4

typedef struct
{
  const char *name;
  gboolean product;
  int group; /* of a convolution */
} Kind;

static const Kind kinds[] = {
  { "convolution", FALSE, 1 },
  { "grouped", FALSE, 2 },
  { "depthwise", FALSE, CHANNELS },
  { "gemm", TRUE, 1 },
};

/* Of every sign, none, and so small that a scale times it is no normal number. */
static const float factors[CHANNELS] = { 1.3f, -0.7f, 0, 1e-38f, -2.1f, 1e-12f, 0.4f, -0.01f };

static PareValue *
numbers (Net *net, const char *name, const float *values)
{
  PareShape shape = pare_shape_of (1, CHANNELS);
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&shape, values);

  return pare_graph_add_constant (net->graph, name, tensor);
}

static PareValue *
normalized (Net *net, const char *name, PareValue *x)
{
  PareShape shape = pare_shape_of (1, CHANNELS);

  return OP (net, "BatchNormalization", name, x, numbers (net, "gamma", factors),
             net_random (net, "beta", shape, -1, 1), net_random (net, "mean", shape, -1, 1),
             net_random (net, "variance", shape, 0.3, 2));
}

/* x -> layer with a bias -> "normal" -> Relu */
static PareGraph *
network (const Kind *kind)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (
      &net, "x", kind->product ? pare_shape_of (2, BATCH, CHANNELS) : pare_shape_of (4, BATCH, CHANNELS, 6, 6));
  PareShape shape = kind->product ? pare_shape_of (2, CHANNELS, CHANNELS)
                                  : pare_shape_of (4, CHANNELS, CHANNELS / kind->group, 3, 3);
  PareValue *layer = OP (&net, kind->product ? "Gemm" : "Conv", "layer", x, net_random (&net, "w", shape, -0.5, 0.5),
                         net_random (&net, "b", pare_shape_of (1, CHANNELS), -0.3, 0.3));

  if (kind->group > 1)
    pare_node_set_attribute (layer->producer, pare_attribute_new_int ("group", kind->group));
  net_output (&net, OP (&net, "Relu", "y", normalized (&net, "normal", layer)));
  return g_object_ref (net.graph);
}

static PareTensor *
random_input (const PareGraph *graph)
{
  g_autoptr (GArray) specs = NULL;
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  PareShape shape;
  float *data;

  g_assert_true (pare_graph_default_specs (graph, BATCH, 28, &specs, NULL));
  shape = g_array_index (specs, PareSpec, 0).shape;
  data = g_new (float, pare_shape_elements (&shape));
  for (gint64 i = 0; i < pare_shape_elements (&shape); i++)
    data[i] = g_rand_double_range (random, -1, 2);
  return pare_tensor_new_take (PARE_FLOAT32, &shape, data);
}

/* The value of that name. */
static PareTensor *
run_to (const PareGraph *graph, const char *name, PareTensor *input)
{
  g_autoptr (PareGraph) copy = pare_graph_copy (graph);
  g_autoptr (PareExecutor) executor = NULL;
  g_autoptr (GError) error = NULL;
  PareTensor *output = NULL;

  g_ptr_array_set_size (copy->outputs, 0);
  g_ptr_array_add (copy->outputs, pare_graph_find_value (copy, name));
  executor = pare_executor_new (copy);
  pare_executor_run (executor, &input, 1, &output, &error);
  g_assert_no_error (error);
  return output;
}

static void
calibrate (PareGraph *graph, const PareQuantizeSettings *settings, PareTensor *input)
{
  g_autoptr (GPtrArray) values = pare_quantize_values (graph, settings, NULL);

  for (guint i = 0; i < values->len; i++)
    {
      PareValue *value = values->pdata[i];
      g_autoptr (PareTensor) seen = run_to (graph, value->name, input);
      value->range = (PareRange){ 0, 0 };
      for (gint64 k = 0; k < pare_tensor_elements (seen); k++)
        {
          value->range.low = MIN (value->range.low, pare_tensor_get_double (seen, k));
          value->range.high = MAX (value->range.high, pare_tensor_get_double (seen, k));
        }
    }
}

static guint
count (PareGraph *graph, const char *op_type)
{
  guint n = 0;

  for (guint i = 0; i < graph->nodes->len; i++)
    n += pare_node_is (graph->nodes->pdata[i], op_type);
  return n;
}

/* Fused but for normalization, and quantized. */
static void
quantize (PareGraph *graph, guint bits, gboolean per_channel)
{
  g_autoptr (PareTensor) input = random_input (graph);
  g_autoptr (GError) error = NULL;
  PareQuantizeSettings settings;

  pare_quantize_settings_init (&settings);
  settings.bits = settings.edge_bits = bits;
  settings.per_channel = per_channel;
  g_assert_true (pare_graph_fuse (graph, (const char *[]){ "layer-batchnorm", NULL }, NULL, &error));
  g_assert_no_error (error);
  calibrate (graph, &settings, input);
  g_assert_true (pare_graph_quantize (graph, &settings, &error));
  g_assert_no_error (error);
}

/* Training puts weights at either end of their grid; so do smaller scales. */
static void
narrow_scales (PareGraph *graph)
{
  g_autoptr (GError) error = NULL;
  ParePair pair;

  for (guint i = 0; i < graph->nodes->len; i++)
    if (pare_pair_read (graph->nodes->pdata[i], &pair) && pair.input->constant)
      {
        gint64 n = pare_tensor_elements (pair.scale->constant);
        g_autofree float *scales = g_memdup2 (pare_tensor_data (pair.scale->constant), n * sizeof *scales);
        g_autoptr (PareTensor) tensor = NULL;
        for (gint64 c = 0; c < n; c++)
          scales[c] *= 0.6f;
        tensor = pare_tensor_new_floats (&pair.scale->constant->shape, scales);
        pare_value_set_constant (pair.scale, tensor);
      }
  g_assert_cmpint (pare_graph_open_quantizers (graph, PARE_TRAINABLE_LSQ, &error), >, 0);
  g_assert_true (pare_graph_close_quantizers (graph, &error));
  g_assert_no_error (error);
}

/* Up to the rounding of float32: normalization's shift lies where the folded bias is an integer. */
static void
assert_same (PareTensor *a, PareTensor *b, double tolerance)
{
  double worst = 0;

  g_assert_cmpint (pare_tensor_elements (a), ==, pare_tensor_elements (b));
  for (gint64 i = 0; i < pare_tensor_elements (a); i++)
    worst = MAX (worst, fabs (pare_tensor_get_double (a, i) - pare_tensor_get_double (b, i)));
  g_assert_cmpfloat (worst, <=, tolerance);
}

static void
check_folding (const Kind *kind, guint bits, gboolean per_channel)
{
  g_autoptr (PareGraph) kept = network (kind);
  g_autoptr (PareTensor) input = random_input (kept), before = NULL;
  /* The forms that keep every value; those with operators on integers have tests of their own. */
  static const char *const forms[] = { "fakequant", "qdq" };

  quantize (kept, bits, per_channel);
  narrow_scales (kept);
  before = run_to (kept, "normal", input);
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autoptr (PareGraph) folded = pare_graph_copy (kept);
      g_autoptr (PareTensor) simulated = NULL, lowered = NULL;
      g_autoptr (GError) error = NULL;

      pare_graph_fold_batchnorm (folded);
      pare_graph_assert_consistent (folded);
      g_assert_cmpuint (count (folded, "BatchNormalization"), ==, 0);
      simulated = run_to (folded, "normal", input);
      assert_same (before, simulated, 1e-5);
      pare_form_find (forms[i], NULL)->lower (folded, &error);
      g_assert_no_error (error);
      lowered = run_to (folded, "normal", input);
      assert_same (before, lowered, 1e-5);
      assert_same (simulated, lowered, 1e-6);
    }
}

static void
test_folding_keeps_the_function (gconstpointer data)
{
  const Kind *kind = data;

  for (guint bits = 2; bits <= 8; bits += 2)
    {
      check_folding (kind, bits, TRUE);
      check_folding (kind, bits, FALSE);
    }
}

/* As the deployed network has it: none between the layer and its normalization, one behind the activation. */
static void
test_quantizers_stand_where_the_folded_network_has_them (void)
{
  g_autoptr (PareGraph) graph = network (&kinds[0]);
  const PareNode *next;
  ParePair pair;

  quantize (graph, 8, TRUE);
  next = pare_value_only_consumer (pare_graph_find_value (graph, "layer"));
  g_assert_true (pare_node_is (next, "BatchNormalization"));
  next = pare_value_only_consumer (pare_graph_find_value (graph, "normal"));
  g_assert_true (pare_node_is (next, "Relu"));
  next = pare_value_only_consumer (pare_node_output (next, 0));
  g_assert_true (pare_node_is (next, "QuantizeLinear"));
  next = pare_graph_find_value (graph, "layer")->producer;
  g_assert_true (pare_pair_read (pare_node_input (next, 1)->producer, &pair));
  g_assert_cmpint (pair.lowest, ==, -127); /* each integer has its negative */
  g_assert_true (pare_pair_read (pare_node_input (next, 0)->producer, &pair));
}

/* Where nothing could be folded, there is a quantizer as ever, and normalization is in float. */
static void
test_normalization_that_cannot_fold_is_left_in_float (void)
{
  g_autoptr (PareGraph) graph = network (&kinds[0]);
  gboolean found = FALSE;

  g_ptr_array_add (graph->outputs, pare_graph_find_value (graph, "layer"));
  quantize (graph, 8, TRUE);
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    {
      const PareRecordEntry *entry = pare_record_get (graph->record, i);
      found |= g_strcmp0 (pare_record_entry_layer (entry), "normal") == 0
               && g_strcmp0 (pare_record_entry_action (entry), "left in float") == 0;
    }
  g_assert_true (found);
}

/* The layer behind could take it as well, but then there would be none to train. */
static void
test_normalization_between_layers_stays_with_the_first (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, BATCH, CHANNELS, 6, 6));
  PareShape shape = pare_shape_of (4, CHANNELS, CHANNELS, 1, 1);
  PareValue *first = OP (&net, "Conv", "layer", x, net_random (&net, "w", shape, -0.5, 0.5));
  PareValue *second
      = OP (&net, "Conv", "second", normalized (&net, "normal", first), net_random (&net, "v", shape, -0.5, 0.5));
  g_autoptr (PareTensor) input = NULL, before = NULL, after = NULL;

  net_output (&net, second);
  input = random_input (net.graph);
  quantize (net.graph, 8, TRUE);
  g_assert_cmpuint (count (net.graph, "BatchNormalization"), ==, 1);
  before = run_to (net.graph, "normal", input);
  pare_graph_fold_batchnorm (net.graph);
  g_assert_cmpuint (count (net.graph, "BatchNormalization"), ==, 0);
  g_assert_true (pare_node_is (pare_graph_find_value (net.graph, "normal")->producer, "Conv"));
  after = run_to (net.graph, "normal", input);
  assert_same (before, after, 1e-5);
}

static void
test_float_layers_are_not_folded (void)
{
  g_autoptr (PareGraph) graph = network (&kinds[0]);

  pare_graph_fold_batchnorm (graph);
  g_assert_cmpuint (count (graph, "BatchNormalization"), ==, 1);
}

/* Batch statistics move, factors change their sign on the way, and what the pairs hold at the end is folded. */
static void
test_trained_networks_are_folded (void)
{
  g_autoptr (PareGraph) graph = network (&kinds[0]), folded = NULL;
  g_autoptr (PareTensor) input = random_input (graph), target = NULL, before = NULL, after = NULL, mean = NULL;
  g_autoptr (PareTrainer) trainer = NULL;
  g_autoptr (GError) error = NULL;
  PareTrainSettings settings;
  PareTrainStep step;

  quantize (graph, 4, TRUE);
  mean = pare_tensor_ref (pare_graph_find_value (graph, "mean")->constant);
  target = run_to (graph, "layer", input);
  pare_train_settings_init (&settings);
  settings.loss = "mse";
  settings.learning_rate = 0.3;
  trainer = pare_trainer_new (graph, &settings, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 40; i++)
    {
      g_assert_true (pare_trainer_step (trainer, (PareTensor *[]){ input, target }, 2, BATCH, &step, &error));
      g_assert_no_error (error);
    }
  g_assert_true (pare_trainer_apply (trainer, graph, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (count (graph, "BatchNormalization"), ==, 1);
  g_assert_false (pare_tensor_equal (mean, pare_graph_find_value (graph, "mean")->constant));
  folded = pare_graph_copy (graph);
  pare_graph_fold_batchnorm (folded);
  g_assert_cmpuint (count (folded, "BatchNormalization"), ==, 0);
  before = run_to (graph, "normal", input);
  after = run_to (folded, "normal", input);
  assert_same (before, after, 1e-5);
}

/* Residual sums, shortcuts, and normalizations whose constants the exporter shared. */
static void
test_a_residual_network_is_folded (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "models", "fashion-resnet.onnx", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = pare_onnx_load (path, &error);
  g_autoptr (PareTensor) input = random_input (graph), before = NULL, after = NULL;
  double signal = 0, noise = 0;

  g_assert_no_error (error);
  quantize (graph, 8, TRUE);
  g_assert_cmpuint (count (graph, "BatchNormalization"), ==, 13);
  for (guint i = 0; i < graph->values->len; i++)
    {
      const PareValue *value = graph->values->pdata[i];
      for (guint k = 0; value->constant && value->consumers->len > 1 && k < value->consumers->len; k++)
        g_assert_false (pare_node_is (value->consumers->pdata[k], "BatchNormalization"));
    }
  before = run_to (graph, "logits", input);
  pare_graph_fold_batchnorm (graph);
  g_assert_cmpuint (count (graph, "BatchNormalization"), ==, 0);
  g_assert_true (pare_form_find ("qdq", NULL)->lower (graph, &error));
  after = run_to (graph, "logits", input);
  for (gint64 i = 0; i < pare_tensor_elements (before); i++)
    {
      double x = pare_tensor_get_double (before, i), difference = pare_tensor_get_double (after, i) - x;
      signal += x * x;
      noise += difference * difference;
    }
  /* Not one element ends on a neighbouring integer, or there would be some 60 dB. */
  g_assert_cmpfloat (10 * log10 (signal / noise), >, 80);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *path = g_strconcat ("/qat-batchnorm/folding-keeps-the-function/", kinds[i].name, NULL);
      g_test_add_data_func (path, &kinds[i], test_folding_keeps_the_function);
    }
  g_test_add_func ("/qat-batchnorm/quantizers-stand-where-the-folded-network-has-them",
                   test_quantizers_stand_where_the_folded_network_has_them);
  g_test_add_func ("/qat-batchnorm/normalization-that-cannot-fold-is-left-in-float",
                   test_normalization_that_cannot_fold_is_left_in_float);
  g_test_add_func ("/qat-batchnorm/normalization-between-layers-stays-with-the-first",
                   test_normalization_between_layers_stays_with_the_first);
  g_test_add_func ("/qat-batchnorm/float-layers-are-not-folded", test_float_layers_are_not_folded);
  g_test_add_func ("/qat-batchnorm/trained-networks-are-folded", test_trained_networks_are_folded);
  g_test_add_func ("/qat-batchnorm/a-residual-network-is-folded", test_a_residual_network_is_folded);
  return g_test_run ();
}
