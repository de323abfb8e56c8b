/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Weights that are zero before training are zero after it, where that is asked for: in float, through quantizers, and
 * in distillation. */
#include "net.h"
#include "quantize/quantize.h"
#include "train/distill.h"
#include "train/trainer.h"

#define BATCH 8
#define SIZE 4
#define HIDDEN 8
#define CLASSES 3

static const char *const weights[] = { "w1", "w2" };

/* Three of every seven, all over. */
static void
make_sparse (PareGraph *graph)
{
  for (guint i = 0; i < G_N_ELEMENTS (weights); i++)
    {
      PareValue *value = pare_graph_find_value (graph, weights[i]);
      gint64 n = pare_tensor_elements (value->constant);
      g_autofree float *numbers = g_memdup2 (pare_tensor_data (value->constant), n * sizeof (float));
      g_autoptr (PareTensor) tensor = NULL;

      for (gint64 k = 0; k < n; k++)
        if (k * 5 % 7 < 3)
          numbers[k] = 0;
      tensor = pare_tensor_new_floats (&value->constant->shape, numbers);
      pare_value_set_constant (value, tensor);
    }
}

static PareGraph *
network (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, SIZE)), *h, *y;

  x->range = (PareRange){ -1, 1 };
  h = OP (&net, "Gemm", "hidden", x, net_random (&net, "w1", pare_shape_of (2, SIZE, HIDDEN), -1, 1),
          net_random (&net, "b1", pare_shape_of (1, HIDDEN), -1, 1));
  h = OP (&net, "Relu", "relu", h);
  h->range = (PareRange){ 0, 2 };
  y = OP (&net, "Gemm", "y", h, net_random (&net, "w2", pare_shape_of (2, HIDDEN, CLASSES), -1, 1),
          net_random (&net, "b2", pare_shape_of (1, CLASSES), -1, 1));
  y->range = (PareRange){ -3, 3 };
  net_output (&net, y);
  return g_object_ref (net.graph);
}

static void
make_batch (guint index, PareTensor *batch[2])
{
  g_autoptr (GRand) random = g_rand_new_with_seed (index);
  PareShape shape = pare_shape_of (2, BATCH, SIZE);
  float x[BATCH * SIZE];
  gint64 labels[BATCH];

  for (guint i = 0; i < G_N_ELEMENTS (x); i++)
    x[i] = g_rand_double_range (random, -1, 1);
  for (guint i = 0; i < BATCH; i++)
    labels[i] = x[i * SIZE] > 0 ? 1 + (x[i * SIZE + 1] > 0) : 0;
  batch[0] = pare_tensor_new_floats (&shape, x);
  batch[1] = pare_tensor_new_int64s (BATCH, labels);
}

static void
train (PareGraph *graph, const char *optimizer, gboolean keep_zeros)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareTrainer) trainer = NULL;
  PareTrainSettings settings;
  PareTrainStep step;

  pare_train_settings_init (&settings);
  settings.optimizer = optimizer;
  settings.learning_rate = 0.02;
  settings.quantizer_rate = 0.001;
  settings.weight_decay = 0.01;
  settings.clip_norm = 1;
  settings.keep_zeros = keep_zeros;
  trainer = pare_trainer_new (graph, &settings, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 20; i++)
    {
      PareTensor *batch[2];
      make_batch (i, batch);
      pare_trainer_step (trainer, batch, 2, BATCH, &step, &error);
      g_assert_no_error (error);
      pare_tensor_unref (batch[0]);
      pare_tensor_unref (batch[1]);
    }
  pare_trainer_apply (trainer, graph, &error);
  g_assert_no_error (error);
}

/* Weights that were zero in @before and are not in @graph; weights that were not zero and moved. */
static void
count (const PareGraph *before, const PareGraph *graph, guint *filled, guint *moved)
{
  *filled = *moved = 0;
  for (guint i = 0; i < G_N_ELEMENTS (weights); i++)
    {
      const PareTensor *old = pare_graph_find_value (before, weights[i])->constant;
      const PareTensor *new = pare_graph_find_value (graph, weights[i])->constant;
      for (gint64 k = 0; k < pare_tensor_elements (old); k++)
        {
          double was = pare_tensor_get_double (old, k), is = pare_tensor_get_double (new, k);
          *filled += was == 0 && is != 0;
          *moved += was != 0 && is != was;
        }
    }
}

static void
test_every_optimizer_keeps_zeros (gconstpointer optimizer)
{
  g_autoptr (PareGraph) before = network (), free = NULL, kept = NULL;
  guint filled, moved, enough = (SIZE + CLASSES) * HIDDEN / 4;

  make_sparse (before);
  free = pare_graph_copy (before);
  kept = pare_graph_copy (before);
  train (free, optimizer, FALSE);
  train (kept, optimizer, TRUE);
  /* Or the test shows nothing. */
  count (before, free, &filled, &moved);
  g_assert_cmpuint (filled, >, enough);
  count (before, kept, &filled, &moved);
  g_assert_cmpuint (filled, ==, 0);
  g_assert_cmpuint (moved, >, enough);
}

static void
test_biases_move_in_any_case (void)
{
  g_autoptr (PareGraph) graph = network ();
  PareShape shape = pare_shape_of (1, HIDDEN);
  g_autoptr (PareTensor) zeros = pare_tensor_new_floats (&shape, (float[HIDDEN]){ 0 });
  const PareTensor *bias;
  guint moved = 0;

  pare_value_set_constant (pare_graph_find_value (graph, "b1"), zeros);
  train (graph, "sgd", TRUE);
  bias = pare_graph_find_value (graph, "b1")->constant;
  for (guint i = 0; i < HIDDEN; i++)
    moved += pare_tensor_get_double (bias, i) != 0;
  g_assert_cmpuint (moved, >, HIDDEN / 2);
}

static PareGraph *
quantized (PareGraph *graph)
{
  PareGraph *copy = pare_graph_copy (graph);
  PareQuantizeSettings settings;
  g_autoptr (GError) error = NULL;

  pare_quantize_settings_init (&settings);
  settings.bits = settings.activation_bits = settings.edge_bits = 4;
  pare_graph_quantize (copy, &settings, &error);
  g_assert_no_error (error);
  return copy;
}

static void
test_quantized_weights_keep_zeros (void)
{
  g_autoptr (PareGraph) before = network (), graph = NULL;
  guint filled, moved;

  make_sparse (before);
  graph = quantized (before);
  train (graph, "adam", TRUE);
  count (before, graph, &filled, &moved);
  g_assert_cmpuint (filled, ==, 0);
  g_assert_cmpuint (moved, >, 0);
}

/* The student is the teacher with half of its weights gone. */
static void
test_distillation_keeps_zeros (gconstpointer keep_zeros)
{
  g_autoptr (PareGraph) teacher = network (), before = pare_graph_copy (teacher), student = NULL, result = NULL;
  g_autoptr (PareSamples) samples = pare_samples_new (1, G_MAXUINT64);
  g_autoptr (PareDistiller) distiller = NULL;
  g_autoptr (GError) error = NULL;
  PareDistillSettings settings;
  guint filled, moved;

  make_sparse (before);
  student = quantized (before);
  result = pare_graph_copy (student);
  pare_distill_settings_init (&settings);
  settings.learning_rate = 0.02;
  settings.clip_rate = 0.01;
  settings.epochs = 5;
  settings.keep_zeros = keep_zeros != NULL;
  distiller = pare_distiller_new (student, teacher, &settings, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 16; i++)
    {
      PareTensor *batch[2];
      make_batch (i, batch);
      g_assert_true (pare_samples_add (samples, batch, 1, BATCH, &error));
      pare_tensor_unref (batch[0]);
      pare_tensor_unref (batch[1]);
    }
  pare_distiller_run (distiller, samples, result, NULL, NULL, &error);
  g_assert_no_error (error);
  count (before, result, &filled, &moved);
  g_assert_cmpuint (moved, >, 0);
  if (keep_zeros)
    g_assert_cmpuint (filled, ==, 0);
  else
    g_assert_cmpuint (filled, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/keep-zeros/sgd", "sgd", test_every_optimizer_keeps_zeros);
  g_test_add_data_func ("/keep-zeros/adam", "adam", test_every_optimizer_keeps_zeros);
  g_test_add_data_func ("/keep-zeros/adamw", "adamw", test_every_optimizer_keeps_zeros);
  g_test_add_func ("/keep-zeros/biases", test_biases_move_in_any_case);
  g_test_add_func ("/keep-zeros/quantized", test_quantized_weights_keep_zeros);
  g_test_add_data_func ("/keep-zeros/distillation", "", test_distillation_keeps_zeros);
  g_test_add_data_func ("/keep-zeros/distillation-without", NULL, test_distillation_keeps_zeros);
  return g_test_run ();
}
