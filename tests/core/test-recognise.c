/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Functions that networks of old operator sets spell out are executed as one operator, and compute what they did. */
#include "fuse/fuse.h"
#include "network.h"
#include "train/gradient.h"

static PareValue *
number (Net *net, double value)
{
  PareShape shape = { 0 };
  float single = value;
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&shape, &single);

  return pare_graph_add_constant (net->graph, "number", tensor);
}

/* The operators of @graph in their order, with blanks between; those of the domain "pare" with a star. */
static char *
describe (const PareGraph *graph)
{
  GString *nodes = g_string_new (NULL);

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const PareNode *node = graph->nodes->pdata[i];
      g_string_append_printf (nodes, "%s%s%s", i ? " " : "", node->op_type,
                              g_str_equal (node->domain, PARE_DOMAIN) ? "*" : "");
    }
  return g_string_free (nodes, FALSE);
}

/* What is executed has the nodes @expected, and computes what the network does node by node. */
static void
check (Net *net, const char *expected)
{
  g_autoptr (PareGraph) executed = pare_graph_copy (net->graph);
  g_autofree char *nodes = NULL;

  pare_graph_recognise (executed);
  pare_graph_assert_consistent (executed);
  nodes = describe (executed);
  g_assert_cmpstr (nodes, ==, expected);
  for (gint64 batch = 1; batch <= 3; batch += 2)
    {
      g_autoptr (GPtrArray) inputs = network_inputs (net, batch);
      g_autoptr (GPtrArray) before = network_run (net->graph, inputs), after = network_run (executed, inputs);
      network_assert_close (after, before, 1e-5);
    }
}

static void
test_gelu_of_an_old_opset (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 8));
  PareValue *gate = OP (&net, "Erf", "erf", OP (&net, "Div", "scaled", x, number (&net, G_SQRT2)));

  gate = OP (&net, "Add", "gate", gate, number (&net, 1));
  net_output (&net, OP (&net, "Mul", "y", OP (&net, "Mul", "m", x, gate), number (&net, 0.5)));
  check (&net, "Gelu*");
}

static void
test_layernormalization_of_an_old_opset (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (3, -1, 5, 8)), *mean = OP (&net, "ReduceMean", "mean", x);
  PareValue *d = OP (&net, "Sub", "d", x, mean), *variance, *y;

  net_set_ints (mean, "axes", 1, (gint64[]){ -1 });
  variance = OP (&net, "ReduceMean", "variance", OP (&net, "Pow", "square", d, number (&net, 2)));
  net_set_ints (variance, "axes", 1, (gint64[]){ -1 });
  y = OP (&net, "Sqrt", "root", OP (&net, "Add", "sum", variance, number (&net, 1e-5)));
  y = OP (&net, "Mul", "scaled", OP (&net, "Div", "normal", d, y),
          net_random (&net, "w", pare_shape_of (1, 8), 0.5, 2));
  net_output (&net, OP (&net, "Add", "y", y, net_random (&net, "b", pare_shape_of (1, 8), -1, 1)));
  check (&net, "LayerNormalization*");
}

static void
test_hardswish_of_an_old_opset (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 8));
  PareValue *clip
      = OP (&net, "Clip", "clip", OP (&net, "Add", "plus", x, number (&net, 3)), number (&net, 0), number (&net, 6));

  net_output (&net, OP (&net, "Div", "y", OP (&net, "Mul", "m", x, clip), number (&net, 6)));
  check (&net, "HardSwish*");
}

/* What others read stays, next to what became of it. */
static void
test_parts_that_are_outputs_stay (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 8));
  PareValue *erf = OP (&net, "Erf", "erf", OP (&net, "Div", "scaled", x, number (&net, G_SQRT2)));
  PareValue *gate = OP (&net, "Add", "gate", erf, number (&net, 1));

  net_output (&net, OP (&net, "Mul", "y", OP (&net, "Mul", "m", x, gate), number (&net, 0.5)));
  net_output (&net, erf);
  check (&net, "Div Erf Gelu*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recognise/gelu-of-an-old-opset", test_gelu_of_an_old_opset);
  g_test_add_func ("/recognise/layernormalization-of-an-old-opset", test_layernormalization_of_an_old_opset);
  g_test_add_func ("/recognise/hardswish-of-an-old-opset", test_hardswish_of_an_old_opset);
  g_test_add_func ("/recognise/parts-that-are-outputs-stay", test_parts_that_are_outputs_stay);
  return g_test_run ();
}
