/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Filters are chosen by what the layers behind can make up for, and these do make up for it. */
#include "network.h"
#include "sparsify/channel-allocation.h"
#include "sparsify/filter.h"
#include "sparsify/ranking.h"
#include "sparsify/reconstruct.h"
#include "sparsify/remove.h"
#include "sparsify/survey.h"
#include <math.h>
#include <string.h>

#define SAMPLES 24

static PareValue *
conv (Net *net, const char *output, PareValue *x, int in, int out, int kernel)
{
  g_autofree char *weight = g_strconcat (output, ".weight", NULL), *bias = g_strconcat (output, ".bias", NULL);
  PareValue *y
      = OP (net, "Conv", output, x, net_random (net, weight, pare_shape_of (4, out, in, kernel, kernel), -1, 1),
            net_random (net, bias, pare_shape_of (1, out), -1, 1));
  gint64 pads[] = { kernel / 2, kernel / 2, kernel / 2, kernel / 2 };

  net_set_ints (y, "pads", 4, pads);
  return y;
}

static PareValue *
relu (Net *net, PareValue *x)
{
  g_autofree char *output = g_strconcat (x->name, ".relu", NULL);

  return OP (net, "Relu", output, x);
}

/* a feeds b and c, whose outputs are added; the sum is pooled and classified. */
static Net
forked_net (void)
{
  Net net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 3, 6, 6));
  PareValue *a = relu (&net, conv (&net, "a", x, 3, 8, 3));
  PareValue *sum = OP (&net, "Add", "sum", conv (&net, "b", a, 8, 6, 3), conv (&net, "c", a, 8, 6, 1));
  PareValue *flat = OP (&net, "Flatten", "flat", OP (&net, "GlobalAveragePool", "pool", relu (&net, sum)));

  net_output (&net, OP (&net, "Gemm", "d", flat, net_random (&net, "d.weight", pare_shape_of (2, 6, 4), -1, 1),
                        net_random (&net, "d.bias", pare_shape_of (1, 4), -1, 1)));
  return net;
}

static PareSamples *
random_samples (Net *net, guint n)
{
  PareSamples *samples = pare_samples_new (1, 1 << 22);

  for (guint i = 0; i < n; i += 4)
    {
      g_autoptr (GPtrArray) inputs = network_inputs (net, 4);
      g_assert_true (pare_samples_add (samples, (PareTensor **)inputs->pdata, 1, 4, NULL));
    }
  return samples;
}

static PareChannelGroup *
group_named (PareChannelGroups *groups, const char *name)
{
  for (guint i = 0; i < pare_channel_groups_length (groups); i++)
    if (strcmp (pare_channel_groups_get (groups, i)->name, name) == 0)
      return pare_channel_groups_get (groups, i);
  g_error ("no group %s", name);
}

/* The least squared error of b and c together when only channels in @keep of a are there, the plain way. */
static double
error_with (Net *net, PareSamples *samples, const gboolean *keep)
{
  static const char *const layers[] = { "b", "c" };
  double sum = 0;

  for (guint l = 0; l < 2; l++)
    {
      g_autoptr (PareWalk) x = pare_walk_new (net->graph, samples, 0), y = pare_walk_new (net->graph, samples, 0);
      PareNode *layer = pare_graph_find_value (net->graph, layers[l])->producer;
      g_autoptr (PareMoments) moments = NULL;
      PareLayerMatrix matrix;
      double weights[6 * 8 * 9], bias[6];
      gint64 columns[8 * 9], n = 0;

      g_assert_true (pare_layer_matrix_init (&matrix, layer));
      moments = pare_moments_collect (&matrix, layer, x, layer, y, 0, NULL);
      for (gint64 c = 0; c < matrix.columns; c++)
        if (keep[c / matrix.taps])
          columns[n++] = c;
      g_assert_true (pare_least_squares (moments, n, columns, 1e-9, weights, bias, NULL));
      sum += pare_moments_error (moments, weights, bias);
    }
  return sum;
}

typedef struct
{
  const char *name;
  const PareChannelGroups *groups;
  PareChannelCurve *curve;
} Wanted;

static gboolean
eliminate (guint group, GPtrArray *readers, gpointer data, GError **error)
{
  Wanted *wanted = data;

  if (strcmp (pare_channel_groups_get (wanted->groups, group)->name, wanted->name) != 0)
    return TRUE;
  wanted->curve
      = pare_eliminate (pare_channel_groups_get (wanted->groups, group)->n, readers, 1e-9, NULL, NULL, NULL, error);
  return wanted->curve != NULL;
}

/* Each step takes the channel after which a least-squares solution from scratch is best, and says that error. */
static void
test_elimination_is_what_solving_anew_finds (void)
{
  g_auto (Net) net = forked_net ();
  g_autoptr (PareSamples) samples = random_samples (&net, SAMPLES);
  g_autoptr (PareChannelGroups) groups = pare_channel_groups_new (net.graph, NULL, NULL);
  Wanted wanted = { "a", groups, NULL };
  gboolean keep[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };

  g_assert_true (pare_channel_survey (groups, samples, eliminate, &wanted, NULL));
  for (guint step = 0; step < 7; step++)
    {
      double best = INFINITY;
      for (guint i = 0; i < 8; i++)
        {
          double error;
          if (!keep[i])
            continue;
          keep[i] = FALSE;
          error = error_with (&net, samples, keep);
          keep[i] = TRUE;
          best = MIN (best, error);
          if (i == wanted.curve->order[step])
            g_assert_cmpfloat_with_epsilon (error, wanted.curve->loss[step + 1], 1e-5);
        }
      g_assert_cmpfloat_with_epsilon (best, wanted.curve->loss[step + 1], 1e-5);
      keep[wanted.curve->order[step]] = FALSE;
    }
  pare_channel_curve_free (wanted.curve);
}

/* Entries [@n / 2, @n) along axis 0 become those of the first half, times @factor. */
static void
repeat_half (Net *net, const char *constant, float factor)
{
  PareValue *value = pare_graph_find_value (net->graph, constant);
  g_autofree float *data = g_memdup2 (pare_tensor_data (value->constant), pare_tensor_size (value->constant));
  gint64 half = pare_tensor_elements (value->constant) / 2;
  g_autoptr (PareTensor) tensor = NULL;

  for (gint64 i = 0; i < half; i++)
    data[half + i] = factor * data[i];
  tensor = pare_tensor_new_floats (&value->constant->shape, data);
  pare_value_set_constant (value, tensor);
}

static GPtrArray *
run_without_half (Net *net, PareSamples *samples, const char *algorithm, GPtrArray *inputs)
{
  g_autoptr (PareGraph) graph = pare_graph_copy (net->graph);
  PareFilterSettings settings = { .algorithm = algorithm,
                                  .ratio = 0.5,
                                  .reconstruct = TRUE,
                                  .ridge = 1e-8,
                                  .skip_layers = (const char *const[]){ "b", NULL },
                                  .memory_limit = 1 << 22 };
  GError *error = NULL;

  pare_graph_sparsify_filters (graph, samples, &settings, NULL, NULL, &error);
  g_assert_no_error (error);
  pare_graph_assert_consistent (graph);
  g_assert_cmpint (pare_node_constant (pare_graph_find_value (graph, "b")->producer, 1)->shape.dims[1], ==, 4);
  return network_run (graph, inputs);
}

/* Half of the filters are multiples of the others: they go, and the layers behind take them over. */
static void
test_redundant_filters_go_without_loss (void)
{
  static const char *const algorithms[] = { "reconstruction", "lasso", "output" };
  g_auto (Net) net = forked_net ();
  g_autoptr (PareSamples) samples = random_samples (&net, SAMPLES);
  g_autoptr (GPtrArray) inputs = network_inputs (&net, 3), before = NULL, without = NULL;

  repeat_half (&net, "a.weight", 3);
  repeat_half (&net, "a.bias", 3);
  before = network_run (net.graph, inputs);
  for (guint i = 0; i < G_N_ELEMENTS (algorithms); i++)
    {
      g_autoptr (GPtrArray) after = run_without_half (&net, samples, algorithms[i], inputs);
      network_assert_close (after, before, 1e-3);
    }
  without = run_without_half (&net, NULL, "bcp", inputs); /* nothing made up for it */
  g_assert_cmpfloat (
      fabs (pare_tensor_get_double (without->pdata[0], 0) - pare_tensor_get_double (before->pdata[0], 0)), >, 0.1);
}

/* What is added to a layer's output changed; the layer computes the difference as well. */
static void
test_layers_make_up_for_what_is_added_to_them (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 3, 6, 6));
  PareValue *skip = OP (&net, "Mul", "skip", x, net_random (&net, "factor", pare_shape_of (3, 3, 1, 1), 1, 2));
  g_autoptr (PareSamples) samples = random_samples (&net, SAMPLES);
  g_autoptr (GHashTable) kept = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (PareGraph) original = NULL;
  g_autoptr (PareTensor) half = NULL;
  g_autoptr (GPtrArray) inputs = NULL, before = NULL, after = NULL;
  PareShape shape = pare_shape_of (3, 3, 1, 1);
  GError *error = NULL;

  net_output (&net, relu (&net, OP (&net, "Add", "sum", skip, conv (&net, "layer", x, 3, 3, 1))));
  original = pare_graph_copy (net.graph);
  inputs = network_inputs (&net, 2);
  before = network_run (original, inputs);
  half = pare_tensor_new_floats (&shape, (float[]){ 0.5, 0.25, -1 });
  pare_value_set_constant (pare_graph_find_value (net.graph, "factor"), half);
  pare_graph_reconstruct (net.graph, &(PareReconstruction){ original, kept, samples, 1e-9, 0, 1 << 20 }, NULL, NULL,
                          &error);
  g_assert_no_error (error);
  after = network_run (net.graph, inputs);
  network_assert_close (after, before, 1e-4);
}

static double
count_macs (PareGraph *graph)
{
  g_autoptr (GArray) specs = NULL;
  g_autoptr (PareInference) inference = NULL;
  double macs = 0;

  g_assert_true (pare_graph_default_specs (graph, 1, 1, &specs, NULL));
  inference = pare_inference_new (graph, specs->len, (const PareSpec *)specs->data, NULL);
  for (guint i = 0; i < graph->nodes->len; i++)
    macs += pare_inference_macs (inference, graph->nodes->pdata[i]);
  return macs;
}

static double
count_parameters (PareGraph *graph)
{
  double n = 0;

  for (guint i = 0; i < graph->values->len; i++)
    if (((PareValue *)graph->values->pdata[i])->constant)
      n += pare_tensor_elements (((PareValue *)graph->values->pdata[i])->constant);
  return n;
}

/* What a smaller network would cost is what it costs when it was built. */
static void
test_costs_are_those_of_the_smaller_network (void)
{
  g_auto (Net) net = forked_net ();
  g_autoptr (PareChannelGroups) groups = pare_channel_groups_new (net.graph, NULL, NULL);
  g_autoptr (PareCost) macs = pare_cost_new (groups, PARE_COST_MACS, NULL);
  g_autoptr (PareCost) parameters = pare_cost_new (groups, PARE_COST_PARAMETERS, NULL);
  guint n = pare_channel_groups_length (groups);
  g_autofree guint *left = g_new (guint, n);

  for (guint g = 0; g < n; g++)
    left[g] = pare_channel_groups_get (groups, g)->n;
  g_assert_cmpfloat_with_epsilon (pare_cost_of (macs, left), count_macs (net.graph), 0.5);
  g_assert_cmpfloat_with_epsilon (pare_cost_of (parameters, left), count_parameters (net.graph), 0.5);
  for (guint g = 0; g < n; g++)
    {
      PareChannelGroup *group = pare_channel_groups_get (groups, g);
      g_autofree gboolean *keep = g_new0 (gboolean, group->n);
      double before = pare_cost_of (macs, left), saved;
      if (group->reason)
        continue;
      for (guint i = 0; i < 3; i++)
        keep[i] = TRUE;
      saved = pare_cost_saved (macs, left, g, 3);
      g_assert_true (pare_channel_group_remove (groups, group, keep, NULL));
      left[g] = 3;
      g_assert_cmpfloat_with_epsilon (pare_cost_of (macs, left), count_macs (net.graph), 0.5);
      g_assert_cmpfloat_with_epsilon (pare_cost_of (parameters, left), count_parameters (net.graph), 0.5);
      g_assert_cmpfloat_with_epsilon (before - saved, pare_cost_of (macs, left), 0.5);
    }
}

/* The group whose channels are worth nothing gives all but one before the other gives any. */
static void
test_budgets_take_what_is_worth_least (void)
{
  g_auto (Net) net = forked_net ();
  g_autoptr (PareChannelGroups) groups = pare_channel_groups_new (net.graph, NULL, NULL);
  g_autoptr (PareCost) cost = pare_cost_new (groups, PARE_COST_MACS, NULL);
  guint n = pare_channel_groups_length (groups);
  g_autofree PareChannelCurve **curves = g_new0 (PareChannelCurve *, n);
  g_autofree guint *left = g_new (guint, n);
  PareChannelAllocation allocation = { groups, curves, 1, left };
  g_autoptr (GError) error = NULL;
  guint cheap = 0, dear = 0;

  for (guint g = 0; g < n; g++)
    {
      PareChannelGroup *group = pare_channel_groups_get (groups, g);
      g_autofree double *scores = g_new (double, group->n);
      left[g] = group->n;
      if (group->reason)
        continue;
      for (guint i = 0; i < group->n; i++)
        scores[i] = group == group_named (groups, "a") ? 1e-3 : 1;
      *(group == group_named (groups, "a") ? &cheap : &dear) = g;
      curves[g] = pare_channel_curve_from_scores (group->n, scores, FALSE);
    }
  g_assert_true (pare_channel_allocate (&allocation, cost, 0.51 * pare_cost_of (cost, left), &error));
  g_assert_cmpuint (left[cheap], ==, 4); /* all costs but the Gemm's 24 are in proportion to it */
  g_assert_cmpuint (left[dear], ==, 6);
  g_assert_true (pare_channel_allocate (&allocation, cost, 0.2 * count_macs (net.graph), &error));
  g_assert_cmpuint (left[cheap], ==, 1);
  g_assert_cmpuint (left[dear], ==, 6);
  g_assert_false (pare_channel_allocate (&allocation, cost, 1, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  for (guint g = 0; g < n; g++)
    g_clear_pointer (&curves[g], pare_channel_curve_free);
}

/* At most the budget is left, and not much less; alignment holds. */
static void
test_budgets_are_met (void)
{
  static const PareBudget budgets[] = { PARE_BUDGET_MACS, PARE_BUDGET_PARAMETERS };

  for (guint i = 0; i < G_N_ELEMENTS (budgets); i++)
    for (guint align = 1; align <= 2; align++)
      {
        g_auto (Net) net = forked_net ();
        g_autoptr (PareSamples) samples = random_samples (&net, SAMPLES);
        double (*count) (PareGraph *) = budgets[i] == PARE_BUDGET_MACS ? count_macs : count_parameters;
        double before = count (net.graph);
        PareFilterSettings settings = { .budget = budgets[i],
                                        .ratio = 0.4,
                                        .align = align,
                                        .reconstruct = TRUE,
                                        .ridge = 1e-4,
                                        .memory_limit = 1 << 22 };
        GError *error = NULL;
        pare_graph_sparsify_filters (net.graph, samples, &settings, NULL, NULL, &error);
        g_assert_no_error (error);
        g_assert_cmpfloat (count (net.graph), <=, 0.6 * before);
        g_assert_cmpfloat (count (net.graph), >, (align == 1 ? 0.45 : 0.3) * before);
        g_assert_cmpint (
            pare_node_constant (pare_graph_find_value (net.graph, "a")->producer, 1)->shape.dims[0] % align, ==, 0);
      }
}

/* A layer with 96 channels on both sides takes longer than one with 12, by more than clocks err. */
static void
test_latency_is_measured_for_fewer_channels (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 3, 32, 32));
  PareValue *wide = relu (&net, conv (&net, "second", relu (&net, conv (&net, "first", x, 3, 96, 1)), 96, 96, 3));
  g_autoptr (PareChannelGroups) groups = NULL;
  g_autoptr (PareCost) cost = NULL;
  GError *error = NULL;

  net_output (&net, conv (&net, "third", wide, 96, 2, 1));
  groups = pare_channel_groups_new (net.graph, NULL, NULL);
  cost = pare_cost_new (groups, PARE_COST_LATENCY, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pare_channel_groups_length (groups), ==, 3);
  {
    guint all[] = { 96, 96, 2 }, few[] = { 12, 12, 2 };
    g_assert_cmpfloat (pare_cost_of (cost, few), >, 0);
    g_assert_cmpfloat (pare_cost_of (cost, few), <, 0.5 * pare_cost_of (cost, all));
    g_assert_cmpfloat_with_epsilon (pare_cost_saved (cost, all, 0, 96), 0, 1e-12);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/filter-reconstruction/elimination", test_elimination_is_what_solving_anew_finds);
  g_test_add_func ("/filter-reconstruction/redundant", test_redundant_filters_go_without_loss);
  g_test_add_func ("/filter-reconstruction/residual", test_layers_make_up_for_what_is_added_to_them);
  g_test_add_func ("/filter-reconstruction/costs", test_costs_are_those_of_the_smaller_network);
  g_test_add_func ("/filter-reconstruction/allocation", test_budgets_take_what_is_worth_least);
  g_test_add_func ("/filter-reconstruction/budgets", test_budgets_are_met);
  g_test_add_func ("/filter-reconstruction/latency", test_latency_is_measured_for_fewer_channels);
  return g_test_run ();
}
