/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Fusions keep what the network computes, by a naive network that shares no code with the library; and leave alone,
 * with a reason, what they cannot fuse. */
#include "fuse/fuse.h"
#include "naive.h"
#include "net.h"
#include <math.h>
#include <string.h>

static guint
count (const PareGraph *graph, const char *op_type)
{
  guint found = 0;

  for (guint i = 0; i < graph->nodes->len; i++)
    found += pare_node_is (graph->nodes->pdata[i], op_type);
  return found;
}

/* An entry about @layer whose action or reason has @text in it. */
static gboolean
record_says (const PareGraph *graph, const char *layer, const char *text)
{
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    {
      const PareRecordEntry *entry = pare_record_get (graph->record, i);
      const char *reason = pare_record_entry_reason (entry);
      g_assert_cmpstr (pare_record_entry_stage (entry), ==, "graphfuser");
      if (strcmp (pare_record_entry_layer (entry), layer) == 0
          && (strstr (pare_record_entry_action (entry), text) || (reason && strstr (reason, text))))
        return TRUE;
    }
  return FALSE;
}

static void
assert_close (const NaiveArray *a, const NaiveArray *b, double tolerance)
{
  double largest = 0, worst = 0;

  g_assert_true (pare_shape_equal (&a->shape, &b->shape));
  for (gint64 i = 0; i < pare_shape_elements (&a->shape); i++)
    {
      largest = MAX (largest, fabs (a->data[i]));
      worst = MAX (worst, fabs (a->data[i] - b->data[i]));
    }
  g_assert_cmpfloat (largest, >, 0.01); /* or closeness would say nothing */
  g_assert_cmpfloat (worst, <=, tolerance * largest);
}

/* Fuses a copy, which computes the same on random input; returns it. */
static PareGraph *
fuse_and_compare (Net *net, double tolerance)
{
  PareGraph *fused = pare_graph_copy (net->graph);
  g_autoptr (GArray) inputs = g_array_new (FALSE, TRUE, sizeof (NaiveArray));
  g_autoptr (GPtrArray) before = NULL, after = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (pare_graph_fuse (fused, NULL, NULL, &error));
  g_assert_no_error (error);
  pare_graph_assert_consistent (net->graph);
  pare_graph_assert_consistent (fused);
  for (guint i = 0; i < net->graph->inputs->len; i++)
    {
      const PareValue *value = net->graph->inputs->pdata[i];
      NaiveArray array = { value->shape, NULL };
      if (value->constant)
        continue;
      array.data = g_new (double, pare_shape_elements (&array.shape));
      for (gint64 j = 0; j < pare_shape_elements (&array.shape); j++)
        array.data[j] = g_rand_double_range (net->random, -1, 1);
      g_array_append_val (inputs, array);
    }
  before = naive_run (net->graph, inputs->len, (NaiveArray *)inputs->data);
  after = naive_run (fused, inputs->len, (NaiveArray *)inputs->data);
  g_assert_cmpuint (before->len, ==, after->len);
  for (guint i = 0; i < before->len; i++)
    {
      assert_close (before->pdata[i], after->pdata[i], tolerance);
      g_assert_cmpstr (((PareValue *)fused->outputs->pdata[i])->name, ==,
                       ((PareValue *)net->graph->outputs->pdata[i])->name);
    }
  for (guint i = 0; i < inputs->len; i++)
    g_free (g_array_index (inputs, NaiveArray, i).data);
  return fused;
}

/* Convolutions of one to three spatial axes, which are as long as @size. */
typedef struct
{
  gboolean transposed;
  guint spatial;
  int size, in, out, groups;
  gint64 kernel[3], strides[3], dilations[3], pads[6];
  gboolean bias;
} Convolution;

static const Convolution convolutions[] = {
  { FALSE, 2, 6, 3, 4, 1, { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, TRUE },
  { FALSE, 2, 7, 4, 6, 2, { 3, 2 }, { 2, 1 }, { 1, 2 }, { 0, 1, 2, 0 }, FALSE }, /* asymmetric everything */
  { FALSE, 2, 5, 4, 4, 4, { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, FALSE }, /* depthwise */
  { FALSE, 2, 5, 3, 6, 3, { 1, 1 }, { 1, 1 }, { 1, 1 }, { 0, 0, 0, 0 }, TRUE },  /* depthwise with multiplier */
  { FALSE, 1, 9, 2, 3, 1, { 3 }, { 2 }, { 1 }, { 2, 0 }, TRUE },
  { FALSE, 3, 3, 2, 2, 1, { 2, 2, 2 }, { 1, 1, 1 }, { 1, 1, 1 }, { 0, 0, 0, 1, 1, 1 }, FALSE },
  { TRUE, 2, 4, 3, 4, 1, { 3, 3 }, { 2, 2 }, { 1, 1 }, { 1, 1, 0, 0 }, TRUE },
  { TRUE, 2, 4, 4, 6, 2, { 2, 3 }, { 1, 2 }, { 1, 1 }, { 0, 0, 0, 0 }, FALSE }, /* 2 groups of 2 x 3 channels */
  { TRUE, 1, 5, 4, 4, 4, { 3 }, { 2 }, { 1 }, { 0, 1 }, TRUE },
};

static PareShape
data_shape (const Convolution *c)
{
  PareShape shape = pare_shape_of (5, 2, c->in, c->size, c->size, c->size);

  shape.rank = 2 + c->spatial;
  return shape;
}

static PareShape
weight_shape (const Convolution *c)
{
  PareShape shape = { .rank = 2 + c->spatial };

  shape.dims[0] = c->transposed ? c->in : c->out;
  shape.dims[1] = (c->transposed ? c->out : c->in) / c->groups;
  memcpy (shape.dims + 2, c->kernel, c->spatial * sizeof *c->kernel);
  return shape;
}

static PareValue *
add_convolution (Net *net, const Convolution *c, PareValue *x, const char *output)
{
  PareValue *w = net_random (net, "conv.weight", weight_shape (c), -1, 1);
  PareValue *b = c->bias ? net_random (net, "conv.bias", pare_shape_of (1, c->out), -1, 1) : NULL;
  PareValue *y = net_op (net, c->transposed ? "ConvTranspose" : "Conv", output, b ? 3 : 2, (PareValue *[]){ x, w, b });

  net_set_ints (y, "strides", c->spatial, c->strides);
  net_set_ints (y, "dilations", c->spatial, c->dilations);
  net_set_ints (y, "pads", 2 * c->spatial, c->pads);
  pare_node_set_attribute (y->producer, pare_attribute_new_int ("group", c->groups));
  return y;
}

static void
test_batchnorm_behind_convolution (gconstpointer data)
{
  const Convolution *c = data;
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", data_shape (c));
  g_autoptr (PareGraph) fused = NULL;
  double channels = 0;

  net_output (&net, net_batchnorm (&net, "y", add_convolution (&net, c, x, "conv"), c->out));
  fused = fuse_and_compare (&net, 1e-5);
  g_assert_cmpuint (fused->nodes->len, ==, 1);
  g_assert_cmpuint (((PareNode *)fused->nodes->pdata[0])->inputs->len, ==, 3);
  g_assert_nonnull (pare_graph_find_value (fused, "conv.bias"));
  g_assert_true (record_says (fused, "y", "fused BatchNormalization"));
  g_assert_true (pare_record_entry_number (pare_record_get (fused->record, 0), "channels", &channels));
  g_assert_cmpfloat (channels, ==, c->out);
}

/* Before the layer the scale always goes in; the shift only where no border sees padding instead of it. */
static void
test_batchnorm_before_convolution (gconstpointer data)
{
  const Convolution *c = data;
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", data_shape (c));
  g_autoptr (PareGraph) fused = NULL;
  gboolean padded = FALSE;

  for (guint i = 0; i < 2 * c->spatial; i++)
    padded |= c->pads[i] != 0;
  net_output (&net, add_convolution (&net, c, net_batchnorm (&net, "norm", x, c->in), "y"));
  fused = fuse_and_compare (&net, 1e-5);
  if (padded || c->transposed)
    {
      g_assert_cmpuint (count (fused, "BatchNormalization"), ==, 1);
      g_assert_true (record_says (fused, "norm", "does not see the shift"));
    }
  else
    g_assert_cmpuint (fused->nodes->len, ==, 1);
}

static void
test_scale_before_convolution (gconstpointer data)
{
  const Convolution *c = data;
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", data_shape (c));
  PareShape shape = { .rank = 1 + c->spatial, .dims = { c->in, 1, 1, 1 } };
  g_autoptr (PareGraph) fused = NULL;

  net_output (&net,
              add_convolution (&net, c, OP (&net, "Mul", "scaled", x, net_random (&net, "s", shape, 0.5, 2)), "y"));
  fused = fuse_and_compare (&net, 1e-5);
  g_assert_cmpuint (fused->nodes->len, ==, 1);
}

static void
test_shiftless_batchnorm_passes_padding (void)
{
  const Convolution *c = &convolutions[0];
  g_auto (Net) net = net_new ();
  PareShape channels = pare_shape_of (1, c->in);
  PareValue *x = net_input (&net, "x", data_shape (c)), *zero = net_random (&net, "zero", channels, 0, 0);
  PareValue *norm = OP (&net, "BatchNormalization", "norm", x, net_random (&net, "scale", channels, 1, 2), zero, zero,
                        net_random (&net, "variance", channels, 1, 2));
  g_autoptr (PareGraph) fused = NULL;

  net_output (&net, add_convolution (&net, c, norm, "y"));
  fused = fuse_and_compare (&net, 1e-5);
  g_assert_cmpuint (fused->nodes->len, ==, 1);
}

/* Gemm with every form of bias, plain and transposed, with and without factors. */
static void
test_batchnorm_around_gemm (void)
{
  const PareShape biases[] = { pare_shape_of (1, 5), pare_shape_of (2, 1, 5), pare_shape_of (1, 1), { 0 } };

  for (guint i = 0; i < 4 * (G_N_ELEMENTS (biases) + 1); i++)
    {
      gboolean turned = i & 1, factors = i & 2;
      guint form = i / 4;
      g_auto (Net) net = net_new ();
      PareValue *x = net_batchnorm (&net, "before", net_input (&net, "x", pare_shape_of (2, 3, 4)), 4);
      PareValue *w = net_random (&net, "w", turned ? pare_shape_of (2, 5, 4) : pare_shape_of (2, 4, 5), -1, 1);
      PareValue *b = form < G_N_ELEMENTS (biases) ? net_random (&net, "b", biases[form], -1, 1) : NULL;
      PareValue *gemm = net_op (&net, "Gemm", "gemm", b ? 3 : 2, (PareValue *[]){ x, w, b });
      g_autoptr (PareGraph) fused = NULL;
      pare_node_set_attribute (gemm->producer, pare_attribute_new_int ("transB", turned));
      if (factors)
        {
          pare_node_set_attribute (gemm->producer, pare_attribute_new_float ("alpha", 0.25f));
          pare_node_set_attribute (gemm->producer, pare_attribute_new_float ("beta", 3.f));
        }
      net_output (&net, net_batchnorm (&net, "y", gemm, 5));
      fused = fuse_and_compare (&net, 1e-5);
      g_assert_cmpuint (fused->nodes->len, ==, 1);
      g_assert_cmpuint (count (fused, "Gemm"), ==, 1);
      g_assert_null (pare_node_attribute (fused->nodes->pdata[0], "alpha"));
    }
}

static void
test_a_full_matrix_of_bias_is_left (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 3, 4));
  PareValue *gemm = OP (&net, "Gemm", "gemm", x, net_random (&net, "w", pare_shape_of (2, 4, 3), -1, 1),
                        net_random (&net, "b", pare_shape_of (2, 3, 3), -1, 1));
  g_autoptr (PareGraph) fused = NULL;

  net_output (&net, net_batchnorm (&net, "y", gemm, 3));
  fused = fuse_and_compare (&net, 1e-5);
  g_assert_cmpuint (fused->nodes->len, ==, 2);
  g_assert_true (record_says (fused, "y", "bias is no constant"));
}

static void
test_matmul_of_matrices_becomes_gemm_when_it_needs_a_bias (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 3, 4));
  PareValue *product = OP (&net, "MatMul", "m", x, net_random (&net, "fc.weight", pare_shape_of (2, 4, 5), -1, 1));
  g_autoptr (PareGraph) fused = NULL;

  net_output (&net, net_batchnorm (&net, "y", product, 5));
  fused = fuse_and_compare (&net, 1e-5);
  g_assert_cmpuint (fused->nodes->len, ==, 1);
  g_assert_cmpuint (count (fused, "Gemm"), ==, 1);
  g_assert_nonnull (pare_graph_find_value (fused, "fc.bias"));
}

/* Its BatchNormalization runs along axis 1, its columns along axis 2; a bias has no place in MatMul; factors do. */
static void
test_matmul_of_batches_takes_factors_only (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (3, 2, 5, 4)), *y;
  PareShape columns = pare_shape_of (1, 5);
  g_autoptr (PareGraph) fused = NULL;

  y = OP (&net, "MatMul", "m", x, net_random (&net, "w", pare_shape_of (2, 4, 5), -1, 1));
  y = OP (&net, "Div", "d", y, net_random (&net, "divisor", columns, 1, 2));
  y = OP (&net, "Add", "a", y, net_random (&net, "summand", columns, -1, 1));
  net_output (&net, net_batchnorm (&net, "y", y, 5));
  fused = fuse_and_compare (&net, 1e-5);
  g_assert_cmpuint (count (fused, "MatMul"), ==, 1);
  g_assert_cmpuint (count (fused, "Add"), ==, 1);
  g_assert_cmpuint (count (fused, "BatchNormalization"), ==, 1);
  g_assert_cmpuint (count (fused, "Div"), ==, 0);
}

/* Four operators, the constant on either side, one number or one per channel, around a padless convolution. */
static void
test_arithmetic_around_convolution (void)
{
  static const char *const ops[] = { "Add", "Sub", "Mul", "Div" };
  const Convolution *c = &convolutions[3];

  for (guint i = 0; i < 32; i++)
    {
      const char *op = ops[i % 4];
      gboolean first = i & 4, scalar = i & 8, behind = i & 16;
      g_auto (Net) net = net_new ();
      PareValue *x = net_input (&net, "x", data_shape (c)), *constant, *y;
      PareShape shape = scalar ? (PareShape){ 0 } : pare_shape_of (4, 1, behind ? c->out : c->in, 1, 1);
      g_autoptr (PareGraph) fused = NULL;
      gboolean reciprocal = first && i % 4 == 3;
      constant = net_random (&net, "c", shape, 0.5, 2);
      y = behind ? add_convolution (&net, c, x, "conv") : x;
      y = first ? OP (&net, op, "affine", constant, y) : OP (&net, op, "affine", y, constant);
      y = behind ? y : add_convolution (&net, c, y, "conv");
      net_output (&net, y);
      if (reciprocal) /* c / x: nothing to fuse; the comparison would divide by numbers near 0 */
        {
          fused = pare_graph_copy (net.graph);
          g_assert_true (pare_graph_fuse (fused, NULL, NULL, NULL));
        }
      else
        fused = fuse_and_compare (&net, 1e-5);
      g_assert_cmpuint (fused->nodes->len, ==, reciprocal ? 2 : 1);
    }
}

static void
test_normalization_of_the_image_goes_into_the_first_layer (void)
{
  Convolution c = convolutions[0];
  PareShape shape = pare_shape_of (3, c.in, 1, 1);

  for (guint padded = 0; padded < 2; padded++)
    {
      g_auto (Net) net = net_new ();
      PareValue *x = net_input (&net, "x", data_shape (&c));
      g_autoptr (PareGraph) fused = NULL;
      memset (c.pads, 0, sizeof c.pads);
      c.pads[0] = padded;
      x = OP (&net, "Sub", "centred", x, net_random (&net, "mean", shape, 0.2, 0.5));
      x = OP (&net, "Div", "scaled", x, net_random (&net, "std", shape, 0.2, 0.5));
      net_output (&net, add_convolution (&net, &c, x, "y"));
      fused = fuse_and_compare (&net, 1e-5);
      g_assert_cmpuint (count (fused, "Div"), ==, 0);
      g_assert_cmpuint (count (fused, "Sub"), ==, padded);
    }
}

/* [6] meets the width of a [2,6,6,6] result, not its channels: equal sizes must not deceive. */
static void
test_a_constant_along_the_width_is_left (void)
{
  Convolution c = convolutions[0];
  g_auto (Net) net = net_new ();
  PareValue *x, *y;
  g_autoptr (PareGraph) fused = NULL;

  c.out = c.in = 6;
  x = net_input (&net, "x", data_shape (&c));
  x = OP (&net, "Mul", "before", x, net_random (&net, "a", pare_shape_of (1, 6), 1, 2));
  y = add_convolution (&net, &c, x, "conv");
  net_output (&net, OP (&net, "Mul", "y", y, net_random (&net, "b", pare_shape_of (1, 6), 1, 2)));
  fused = fuse_and_compare (&net, 1e-5);
  g_assert_cmpuint (fused->nodes->len, ==, 3);
}

/* Runtimes run the whole function in one kernel when its last node is there. */
static void
test_the_end_of_a_gelu_is_left (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 3, 4)), *y;
  PareShape scalar = { 0 };

  y = OP (&net, "Erf", "erf", OP (&net, "Div", "d", x, net_random (&net, "root", scalar, 1.4, 1.5)));
  y = OP (&net, "Mul", "m", x, OP (&net, "Add", "a", y, net_random (&net, "one", scalar, 1, 1)));
  y = OP (&net, "Mul", "gelu", y, net_random (&net, "half", scalar, 0.5, 0.5));
  net_output (&net, OP (&net, "MatMul", "y", y, net_random (&net, "w", pare_shape_of (2, 4, 4), -1, 1)));
  g_assert_true (pare_graph_fuse (net.graph, NULL, NULL, NULL));
  g_assert_cmpuint (net.graph->nodes->len, ==, 6);
}

/* One channel times three numbers makes three channels, which the layer reads: the Mul is what makes them. */
static void
test_a_constant_that_adds_channels_is_left (void)
{
  const Convolution *c = &convolutions[0];
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 2, 1, 6, 6));
  g_autoptr (PareGraph) fused = NULL;

  x = OP (&net, "Mul", "coloured", x, net_random (&net, "s", pare_shape_of (4, 1, 3, 1, 1), 1, 2));
  net_output (&net, add_convolution (&net, c, x, "y"));
  fused = fuse_and_compare (&net, 1e-5);
  g_assert_cmpuint (fused->nodes->len, ==, 2);
}

/* A constant of more axes than the product makes the result deeper. */
static void
test_a_constant_that_adds_axes_is_left (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 3, 4)), *y;
  g_autoptr (PareGraph) fused = NULL;

  y = OP (&net, "MatMul", "m", x, net_random (&net, "w", pare_shape_of (2, 4, 5), -1, 1));
  net_output (&net, OP (&net, "Mul", "y", y, net_random (&net, "s", pare_shape_of (3, 1, 1, 5), 1, 2)));
  fused = fuse_and_compare (&net, 1e-5);
  g_assert_cmpuint (fused->nodes->len, ==, 2);
}

static void
test_shared_weights_are_copied_and_said_so (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 1, 3, 5, 5));
  PareValue *w = net_random (&net, "w", pare_shape_of (4, 3, 3, 1, 1), -1, 1);
  PareValue *b = net_random (&net, "b", pare_shape_of (1, 3), -1, 1);
  g_autoptr (PareGraph) fused = NULL;

  net_output (&net, net_batchnorm (&net, "y1", OP (&net, "Conv", "c1", x, w, b), 3));
  net_output (&net, net_batchnorm (&net, "y2", OP (&net, "Conv", "c2", x, w, b), 3));
  fused = fuse_and_compare (&net, 1e-5);
  g_assert_cmpuint (fused->nodes->len, ==, 2);
  g_assert_true (record_says (fused, "y1", "weights were shared: copied"));
  /* When the second one comes to it, it has the constants for itself. */
  g_assert_false (record_says (fused, "y2", "shared"));
  g_assert_true (pare_node_constant (fused->nodes->pdata[0], 1) != pare_node_constant (fused->nodes->pdata[1], 1));
}

/* In IR version 3 every constant is among the inputs, and so must be the new ones. */
static void
test_new_constants_of_old_files_are_inputs (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 1, 3, 5, 5));
  PareValue *w = net_random (&net, "conv.weight", pare_shape_of (4, 3, 3, 1, 1), -1, 1);
  g_autoptr (PareGraph) fused = NULL;

  net.graph->ir_version = 3;
  g_ptr_array_add (net.graph->inputs, w);
  net_output (&net, net_batchnorm (&net, "y1", OP (&net, "Conv", "c1", x, w), 3));
  net_output (&net, OP (&net, "Conv", "y2", x, w));
  fused = fuse_and_compare (&net, 1e-5);
  g_assert_cmpuint (fused->inputs->len, ==, 4);
  g_assert_true (pare_graph_is_input (fused, pare_graph_find_value (fused, "conv.weight_1")));
  g_assert_true (pare_graph_is_input (fused, pare_graph_find_value (fused, "conv.bias")));
}

static void
test_a_result_that_is_read_elsewhere_stays (void)
{
  const Convolution *c = &convolutions[0];
  g_auto (Net) net = net_new ();
  PareValue *conv = add_convolution (&net, c, net_input (&net, "x", data_shape (c)), "conv");
  g_autoptr (PareGraph) fused = NULL;

  net_output (&net, net_batchnorm (&net, "y", conv, c->out));
  net_output (&net, conv);
  fused = fuse_and_compare (&net, 1e-5);
  g_assert_cmpuint (fused->nodes->len, ==, 2);
  g_assert_true (record_says (fused, "y", "'conv' is also read elsewhere"));
}

static void
test_a_normalized_input_that_is_read_elsewhere_stays (void)
{
  const Convolution *c = &convolutions[3];
  g_auto (Net) net = net_new ();
  PareValue *norm = net_batchnorm (&net, "norm", net_input (&net, "x", data_shape (c)), c->in);
  g_autoptr (PareGraph) fused = NULL;

  net_output (&net, add_convolution (&net, c, norm, "y"));
  net_output (&net, OP (&net, "Add", "z", norm, norm));
  fused = fuse_and_compare (&net, 1e-5);
  g_assert_cmpuint (fused->nodes->len, ==, 3);
  g_assert_true (record_says (fused, "norm", "'norm' is also read elsewhere"));
}

/* What makes a BatchNormalization unfit, and what the record says then. */
static void
spoil_training (PareNode *node)
{
  pare_node_set_attribute (node, pare_attribute_new_int ("training_mode", 1));
}

static void
spoil_statistics (PareNode *node)
{
  pare_node_add_output (node, pare_graph_add_value (node->graph, "running_mean"));
}

static void
spoil_variance (PareNode *node)
{
  const float negative[] = { -1, 1, 1, 1 };
  PareShape shape = pare_shape_of (1, 4);
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&shape, negative);

  pare_value_set_constant (pare_node_input (node, 4), tensor);
}

static void
spoil_lengths (PareNode *node)
{
  const float mean[] = { 1, 1, 1 };
  PareShape shape = pare_shape_of (1, 3);
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&shape, mean);

  pare_value_set_constant (pare_node_input (node, 3), tensor);
}

static void
spoil_missing (PareNode *node)
{
  pare_node_set_input (node, 2, NULL);
}

static void
spoil_groups (PareNode *node)
{
  pare_node_set_attribute (pare_node_input (node, 0)->producer, pare_attribute_new_int ("group", 3));
}

static void
spoil_groups_below_one (PareNode *node)
{
  pare_node_set_attribute (pare_node_input (node, 0)->producer, pare_attribute_new_int ("group", G_MININT64));
}

static const struct
{
  void (*spoil) (PareNode *batchnorm);
  const char *reason;
} spoilers[] = {
  { spoil_training, "in training mode" },
  { spoil_statistics, "in training mode" },
  { spoil_variance, "not finite" },
  { spoil_lengths, "one number per channel" },
  { spoil_missing, "one number per channel" },
  { spoil_groups, "laid out in an unusual way" },
  { spoil_groups_below_one, "laid out in an unusual way" },
};

static void
test_an_unfit_batchnorm_is_left_with_a_reason (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (spoilers); i++)
    {
      const Convolution *c = &convolutions[0];
      g_auto (Net) net = net_new ();
      PareValue *x = net_input (&net, "x", data_shape (c)), *y;
      y = net_batchnorm (&net, "y", add_convolution (&net, c, x, "conv"), c->out);
      net_output (&net, y);
      spoilers[i].spoil (y->producer);
      g_assert_true (pare_graph_fuse (net.graph, NULL, NULL, NULL));
      g_assert_cmpuint (net.graph->nodes->len, ==, 2);
      g_assert_true (record_says (net.graph, "y", spoilers[i].reason));
    }
}

static void
test_double_precision_models_stay_precise (void)
{
  const Convolution *c = &convolutions[1];
  g_auto (Net) net = net_new ();
  g_autoptr (PareGraph) fused = NULL;

  net.type = PARE_FLOAT64;
  net_output (&net, net_batchnorm (&net, "y", add_convolution (&net, c, net_input (&net, "x", data_shape (c)), "conv"),
                                   c->out));
  fused = fuse_and_compare (&net, 1e-13);
  g_assert_cmpuint (fused->nodes->len, ==, 1);
  g_assert_cmpint (pare_node_constant (fused->nodes->pdata[0], 1)->type, ==, PARE_FLOAT64);
}

static void
test_half_precision_models_stay_half (void)
{
  const Convolution *c = &convolutions[1];
  g_auto (Net) net = net_new ();
  g_autoptr (PareGraph) fused = NULL;

  net.type = PARE_FLOAT16;
  net_output (&net, net_batchnorm (&net, "y", add_convolution (&net, c, net_input (&net, "x", data_shape (c)), "conv"),
                                   c->out));
  fused = fuse_and_compare (&net, 2e-3); /* a half has 11 bits */
  g_assert_cmpint (pare_node_constant (fused->nodes->pdata[0], 1)->type, ==, PARE_FLOAT16);
  g_assert_cmpint (pare_node_constant (fused->nodes->pdata[0], 2)->type, ==, PARE_FLOAT16);
}

static void
test_a_weight_that_would_overflow_is_left (void)
{
  const Convolution *c = &convolutions[0];
  g_auto (Net) net = net_new ();
  PareValue *y;
  g_autoptr (PareGraph) fused = NULL;

  net.type = PARE_FLOAT16;
  y = add_convolution (&net, c, net_input (&net, "x", data_shape (c)), "conv");
  y = OP (&net, "Mul", "large", y, net_random (&net, "c", (PareShape){ 0 }, 60000, 60001));
  net_output (&net, OP (&net, "Mul", "y", y, net_random (&net, "d", (PareShape){ 0 }, 300, 301)));
  fused = fuse_and_compare (&net, 1e-2);
  g_assert_cmpuint (fused->nodes->len, ==, 2);
  g_assert_true (record_says (fused, "y", "too large"));
}

static void
test_identities_go (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 3, 4)), *w, *y;
  PareValue *original = net_random (&net, "w", pare_shape_of (2, 4, 4), -1, 1);
  g_autoptr (PareGraph) fused = NULL;

  w = OP (&net, "Identity", "w_again", original);
  y = OP (&net, "MatMul", "m1", OP (&net, "Dropout", "kept", x), original);
  y = OP (&net, "MatMul", "m2", y, OP (&net, "Identity", "w_once_more", w));
  net_output (&net, OP (&net, "Identity", "y", y));
  fused = fuse_and_compare (&net, 1e-6);
  g_assert_cmpuint (fused->nodes->len, ==, 2);
  g_assert_true (pare_node_input (fused->nodes->pdata[0], 1) == pare_node_input (fused->nodes->pdata[1], 1));
  g_assert_true (record_says (fused, "w_again", "share the constant"));
}

static void
test_an_identity_between_input_and_output_stays (void)
{
  g_auto (Net) net = net_new ();

  net_output (&net, OP (&net, "Identity", "y", net_input (&net, "x", pare_shape_of (1, 3))));
  g_assert_true (pare_graph_fuse (net.graph, NULL, NULL, NULL));
  g_assert_cmpuint (net.graph->nodes->len, ==, 1);
  g_assert_true (record_says (net.graph, "y", "Needed for its name"));
}

static void
test_dropout_that_drops_stays (void)
{
  g_auto (Net) net = net_new ();
  PareShape scalar = { 0 };
  const guint8 yes = 1;
  g_autoptr (PareTensor) truth = pare_tensor_new_copy (PARE_BOOL, &scalar, &yes);
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 3, 4)), *masked;

  masked = OP (&net, "Dropout", "masked", x);
  pare_node_add_output (masked->producer, pare_graph_add_value (net.graph, "mask"));
  net_output (&net, OP (&net, "Dropout", "trains", masked, NULL, pare_graph_add_constant (net.graph, "t", truth)));
  net_output (&net, pare_graph_find_value (net.graph, "mask"));
  g_assert_true (pare_graph_fuse (net.graph, NULL, NULL, NULL));
  g_assert_cmpuint (count (net.graph, "Dropout"), ==, 2);
  g_assert_true (record_says (net.graph, "trains", "training mode"));
  g_assert_true (record_says (net.graph, "masked", "mask"));
}

static void
test_fusions_and_layers_can_be_skipped (void)
{
  const char *const fusions[] = { "layer-batchnorm", NULL }, *const batchnorm[] = { "y", NULL },
                    *const convolution[] = { "conv", NULL };
  const char *const *lists[][2] = { { fusions, NULL }, { NULL, batchnorm }, { NULL, convolution } };

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      const Convolution *c = &convolutions[0];
      g_auto (Net) net = net_new ();
      g_autoptr (GError) error = NULL;
      PareValue *x = net_input (&net, "x", data_shape (c));
      net_output (&net, net_batchnorm (&net, "y", add_convolution (&net, c, x, "conv"), c->out));
      g_assert_true (pare_graph_fuse (net.graph, lists[i][0], lists[i][1], &error));
      g_assert_no_error (error);
      g_assert_cmpuint (net.graph->nodes->len, ==, 2);
    }
}

static void
test_unknown_names_are_errors_that_name_the_nearest (void)
{
  const char *const fusions[] = { "layer-batchnrm", NULL }, *const layers[] = { "cnv", NULL };
  const Convolution *c = &convolutions[0];
  g_auto (Net) net = net_new ();
  g_autoptr (GError) fusion = NULL, layer = NULL;

  net_output (&net, add_convolution (&net, c, net_input (&net, "x", data_shape (c)), "conv"));
  g_assert_false (pare_graph_fuse (net.graph, fusions, NULL, &fusion));
  g_assert_error (fusion, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_cmpstr (fusion->message, ==, "There is no fusion 'layer-batchnrm': did you mean 'layer-batchnorm'?");
  g_assert_false (pare_graph_fuse (net.graph, NULL, layers, &layer));
  g_assert_error (layer, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_cmpstr (layer->message, ==, "There is no layer 'cnv': did you mean 'conv'?");
}

static void
add_table (const char *path, GTestDataFunc test)
{
  for (guint i = 0; i < G_N_ELEMENTS (convolutions); i++)
    {
      const Convolution *c = &convolutions[i];
      g_autofree char *name
          = g_strdup_printf ("%s/%s-%ud-%d", path, c->transposed ? "convtranspose" : "conv", c->spatial, i);
      g_test_add_data_func (name, c, test);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_table ("/fuse/batchnorm-behind", test_batchnorm_behind_convolution);
  add_table ("/fuse/batchnorm-before", test_batchnorm_before_convolution);
  add_table ("/fuse/scale-before", test_scale_before_convolution);
  g_test_add_func ("/fuse/batchnorm-before/no-shift", test_shiftless_batchnorm_passes_padding);
  g_test_add_func ("/fuse/gemm", test_batchnorm_around_gemm);
  g_test_add_func ("/fuse/gemm/full-bias", test_a_full_matrix_of_bias_is_left);
  g_test_add_func ("/fuse/matmul/matrix", test_matmul_of_matrices_becomes_gemm_when_it_needs_a_bias);
  g_test_add_func ("/fuse/matmul/batch", test_matmul_of_batches_takes_factors_only);
  g_test_add_func ("/fuse/arithmetic", test_arithmetic_around_convolution);
  g_test_add_func ("/fuse/arithmetic/image", test_normalization_of_the_image_goes_into_the_first_layer);
  g_test_add_func ("/fuse/arithmetic/width", test_a_constant_along_the_width_is_left);
  g_test_add_func ("/fuse/arithmetic/gelu", test_the_end_of_a_gelu_is_left);
  g_test_add_func ("/fuse/arithmetic/adds-channels", test_a_constant_that_adds_channels_is_left);
  g_test_add_func ("/fuse/arithmetic/adds-axes", test_a_constant_that_adds_axes_is_left);
  g_test_add_func ("/fuse/shared/copied", test_shared_weights_are_copied_and_said_so);
  g_test_add_func ("/fuse/shared/ir3", test_new_constants_of_old_files_are_inputs);
  g_test_add_func ("/fuse/shared/result", test_a_result_that_is_read_elsewhere_stays);
  g_test_add_func ("/fuse/shared/input", test_a_normalized_input_that_is_read_elsewhere_stays);
  g_test_add_func ("/fuse/unfit", test_an_unfit_batchnorm_is_left_with_a_reason);
  g_test_add_func ("/fuse/type/double", test_double_precision_models_stay_precise);
  g_test_add_func ("/fuse/type/half", test_half_precision_models_stay_half);
  g_test_add_func ("/fuse/type/overflow", test_a_weight_that_would_overflow_is_left);
  g_test_add_func ("/fuse/identity", test_identities_go);
  g_test_add_func ("/fuse/identity/needed", test_an_identity_between_input_and_output_stays);
  g_test_add_func ("/fuse/identity/dropout", test_dropout_that_drops_stays);
  g_test_add_func ("/fuse/skip", test_fusions_and_layers_can_be_skipped);
  g_test_add_func ("/fuse/unknown", test_unknown_names_are_errors_that_name_the_nearest);
  return g_test_run ();
}
