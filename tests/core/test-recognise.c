/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Functions that networks of old operator sets spell out are executed as one operator, and compute what they did. */
#include "network.h"

static void
test_gelu_of_an_old_opset (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 8));
  PareValue *gate = OP (&net, "Erf", "erf", OP (&net, "Div", "scaled", x, net_number (&net, G_SQRT2)));

  gate = OP (&net, "Add", "gate", gate, net_number (&net, 1));
  net_output (&net, OP (&net, "Mul", "y", OP (&net, "Mul", "m", x, gate), net_number (&net, 0.5)));
  network_check_executed (&net, "Gelu*");
}

static void
test_layernormalization_of_an_old_opset (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (3, -1, 5, 8)), *mean = OP (&net, "ReduceMean", "mean", x);
  PareValue *d = OP (&net, "Sub", "d", x, mean), *variance, *y;

  net_set_ints (mean, "axes", 1, (gint64[]){ -1 });
  variance = OP (&net, "ReduceMean", "variance", OP (&net, "Pow", "square", d, net_number (&net, 2)));
  net_set_ints (variance, "axes", 1, (gint64[]){ -1 });
  y = OP (&net, "Sqrt", "root", OP (&net, "Add", "sum", variance, net_number (&net, 1e-5)));
  y = OP (&net, "Mul", "scaled", OP (&net, "Div", "normal", d, y),
          net_random (&net, "w", pare_shape_of (1, 8), 0.5, 2));
  net_output (&net, OP (&net, "Add", "y", y, net_random (&net, "b", pare_shape_of (1, 8), -1, 1)));
  network_check_executed (&net, "LayerNormalization*");
}

static void
test_hardswish_of_an_old_opset (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 8));
  PareValue *clip = OP (&net, "Clip", "clip", OP (&net, "Add", "plus", x, net_number (&net, 3)), net_number (&net, 0),
                        net_number (&net, 6));

  net_output (&net, OP (&net, "Div", "y", OP (&net, "Mul", "m", x, clip), net_number (&net, 6)));
  network_check_executed (&net, "HardSwish*");
}

/* What others read stays, next to what became of it. */
static void
test_parts_that_are_outputs_stay (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 8));
  PareValue *erf = OP (&net, "Erf", "erf", OP (&net, "Div", "scaled", x, net_number (&net, G_SQRT2)));
  PareValue *gate = OP (&net, "Add", "gate", erf, net_number (&net, 1));

  net_output (&net, OP (&net, "Mul", "y", OP (&net, "Mul", "m", x, gate), net_number (&net, 0.5)));
  net_output (&net, erf);
  network_check_executed (&net, "Div Erf Gelu*");
}

/* A constant of more axes gives what it meets more axes, which no one operator does. */
static void
test_stretching_constants_stay (void)
{
  g_auto (Net) net = net_new (), attention = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 8)), *scores;
  PareValue *erf = OP (&net, "Erf", "erf", OP (&net, "Div", "scaled", x, net_number (&net, G_SQRT2)));
  PareShape many = pare_shape_of (4, 1, 1, 1, 1), table = pare_shape_of (2, 5, 7);

  net_output (&net, OP (&net, "Mul", "y", OP (&net, "Mul", "m", x, OP (&net, "Add", "gate", erf, net_number (&net, 1))),
                        net_random (&net, "half", many, 0.5, 0.5)));
  network_check_executed (&net, "Div Erf Add Mul Mul");
  /* One query, and a mask for five. */
  scores = OP (&attention, "MatMul", "scores", net_input (&attention, "q", pare_shape_of (3, -1, 1, 4)),
               net_input (&attention, "k", pare_shape_of (3, -1, 4, 7)));
  scores = OP (&attention, "Add", "masked", scores, net_random (&attention, "mask", table, -1, 1));
  net_output (&attention, OP (&attention, "MatMul", "y", OP (&attention, "Softmax", "softmax", scores),
                              net_input (&attention, "v", pare_shape_of (3, -1, 7, 4))));
  network_check_executed (&attention, "MatMul Add Softmax MatMul");
}

static PareValue *
normalized (Net *net, PareValue *x)
{
  PareValue *layer = OP (net, "Conv", "layer", x, net_random (net, "w", pare_shape_of (4, 6, 3, 3, 3), -1, 1));

  net_output (net, net_batchnorm (net, "y", layer, 6));
  return layer;
}

static void
test_normalization_is_in_the_weights (void)
{
  g_auto (Net) net = net_new (), seen = net_new ();

  normalized (&net, net_input (&net, "x", pare_shape_of (4, -1, 3, 8, 8)));
  network_check_executed (&net, "Conv");
  net_output (&seen, normalized (&seen, net_input (&seen, "x", pare_shape_of (4, -1, 3, 8, 8))));
  network_check_executed (&seen, "Conv BatchNormalization");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recognise/gelu-of-an-old-opset", test_gelu_of_an_old_opset);
  g_test_add_func ("/recognise/layernormalization-of-an-old-opset", test_layernormalization_of_an_old_opset);
  g_test_add_func ("/recognise/hardswish-of-an-old-opset", test_hardswish_of_an_old_opset);
  g_test_add_func ("/recognise/parts-that-are-outputs-stay", test_parts_that_are_outputs_stay);
  g_test_add_func ("/recognise/stretching-constants-stay", test_stretching_constants_stay);
  g_test_add_func ("/recognise/normalization-is-in-the-weights", test_normalization_is_in_the_weights);
  return g_test_run ();
}
