/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Losses and their gradients, as the trainer's graph computes them, against the formulas in double and their central
 * differences. */
#include "exec/executor.h"
#include "train/gradient.h"
#include "train/traininggraph.h"
#include <math.h>

#define SAMPLES 3
#define DIFFERENCE 1e-5
#define TOLERANCE 2e-6

typedef struct Case Case;

struct Case
{
  const char *path, *loss;
  /* Of one sample, a column of @classes. */
  double (*formula) (const Case *it, const double *y, const double *target);
  int classes, positions;
  gboolean labels; /* class numbers instead of one number per output */
  double smoothing;
};

static double
cross_entropy (const Case *it, const double *y, const double *target)
{
  double sum = 0, loss = 0;

  for (int c = 0; c < it->classes; c++)
    sum += exp (y[c]);
  for (int c = 0; c < it->classes; c++)
    loss -= ((1 - it->smoothing) * target[c] + it->smoothing / it->classes) * log (exp (y[c]) / sum);
  return loss;
}

static double
mean_of (const Case *it, const double *y, const double *target, double (*of) (double, double))
{
  double sum = 0;

  for (int c = 0; c < it->classes; c++)
    sum += of (y[c], target[c]);
  return sum / it->classes;
}

static double
square (double y, double target)
{
  return (y - target) * (y - target);
}

static double
magnitude (double y, double target)
{
  return fabs (y - target);
}

static double
event (double y, double target)
{
  double p = 1 / (1 + exp (-y));

  return -target * log (p) - (1 - target) * log (1 - p);
}

static double
mse (const Case *it, const double *y, const double *target)
{
  return mean_of (it, y, target, square);
}

static double
l1 (const Case *it, const double *y, const double *target)
{
  return mean_of (it, y, target, magnitude);
}

static double
bce (const Case *it, const double *y, const double *target)
{
  return mean_of (it, y, target, event);
}

static const Case cases[] = {
  { "/losses/cross-entropy/labels", "cross-entropy", cross_entropy, 5, 1, TRUE, 0 },
  { "/losses/cross-entropy/labels-smoothed", "cross-entropy", cross_entropy, 5, 1, TRUE, 0.1 },
  { "/losses/cross-entropy/label-for-each-position", "cross-entropy", cross_entropy, 4, 6, TRUE, 0.3 },
  { "/losses/cross-entropy/probabilities", "cross-entropy", cross_entropy, 5, 1, FALSE, 0 },
  { "/losses/cross-entropy/probabilities-smoothed", "cross-entropy", cross_entropy, 4, 6, FALSE, 0.2 },
  { "/losses/mse", "mse", mse, 5, 1, FALSE, 0 },
  { "/losses/mse/positions", "mse", mse, 4, 6, FALSE, 0 },
  { "/losses/l1", "l1", l1, 5, 6, FALSE, 0 },
  { "/losses/bce-with-logits", "bce-with-logits", bce, 5, 6, FALSE, 0 },
};

/* One of the three does not count at all. */
static const float sample_weights[SAMPLES] = { 0.5f, 0, 0.25f };

typedef struct
{
  PareShape shape; /* [SAMPLES,classes] or [SAMPLES,classes,positions] */
  float *y, *target;
  gint64 *labels;
} Data;

static Data
data_new (const Case *it)
{
  gint64 n = SAMPLES * it->classes * it->positions, places = SAMPLES * it->positions;
  Data data = { { it->positions > 1 ? 3 : 2, { SAMPLES, it->classes, it->positions } },
                g_new (float, n),
                g_new0 (float, n),
                g_new (gint64, places) };
  g_autoptr (GRand) random = g_rand_new_with_seed (11);

  for (gint64 i = 0; i < n; i++)
    {
      data.y[i] = g_rand_double_range (random, -3, 3);
      data.target[i] = it->labels ? 0 : g_rand_double_range (random, 0.05, 0.95);
    }
  for (gint64 i = 0; i < places; i++)
    {
      data.labels[i] = g_rand_int_range (random, 0, it->classes);
      if (it->labels)
        data.target[(i / it->positions * it->classes + data.labels[i]) * it->positions + i % it->positions] = 1;
    }
  return data;
}

static void
data_clear (Data *data)
{
  g_free (data->y);
  g_free (data->target);
  g_free (data->labels);
}

/* The loss of one place of one sample when its output @moved is shifted by @by. */
static double
place_loss (const Case *it, const Data *data, int sample, int place, int moved, double by)
{
  double y[8], target[8];

  for (int c = 0; c < it->classes; c++)
    {
      gint64 at = (sample * it->classes + c) * it->positions + place;
      y[c] = data->y[at] + (c == moved ? by : 0);
      target[c] = data->target[at];
    }
  return it->formula (it, y, target) / it->positions * sample_weights[sample];
}

static PareTensor *
target_tensor (const Case *it, const Data *data)
{
  PareShape places = { data->shape.rank - 1, { SAMPLES, it->positions } };

  return it->labels ? pare_tensor_new_copy (PARE_INT64, &places, data->labels)
                    : pare_tensor_new_floats (&data->shape, data->target);
}

/* The loss and its gradient by the network's output: the graph that the trainer builds, of a network that passes its
 * input on. */
static void
run (const Case *it, const Data *data, PareTensor *outputs[2])
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (PareExecutor) executor = NULL;
  g_autoptr (PareTensor) y = pare_tensor_new_floats (&data->shape, data->y), target = target_tensor (it, data);
  PareShape samples = pare_shape_of (1, SAMPLES);
  g_autoptr (PareTensor) weights = pare_tensor_new_floats (&samples, sample_weights);
  PareTensor *inputs[] = { y, target, weights };
  PareLossSettings settings = { .label_smoothing = it->smoothing };
  PareSpec spec = { PARE_FLOAT32, data->shape };
  PareValue *output = pare_graph_add_value (graph, "y"), *loss, *gradient;

  pare_graph_set_opset (graph, "", 17);
  pare_value_set_spec (output, &spec);
  g_ptr_array_add (graph->inputs, output);
  g_ptr_array_add (graph->outputs, output);
  loss = pare_graph_add_loss (graph, pare_loss_find (it->loss, NULL), &settings);
  pare_graph_add_gradients (graph, loss, 1, &output, &gradient, &error);
  g_assert_no_error (error);
  g_ptr_array_set_size (graph->outputs, 0);
  g_ptr_array_add (graph->outputs, loss);
  g_ptr_array_add (graph->outputs, gradient);
  executor = pare_executor_new (graph);
  pare_executor_run (executor, inputs, G_N_ELEMENTS (inputs), outputs, &error);
  g_assert_no_error (error);
}

static void
test_loss_and_gradient_are_the_formula (gconstpointer user_data)
{
  const Case *it = user_data;
  Data data = data_new (it);
  PareTensor *found[2];
  double loss = 0;

  run (it, &data, found);
  for (int sample = 0; sample < SAMPLES; sample++)
    for (int place = 0; place < it->positions; place++)
      {
        loss += place_loss (it, &data, sample, place, -1, 0);
        for (int c = 0; c < it->classes; c++)
          {
            double above = place_loss (it, &data, sample, place, c, DIFFERENCE);
            double below = place_loss (it, &data, sample, place, c, -DIFFERENCE);
            gint64 at = (sample * it->classes + c) * it->positions + place;
            g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (found[1], at), (above - below) / (2 * DIFFERENCE),
                                            TOLERANCE);
          }
      }
  g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (found[0], 0), loss, TOLERANCE);
  pare_tensor_unref (found[0]);
  pare_tensor_unref (found[1]);
  data_clear (&data);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_test_add_data_func (cases[i].path, &cases[i], test_loss_and_gradient_are_the_formula);
  return g_test_run ();
}
