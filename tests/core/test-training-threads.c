/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A training step gives the same bytes on any number of threads. */
#include "exec/executor.h"
#include "onnx/onnx.h"
#include "train/target.h"
#include "train/traininggraph.h"

#define BATCH 64
#define SIDE 28
#define CLASSES 10

static const char *const models[] = { "fashion-resnet", "fashion-mobilenet", "fashion-vit" };

/* What the training graph reads: a batch of noise, its labels, the weights of its samples, the parameters. */
static GPtrArray *
make_inputs (const PareTrainingGraph *training)
{
  GPtrArray *inputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  const PareShape shape = pare_shape_of (4, BATCH, 1, SIDE, SIDE);
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  g_autofree float *pixels = g_new (float, pare_shape_elements (&shape));
  gint64 labels[BATCH];

  for (gint64 i = 0; i < pare_shape_elements (&shape); i++)
    pixels[i] = g_rand_double_range (random, -1, 1);
  for (guint i = 0; i < BATCH; i++)
    labels[i] = i % CLASSES;
  g_ptr_array_add (inputs, pare_tensor_new_floats (&shape, pixels));
  g_ptr_array_add (inputs, pare_tensor_new_int64s (BATCH, labels));
  g_ptr_array_add (inputs, pare_target_weights (BATCH, BATCH));
  for (guint i = 0; i < training->parameters->len; i++)
    g_ptr_array_add (inputs, pare_tensor_ref (((PareParameter *)training->parameters->pdata[i])->tensor));
  return inputs;
}

/* Loss, statistics and gradients, computed and compiled for that many threads. */
static GPtrArray *
step_on_threads (const PareTrainingGraph *training, GPtrArray *inputs, guint threads)
{
  g_autoptr (PareExecutor) executor = pare_executor_new (training->graph);
  GPtrArray *outputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  g_autoptr (GError) error = NULL;

  pare_set_threads (threads);
  g_ptr_array_set_size (outputs, training->graph->outputs->len);
  pare_executor_run (executor, (PareTensor **)inputs->pdata, inputs->len, (PareTensor **)outputs->pdata, &error);
  pare_set_threads (0);
  g_assert_no_error (error);
  return outputs;
}

static void
test_gradients_do_not_depend_on_threads (gconstpointer data)
{
  g_autofree char *file = g_strdup_printf ("%s.onnx", (const char *)data);
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "models", file, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) network = pare_onnx_load (path, &error);
  g_autoptr (PareTrainingGraph) training = NULL;
  g_autoptr (GPtrArray) inputs = NULL, one = NULL;
  PareTrainSettings settings;

  g_assert_no_error (error);
  pare_train_settings_init (&settings);
  training = pare_training_graph_new (network, &settings, pare_loss_find ("cross-entropy", NULL), &error);
  g_assert_no_error (error);
  inputs = make_inputs (training);
  one = step_on_threads (training, inputs, 1);
  for (guint threads = 2; threads <= 3; threads++)
    {
      g_autoptr (GPtrArray) several = step_on_threads (training, inputs, threads);
      for (guint i = 0; i < one->len; i++)
        {
          g_test_message ("%u threads, output %s", threads, ((PareValue *)training->graph->outputs->pdata[i])->name);
          g_assert_cmpmem (pare_tensor_data (several->pdata[i]), pare_tensor_size (several->pdata[i]),
                           pare_tensor_data (one->pdata[i]), pare_tensor_size (one->pdata[i]));
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autofree char *path = g_strdup_printf ("/training/threads/%s", models[i]);
      g_test_add_data_func (path, models[i], test_gradients_do_not_depend_on_threads);
    }
  return g_test_run ();
}
