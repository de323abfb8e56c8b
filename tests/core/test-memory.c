/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Networks that want more memory than they may have are refused before anything is allocated. */
#include "graph/memory.h"
#include "network.h"
#include <string.h>
#include <sys/resource.h>

static void
test_amounts_are_read (void)
{
  static const struct
  {
    const char *text;
    guint64 bytes;
  } amounts[] = {
    { "1", 1 },
    { "4096", 4096 },
    { "2K", 2048 },
    { "3m", 3 << 20 },
    { "1.5G", G_GUINT64_CONSTANT (3) << 29 },
    { "2T", G_GUINT64_CONSTANT (2) << 40 },
    { "", 0 },
    { "0", 0 },
    { "-1G", 0 },
    { "1X", 0 },
    { "1GB", 0 },
    { "nan", 0 },
    { "1e30T", 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (amounts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_cmpuint (pare_memory_parse (amounts[i].text, &error), ==, amounts[i].bytes);
      g_assert_true ((error != NULL) == (amounts[i].bytes == 0));
    }
}

static void
test_wrong_variable_is_an_error (void)
{
  g_autoptr (GError) error = NULL;

  g_setenv (PARE_MEMORY_VARIABLE, "plenty", TRUE);
  g_assert_false (pare_memory_affords (1, "This", "no", &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, PARE_MEMORY_VARIABLE));
  g_unsetenv (PARE_MEMORY_VARIABLE);
}

/* Two values of 256 KiB at a time: x and a, then a and y over a or x. */
static void
test_plan_beyond_the_limit_is_refused (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 256, 256));
  PareValue *w = net_random (&net, "w", pare_shape_of (2, 256, 256), -1, 1);
  g_autoptr (GPtrArray) inputs = NULL, outputs = NULL;

  net_output (&net, OP (&net, "MatMul", "y", OP (&net, "MatMul", "a", x, w), w));
  inputs = network_inputs (&net, 1);
  g_setenv (PARE_MEMORY_VARIABLE, "300K", TRUE);
  network_assert_fails (net.graph, inputs, PARE_ERROR_FORMAT, "allow more with --max-memory or PARE_MAX_MEMORY");
  g_setenv (PARE_MEMORY_VARIABLE, "4M", TRUE);
  outputs = network_run (net.graph, inputs);
  g_unsetenv (PARE_MEMORY_VARIABLE);
}

static void
test_plans_of_old_shapes_make_room (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 1024));
  g_autoptr (PareExecutor) executor = NULL;

  net_output (&net, OP (&net, "Exp", "y", OP (&net, "Sin", "a", x)));
  executor = pare_executor_new (net.graph);
  g_setenv (PARE_MEMORY_VARIABLE, "3M", TRUE);
  for (guint batch = 100; batch < 400; batch += 100)
    {
      g_autoptr (GPtrArray) inputs = network_inputs (&net, batch);
      g_autoptr (GPtrArray) outputs = network_run_with (executor, net.graph, inputs);
      g_assert_cmpuint (pare_executor_memory (executor), <=, 3 << 20);
    }
  g_unsetenv (PARE_MEMORY_VARIABLE);
}

/* 2^40 numbers out of a constant of three: neither folded nor run, and nothing is allocated on the way. */
static void
test_absurd_shape_is_refused_before_allocating (void)
{
  static const gint64 sizes[] = { 1 << 20, 1 << 10, 1 << 10 };
  PareShape three = pare_shape_of (1, 3), one = pare_shape_of (1, 1);
  g_autoptr (PareTensor) tensor = pare_tensor_new_copy (PARE_INT64, &three, sizes);
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", one);
  PareValue *shape = pare_graph_add_constant (net.graph, "shape", tensor);
  g_autoptr (GPtrArray) inputs = NULL;
  struct rusage before, after;

  net_output (&net, OP (&net, "Add", "y", OP (&net, "ConstantOfShape", "huge", shape), x));
  inputs = network_inputs (&net, 1);
  getrusage (RUSAGE_SELF, &before);
  network_assert_fails (net.graph, inputs, PARE_ERROR_FORMAT, "4.0\302\240TiB");
  getrusage (RUSAGE_SELF, &after);
  g_assert_cmpint (after.ru_maxrss - before.ru_maxrss, <, 16 << 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_unsetenv (PARE_MEMORY_VARIABLE);
  g_test_add_func ("/memory/amounts-are-read", test_amounts_are_read);
  g_test_add_func ("/memory/wrong-variable-is-an-error", test_wrong_variable_is_an_error);
  g_test_add_func ("/memory/plan-beyond-the-limit-is-refused", test_plan_beyond_the_limit_is_refused);
  g_test_add_func ("/memory/plans-of-old-shapes-make-room", test_plans_of_old_shapes_make_room);
  g_test_add_func ("/memory/absurd-shape-is-refused-before-allocating", test_absurd_shape_is_refused_before_allocating);
  return g_test_run ();
}
