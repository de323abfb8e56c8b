/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Corrected biases: means of channels are what the float network has. */
#include "quantize/quantize.h"
#include "rounding.h"
#include <math.h>
#include <string.h>

static PareRoundingSettings
settings_of (PareBiasCorrection correction)
{
  PareRoundingSettings settings;

  pare_rounding_settings_init (&settings);
  settings.algorithm = "nearest";
  settings.bias_correction = correction;
  return settings;
}

/* Mean of channel @c, which is axis 1 of images and else the last one. */
static double
channel_mean (const PareTensor *tensor, gint64 c)
{
  const PareShape *shape = &tensor->shape;
  guint axis = shape->rank == 4 ? 1 : shape->rank - 1;
  gint64 inner = pare_shape_span (shape, axis + 1, shape->rank), n = 0;
  double sum = 0;

  for (gint64 i = 0; i < pare_tensor_elements (tensor); i++)
    if (i / inner % shape->dims[axis] == c)
      {
        sum += pare_tensor_get_double (tensor, i);
        n++;
      }
  return sum / n;
}

/* Least distance of two biases of channel @c: the one of a product is float. */
static double
bias_step (PareGraph *graph, const RoundingCase *kind, gint64 c)
{
  ParePair weight = rounding_pair (graph, "layer"), data;

  if (strcmp (kind->op_type, "MatMul") == 0)
    return 0;
  g_assert_true (pare_pair_read (pare_node_input (pare_graph_find_layer (graph, "layer", NULL), 0)->producer, &data));
  return pare_tensor_get_double (data.scale->constant, 0)
         * pare_tensor_get_double (weight.scale->constant, weight.axis < 0 ? 0 : c);
}

static gint64
channels_of (const RoundingCase *kind)
{
  return kind->weight.dims[kind->group ? 0 : 1];
}

/* Channels whose mean differs by more than rounding a bias twice explains: by the quantizer, and when it is corrected.
 */
static guint
count_shifted (const RoundingNet *net, PareGraph *graph, const RoundingCase *kind)
{
  g_autoptr (PareTensor) wanted = rounding_output (net->floats, "layer", net->batch);
  g_autoptr (PareTensor) given = rounding_output (graph, "layer", net->batch);
  guint shifted = 0;

  for (gint64 c = 0; c < channels_of (kind); c++)
    shifted += fabs (channel_mean (wanted, c) - channel_mean (given, c)) > bias_step (graph, kind, c) + 1e-4;
  return shifted;
}

static void
test_empirical_correction_makes_means_equal (void)
{
  for (guint i = 0; i < n_rounding_cases; i++)
    {
      const RoundingCase *kind = &rounding_cases[i];
      g_auto (RoundingNet) net = { 0 };
      PareRoundingSettings none = settings_of (PARE_BIAS_CORRECTION_NONE);
      PareRoundingSettings settings = settings_of (PARE_BIAS_CORRECTION_EMPIRICAL);
      g_autoptr (PareGraph) before = NULL, after = NULL;
      rounding_net_init (&net, kind, 3);
      before = rounding_run (&net, &none, TRUE);
      after = rounding_run (&net, &settings, TRUE);
      g_assert_cmpuint (count_shifted (&net, before, kind), ==, channels_of (kind));
      g_assert_cmpuint (count_shifted (&net, after, kind), ==, 0);
    }
}

/* Where nothing is padded, the mean input of the samples gives what the weights cost: all that there is but the
 * rounding of activations. */
static void
test_analytic_correction_takes_the_mean_input_of_samples (void)
{
  const RoundingCase *kind = &rounding_cases[3];
  g_auto (RoundingNet) net = { 0 };
  PareRoundingSettings settings = settings_of (PARE_BIAS_CORRECTION_ANALYTIC);
  g_autoptr (PareGraph) graph = NULL;
  g_autoptr (PareTensor) wanted = NULL, given = NULL;

  rounding_net_init (&net, kind, 3);
  graph = rounding_run (&net, &settings, TRUE);
  wanted = rounding_output (net.floats, "layer", net.batch);
  given = rounding_output (graph, "layer", net.batch);
  for (gint64 c = 0; c < channels_of (kind); c++)
    g_assert_cmpfloat_with_epsilon (channel_mean (wanted, c), channel_mean (given, c), 0.02);
}

/* Statistics of a BatchNormalization instead of samples */

#define CHANNELS 3

/* x -> BatchNormalization -> @activation -> 1x1 convolution of ones, all with weights that 2 bits do not hold. */
static PareGraph *
normalized (const char *activation, const double *gamma, const double *beta)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, CHANNELS, 2, 2)), *h;
  PareQuantizeSettings settings;
  float numbers[2][CHANNELS];
  g_autoptr (GError) error = NULL;

  h = net_batchnorm (&net, "normal", x, CHANNELS);
  for (guint c = 0; c < CHANNELS; c++)
    {
      numbers[0][c] = gamma[c];
      numbers[1][c] = beta[c];
    }
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&(PareShape){ 1, { CHANNELS } }, numbers[i]);
      pare_value_set_constant (pare_node_input (h->producer, i + 1), tensor);
    }
  if (activation)
    h = OP (&net, activation, "active", h);
  h->range = (PareRange){ -1e-3, 1e-3 }; /* a fine step: the bias is hardly rounded */
  h = OP (&net, "Conv", "layer", h, net_random (&net, "w", pare_shape_of (4, 2, CHANNELS, 1, 1), -1, 1));
  rounding_name_layer (h);
  h->range = (PareRange){ -9, 9 };
  net_output (&net, h);
  pare_quantize_settings_init (&settings);
  settings.bits = settings.edge_bits = 2;
  pare_graph_quantize (net.graph, &settings, &error);
  g_assert_no_error (error);
  return g_object_ref (net.graph);
}

/* Mean of max (x, low) for normal x, by the rectangle rule. */
static double
integrate (double mean, double deviation, double low)
{
  double sum = 0, step = 1e-3;

  for (double z = -9; z < 9; z += step)
    sum += MAX (mean + deviation * z, low) * exp (-z * z / 2) / sqrt (2 * G_PI) * step;
  return sum;
}

/* What the quantizer with a scale for each output makes of a weight of output @o. */
static double
quantized (const ParePair *pair, guint o, double weight)
{
  double step = pare_tensor_get_double (pair->scale->constant, o);

  g_assert_cmpint (pare_tensor_elements (pair->scale->constant), ==, 2);
  g_assert_true (!pair->zero_point || pare_tensor_get_double (pair->zero_point->constant, o) == 0);
  return CLAMP (rint (weight / step), pair->lowest, pair->highest) * step;
}

static void
assert_expected_correction (const char *activation, double low)
{
  const double gamma[] = { 1.5, -0.5, 2 }, beta[] = { 0.5, 1, -1 };
  g_autoptr (PareGraph) graph = normalized (activation, gamma, beta);
  g_autoptr (PareTensor) old = pare_tensor_ref (pare_graph_find_value (graph, "w")->constant);
  PareRoundingSettings settings = settings_of (PARE_BIAS_CORRECTION_ANALYTIC);
  const PareTensor *bias;
  g_autoptr (GError) error = NULL;
  ParePair pair;

  g_assert_true (pare_graph_round (graph, NULL, NULL, &settings, NULL, NULL, &error));
  g_assert_no_error (error);
  pare_graph_assert_consistent (graph);
  pair = rounding_pair (graph, "layer");
  bias = pare_node_constant (pare_graph_find_layer (graph, "layer", NULL), 2);
  g_assert_nonnull (bias);
  for (guint o = 0; o < 2; o++)
    {
      double expected = 0;
      for (guint c = 0; c < CHANNELS; c++)
        {
          double weight = pare_tensor_get_double (old, o * CHANNELS + c);
          expected += (weight - quantized (&pair, o, weight)) * integrate (beta[c], fabs (gamma[c]), low);
        }
      g_assert_cmpfloat (fabs (expected), >, 1e-3);
      g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (bias, o), expected, 1e-4);
    }
}

static void
test_analytic_correction_takes_statistics_without_samples (void)
{
  assert_expected_correction (NULL, -INFINITY);
  assert_expected_correction ("Relu", 0);
}

static void
test_record_says_when_nothing_tells_the_mean_input (void)
{
  g_auto (RoundingNet) net = { 0 };
  PareRoundingSettings settings = settings_of (PARE_BIAS_CORRECTION_ANALYTIC);
  g_autoptr (PareGraph) graph = NULL;

  rounding_net_init (&net, &rounding_cases[3], 3);
  graph = rounding_run (&net, &settings, FALSE);
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    {
      const PareRecordEntry *entry = pare_record_get (graph->record, i);
      if (strcmp (pare_record_entry_stage (entry), "graphrounder") == 0)
        g_assert_nonnull (strstr (pare_record_entry_reason (entry), "nothing tells the mean of its input"));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bias-correction/empirical-makes-means-equal", test_empirical_correction_makes_means_equal);
  g_test_add_func ("/bias-correction/analytic-takes-the-mean-input-of-samples",
                   test_analytic_correction_takes_the_mean_input_of_samples);
  g_test_add_func ("/bias-correction/analytic-takes-statistics-without-samples",
                   test_analytic_correction_takes_statistics_without_samples);
  g_test_add_func ("/bias-correction/record-says-when-nothing-tells-the-mean-input",
                   test_record_says_when_nothing_tells_the_mean_input);
  return g_test_run ();
}
