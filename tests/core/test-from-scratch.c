/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A small convolutional network learns to tell clothes from nothing: random weights, 2,000 images, judged on others. */
#include "data/reader.h"
#include "net.h"
#include "train/trainer.h"
#include "train/validator.h"

#define FASHION "/usr/share/datasets/fashion-mnist/"
#define TRAINING 2000
#define UNSEEN 1000
#define BATCH 50
#define SIDE 28
#define EPOCHS 3

/* Convolution with stride 2, then Relu; weights about as large as the layer's inputs call for. */
static PareValue *
layer (Net *net, const char *name, PareValue *x, int in, int out)
{
  static const gint64 strides[] = { 2, 2 }, pads[] = { 1, 1, 1, 1 };
  g_autofree char *weight = g_strconcat (name, "_w", NULL), *bias = g_strconcat (name, "_b", NULL);
  g_autofree char *relu = g_strconcat (name, "_relu", NULL);
  PareValue *y = OP (net, "Conv", name, x, net_random (net, weight, pare_shape_of (4, out, in, 3, 3), -0.3, 0.3),
                     net_random (net, bias, pare_shape_of (1, out), -0.1, 0.1));

  net_set_ints (y, "strides", 2, strides);
  net_set_ints (y, "pads", 4, pads);
  return OP (net, "Relu", relu, y);
}

static Net
network (void)
{
  Net net = net_new ();
  PareValue *x = net_input (&net, "image", pare_shape_of (4, -1, 1, SIDE, SIDE));

  x = layer (&net, "second", layer (&net, "first", x, 1, 8), 8, 16);
  net_output (&net, OP (&net, "Gemm", "scores", OP (&net, "Flatten", "flat", x),
                        net_random (&net, "w", pare_shape_of (2, 16 * 7 * 7, 10), -0.05, 0.05),
                        net_random (&net, "b", pare_shape_of (1, 10), -0.1, 0.1)));
  return net;
}

/* The next BATCH images, normalized, and their labels. */
static void
next_batch (PareReader *images, PareReader *labels, PareTensor *batch[2])
{
  PareShape shape = pare_shape_of (4, BATCH, 1, SIDE, SIDE);
  g_autofree float *pixels = g_new (float, BATCH *SIDE *SIDE);
  gint64 numbers[BATCH];

  for (guint i = 0; i < BATCH; i++)
    {
      g_autoptr (PareTensor) image = NULL, label = NULL;
      g_assert_cmpint (pare_reader_next (images, &image, NULL), ==, 1);
      g_assert_cmpint (pare_reader_next (labels, &label, NULL), ==, 1);
      for (guint k = 0; k < SIDE * SIDE; k++)
        pixels[i * SIDE * SIDE + k] = (((const guint8 *)pare_tensor_data (image))[k] / 255.0f - 0.286f) / 0.353f;
      numbers[i] = pare_tensor_get_int (label, 0);
    }
  batch[0] = pare_tensor_new_floats (&shape, pixels);
  batch[1] = pare_tensor_new_int64s (BATCH, numbers);
}

typedef gboolean (*BatchFunc) (gpointer data, PareTensor **batch, GError **error);

static void
for_each_batch (const char *images_name, const char *labels_name, guint n, BatchFunc function, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareReader) images = pare_reader_open (images_name, &error);
  g_autoptr (PareReader) labels = pare_reader_open (labels_name, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < n; i += BATCH)
    {
      PareTensor *batch[2];
      next_batch (images, labels, batch);
      function (data, batch, &error);
      g_assert_no_error (error);
      pare_tensor_unref (batch[0]);
      pare_tensor_unref (batch[1]);
    }
}

static gboolean
train_on (gpointer trainer, PareTensor **batch, GError **error)
{
  PareTrainStep step;

  return pare_trainer_step (trainer, batch, 2, BATCH, &step, error);
}

static gboolean
judge_by (gpointer validator, PareTensor **batch, GError **error)
{
  return pare_validator_add (validator, batch, 2, BATCH, error);
}

static double
accuracy (const PareGraph *graph)
{
  g_autoptr (PareValidator) validator = pare_validator_new (graph, pare_loss_find ("cross-entropy", NULL));

  for_each_batch (FASHION "t10k-images-idx3-ubyte.gz", FASHION "t10k-labels-idx1-ubyte.gz", UNSEEN, judge_by,
                  validator);
  return pare_validator_result (validator).accuracy;
}

static void
test_clothes_are_learnt_from_random_weights (gconstpointer optimizer)
{
  g_auto (Net) net = network ();
  g_autoptr (PareTrainer) trainer = NULL;
  g_autoptr (GError) error = NULL;
  PareTrainSettings settings;

  if (!g_file_test (FASHION, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("dataset-fashion-mnist is not installed");
      return;
    }
  pare_train_settings_init (&settings);
  settings.optimizer = optimizer;
  settings.learning_rate = g_str_equal (optimizer, "sgd") ? 0.05 : 0.005;
  settings.schedule = "one-cycle";
  trainer = pare_trainer_new (net.graph, &settings, &error);
  g_assert_no_error (error);
  pare_trainer_set_length (trainer, TRAINING / BATCH, EPOCHS * TRAINING / BATCH);
  /* Chance is 0.1, and so are random weights. */
  g_assert_cmpfloat (accuracy (net.graph), <, 0.25);
  for (guint i = 0; i < EPOCHS; i++)
    for_each_batch (FASHION "train-images-idx3-ubyte.gz", FASHION "train-labels-idx1-ubyte.gz", TRAINING, train_on,
                    trainer);
  g_assert_true (pare_trainer_apply (trainer, net.graph, &error));
  g_test_message ("%s: %g", (const char *)optimizer, accuracy (net.graph));
  g_assert_cmpfloat (accuracy (net.graph), >, 0.75);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/from-scratch/sgd", "sgd", test_clothes_are_learnt_from_random_weights);
  g_test_add_data_func ("/from-scratch/adam", "adam", test_clothes_are_learnt_from_random_weights);
  return g_test_run ();
}
