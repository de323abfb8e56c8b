/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Pools of all kinds against a loop over every element of every window. */
#include "network.h"
#include <malloc.h>
#include <math.h>
#include <string.h>

typedef struct
{
  const char *name;
  int channels;
  gint64 kernel[2], strides[2], dilations[2], pads[4], y[2];
  gboolean ceil, include_pad;
  gboolean behind_convolution; /* where values lie in blocks */
} Pool;

#define HEIGHT 7
#define WIDTH 8

static const Pool pools[] = {
  { "plain", 3, { 2, 2 }, { 2, 2 }, { 1, 1 }, .y = { 3, 4 } },
  { "overlapping, padded", 5, { 3, 3 }, { 1, 1 }, { 1, 1 }, { 1, 1, 1, 1 }, { 7, 8 } },
  { "blocked", 32, { 3, 3 }, { 2, 2 }, { 1, 1 }, { 1, 1, 1, 1 }, { 4, 4 }, .behind_convolution = TRUE },
  { "blocked, padded channels",
    17,
    { 2, 3 },
    { 1, 2 },
    { 1, 1 },
    { 0, 1, 1, 1 },
    { 7, 4 },
    .behind_convolution = TRUE },
  { "uneven pads", 3, { 3, 2 }, { 2, 1 }, { 1, 1 }, { 0, 1, 2, 0 }, { 4, 8 } },
  { "pads counted", 17, { 3, 3 }, { 2, 2 }, { 1, 1 }, { 1, 1, 1, 1 }, { 4, 4 }, FALSE, TRUE, TRUE },
  { "rounded up", 3, { 2, 3 }, { 2, 2 }, { 1, 1 }, { 0, 0, 0, 0 }, { 4, 4 }, TRUE },
  { "rounded up, pads counted", 3, { 3, 3 }, { 2, 2 }, { 1, 1 }, { 1, 1, 1, 1 }, { 4, 5 }, TRUE, TRUE },
  /* A fourth column would begin in the pads. */
  { "not rounded up into the pads", 3, { 3, 3 }, { 2, 3 }, { 1, 1 }, { 1, 1, 1, 1 }, { 4, 3 }, TRUE },
  { "dilated", 3, { 2, 3 }, { 1, 1 }, { 2, 3 }, { 1, 0, 0, 2 }, { 6, 4 } },
};

/* One output of one plane. */
static double
pool_at (const Pool *pool, gboolean max, const float *x, gint64 row, gint64 column)
{
  double best = -INFINITY, sum = 0;
  gint64 counted = 0;

  for (gint64 i = 0; i < pool->kernel[0]; i++)
    for (gint64 j = 0; j < pool->kernel[1]; j++)
      {
        gint64 r = row * pool->strides[0] + i * pool->dilations[0] - pool->pads[0];
        gint64 c = column * pool->strides[1] + j * pool->dilations[1] - pool->pads[1];
        gboolean inside = r >= 0 && r < HEIGHT && c >= 0 && c < WIDTH;
        if (inside)
          {
            sum += x[r * WIDTH + c];
            best = MAX (best, x[r * WIDTH + c]);
          }
        /* What rounding up adds behind the pads counts for nothing. */
        counted += inside || (pool->include_pad && r < HEIGHT + pool->pads[2] && c < WIDTH + pool->pads[3]);
      }
  return max ? best : sum / counted;
}

static void
check_pool (const Pool *pool, gboolean max)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 2, pool->channels, HEIGHT, WIDTH)), *y;
  PareShape shape = pare_shape_of (4, 2, pool->channels, (int)pool->y[0], (int)pool->y[1]);
  g_autoptr (GPtrArray) inputs = network_inputs (&net, 2), outputs = NULL;
  PareTensor *source, *found;

  if (pool->behind_convolution)
    x = OP (&net, "Conv", "c", x,
            net_random (&net, "w", pare_shape_of (4, pool->channels, pool->channels, 1, 1), -1, 1));
  y = OP (&net, max ? "MaxPool" : "AveragePool", "y", x);
  net_set_ints (y, "kernel_shape", 2, pool->kernel);
  net_set_ints (y, "strides", 2, pool->strides);
  net_set_ints (y, "pads", 4, pool->pads);
  if (pool->dilations[0] != 1)
    net_set_ints (y, "dilations", 2, pool->dilations);
  pare_node_set_attribute (y->producer, pare_attribute_new_int ("ceil_mode", pool->ceil));
  if (!max)
    pare_node_set_attribute (y->producer, pare_attribute_new_int ("count_include_pad", pool->include_pad));
  net_output (&net, y);
  net_output (&net, x);
  outputs = network_run (net.graph, inputs);
  found = outputs->pdata[0];
  source = outputs->pdata[1];
  g_assert_true (pare_shape_equal (&found->shape, &shape));
  for (gint64 i = 0; i < pare_tensor_elements (found); i++)
    {
      gint64 plane = i / (pool->y[0] * pool->y[1]);
      const float *from = (const float *)pare_tensor_data (source) + plane * HEIGHT * WIDTH;
      double expected = pool_at (pool, max, from, i / pool->y[1] % pool->y[0], i % pool->y[1]);
      g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (found, i), expected, 1e-5);
    }
}

static void
test_max (gconstpointer pool)
{
  check_pool (pool, TRUE);
}

static void
test_average (gconstpointer pool)
{
  check_pool (pool, FALSE);
}

/* Indices say where in the whole tensor the maximum was. */
static void
test_indices (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 2, 3, 6, 6)), *y = OP (&net, "MaxPool", "y", x);
  PareValue *indices = pare_graph_add_value (net.graph, "indices");
  g_autoptr (GPtrArray) inputs = network_inputs (&net, 2), outputs = NULL;

  net_set_ints (y, "kernel_shape", 2, (gint64[]){ 3, 3 });
  net_set_ints (y, "pads", 4, (gint64[]){ 1, 1, 1, 1 });
  pare_node_add_output (y->producer, indices);
  net_output (&net, y);
  net_output (&net, indices);
  outputs = network_run (net.graph, inputs);
  for (gint64 i = 0; i < pare_tensor_elements (outputs->pdata[0]); i++)
    {
      gint64 index = pare_tensor_get_int (outputs->pdata[1], i);
      g_assert_cmpint (index / 36, ==, i / 36);
      g_assert_cmpfloat (pare_tensor_get_double (inputs->pdata[0], index), ==,
                         pare_tensor_get_double (outputs->pdata[0], i));
    }
}

/* 2^60 elements in the window, of which one is data: no time to visit them all. */
static void
test_huge_windows_take_no_time (void)
{
  for (guint i = 0; i < 4; i++)
    {
      g_auto (Net) net = net_new ();
      const gint64 huge = 1 << 30, pad = i & 2 ? huge : huge - 1;
      PareValue *x = net_input (&net, "x", pare_shape_of (4, 1, 1, 1, 1));
      PareValue *y = OP (&net, i & 1 ? "MaxPool" : "AveragePool", "y", x);
      g_autoptr (GPtrArray) inputs = network_inputs (&net, 1), outputs = NULL;
      net_set_ints (y, "kernel_shape", 2, (gint64[]){ huge, huge });
      net_set_ints (y, "strides", 2, (gint64[]){ huge, huge });
      net_set_ints (y, "pads", 4, (gint64[]){ pad, pad, pad, pad });
      net_output (&net, y);
      outputs = network_run (net.graph, inputs);
      /* The input is the last element of the first window, or the first one of the second. */
      gint64 windows = i & 2 ? 4 : 1;
      g_assert_cmpint (pare_tensor_elements (outputs->pdata[0]), ==, windows);
      g_assert_cmpfloat (pare_tensor_get_double (outputs->pdata[0], windows - 1), ==,
                         pare_tensor_get_double (inputs->pdata[0], 0));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  mallopt (M_PERTURB, 0xaa); /* memory that nothing was written to is no zeros */
  for (guint i = 0; i < G_N_ELEMENTS (pools); i++)
    {
      g_autofree char *max = g_strconcat ("/pools/max/", pools[i].name, NULL);
      g_autofree char *average = g_strconcat ("/pools/average/", pools[i].name, NULL);
      g_test_add_data_func (max, &pools[i], test_max);
      if (pools[i].dilations[0] == 1)
        g_test_add_data_func (average, &pools[i], test_average);
    }
  g_test_add_func ("/pools/indices", test_indices);
  g_test_add_func ("/pools/huge_windows_take_no_time", test_huge_windows_take_no_time);
  return g_test_run ();
}
