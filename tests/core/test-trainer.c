/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The trainer on networks whose answer is known, and what it refuses. */
#include "net.h"
#include "train/course.h"
#include "train/fingerprint.h"
#include "graph/error.h"
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define SIZE 4
#define BATCH 8

/* y = x w + b, without labels of its own. */
static void
add_linear (Net *net, int outputs)
{
  PareValue *x = net_input (net, "x", pare_shape_of (2, -1, SIZE));
  PareValue *product = OP (net, "MatMul", "product", x, net_random (net, "w", pare_shape_of (2, SIZE, outputs), -1, 1));

  net_output (net, OP (net, "Add", "y", product, net_random (net, "b", pare_shape_of (1, outputs), -1, 1)));
}

/* Batch @index of random samples whose labels @label computes: floats [BATCH,outputs] or one class each. */
typedef float (*Labeller) (const float *sample, int output);

static void
make_batch (guint index, int outputs, Labeller label, gboolean classes, PareTensor *batch[2])
{
  g_autoptr (GRand) random = g_rand_new_with_seed (100 + index);
  PareShape x_shape = pare_shape_of (2, BATCH, SIZE), y_shape = pare_shape_of (2, BATCH, outputs);
  float x[BATCH * SIZE], y[BATCH * 4];
  gint64 numbers[BATCH];

  g_assert_cmpint (outputs, <=, 4);
  for (guint i = 0; i < BATCH * SIZE; i++)
    x[i] = g_rand_double_range (random, -1, 1);
  for (guint n = 0; n < BATCH; n++)
    for (int o = 0; o < outputs; o++)
      y[n * outputs + o] = label (x + n * SIZE, o);
  for (guint n = 0; n < BATCH; n++)
    numbers[n] = y[n * outputs] > 0;
  batch[0] = pare_tensor_new_floats (&x_shape, x);
  batch[1] = classes ? pare_tensor_new_int64s (BATCH, numbers) : pare_tensor_new_floats (&y_shape, y);
}

static float
affine (const float *sample, int output)
{
  return 2 * sample[output] - sample[3] + 0.5f;
}

static gboolean
train_step (PareCourse *course, guint index, int outputs, Labeller label, gboolean classes, PareTrainStep *step,
            GError **error)
{
  PareTensor *batch[2];
  gboolean done;

  make_batch (index, outputs, label, classes, batch);
  done = pare_course_step (course, batch, 2, BATCH, step, error);
  pare_tensor_unref (batch[0]);
  pare_tensor_unref (batch[1]);
  return done;
}

typedef struct
{
  Net net;
  PareTrainSettings settings;
  PareCourseSettings course_settings;
  PareTrainer *trainer;
  PareCourse *course;
} Run;

static void
run_start (Run *run, int outputs)
{
  g_autoptr (GError) error = NULL;

  run->net = net_new ();
  add_linear (&run->net, outputs);
  run->trainer = pare_trainer_new (run->net.graph, &run->settings, &error);
  g_assert_no_error (error);
  run->course = pare_course_new (run->trainer, run->net.graph, &run->course_settings, &error);
  g_assert_no_error (error);
}

static void
run_stop (Run *run)
{
  g_clear_pointer (&run->course, pare_course_free);
  g_clear_pointer (&run->trainer, pare_trainer_free);
  net_clear (&run->net);
}

static Run
run_new (const char *loss, const char *optimizer, double rate)
{
  Run run = { .course_settings.epochs = 100 };

  pare_train_settings_init (&run.settings);
  run.settings.loss = loss;
  run.settings.optimizer = optimizer;
  run.settings.learning_rate = rate;
  return run;
}

/* The weights of the network after training. */
static PareGraph *
result (Run *run)
{
  PareGraph *graph = pare_graph_copy (run->net.graph);
  g_autoptr (GError) error = NULL;

  pare_trainer_apply (run->trainer, graph, &error);
  g_assert_no_error (error);
  return graph;
}

static double
number (const PareGraph *graph, const char *name, guint index)
{
  return pare_tensor_get_double (pare_graph_find_value (graph, name)->constant, index);
}

static void
test_regression_finds_the_coefficients (gconstpointer loss)
{
  Run run = run_new (loss, "adam", 0.02);
  g_autoptr (PareGraph) graph = NULL;
  PareTrainStep step;
  double tolerance = strcmp (loss, "mse") ? 0.03 : 1e-3;

  run_start (&run, 2);
  for (guint i = 0; i < 800; i++)
    {
      run.settings.learning_rate = 0.02;
      g_assert_true (train_step (run.course, i, 2, affine, FALSE, &step, NULL));
      g_assert_cmpint (step.correct, ==, -1);
    }
  graph = result (&run);
  for (int output = 0; output < 2; output++)
    {
      for (int i = 0; i < SIZE; i++)
        g_assert_cmpfloat_with_epsilon (number (graph, "w", i * 2 + output),
                                        i == output ? 2
                                        : i == 3    ? -1
                                                    : 0,
                                        tolerance);
      g_assert_cmpfloat_with_epsilon (number (graph, "b", output), 0.5, tolerance);
    }
  run_stop (&run);
}

/* The loss of the first step, which sees the weights as they were, against the formula in double. */
static void
test_first_loss_is_the_formula (void)
{
  Run run = run_new ("mse", "sgd", 0.1);
  PareTensor *batch[2];
  PareTrainStep step;
  double sum = 0;

  run_start (&run, 2);
  make_batch (0, 2, affine, FALSE, batch);
  for (guint n = 0; n < BATCH; n++)
    for (int o = 0; o < 2; o++)
      {
        double y = number (run.net.graph, "b", o) - pare_tensor_get_double (batch[1], n * 2 + o);
        for (int i = 0; i < SIZE; i++)
          y += pare_tensor_get_double (batch[0], n * SIZE + i) * number (run.net.graph, "w", i * 2 + o);
        sum += y * y;
      }
  g_assert_true (pare_course_step (run.course, batch, 2, BATCH, &step, NULL));
  g_assert_cmpfloat_with_epsilon (step.loss, sum / (BATCH * 2), 1e-5);
  pare_tensor_unref (batch[0]);
  pare_tensor_unref (batch[1]);
  run_stop (&run);
}

/* Bias: the derivative of the mean squared error by it is 2 mean (difference) / outputs. Without weight decay for it.
 */
static void
test_weight_decay_leaves_biases_out (void)
{
  g_autoptr (PareGraph) with = NULL, without = NULL;
  PareTrainStep step;

  for (guint i = 0; i < 2; i++)
    {
      Run run = run_new ("mse", "sgd", 0.1);
      run.settings.weight_decay = i ? 0.5 : 0;
      run_start (&run, 2);
      g_assert_true (train_step (run.course, 0, 2, affine, FALSE, &step, NULL));
      *(i ? &with : &without) = result (&run);
      for (guint k = 0; i && k < SIZE * 2; k++)
        g_assert_cmpfloat_with_epsilon (number (with, "w", k) + 0.1 * 0.5 * number (run.net.graph, "w", k),
                                        number (without, "w", k), 1e-6);
      run_stop (&run);
    }
  g_assert_true (
      pare_tensor_equal (pare_graph_find_value (with, "b")->constant, pare_graph_find_value (without, "b")->constant));
}

static void
test_clipping_shortens_the_step (void)
{
  PareTrainStep step;
  Run run = run_new ("mse", "sgd", 1);
  g_autoptr (PareGraph) graph = NULL;
  double moved = 0;

  run.settings.clip_norm = 0.01;
  run_start (&run, 2);
  g_assert_true (train_step (run.course, 0, 2, affine, FALSE, &step, NULL));
  g_assert_cmpfloat (step.norm, >, 0.1);
  graph = result (&run);
  for (guint k = 0; k < SIZE * 2; k++)
    moved += pow (number (graph, "w", k) - number (run.net.graph, "w", k), 2);
  for (guint k = 0; k < 2; k++)
    moved += pow (number (graph, "b", k) - number (run.net.graph, "b", k), 2);
  g_assert_cmpfloat_with_epsilon (sqrt (moved), 0.01, 1e-6);
  run_stop (&run);
}

static void
test_classes_are_learnt (void)
{
  Run run = run_new ("cross-entropy", "adamw", 0.05);
  PareTrainStep step;
  gint64 correct = 0;

  run_start (&run, 2);
  for (guint i = 0; i < 300; i++)
    {
      g_assert_true (train_step (run.course, i, 2, affine, TRUE, &step, NULL));
      correct += i >= 250 ? step.correct : 0;
    }
  g_assert_cmpint (correct, >, 50 * BATCH * 0.95);
  run_stop (&run);
}

/* Everything but what is in the checkpoint is thrown away after @interrupted steps of the second epoch. */
static GVariant *
train_with_interruption (const char *path, int interrupted)
{
  Run run = run_new ("cross-entropy", "adam", 0.05);
  PareTrainStep step;
  GVariant *weights;

  run.course_settings.epochs = 3;
  run.course_settings.checkpoint = path;
  run.course_settings.checkpoint_interval = 4;
  run_start (&run, 2);
  while (!pare_course_is_over (run.course))
    {
      for (int i = 0; i < 10; i++)
        {
          if (interrupted == i && pare_course_epochs (run.course) == 1)
            {
              run_stop (&run);
              return NULL;
            }
          g_assert_true (train_step (run.course, i, 2, affine, TRUE, &step, NULL));
        }
      g_assert_true (pare_course_end_pass (run.course, NULL, NULL));
    }
  weights = pare_trainer_get_weights (run.trainer);
  g_assert_cmpuint (pare_trainer_steps (run.trainer), ==, 30);
  run_stop (&run);
  return weights;
}

static void
test_interrupted_training_ends_with_the_same_bytes (void)
{
  g_autofree char *folder = g_dir_make_tmp ("pare-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "checkpoint", NULL);
  g_autoptr (GVariant) whole = train_with_interruption (path, -1), resumed = NULL;

  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_null (train_with_interruption (path, 7));
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  resumed = train_with_interruption (path, -1);
  g_assert_true (g_variant_equal (whole, resumed));
  g_remove (path);
  g_rmdir (folder);
}

static void
test_checkpoints_of_others_are_refused (void)
{
  g_autofree char *folder = g_dir_make_tmp ("pare-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "checkpoint", NULL);
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) weights = train_with_interruption (path, -1);
  Run run = run_new ("cross-entropy", "adam", 0.05);
  gsize size;

  run_start (&run, 3);
  run.course_settings.checkpoint = path;
  g_assert_null (pare_course_new (run.trainer, run.net.graph, &run.course_settings, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "another model"));
  g_clear_error (&error);
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  content[size / 2] ^= 1;
  g_assert_true (g_file_set_contents (path, content, size, NULL));
  g_assert_null (pare_course_new (run.trainer, run.net.graph, &run.course_settings, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_DECODE);
  g_assert_nonnull (strstr (error->message, "damaged"));
  g_clear_error (&error);
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  g_assert_null (pare_course_new (run.trainer, run.net.graph, &run.course_settings, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_DECODE);
  run_stop (&run);
  g_remove (path);
  g_rmdir (folder);
}

static void
test_the_best_epoch_wins (void)
{
  static const double accuracies[] = { 0.5, 0.8, 0.7, 0.8, 0.6 };
  Run run = run_new ("cross-entropy", "sgd", 0.05);
  g_autoptr (GVariant) second = NULL, kept = NULL;
  PareTrainStep step;
  int best;

  run.course_settings.patience = 3;
  run_start (&run, 2);
  for (guint i = 0; i < G_N_ELEMENTS (accuracies); i++)
    {
      PareValidation validation = { .loss = 1, .accuracy = accuracies[i], .n = 10 };
      g_assert_false (pare_course_is_over (run.course));
      g_assert_true (train_step (run.course, i, 2, affine, TRUE, &step, NULL));
      g_assert_true (pare_course_end_pass (run.course, &validation, NULL));
      if (i == 1)
        second = pare_trainer_get_weights (run.trainer);
    }
  /* Three epochs without progress. */
  g_assert_true (pare_course_is_over (run.course));
  g_assert_true (pare_course_finish (run.course, &best, NULL));
  g_assert_cmpint (best, ==, 1);
  kept = pare_trainer_get_weights (run.trainer);
  g_assert_true (g_variant_equal (second, kept));
  run_stop (&run);
}

static float
three_classes (const float *sample, int output)
{
  return output == 0 ? 7 : 0;
}

static void
test_labels_that_do_not_fit_are_refused (void)
{
  Run run = run_new ("cross-entropy", "sgd", 0.05);
  g_autoptr (GError) error = NULL;
  PareTensor *batch[2];
  gint64 numbers[BATCH] = { 0, 1, 0, 5 };
  PareTrainStep step;

  run_start (&run, 2);
  make_batch (0, 2, three_classes, TRUE, batch);
  pare_tensor_unref (batch[1]);
  batch[1] = pare_tensor_new_int64s (BATCH, numbers);
  g_assert_false (pare_course_step (run.course, batch, 2, BATCH, &step, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "Sample 3 has the label 5"));
  g_clear_error (&error);
  pare_tensor_unref (batch[1]);
  batch[1] = pare_tensor_new_int64s (3, numbers);
  g_assert_false (pare_course_step (run.course, batch, 2, BATCH, &step, &error));
  g_assert_nonnull (strstr (error->message, "one class number per sample"));
  g_clear_error (&error);
  g_assert_false (pare_course_step (run.course, batch, 1, BATCH, &step, &error));
  g_assert_nonnull (strstr (error->message, "then the labels"));
  pare_tensor_unref (batch[0]);
  pare_tensor_unref (batch[1]);
  run_stop (&run);
}

/* The weights explode, and the first layer to overflow is named. */
static void
test_divergence_names_the_layer (void)
{
  Run run = run_new ("mse", "sgd", 1e30);
  g_autoptr (GError) error = NULL;
  PareTrainStep step;

  run_start (&run, 2);
  for (guint i = 0; i < 5 && !error; i++)
    train_step (run.course, i, 2, affine, FALSE, &step, &error);
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "is not finite: '"));
  run_stop (&run);
}

/* A network of one BatchNormalization: x [n,2] -> 2 classes. */
static void
test_statistics_follow_the_batches (void)
{
  g_auto (Net) net = net_new ();
  PareTrainSettings settings;
  g_autoptr (PareTrainer) trainer = NULL;
  g_autoptr (PareGraph) graph = NULL;
  g_autoptr (PareTensor) labels = NULL;
  g_autoptr (GError) error = NULL;
  PareShape shape = pare_shape_of (2, BATCH, 2);
  float x[BATCH * 2];
  PareTensor *batch[2];
  PareTrainStep step;
  double mean = 0, variance = 0;

  net_output (&net, net_batchnorm (&net, "y", net_input (&net, "x", pare_shape_of (2, -1, 2)), 2));
  pare_train_settings_init (&settings);
  settings.loss = "l1";
  trainer = pare_trainer_new (net.graph, &settings, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < BATCH * 2; i++)
    x[i] = i * i * 0.1f;
  for (guint i = 0; i < BATCH; i++)
    mean += x[i * 2] / BATCH;
  for (guint i = 0; i < BATCH; i++)
    variance += (x[i * 2] - mean) * (x[i * 2] - mean) / BATCH;
  batch[0] = batch[1] = pare_tensor_new_floats (&shape, x);
  g_assert_true (pare_trainer_step (trainer, batch, 2, BATCH, &step, &error));
  pare_tensor_unref (batch[0]);
  graph = pare_graph_copy (net.graph);
  g_assert_true (pare_trainer_apply (trainer, graph, &error));
  g_assert_cmpfloat_with_epsilon (number (graph, "mean", 0), 0.9 * number (net.graph, "mean", 0) + 0.1 * mean, 1e-4);
  g_assert_cmpfloat_with_epsilon (number (graph, "variance", 0),
                                  0.9 * number (net.graph, "variance", 0) + 0.1 * variance, 1e-3);
  /* The node itself stays in its inference form. */
  g_assert_cmpuint (((PareNode *)graph->nodes->pdata[0])->outputs->len, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/trainer/regression/mse", "mse", test_regression_finds_the_coefficients);
  g_test_add_data_func ("/trainer/regression/l1", "l1", test_regression_finds_the_coefficients);
  g_test_add_func ("/trainer/first-loss", test_first_loss_is_the_formula);
  g_test_add_func ("/trainer/weight-decay", test_weight_decay_leaves_biases_out);
  g_test_add_func ("/trainer/clipping", test_clipping_shortens_the_step);
  g_test_add_func ("/trainer/classes", test_classes_are_learnt);
  g_test_add_func ("/trainer/resume", test_interrupted_training_ends_with_the_same_bytes);
  g_test_add_func ("/trainer/foreign-checkpoint", test_checkpoints_of_others_are_refused);
  g_test_add_func ("/trainer/best-epoch", test_the_best_epoch_wins);
  g_test_add_func ("/trainer/labels", test_labels_that_do_not_fit_are_refused);
  g_test_add_func ("/trainer/divergence", test_divergence_names_the_layer);
  g_test_add_func ("/trainer/statistics", test_statistics_follow_the_batches);
  return g_test_run ();
}
