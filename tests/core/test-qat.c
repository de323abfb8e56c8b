/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Training through quantizers: a network of three bits learns again what the float network did, and what it learnt is
 * in the pairs and in the stored integers. */
#include "exec/executor.h"
#include "net.h"
#include "quantize/pair.h"
#include "quantize/quantize.h"
#include "train/trainer.h"
#include <math.h>
#include <string.h>

#define BATCH 32
#define CLASSES 4
#define BITS 3
#define STEPS 60

static PareGraph *
network (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, BATCH, 2, 6, 6));
  PareValue *a = OP (&net, "Conv", "a", x, net_random (&net, "aw", pare_shape_of (4, 8, 2, 3, 3), -0.5, 0.5),
                     net_random (&net, "ab", pare_shape_of (1, 8), -0.3, 0.3));
  PareValue *ra = OP (&net, "Relu", "ra", a);
  PareValue *b = OP (&net, "Conv", "b", ra, net_random (&net, "bw", pare_shape_of (4, 8, 8, 3, 3), -0.3, 0.3),
                     net_random (&net, "bb", pare_shape_of (1, 8), -0.3, 0.3));
  PareValue *rb = OP (&net, "Relu", "rb", b);
  PareValue *y = OP (&net, "Gemm", "y", OP (&net, "Flatten", "flat", rb),
                     net_random (&net, "yw", pare_shape_of (2, 32, CLASSES), -0.5, 0.5),
                     net_random (&net, "yb", pare_shape_of (1, CLASSES), -0.3, 0.3));

  net_output (&net, y);
  x->range = (PareRange){ -1, 1 };
  ra->range = (PareRange){ 0, 2 };
  rb->range = (PareRange){ 0, 2.5 };
  y->range = (PareRange){ -3, 3 };
  ((PareValue *)pare_graph_find_value (net.graph, "flat"))->range = rb->range;
  return g_object_ref (net.graph);
}

static PareGraph *
quantized (void)
{
  PareGraph *graph = network ();
  PareQuantizeSettings settings;
  g_autoptr (GError) error = NULL;

  pare_quantize_settings_init (&settings);
  settings.bits = settings.activation_bits = settings.edge_bits = BITS;
  pare_graph_quantize (graph, &settings, &error);
  g_assert_no_error (error);
  return graph;
}

static PareTensor *
random_images (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  PareShape shape = pare_shape_of (4, BATCH, 2, 6, 6);
  g_autofree float *data = g_new (float, BATCH * 72);

  for (guint i = 0; i < BATCH * 72; i++)
    data[i] = g_rand_double_range (random, -1, 1);
  return pare_tensor_new_floats (&shape, data);
}

static PareTensor *
run (PareGraph *graph, PareTensor *images)
{
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  g_autoptr (GError) error = NULL;
  PareTensor *output = NULL;

  pare_executor_run (executor, &images, 1, &output, &error);
  g_assert_no_error (error);
  return output;
}

/* The classes that the float network sees. */
static PareTensor *
classes (PareTensor *images)
{
  g_autoptr (PareGraph) graph = network ();
  g_autoptr (PareTensor) scores = run (graph, images);
  gint64 labels[BATCH] = { 0 };

  for (guint i = 0; i < BATCH; i++)
    for (guint c = 1; c < CLASSES; c++)
      if (pare_tensor_get_double (scores, i * CLASSES + c) > pare_tensor_get_double (scores, i * CLASSES + labels[i]))
        labels[i] = c;
  return pare_tensor_new_int64s (BATCH, labels);
}

/* Every weight is one of 2^BITS multiples of its channel's scale; the scales of @graph are not those of @before. */
static void
assert_on_grid (PareGraph *graph, PareGraph *before)
{
  guint weights = 0, moved = 0;
  ParePair pair;

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      const PareValue *old;
      if (!pare_pair_read (node, &pair) || !pair.quantize)
        continue;
      weights += pair.input->constant != NULL;
      g_assert_cmpint (pair.highest - pair.lowest, ==, (1 << BITS) - 1);
      old = pare_graph_find_value (before, pair.scale->name);
      moved += old && !pare_tensor_equal (old->constant, pair.scale->constant);
    }
  g_assert_cmpuint (weights, ==, 3);
  g_assert_cmpuint (moved, >=, 4);
}

static void
check (const char *quantizers)
{
  g_autoptr (PareGraph) graph = quantized (), trained = pare_graph_copy (graph);
  g_autoptr (PareTensor) images = random_images (), labels = classes (images);
  g_autoptr (PareTensor) simulated = NULL, stored = NULL;
  g_autoptr (PareTrainer) trainer = NULL;
  g_autoptr (GError) error = NULL;
  PareTrainSettings settings;
  PareTrainStep first = { 0 }, last = { 0 };

  pare_train_settings_init (&settings);
  settings.learning_rate = 0.05;
  settings.quantizer_rate = 0.005;
  settings.quantizers = quantizers;
  trainer = pare_trainer_new (graph, &settings, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < STEPS; i++)
    {
      g_assert_true (
          pare_trainer_step (trainer, (PareTensor *[]){ images, labels }, 2, BATCH, i ? &last : &first, &error));
      g_assert_no_error (error);
    }
  g_test_message ("%s: loss %g to %g, %d to %d of %d right", quantizers, first.loss, last.loss, (int)first.correct,
                  (int)last.correct, BATCH);
  g_assert_cmpfloat (last.loss, <, 0.5 * first.loss);
  g_assert_cmpint (last.correct, >=, first.correct);
  g_assert_true (pare_trainer_apply (trainer, trained, &error));
  g_assert_no_error (error);
  pare_graph_assert_consistent (trained);
  assert_on_grid (trained, graph);
  simulated = run (trained, images);
  g_assert_true (pare_form_find ("qdq", NULL)->lower (trained, &error));
  stored = run (trained, images);
  for (gint64 i = 0; i < pare_tensor_elements (stored); i++)
    g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (stored, i), pare_tensor_get_double (simulated, i), 1e-4);
}

/* The number that the lowest of the integers of "x" stands for. */
static double
low_end_of_input (PareGraph *graph)
{
  const PareNode *quantize = pare_graph_find_value (graph, "x")->consumers->pdata[0];

  return -pare_tensor_get_double (pare_node_constant (quantize, 2), 0)
         * pare_tensor_get_double (pare_node_constant (quantize, 1), 0);
}

static void
test_scales_and_weights_are_learnt (void)
{
  check ("lsq");
}

static void
test_ranges_and_weights_are_learnt (void)
{
  check ("ulq");
}

/* A low end that calibration put wrong, at -0.2, moves to where the samples are. */
static void
test_zero_points_are_learnt (void)
{
  static const char *const ways[] = { "lsq", "ulq" };

  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (PareGraph) graph = network ();
      g_autoptr (PareTensor) images = random_images (), labels = classes (images);
      g_autoptr (PareTrainer) trainer = NULL;
      g_autoptr (GError) error = NULL;
      PareQuantizeSettings quantize;
      PareTrainSettings settings;
      PareTrainStep step;

      ((PareValue *)pare_graph_find_value (graph, "x"))->range = (PareRange){ -0.2f, 1.8f };
      pare_quantize_settings_init (&quantize);
      g_assert_true (pare_graph_quantize (graph, &quantize, NULL));
      pare_train_settings_init (&settings);
      settings.quantizer_rate = 0.2;
      settings.quantizers = ways[i];
      trainer = pare_trainer_new (graph, &settings, &error);
      g_assert_no_error (error);
      for (guint k = 0; k < STEPS; k++)
        {
          g_assert_true (pare_trainer_step (trainer, (PareTensor *[]){ images, labels }, 2, BATCH, &step, &error));
          g_assert_no_error (error);
        }
      g_assert_true (pare_trainer_apply (trainer, graph, &error));
      g_assert_no_error (error);
      g_test_message ("%s: %g", ways[i], low_end_of_input (graph));
      g_assert_cmpfloat (low_end_of_input (graph), <, -0.25);
    }
}

static void
test_unknown_way_to_learn_is_refused (void)
{
  g_autoptr (PareGraph) graph = quantized ();
  g_autoptr (PareTrainer) trainer = NULL;
  g_autoptr (GError) error = NULL;
  PareTrainSettings settings;

  pare_train_settings_init (&settings);
  settings.quantizers = "pact";
  trainer = pare_trainer_new (graph, &settings, &error);
  g_assert_null (trainer);
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "lsq"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/qat/scales-and-weights-are-learnt", test_scales_and_weights_are_learnt);
  g_test_add_func ("/qat/ranges-and-weights-are-learnt", test_ranges_and_weights_are_learnt);
  g_test_add_func ("/qat/zero-points-are-learnt", test_zero_points_are_learnt);
  g_test_add_func ("/qat/unknown-way-to-learn-is-refused", test_unknown_way_to_learn_is_refused);
  return g_test_run ();
}
