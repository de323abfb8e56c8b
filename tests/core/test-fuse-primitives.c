/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Functions that exporters write out, and computing with shapes: fused, the network has the nodes that it should and
 * computes what it did. */
#include "fuse/fuse.h"
#include "network.h"
#include <string.h>

/* Fused at @opset, the network has the nodes @expected, with blanks between, and computes the same for batches of 1
 * and 5. */
static void
check (Net *net, gint64 opset, const char *expected)
{
  g_autoptr (PareGraph) fused = NULL;
  g_autoptr (GString) nodes = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  pare_graph_set_opset (net->graph, "", opset);
  fused = pare_graph_copy (net->graph);
  g_assert_true (pare_graph_fuse (fused, NULL, NULL, &error));
  pare_graph_assert_consistent (fused);
  for (guint i = 0; i < fused->nodes->len; i++)
    g_string_append_printf (nodes, "%s%s", i ? " " : "", ((PareNode *)fused->nodes->pdata[i])->op_type);
  g_assert_cmpstr (nodes->str, ==, expected);
  for (gint64 batch = 1; batch <= 5; batch += 4)
    {
      g_autoptr (GPtrArray) inputs = network_inputs (net, batch);
      g_autoptr (GPtrArray) before = network_run (net->graph, inputs), after = network_run (fused, inputs);
      network_assert_close (after, before, 1e-5);
    }
}

/* 1 + erf (x / sqrt 2) */
static PareValue *
erf_gate (Net *net, PareValue *x, gboolean divides)
{
  PareValue *scaled = divides ? OP (net, "Div", "scaled", x, net_number (net, G_SQRT2))
                              : OP (net, "Mul", "scaled", x, net_number (net, 0.70710678));

  return OP (net, "Add", "gate", OP (net, "Erf", "erf", scaled), net_number (net, 1));
}

/* Spellings of torch, Paddle, and TensorFlow: where the half stands. */
static void
test_gelu_in_any_order_of_factors (void)
{
  for (guint spelling = 0; spelling < 3; spelling++)
    {
      g_auto (Net) net = net_new ();
      /* x is a product itself, which must not be taken apart. */
      PareValue *x = OP (&net, "Mul", "x", net_input (&net, "a", pare_shape_of (2, -1, 8)), net_number (&net, 0.7));
      PareValue *gate = erf_gate (&net, x, spelling != 1), *half = net_number (&net, 0.5), *y;
      if (spelling == 0)
        y = OP (&net, "Mul", "y", OP (&net, "Mul", "xgate", x, gate), half);
      else if (spelling == 1)
        y = OP (&net, "Mul", "y", OP (&net, "Mul", "half", half, gate), x);
      else
        y = OP (&net, "Mul", "y", OP (&net, "Mul", "xhalf", x, half), gate);
      net_output (&net, y);
      check (&net, 20, "Mul Gelu");
    }
}

static void
test_gelu_spellings_before_opset_20_stay (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 8));

  net_output (&net,
              OP (&net, "Mul", "y", OP (&net, "Mul", "half", net_number (&net, 0.5), erf_gate (&net, x, FALSE)), x));
  check (&net, 19, "Mul Erf Add Mul Mul");
  check (&net, 20, "Gelu");
}

static void
test_gelu_by_tanh (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 8));
  PareValue *cube = OP (&net, "Mul", "cube", x, OP (&net, "Mul", "square", x, x));
  PareValue *sum = OP (&net, "Add", "sum", x, OP (&net, "Mul", "small", net_number (&net, 0.044715), cube));
  PareValue *tanh = OP (&net, "Tanh", "tanh", OP (&net, "Mul", "inner", sum, net_number (&net, 0.7978845608)));
  PareValue *gate = OP (&net, "Add", "gate", net_number (&net, 1), tanh);

  net_output (&net, OP (&net, "Mul", "y", OP (&net, "Mul", "xhalf", x, net_number (&net, 0.5)), gate));
  check (&net, 20, "Gelu");
}

/* The argument of the other spelling is a product: sqrt (2 / pi) x (1 + 0.044715 x^2). */
static void
test_gelu_by_tanh_of_a_product (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 8));
  PareValue *square = OP (&net, "Mul", "square", OP (&net, "Mul", "small", x, net_number (&net, 0.044715)), x);
  PareValue *factor = OP (&net, "Add", "factor", net_number (&net, 1), square);
  PareValue *inner = OP (&net, "Mul", "inner", OP (&net, "Mul", "scaled", x, net_number (&net, 0.7978845608)), factor);
  PareValue *gate = OP (&net, "Add", "gate", OP (&net, "Tanh", "tanh", inner), net_number (&net, 1));

  net_output (&net, OP (&net, "Mul", "y", OP (&net, "Mul", "xhalf", x, net_number (&net, 0.5)), gate));
  check (&net, 20, "Gelu");
}

/* With 0.6 for the half it is no GELU. */
static void
test_what_resembles_gelu_stays (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 8));

  net_output (&net, OP (&net, "Mul", "y", OP (&net, "Mul", "m", x, erf_gate (&net, x, TRUE)), net_number (&net, 0.6)));
  check (&net, 20, "Div Erf Add Mul Mul");
}

static PareValue *
clipped (Net *net, PareValue *x)
{
  return OP (net, "Clip", "clip", OP (net, "Add", "plus", x, net_number (net, 3)), net_number (net, 0),
             net_number (net, 6));
}

static void
test_hardswish_and_hardsigmoid (void)
{
  g_auto (Net) whole = net_new (), gate = net_new (), split = net_new ();
  PareValue *x = net_input (&whole, "x", pare_shape_of (2, -1, 8));
  PareValue *g = net_input (&gate, "x", pare_shape_of (2, -1, 8));
  PareValue *s = net_input (&split, "x", pare_shape_of (2, -1, 8));

  net_output (&whole, OP (&whole, "Div", "y", OP (&whole, "Mul", "m", x, clipped (&whole, x)), net_number (&whole, 6)));
  check (&whole, 14, "HardSwish");
  check (&whole, 13, "Add Clip Mul Div");
  net_output (&gate, OP (&gate, "Div", "y", clipped (&gate, g), net_number (&gate, 6)));
  check (&gate, 13, "HardSigmoid");
  net_output (&split,
              OP (&split, "Mul", "y", s, OP (&split, "Div", "gate", clipped (&split, s), net_number (&split, 6))));
  check (&split, 14, "HardSwish");
  check (&split, 13, "HardSigmoid Mul");
}

/* As torch writes it; without the shift when @has_shift is FALSE. */
static void
add_layernorm (Net *net, PareValue *x, gint64 axis, gboolean has_shift)
{
  PareValue *mean = OP (net, "ReduceMean", "mean", x), *d, *variance, *y;

  net_set_ints (mean, "axes", 1, &axis);
  d = OP (net, "Sub", "d", x, mean);
  variance = OP (net, "ReduceMean", "variance", OP (net, "Pow", "square", d, net_number (net, 2)));
  net_set_ints (variance, "axes", 1, &axis);
  y = OP (net, "Div", "normal", d, OP (net, "Sqrt", "root", OP (net, "Add", "sum", variance, net_number (net, 1e-5))));
  y = OP (net, "Mul", "scaled", y, net_random (net, "w", pare_shape_of (1, 8), 0.5, 2));
  if (has_shift)
    y = OP (net, "Add", "shifted", y, net_random (net, "b", pare_shape_of (1, 8), -1, 1));
  net_output (net, y);
}

static void
test_layernormalization (void)
{
  g_auto (Net) whole = net_new (), scaled = net_new (), other = net_new ();

  add_layernorm (&whole, net_input (&whole, "x", pare_shape_of (3, -1, 5, 8)), 2, TRUE);
  check (&whole, 17, "LayerNormalization");
  check (&whole, 16, "ReduceMean Sub Pow ReduceMean Add Sqrt Div Mul Add");
  add_layernorm (&scaled, net_input (&scaled, "x", pare_shape_of (3, -1, 5, 8)), -1, FALSE);
  check (&scaled, 17, "LayerNormalization");
  /* Along another axis it is something else. */
  add_layernorm (&other, net_input (&other, "x", pare_shape_of (3, -1, 5, 8)), 1, TRUE);
  check (&other, 17, "ReduceMean Sub Pow ReduceMean Add Sqrt Div Mul Add");
}

/* x as [batch, 4, 2, 3]: the batch comes from a Shape, as exporters write view (x.size (0), 4, -1, 3). */
static void
test_shape_computed_from_the_batch (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 24));
  PareValue *batch
      = OP (&net, "Gather", "batch", OP (&net, "Shape", "shape", x), net_integers (&net, 1, (gint64[]){ 0 }));
  PareValue *parts[] = { batch, net_integers (&net, 3, (gint64[]){ 4, 2, 3 }) };
  PareValue *target = net_op (&net, "Concat", "target", 2, parts);

  pare_node_set_attribute (target->producer, pare_attribute_new_int ("axis", 0));
  net_output (&net, OP (&net, "Relu", "y", OP (&net, "Reshape", "seen", x, target)));
  check (&net, 13, "Reshape Relu");
}

/* Two sizes that depend on what the network leaves open: nothing is assumed. */
static void
test_shape_with_two_open_sizes_stays (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, -1));
  PareValue *y = net_input (&net, "z", pare_shape_of (2, -1, -1));

  net_output (&net, OP (&net, "Relu", "y", OP (&net, "Reshape", "seen", x, OP (&net, "Shape", "shape", y))));
  check (&net, 13, "Shape Reshape Relu");
}

static void
test_chains_of_shapes (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (3, -1, 6, 4));
  PareValue *y = OP (&net, "Relu", "r", x);

  y = OP (&net, "Reshape", "a", y, net_integers (&net, 4, (gint64[]){ -1, 2, 3, 4 }));
  y = OP (&net, "Reshape", "b", y, net_integers (&net, 2, (gint64[]){ -1, 24 }));
  y = OP (&net, "Reshape", "c", y, net_integers (&net, 3, (gint64[]){ -1, 6, 4 }));
  y = OP (&net, "Transpose", "d", y);
  net_set_ints (y, "perm", 3, (gint64[]){ 0, 2, 1 });
  y = OP (&net, "Transpose", "e", y);
  net_set_ints (y, "perm", 3, (gint64[]){ 2, 0, 1 });
  y = OP (&net, "Reshape", "f", y, net_integers (&net, 2, (gint64[]){ 6, -1 }));
  y = OP (&net, "Reshape", "g", y, net_integers (&net, 2, (gint64[]){ -1, 12 }));
  net_output (&net, OP (&net, "Neg", "y", y));
  check (&net, 13, "Relu Transpose Reshape Neg");
}

static void
test_transpose_and_back_is_nothing (void)
{
  g_auto (Net) net = net_new ();
  PareValue *y = OP (&net, "Relu", "r", net_input (&net, "x", pare_shape_of (3, -1, 6, 4)));

  y = OP (&net, "Transpose", "a", y);
  net_set_ints (y, "perm", 3, (gint64[]){ 1, 2, 0 });
  y = OP (&net, "Transpose", "b", y);
  net_set_ints (y, "perm", 3, (gint64[]){ 2, 0, 1 });
  net_output (&net, OP (&net, "Neg", "y", y));
  check (&net, 13, "Relu Neg");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/primitives/gelu-in-any-order-of-factors", test_gelu_in_any_order_of_factors);
  g_test_add_func ("/primitives/gelu-before-opset-20-stays", test_gelu_spellings_before_opset_20_stay);
  g_test_add_func ("/primitives/gelu-by-tanh", test_gelu_by_tanh);
  g_test_add_func ("/primitives/gelu-by-tanh-of-a-product", test_gelu_by_tanh_of_a_product);
  g_test_add_func ("/primitives/what-resembles-gelu-stays", test_what_resembles_gelu_stays);
  g_test_add_func ("/primitives/hardswish-and-hardsigmoid", test_hardswish_and_hardsigmoid);
  g_test_add_func ("/primitives/layernormalization", test_layernormalization);
  g_test_add_func ("/primitives/shape-computed-from-the-batch", test_shape_computed_from_the_batch);
  g_test_add_func ("/primitives/shape-with-two-open-sizes-stays", test_shape_with_two_open_sizes_stays);
  g_test_add_func ("/primitives/chains-of-shapes", test_chains_of_shapes);
  g_test_add_func ("/primitives/transpose-and-back-is-nothing", test_transpose_and_back_is_nothing);
  return g_test_run ();
}
