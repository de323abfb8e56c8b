/* SPDX-License-Identifier: LGPL-2.1-or-later
 * n:m sparse weights through training: zeros stay without being asked for, or the mask is drawn anew. */
#include "net.h"
#include "quantize/quantize.h"
#include "graph/pattern.h"
#include "train/distill.h"
#include "train/trainer.h"
#include <math.h>
#include <string.h>

#define BATCH 8
#define SIZE 8
#define OUTPUTS 3
#define WEIGHTS (SIZE * OUTPUTS)

/* y = x w + b with a dense w that is to be 2:4. */
static PareGraph *
network (guint update_frequency)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, SIZE)), *w, *y;

  w = net_random (&net, "w", pare_shape_of (2, SIZE, OUTPUTS), -1, 1);
  w->sparsity = (PareSparsity){ PARE_SPARSITY_N_OF_M, 2, 4, 0, update_frequency };
  y = OP (&net, "Gemm", "y", x, w, net_random (&net, "b", pare_shape_of (1, OUTPUTS), -1, 1));
  x->range = (PareRange){ -1, 1 };
  y->range = (PareRange){ -4, 4 };
  net_output (&net, y);
  return g_object_ref (net.graph);
}

static const float *
weights_of (const PareGraph *graph)
{
  return pare_tensor_data (pare_graph_find_value (graph, "w")->constant);
}

static void
set_weights (PareGraph *graph, const float *weights)
{
  PareShape shape = pare_shape_of (2, SIZE, OUTPUTS);
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&shape, weights);

  pare_value_set_constant (pare_graph_find_value (graph, "w"), tensor);
}

/* The largest two of each four, by counting those that are larger. */
static void
mask_by_hand (const float *weights, float *mask)
{
  for (guint i = 0; i < WEIGHTS; i++)
    {
      guint first = i / OUTPUTS / 4 * 4, larger = 0;
      for (guint j = first; j < first + 4; j++)
        larger += fabsf (weights[j * OUTPUTS + i % OUTPUTS]) > fabsf (weights[i]);
      mask[i] = larger < 2;
    }
}

static void
make_sparse (PareGraph *graph)
{
  float weights[WEIGHTS], mask[WEIGHTS];

  memcpy (weights, weights_of (graph), sizeof weights);
  mask_by_hand (weights, mask);
  for (guint i = 0; i < WEIGHTS; i++)
    weights[i] *= mask[i];
  set_weights (graph, weights);
}

static PareTrainer *
trainer_new (const PareGraph *graph, const char *optimizer)
{
  g_autoptr (GError) error = NULL;
  PareTrainSettings settings;
  PareTrainer *trainer;

  pare_train_settings_init (&settings);
  settings.loss = "mse";
  settings.optimizer = optimizer;
  settings.learning_rate = 0.1;
  settings.mask_decay = 0.25;
  trainer = pare_trainer_new (graph, &settings, &error);
  g_assert_no_error (error);
  return trainer;
}

/* Step @index: y should be the sum of some inputs, all of which a dense w would use. */
static void
step (PareTrainer *trainer, guint index)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (index);
  g_autoptr (GError) error = NULL;
  PareShape x_shape = pare_shape_of (2, BATCH, SIZE), y_shape = pare_shape_of (2, BATCH, OUTPUTS);
  float x[BATCH * SIZE], y[BATCH * OUTPUTS] = { 0 };
  g_autoptr (PareTensor) samples = NULL, labels = NULL;
  PareTrainStep done;

  for (guint i = 0; i < BATCH * SIZE; i++)
    {
      x[i] = g_rand_double_range (random, -1, 1);
      for (guint o = 0; o < OUTPUTS; o++)
        y[i / SIZE * OUTPUTS + o] += x[i] * ((i % SIZE * 5 + o) % 7 > 3 ? 2 : 0.1f);
    }
  samples = pare_tensor_new_floats (&x_shape, x);
  labels = pare_tensor_new_floats (&y_shape, y);
  g_assert_true (pare_trainer_step (trainer, (PareTensor *[]){ samples, labels }, 2, BATCH, &done, &error));
  g_assert_no_error (error);
}

static PareGraph *
result_of (const PareTrainer *trainer, const PareGraph *network)
{
  PareGraph *graph = pare_graph_copy (network);
  g_autoptr (GError) error = NULL;

  g_assert_true (pare_trainer_apply (trainer, graph, &error));
  g_assert_no_error (error);
  return graph;
}

static gboolean
is_sparse (const PareGraph *graph)
{
  return pare_pattern_holds (pare_graph_find_value (graph, "w")->constant, 0, 2, 4, 0);
}

static void
get_mask (const PareGraph *graph, gboolean *mask)
{
  for (guint i = 0; i < WEIGHTS; i++)
    mask[i] = weights_of (graph)[i] != 0;
}

static void
test_zeros_stay_without_being_asked_for (gconstpointer optimizer)
{
  g_autoptr (PareGraph) graph = network (0), after = NULL;
  g_autoptr (PareTrainer) trainer = NULL;
  gboolean before[WEIGHTS], now[WEIGHTS];

  make_sparse (graph);
  get_mask (graph, before);
  trainer = trainer_new (graph, optimizer);
  for (guint i = 0; i < 20; i++)
    step (trainer, i);
  after = result_of (trainer, graph);
  get_mask (after, now);
  g_assert_cmpmem (before, sizeof before, now, sizeof now);
  g_assert_cmpfloat (fabsf (weights_of (after)[0] - weights_of (graph)[0]), !=, 0);
}

static PareGraph *
quantized (const PareGraph *graph)
{
  PareGraph *copy = pare_graph_copy (graph);
  PareQuantizeSettings settings;
  g_autoptr (GError) error = NULL;

  pare_quantize_settings_init (&settings);
  g_assert_true (pare_graph_quantize (copy, &settings, &error));
  g_assert_no_error (error);
  return copy;
}

static void
test_zeros_stay_through_quantizers (void)
{
  g_autoptr (PareGraph) graph = network (0), simulated = NULL, after = NULL;
  g_autoptr (PareTrainer) trainer = NULL;

  make_sparse (graph);
  simulated = quantized (graph);
  trainer = trainer_new (simulated, "sgd");
  for (guint i = 0; i < 5; i++)
    step (trainer, i);
  after = result_of (trainer, simulated);
  g_assert_true (is_sparse (after));
  g_assert_true (memcmp (weights_of (after), weights_of (graph), sizeof (float) * WEIGHTS) != 0);
}

static void
test_zeros_stay_in_distillation (void)
{
  g_autoptr (PareGraph) teacher = network (0), student = pare_graph_copy (teacher), result = NULL;
  g_autoptr (PareSamples) samples = pare_samples_new (1, G_MAXUINT64);
  g_autoptr (PareDistiller) distiller = NULL;
  g_autoptr (GError) error = NULL;
  PareDistillSettings settings;
  gboolean before[WEIGHTS], now[WEIGHTS];

  make_sparse (student);
  get_mask (student, before);
  result = pare_graph_copy (student);
  pare_distill_settings_init (&settings);
  settings.epochs = 10;
  settings.learning_rate = 0.02;
  distiller = pare_distiller_new (student, teacher, &settings, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 8; i++)
    {
      g_autoptr (GRand) random = g_rand_new_with_seed (i);
      PareShape shape = pare_shape_of (2, BATCH, SIZE);
      float x[BATCH * SIZE];
      g_autoptr (PareTensor) batch = NULL;
      /* Inputs that vary together: those that stay can make up for those that went. */
      for (guint k = 0; k < BATCH * SIZE; k++)
        x[k] = (k % SIZE ? x[k - 1] : 0) + g_rand_double_range (random, -1, 1);
      batch = pare_tensor_new_floats (&shape, x);
      g_assert_true (pare_samples_add (samples, &batch, 1, BATCH, &error));
    }
  g_assert_true (pare_distiller_run (distiller, samples, result, NULL, NULL, &error));
  get_mask (result, now);
  g_assert_cmpmem (before, sizeof before, now, sizeof now);
  g_assert_true (memcmp (weights_of (result), weights_of (student), sizeof (float) * WEIGHTS) != 0);
}

/* The dense weights, which only the trainer's state shows. */
static void
dense_weights (const PareTrainer *trainer, float *weights)
{
  g_autoptr (GVariant) state = pare_trainer_get_state (trainer), parameters = NULL;

  g_variant_get_child (state, 3, "@a(saay)", &parameters);
  for (gsize i = 0; i < g_variant_n_children (parameters); i++)
    {
      g_autoptr (GVariant) numbers = NULL, first = NULL;
      const char *name;
      g_variant_get_child (parameters, i, "(&s@aay)", &name, &numbers);
      first = g_variant_get_child_value (numbers, 0);
      if (strcmp (name, "w") == 0)
        memcpy (weights, g_variant_get_data (first), WEIGHTS * sizeof *weights);
    }
}

/* The gradient is that of the masked network, by a trainer that knows of no mask; it goes to all dense weights. */
static void
test_gradients_pass_straight_through (void)
{
  g_autoptr (PareGraph) graph = network (1), masked = pare_graph_copy (graph), after = NULL;
  g_autoptr (PareTrainer) trainer = trainer_new (graph, "sgd"), plain = NULL;
  float dense[WEIGHTS], mask[WEIGHTS], trained[WEIGHTS], want_mask[WEIGHTS];

  memcpy (dense, weights_of (graph), sizeof dense);
  mask_by_hand (dense, mask);
  make_sparse (masked);
  pare_graph_find_value (masked, "w")->sparsity = (PareSparsity){ 0 };
  plain = trainer_new (masked, "sgd");
  step (trainer, 1);
  step (plain, 1);
  after = result_of (plain, masked);
  dense_weights (trainer, trained);
  for (guint i = 0; i < WEIGHTS; i++)
    {
      float change = weights_of (after)[i] - weights_of (masked)[i], decay = mask[i] != 0 ? 0 : 0.1f * 0.25f * dense[i];
      g_assert_cmpfloat_with_epsilon (trained[i], dense[i] + change - decay, 1e-6);
    }
  /* And what goes on is the new mask's share of them. */
  mask_by_hand (trained, want_mask);
  g_clear_object (&after);
  after = result_of (trainer, graph);
  for (guint i = 0; i < WEIGHTS; i++)
    g_assert_cmpfloat (weights_of (after)[i], ==, want_mask[i] != 0 ? trained[i] : 0);
}

static void
test_masks_change_when_they_should (void)
{
  g_autoptr (PareGraph) graph = network (4);
  g_autoptr (PareTrainer) trainer = NULL;
  gboolean last[WEIGHTS];
  guint changes = 0;

  make_sparse (graph);
  get_mask (graph, last);
  trainer = trainer_new (graph, "sgd");
  for (guint i = 1; i <= 24; i++)
    {
      g_autoptr (PareGraph) now = NULL;
      gboolean mask[WEIGHTS];
      step (trainer, i);
      now = result_of (trainer, graph);
      get_mask (now, mask);
      g_assert_true (is_sparse (now));
      if (i % 4)
        g_assert_cmpmem (mask, sizeof mask, last, sizeof last);
      changes += memcmp (mask, last, sizeof mask) != 0;
      memcpy (last, mask, sizeof last);
    }
  g_assert_cmpuint (changes, >=, 1);
}

/* In the middle between two masks: a mask made of the weights of that moment would be another one. */
static void
test_interrupted_training_ends_the_same (gconstpointer optimizer)
{
  g_autoptr (PareGraph) graph = network (6), whole = NULL, resumed = NULL;
  g_autoptr (PareTrainer) first = trainer_new (graph, optimizer), second = trainer_new (graph, optimizer);
  g_autoptr (GVariant) state = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 1; i <= 3; i++)
    step (first, i);
  state = pare_trainer_get_state (first);
  g_assert_true (pare_trainer_set_state (second, state, &error));
  g_assert_no_error (error);
  for (guint i = 4; i <= 9; i++)
    {
      step (first, i);
      step (second, i);
    }
  whole = result_of (first, graph);
  resumed = result_of (second, graph);
  g_assert_cmpmem (weights_of (whole), WEIGHTS * sizeof (float), weights_of (resumed), WEIGHTS * sizeof (float));
  g_assert_true (memcmp (weights_of (whole), weights_of (graph), WEIGHTS * sizeof (float)) != 0);
}

/* As for the best epoch: what the network read comes back. */
static void
test_weights_come_back_masked (void)
{
  g_autoptr (PareGraph) graph = network (4), then = NULL, back = NULL;
  g_autoptr (PareTrainer) trainer = trainer_new (graph, "sgd");
  g_autoptr (GVariant) weights = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 1; i <= 6; i++)
    step (trainer, i);
  weights = pare_trainer_get_weights (trainer);
  then = result_of (trainer, graph);
  for (guint i = 7; i <= 12; i++)
    step (trainer, i);
  g_assert_true (pare_trainer_set_weights (trainer, weights, &error));
  back = result_of (trainer, graph);
  g_assert_cmpmem (weights_of (then), WEIGHTS * sizeof (float), weights_of (back), WEIGHTS * sizeof (float));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/nm-training/zeros-sgd", "sgd", test_zeros_stay_without_being_asked_for);
  g_test_add_data_func ("/nm-training/zeros-adamw", "adamw", test_zeros_stay_without_being_asked_for);
  g_test_add_func ("/nm-training/zeros-quantized", test_zeros_stay_through_quantizers);
  g_test_add_func ("/nm-training/zeros-distilled", test_zeros_stay_in_distillation);
  g_test_add_func ("/nm-training/straight-through", test_gradients_pass_straight_through);
  g_test_add_func ("/nm-training/frequency", test_masks_change_when_they_should);
  g_test_add_data_func ("/nm-training/resume-sgd", "sgd", test_interrupted_training_ends_the_same);
  g_test_add_data_func ("/nm-training/resume-adam", "adam", test_interrupted_training_ends_the_same);
  g_test_add_func ("/nm-training/weights", test_weights_come_back_masked);
  return g_test_run ();
}
