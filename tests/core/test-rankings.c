/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Scores of channels are what their formulas say. */
#include "network.h"
#include "sparsify/ranking.h"
#include <math.h>
#include <string.h>

#define IN 4
#define HIDDEN 5
#define SAMPLES 7

/* h = Relu (x a) + x b, y = h c: the hidden channels of a and b are tied. */
static Net
two_tied_layers (void)
{
  Net net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, IN));
  PareValue *a = OP (&net, "MatMul", "xa", x, net_random (&net, "a", pare_shape_of (2, IN, HIDDEN), -1, 1));
  PareValue *b = OP (&net, "MatMul", "xb", x, net_random (&net, "b", pare_shape_of (2, IN, HIDDEN), -9, 9));
  PareValue *h = OP (&net, "Add", "h", OP (&net, "Relu", "r", a), b);

  net_output (&net, OP (&net, "MatMul", "y", h, net_random (&net, "c", pare_shape_of (2, HIDDEN, 1), -1, 1)));
  return net;
}

static const float *
numbers (const Net *net, const char *name)
{
  return pare_tensor_data (pare_graph_find_value (net->graph, name)->constant);
}

/* The scores of the one group that can shrink. */
static GPtrArray *
score (const Net *net, const char *name, PareSamples *samples)
{
  g_autoptr (GError) error = NULL;
  const PareRanking *ranking = pare_ranking_find (name, samples != NULL, &error);
  g_autoptr (PareChannelGroups) groups = pare_channel_groups_new (net->graph, NULL, &error);
  GPtrArray *scores;

  g_assert_no_error (error);
  g_assert_cmpuint (pare_channel_groups_get (groups, 0)->n, ==, HIDDEN);
  scores = pare_ranking_score (ranking, groups, samples, &error);
  g_assert_no_error (error);
  return scores;
}

static void
assert_near (double found, double expected)
{
  g_assert_cmpfloat_with_epsilon (found, expected, 1e-4 * MAX (fabs (expected), 1e-3));
}

static double
norm (const float *w, guint column)
{
  double sum = 0;

  for (guint i = 0; i < IN; i++)
    sum += (double)w[i * HIDDEN + column] * w[i * HIDDEN + column];
  return sqrt (sum);
}

static double
balanced_norm (const float *w, guint column)
{
  double low = INFINITY, high = 0;

  for (guint i = 0; i < HIDDEN; i++)
    {
      low = fmin (low, norm (w, i));
      high = fmax (high, norm (w, i));
    }
  return (norm (w, column) - low) / (high - low);
}

static void
test_bcp_sums_norms_of_tied_layers (void)
{
  g_auto (Net) net = two_tied_layers ();
  g_autoptr (GPtrArray) scores = score (&net, "bcp", NULL);

  for (guint c = 0; c < HIDDEN; c++)
    assert_near (((double *)scores->pdata[0])[c],
                 balanced_norm (numbers (&net, "a"), c) + balanced_norm (numbers (&net, "b"), c));
}

static double
distances (const float *w, guint column)
{
  double sum = 0;

  for (guint j = 0; j < HIDDEN; j++)
    {
      double square = 0;
      for (guint i = 0; i < IN; i++)
        square += pow (w[i * HIDDEN + column] - w[i * HIDDEN + j], 2);
      sum += sqrt (square);
    }
  return sum;
}

static double
mean_distances (const float *w)
{
  double sum = 0;

  for (guint j = 0; j < HIDDEN; j++)
    sum += distances (w, j);
  return sum / HIDDEN;
}

static void
test_geometric_median_sums_distances (void)
{
  g_auto (Net) net = two_tied_layers ();
  g_autoptr (GPtrArray) scores = score (&net, "geometric-median", NULL);
  const float *a = numbers (&net, "a"), *b = numbers (&net, "b");

  for (guint c = 0; c < HIDDEN; c++)
    assert_near (((double *)scores->pdata[0])[c],
                 distances (a, c) / mean_distances (a) + distances (b, c) / mean_distances (b));
}

static PareSamples *
samples_of (GRand *random, float x[SAMPLES][IN])
{
  PareSamples *samples = pare_samples_new (1, 1 << 20);

  for (guint s = 0; s < SAMPLES; s++)
    for (guint i = 0; i < IN; i++)
      x[s][i] = g_rand_double_range (random, -1, 1);
  /* Batches of 4: the second one is not full. */
  for (guint s = 0; s < SAMPLES; s += 4)
    {
      PareShape shape = pare_shape_of (2, 4, IN);
      float rows[4][IN] = { 0 };
      g_autoptr (PareTensor) batch = NULL;
      for (guint i = 0; i < 4 && s + i < SAMPLES; i++)
        memcpy (rows[i], x[s + i], sizeof rows[i]);
      batch = pare_tensor_new_floats (&shape, &rows[0][0]);
      g_assert_true (pare_samples_add (samples, &batch, 1, MIN (4, SAMPLES - s), NULL));
    }
  return samples;
}

/* The network has one output and is linear behind the hidden channels: a channel's share of it is h_c c_c. */
static void
test_taylor_is_what_a_channel_contributes (void)
{
  g_auto (Net) net = two_tied_layers ();
  float x[SAMPLES][IN];
  g_autoptr (PareSamples) samples = samples_of (net.random, x);
  g_autoptr (GPtrArray) scores = score (&net, "taylor", samples);
  const float *a = numbers (&net, "a"), *b = numbers (&net, "b"), *c = numbers (&net, "c");

  for (guint k = 0; k < HIDDEN; k++)
    {
      double expected = 0;
      for (guint s = 0; s < SAMPLES; s++)
        {
          double left = 0, right = 0;
          for (guint i = 0; i < IN; i++)
            {
              left += x[s][i] * a[i * HIDDEN + k];
              right += x[s][i] * b[i * HIDDEN + k];
            }
          expected += pow ((fmax (left, 0) + right) * c[k], 2) / SAMPLES;
        }
      assert_near (((double *)scores->pdata[0])[k], expected);
    }
}

static void
test_the_lowest_scores_go_and_of_equal_ones_the_last (void)
{
  g_auto (Net) net = two_tied_layers ();
  g_autoptr (PareChannelGroups) groups = pare_channel_groups_new (net.graph, NULL, NULL);
  double scores[HIDDEN] = { 3, 1, 2, 1, 1 };
  g_autofree gboolean *keep = pare_channels_select (groups, pare_channel_groups_get (groups, 0), scores, 3);
  gboolean expected[HIDDEN] = { TRUE, TRUE, TRUE, FALSE, FALSE };

  g_assert_cmpmem (keep, sizeof expected, expected, sizeof expected);
}

static void
test_rankings_that_look_at_samples_ask_for_them (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (pare_ranking_find ("taylor", FALSE, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_NO_DATA);
  g_clear_error (&error);
  g_assert_null (pare_ranking_find ("taylr", TRUE, &error));
  g_assert_nonnull (strstr (error->message, "taylor"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/rankings/" #name, test_##name)
  ADD (bcp_sums_norms_of_tied_layers);
  ADD (geometric_median_sums_distances);
  ADD (taylor_is_what_a_channel_contributes);
  ADD (the_lowest_scores_go_and_of_equal_ones_the_last);
  ADD (rankings_that_look_at_samples_ask_for_them);
  return g_test_run ();
}
