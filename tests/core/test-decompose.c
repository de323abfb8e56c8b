/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Decomposed networks against the networks they were. */
#include "decompose/decompose.h"
#include "network.h"
#include <math.h>
#include <string.h>

/* One convolution y of x [1,64,8,8] by 64x64x3x3. */
static Net
wide_net (void)
{
  Net net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 1, 64, 8, 8));
  PareValue *y = OP (&net, "Conv", "y", x, net_random (&net, "w", pare_shape_of (4, 64, 64, 3, 3), -1, 1),
                     net_random (&net, "b", pare_shape_of (1, 64), -1, 1));

  net_set_ints (y, "pads", 4, (gint64[]){ 1, 1, 1, 1 });
  net_output (&net, y);
  return net;
}

static gboolean
decompose (PareGraph *graph, PareSamples *samples, PareDecomposeSettings settings, const char *layers, GError **error)
{
  g_autoptr (GHashTable) table = pare_decompose_layers_parse (layers, error);

  settings.layers = table;
  return table && pare_graph_decompose (graph, samples, &settings, NULL, NULL, error);
}

static PareDecomposeSettings
defaults (void)
{
  PareDecomposeSettings settings;

  pare_decompose_settings_init (&settings);
  return settings;
}

static double
count_macs (PareGraph *graph)
{
  g_autoptr (GArray) specs = NULL;
  g_autoptr (PareInference) inference = NULL;
  double macs = 0;

  g_assert_true (pare_graph_default_specs (graph, 1, 8, &specs, NULL));
  inference = pare_inference_new (graph, specs->len, (const PareSpec *)specs->data, NULL);
  for (guint i = 0; i < graph->nodes->len; i++)
    macs += pare_inference_macs (inference, graph->nodes->pdata[i]);
  return macs;
}

static const PareRecordEntry *
entry_of (const PareGraph *graph, const char *layer)
{
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    if (g_strcmp0 (pare_record_entry_layer (pare_record_get (graph->record, i)), layer) == 0)
      return pare_record_get (graph->record, i);
  g_error ("The record does not say anything of %s.", layer);
}

static double
number_of (const PareGraph *graph, const char *layer, const char *name)
{
  double number;

  g_assert_true (pare_record_entry_number (entry_of (graph, layer), name, &number));
  return number;
}

/* 32 * 3 * (64 + 64) instead of 9 * 64 * 64 per position: a third. */
static void
test_rank_32_of_64x64x3x3_saves_two_thirds (void)
{
  g_auto (Net) net = wide_net ();
  double before = count_macs (net.graph);
  PareDecomposeSettings settings = defaults ();
  PareNode *first, *second;

  settings.method = "spatial";
  g_assert_true (decompose (net.graph, NULL, settings, "y:rank=32", NULL));
  g_assert_cmpfloat (count_macs (net.graph) * 3, ==, before);
  g_assert_cmpfloat (number_of (net.graph, "y", "macs-after") * 3, ==, number_of (net.graph, "y", "macs-before"));
  g_assert_cmpuint (net.graph->nodes->len, ==, 2);
  first = net.graph->nodes->pdata[0];
  second = net.graph->nodes->pdata[1];
  g_assert_cmpstr (first->name, ==, "y.0");
  g_assert_cmpstr (second->name, ==, "y.1");
  g_assert_cmpint (pare_node_constant (first, 1)->shape.dims[0], ==, 32);
  g_assert_cmpint (pare_node_constant (first, 1)->shape.dims[2] * pare_node_constant (first, 1)->shape.dims[3], ==, 3);
  g_assert_cmpint (pare_node_constant (second, 1)->shape.dims[1], ==, 32);
  /* Whoever looked for the layer's result finds it. */
  g_assert_true (pare_graph_find_value (net.graph, "y")->producer == second);
  pare_graph_assert_consistent (net.graph);
}

/* Layers of every kind that can be written as factors: at full rank the network computes what it did. */
typedef struct
{
  const char *op_type;
  int x[6], w[6]; /* ended by 0 */
  gint64 strides[3], dilations[3], pads[6], output_padding[3];
  const char *auto_pad;
  int group;
  gboolean trans_b;
  const char *method;
  int rank;
} Kind;

static const Kind kinds[] = {
  { "Conv", { 2, 4, 9, 8 }, { 6, 4, 3, 3 }, .pads = { 1, 1, 1, 1 }, .method = "spatial", .rank = 12 },
  { "Conv", { 1, 4, 9, 8 }, { 6, 4, 3, 5 }, { 2, 1 }, .pads = { 0, 2, 1, 1 }, .method = "spatial", .rank = 12 },
  { "Conv", { 1, 4, 11, 12 }, { 6, 4, 3, 3 }, { 1, 2 }, { 2, 3 }, { 2, 3, 2, 3 }, .method = "spatial", .rank = 12 },
  { "Conv", { 1, 4, 9, 8 }, { 6, 4, 3, 3 }, { 2, 2 }, .auto_pad = "SAME_LOWER", .method = "spatial", .rank = 12 },
  { "Conv", { 1, 6, 9, 8 }, { 4, 3, 3, 3 }, .group = 2, .method = "spatial", .rank = 6 },
  { "Conv",
    { 1, 5, 9, 8 },
    { 5, 1, 3, 3 },
    { 2, 2 },
    .pads = { 1, 1, 1, 1 },
    .group = 5,
    .method = "spatial",
    .rank = 3 },
  { "Conv", { 1, 4, 9, 8 }, { 6, 4, 3, 3 }, { 2, 1 }, { 1, 2 }, { 1, 1, 1, 1 }, .method = "reduced-rank", .rank = 6 },
  { "Conv", { 1, 4, 9, 8 }, { 6, 4, 3, 3 }, { 2, 1 }, { 1, 2 }, { 1, 1, 1, 1 }, .method = "tucker", .rank = 6 },
  { "Conv", { 1, 6, 9, 8 }, { 4, 3, 3, 3 }, .auto_pad = "SAME_UPPER", .group = 2, .method = "tucker", .rank = 2 },
  { "Conv", { 1, 6, 7 }, { 4, 6, 3 }, { 2 }, .pads = { 1, 0 }, .method = "reduced-rank", .rank = 4 },
  { "Conv", { 1, 2, 5, 6, 7 }, { 4, 2, 2, 3, 3 }, .pads = { 0, 1, 1, 1, 0, 1 }, .method = "tucker", .rank = 4 },
  { "Conv", { 1, 6, 5, 4 }, { 8, 6, 1, 1 }, { 2, 1 }, .method = "auto", .rank = 6 },
  { "ConvTranspose",
    { 1, 4, 5, 6 },
    { 4, 6, 3, 3 },
    { 2, 3 },
    .pads = { 1, 0, 1, 1 },
    .output_padding = { 1, 2 },
    .method = "spatial",
    .rank = 12 },
  { "ConvTranspose", { 1, 4, 5, 6 }, { 4, 3, 3, 3 }, { 2, 2 }, .group = 2, .method = "spatial", .rank = 6 },
  { "ConvTranspose", { 1, 4, 5, 6 }, { 4, 6, 3, 3 }, { 2, 2 }, .method = "tucker", .rank = 6 },
  { "Gemm", { 3, 8 }, { 8, 6 }, .method = "auto", .rank = 6 },
  { "Gemm", { 3, 8 }, { 6, 8 }, .trans_b = TRUE, .method = "auto", .rank = 6 },
  { "MatMul", { 2, 3, 8 }, { 8, 6 }, .method = "auto", .rank = 6 },
};

static PareShape
shape_of (const int *dims)
{
  PareShape shape = { 0 };

  while (dims[shape.rank])
    {
      shape.dims[shape.rank] = dims[shape.rank];
      shape.rank++;
    }
  return shape;
}

static void
set_kernel (PareValue *y, const Kind *kind, guint axes)
{
  static const gint64 ones[3] = { 1, 1, 1 };

  net_set_ints (y, "strides", axes, kind->strides[0] ? kind->strides : ones);
  net_set_ints (y, "dilations", axes, kind->dilations[0] ? kind->dilations : ones);
  if (kind->auto_pad)
    pare_node_set_attribute (y->producer, pare_attribute_new_string ("auto_pad", kind->auto_pad));
  else
    net_set_ints (y, "pads", 2 * axes, kind->pads);
  if (kind->output_padding[0])
    net_set_ints (y, "output_padding", axes, kind->output_padding);
  pare_node_set_attribute (y->producer, pare_attribute_new_int ("group", MAX (kind->group, 1)));
}

static void
test_full_rank_computes_the_same (gconstpointer data)
{
  const Kind *kind = data;
  g_auto (Net) net = net_new ();
  PareShape x_shape = shape_of (kind->x), w_shape = shape_of (kind->w);
  gboolean transposed = strcmp (kind->op_type, "ConvTranspose") == 0, product = w_shape.rank == 2;
  PareValue *x = net_input (&net, "x", x_shape), *w = net_random (&net, "w", w_shape, -1, 1), *y;
  gint64 outputs = product      ? w_shape.dims[!kind->trans_b]
                   : transposed ? w_shape.dims[1] * MAX (kind->group, 1)
                                : w_shape.dims[0];
  PareDecomposeSettings settings = defaults ();
  g_autofree char *layers = g_strdup_printf ("y:rank=%d", kind->rank);
  g_autoptr (GPtrArray) inputs = NULL, before = NULL, after = NULL;
  g_autoptr (GError) error = NULL;

  if (strcmp (kind->op_type, "MatMul") == 0)
    y = OP (&net, "MatMul", "y", x, w);
  else
    y = OP (&net, kind->op_type, "y", x, w, net_random (&net, "b", pare_shape_of (1, (int)outputs), -1, 1));
  if (!product)
    set_kernel (y, kind, w_shape.rank - 2);
  else if (kind->trans_b)
    pare_node_set_attribute (y->producer, pare_attribute_new_int ("transB", 1));
  net_output (&net, y);
  inputs = network_inputs (&net, 1);
  before = network_run (net.graph, inputs);
  settings.method = kind->method;
  decompose (net.graph, NULL, settings, layers, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (net.graph->nodes->len, >, 1);
  pare_graph_assert_consistent (net.graph);
  after = network_run (net.graph, inputs);
  network_assert_close (after, before, 1e-5);
}

/* Gemm's third input could not be left out once. */
static void
test_old_gemm_keeps_its_third_input (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 3, 8));
  g_autoptr (GPtrArray) inputs = NULL, before = NULL, after = NULL;

  pare_graph_set_opset (net.graph, "", 9);
  net_output (&net, OP (&net, "Gemm", "y", x, net_random (&net, "w", pare_shape_of (2, 8, 6), -1, 1),
                        net_random (&net, "b", pare_shape_of (1, 6), -1, 1)));
  inputs = network_inputs (&net, 1);
  before = network_run (net.graph, inputs);
  g_assert_true (decompose (net.graph, NULL, defaults (), "y:rank=6", NULL));
  g_assert_nonnull (pare_node_constant (net.graph->nodes->pdata[0], 2));
  after = network_run (net.graph, inputs);
  network_assert_close (after, before, 1e-5);
}

/* Two convolutions with a Relu between; channels 12, 16, 16. */
static Net
deep_net (void)
{
  Net net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 12, 8, 8)), *h, *y;

  h = OP (&net, "Conv", "h", x, net_random (&net, "w1", pare_shape_of (4, 16, 12, 3, 3), -1, 1),
          net_random (&net, "b1", pare_shape_of (1, 16), -1, 1));
  net_set_ints (h, "pads", 4, (gint64[]){ 1, 1, 1, 1 });
  y = OP (&net, "Conv", "y", OP (&net, "Relu", "r", h),
          net_random (&net, "w2", pare_shape_of (4, 16, 16, 3, 3), -1, 1));
  net_set_ints (y, "pads", 4, (gint64[]){ 1, 1, 1, 1 });
  net_output (&net, y);
  return net;
}

/* Images that change slowly from place to place and whose channels follow each other, as real ones. */
static PareTensor *
smooth_batch (guint32 seed, int n)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  PareShape shape = pare_shape_of (4, n, 12, 8, 8);
  float *numbers = g_new (float, n * 12 * 64);

  for (int i = 0; i < n * 12 * 64; i++)
    {
      int place = i % 64, channel = i / 64 % 12;
      numbers[i] = (float)g_rand_double_range (rand, -1, 1) * (channel % 4 == 0 ? 1 : 0.3F);
      if (place % 8)
        numbers[i] += 0.8F * numbers[i - 1];
      if (channel % 4)
        numbers[i] += 0.7F * numbers[i - 64];
    }
  return pare_tensor_new_take (PARE_FLOAT32, &shape, numbers);
}

static PareSamples *
smooth_samples (void)
{
  PareSamples *samples = pare_samples_new (1, 1 << 24);
  g_autoptr (PareTensor) batch = smooth_batch (1, 64);

  g_assert_true (pare_samples_add (samples, &batch, 1, 64, NULL));
  return samples;
}

/* Per channel of y the mean of the difference, in @means, and the mean square of all, relative to that of y about its
 * channels' means. */
static double
compare_outputs (PareGraph *original, PareGraph *decomposed, PareTensor *batch, double *means)
{
  g_autoptr (GPtrArray) inputs = g_ptr_array_new ();
  g_autoptr (GPtrArray) a = NULL, b = NULL;
  const float *y, *z;
  double error = 0, power = 0, mean[16] = { 0 }, n;

  g_ptr_array_add (inputs, batch);
  a = network_run (original, inputs);
  b = network_run (decomposed, inputs);
  y = pare_tensor_data (a->pdata[0]);
  z = pare_tensor_data (b->pdata[0]);
  n = (double)pare_tensor_elements (a->pdata[0]);
  for (int i = 0; i < n; i++)
    {
      error += (y[i] - z[i]) * (y[i] - z[i]);
      mean[i / 64 % 16] += y[i] * 16 / n;
      means[i / 64 % 16] += (y[i] - z[i]) * 16 / n;
    }
  for (int i = 0; i < n; i++)
    power += (y[i] - mean[i / 64 % 16]) * (y[i] - mean[i / 64 % 16]);
  return error / power;
}

static double
error_on_unseen_samples (PareSamples *samples, double *macs)
{
  g_auto (Net) net = deep_net ();
  g_autoptr (PareGraph) original = pare_graph_copy (net.graph);
  g_autoptr (PareTensor) unseen = smooth_batch (2, 32);
  double means[16] = { 0 };

  g_assert_true (decompose (net.graph, samples, defaults (), NULL, NULL));
  *macs = count_macs (net.graph) / count_macs (original);
  return compare_outputs (original, net.graph, unseen, means);
}

static void
test_the_ratio_is_met_and_not_by_far (void)
{
  for (int percent = 30; percent <= 90; percent += 20)
    {
      g_auto (Net) net = deep_net ();
      double before = count_macs (net.graph);
      PareDecomposeSettings settings = defaults ();

      settings.ratio = percent / 100.0;
      g_assert_true (decompose (net.graph, NULL, settings, NULL, NULL));
      g_assert_cmpfloat (count_macs (net.graph), <=, settings.ratio * before);
      g_assert_cmpfloat (count_macs (net.graph), >=, (settings.ratio - 0.03) * before);
    }
}

static void
test_samples_make_the_error_of_the_result_small (void)
{
  g_autoptr (PareSamples) samples = smooth_samples ();
  double blind_macs, macs, blind = error_on_unseen_samples (NULL, &blind_macs),
                           informed = error_on_unseen_samples (samples, &macs);

  g_assert_cmpfloat (macs, <=, 0.5);
  g_assert_cmpfloat (blind_macs, <=, 0.5);
  g_assert_cmpfloat (informed, <, 0.6 * blind);
}

static void
test_the_bias_makes_up_for_the_mean_error (void)
{
  g_auto (Net) net = deep_net ();
  g_autoptr (PareGraph) original = pare_graph_copy (net.graph);
  g_autoptr (PareSamples) samples = smooth_samples ();
  g_autoptr (PareTensor) seen = smooth_batch (1, 64);
  PareDecomposeSettings settings = defaults ();
  double means[16] = { 0 }, error;

  settings.rows = 0;
  g_assert_true (decompose (net.graph, samples, settings, NULL, NULL));
  error = compare_outputs (original, net.graph, seen, means);
  for (int c = 0; c < 16; c++)
    g_assert_cmpfloat (fabs (means[c]), <, 1e-4);
  /* The last layer looks at the network's result: its entry in the record is the network's error. */
  g_assert_cmpfloat_with_epsilon (error / number_of (net.graph, "y", "error"), 1, 0.01);
}

/* The rows that stay of a matrix of rank 3 plus little are 3. */
static void
test_policies_find_the_rank (void)
{
  static const char *const policies[] = { "evbmf", "energy" };

  for (guint i = 0; i < G_N_ELEMENTS (policies); i++)
    {
      g_auto (Net) net = net_new ();
      PareValue *x = net_input (&net, "x", pare_shape_of (2, 1, 40));
      PareShape shape = pare_shape_of (2, 40, 30);
      PareDecomposeSettings settings = defaults ();
      float *numbers = g_new0 (float, 40 * 30);
      g_autoptr (PareTensor) tensor = NULL;

      for (int r = 0; r < 3; r++)
        {
          double left[40], right[30];
          for (int a = 0; a < 40; a++)
            left[a] = g_rand_double_range (net.random, -1, 1);
          for (int b = 0; b < 30; b++)
            right[b] = g_rand_double_range (net.random, -1, 1);
          for (int n = 0; n < 40 * 30; n++)
            numbers[n] += (float)(left[n / 30] * right[n % 30] + g_rand_double_range (net.random, -0.01, 0.01));
        }
      tensor = pare_tensor_new_take (PARE_FLOAT32, &shape, numbers);
      net_output (&net, OP (&net, "MatMul", "y", x, pare_graph_add_constant (net.graph, "w", tensor)));
      settings.policy = policies[i];
      settings.energy = 0.999;
      g_assert_true (decompose (net.graph, NULL, settings, NULL, NULL));
      g_assert_cmpfloat (number_of (net.graph, "y", "rank"), ==, 3);
    }
}

static void
test_ranks_are_aligned (void)
{
  g_auto (Net) net = wide_net ();
  PareDecomposeSettings settings = defaults ();

  settings.align = 16;
  g_assert_true (decompose (net.graph, NULL, settings, NULL, NULL));
  g_assert_cmpint ((int)number_of (net.graph, "y", "rank") % 16, ==, 0);
}

static void
assert_left_whole (PareGraph *graph, PareDecomposeSettings settings, const char *reason)
{
  g_autoptr (GError) error = NULL;
  guint n = graph->nodes->len;

  g_assert_false (decompose (graph, NULL, settings, NULL, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "allow-none"));
  g_assert_nonnull (strstr (error->message, reason));
  settings.allow_none = TRUE;
  g_assert_true (decompose (graph, NULL, settings, NULL, NULL));
  g_assert_cmpuint (graph->nodes->len, ==, n);
}

static void
test_layers_that_must_stay_whole_say_why (void)
{
  g_auto (Net) sparse = wide_net (), shared = net_new (), skipped = wide_net ();
  PareDecomposeSettings settings = defaults ();
  const char *skip[] = { "y", NULL };
  PareValue *x, *w;

  pare_graph_find_value (sparse.graph, "w")->sparsity = (PareSparsity){ PARE_SPARSITY_N_OF_M, 2, 4, 1 };
  assert_left_whole (sparse.graph, settings, "sparse");
  x = net_input (&shared, "x", pare_shape_of (2, 3, 8));
  w = net_random (&shared, "w", pare_shape_of (2, 8, 8), -1, 1);
  net_output (&shared, OP (&shared, "MatMul", "z", OP (&shared, "MatMul", "y", x, w), w));
  assert_left_whole (shared.graph, settings, "shares");
  settings.skip_layers = skip;
  assert_left_whole (skipped.graph, settings, "settings");
}

static void
assert_refused (PareDecomposeSettings settings, const char *layers, const char *text)
{
  g_auto (Net) net = wide_net ();
  g_autoptr (GError) error = NULL;

  g_assert_false (decompose (net.graph, NULL, settings, layers, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  if (!strstr (error->message, text))
    g_error ("%s", error->message);
  /* Nothing happened to the network. */
  g_assert_cmpuint (net.graph->nodes->len, ==, 1);
}

static void
test_impossible_settings_are_refused (void)
{
  static const double no_shares[] = { 0, 1, -0.5, 1.5, NAN, INFINITY };
  PareDecomposeSettings settings;
  const char *skip[] = { "x1", NULL };

  for (guint i = 0; i < G_N_ELEMENTS (no_shares); i++)
    {
      settings = defaults ();
      settings.ratio = no_shares[i];
      assert_refused (settings, NULL, "ratio");
      settings = defaults ();
      settings.energy = no_shares[i];
      assert_refused (settings, NULL, "energy");
    }
  settings = defaults ();
  settings.ratio = 1e-6;
  assert_refused (settings, NULL, "the least");
  settings = defaults ();
  settings.policy = "mac";
  assert_refused (settings, NULL, "'macs'");
  settings = defaults ();
  settings.method = "spacial";
  assert_refused (settings, NULL, "'spatial'");
  settings = defaults ();
  settings.skip_layers = skip;
  assert_refused (settings, NULL, "x1");
  settings = defaults ();
  assert_refused (settings, "yy:rank=2", "'y'");
  assert_refused (settings, "y:rank=0", "rank");
  settings.method = "reduced-rank";
  assert_refused (settings, "y:rank=65", "64");
}

static void
test_weights_that_are_not_finite_are_an_error (void)
{
  g_auto (Net) net = wide_net ();
  g_autoptr (GError) error = NULL;
  float *w = (float *)pare_tensor_data (pare_graph_find_value (net.graph, "w")->constant);

  w[100] = NAN;
  g_assert_false (decompose (net.graph, NULL, defaults (), NULL, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
}

static void
test_the_result_has_the_same_bits_on_any_number_of_threads (void)
{
  g_auto (Net) one = deep_net (), three = deep_net ();
  g_autoptr (PareSamples) samples = smooth_samples ();

  pare_set_threads (1);
  g_assert_true (decompose (one.graph, samples, defaults (), NULL, NULL));
  pare_set_threads (3);
  g_assert_true (decompose (three.graph, samples, defaults (), NULL, NULL));
  pare_set_threads (0);
  g_assert_cmpuint (one.graph->values->len, ==, three.graph->values->len);
  for (guint i = 0; i < one.graph->values->len; i++)
    {
      PareValue *a = one.graph->values->pdata[i], *b = three.graph->values->pdata[i];
      g_assert_cmpstr (a->name, ==, b->name);
      g_assert_true (!a->constant || pare_tensor_equal (a->constant, b->constant));
    }
}

static gboolean
cancel (guint64 done, guint64 total, gpointer user_data)
{
  g_assert_cmpuint (done, <=, total);
  return FALSE;
}

static void
test_work_can_be_cancelled (void)
{
  g_auto (Net) net = deep_net ();
  PareDecomposeSettings settings = defaults ();
  g_autoptr (GError) error = NULL;

  g_assert_false (pare_graph_decompose (net.graph, NULL, &settings, cancel, NULL, &error));
  g_assert_nonnull (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/decompose/rank-32-saves-two-thirds", test_rank_32_of_64x64x3x3_saves_two_thirds);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *name = g_strdup_printf ("/decompose/full-rank/%u-%s-%s", i, kinds[i].op_type, kinds[i].method);
      g_test_add_data_func (name, &kinds[i], test_full_rank_computes_the_same);
    }
  g_test_add_func ("/decompose/old-gemm", test_old_gemm_keeps_its_third_input);
  g_test_add_func ("/decompose/ratio", test_the_ratio_is_met_and_not_by_far);
  g_test_add_func ("/decompose/samples", test_samples_make_the_error_of_the_result_small);
  g_test_add_func ("/decompose/bias", test_the_bias_makes_up_for_the_mean_error);
  g_test_add_func ("/decompose/policies", test_policies_find_the_rank);
  g_test_add_func ("/decompose/align", test_ranks_are_aligned);
  g_test_add_func ("/decompose/whole", test_layers_that_must_stay_whole_say_why);
  g_test_add_func ("/decompose/settings", test_impossible_settings_are_refused);
  g_test_add_func ("/decompose/not-finite", test_weights_that_are_not_finite_are_an_error);
  g_test_add_func ("/decompose/threads", test_the_result_has_the_same_bits_on_any_number_of_threads);
  g_test_add_func ("/decompose/cancel", test_work_can_be_cancelled);
  return g_test_run ();
}
