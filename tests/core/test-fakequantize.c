/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Quantizers in training: their grids at every width, and their gradients against the published formulas, computed
 * slowly here. */
#include "exec/executor.h"
#include "ops/fakequantize.h"
#include "train/gradient.h"
#include <math.h>
#include <string.h>

#define N 240

/* x -> FakeQuantize -> y, times weights, summed: the loss. Everything is an input of the graph, but the zero point. */
typedef struct
{
  PareGridKind kind;
  gint32 lowest, highest, zero_point;
  int channels; /* 1: one grid */
  float first[8], second[8];
} Case;

static PareValue *
add_input (PareGraph *graph, const char *name, PareShape shape)
{
  PareSpec spec = { PARE_FLOAT32, shape };
  PareValue *value = pare_graph_add_value (graph, name);

  pare_value_set_spec (value, &spec);
  g_ptr_array_add (graph->inputs, value);
  return value;
}

static PareNode *
add_node (PareGraph *graph, const char *domain, const char *op_type, guint n, PareValue *const *inputs,
          const char *output)
{
  PareNode *node = pare_graph_add_node (graph, domain, op_type, output, NULL);

  for (guint i = 0; i < n; i++)
    pare_node_add_input (node, inputs[i]);
  pare_node_add_output (node, pare_graph_add_value (graph, output));
  return node;
}

static PareValue *
zero_points (PareGraph *graph, const Case *c, const PareShape *shape)
{
  gint8 *data = g_malloc (c->channels);
  g_autoptr (PareTensor) tensor = NULL;

  memset (data, c->zero_point, c->channels);
  tensor = pare_tensor_new_take (c->lowest < 0 ? PARE_INT8 : PARE_UINT8, shape, data);
  return pare_graph_add_constant (graph, "zero_point", tensor);
}

/* @outputs: y, and the gradients by x, by the first and by the second parameter. */
static void
run (const Case *c, const float *x, const float *slopes, PareTensor **outputs)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (PareExecutor) executor = NULL;
  PareShape shape = pare_shape_of (3, 2, c->channels, N / 2 / c->channels);
  PareShape grids = c->channels > 1 ? pare_shape_of (1, c->channels) : (PareShape){ 0 };
  PareValue *values[5], *gradients[3];
  PareTensor *inputs[4] = { pare_tensor_new_floats (&shape, x), pare_tensor_new_floats (&shape, slopes),
                            pare_tensor_new_floats (&grids, c->first), NULL };
  guint n = 2 + pare_grid_learnt (c->kind);
  PareNode *node;

  pare_graph_set_opset (graph, "", 17);
  pare_graph_set_opset (graph, PARE_DOMAIN, 1);
  values[0] = add_input (graph, "x", shape);
  values[1] = add_input (graph, "slopes", shape);
  values[2] = add_input (graph, "first", grids);
  values[3] = n == 4 ? add_input (graph, "second", grids) : zero_points (graph, c, &grids);
  if (n == 4)
    inputs[3] = pare_tensor_new_floats (&grids, c->second);
  node = add_node (graph, PARE_DOMAIN, pare_grid_operator (c->kind), 3,
                   (PareValue *[]){ values[0], values[2], values[3] }, "y");
  pare_node_set_attribute (node, pare_attribute_new_int ("lowest", c->lowest));
  pare_node_set_attribute (node, pare_attribute_new_int ("highest", c->highest));
  if (c->channels > 1)
    pare_node_set_attribute (node, pare_attribute_new_int ("axis", 1));
  g_ptr_array_add (graph->outputs, node->outputs->pdata[0]);
  node = add_node (graph, "", "Mul", 2, (PareValue *[]){ node->outputs->pdata[0], values[1] }, "product");
  node = add_node (graph, "", "ReduceSum", 1, (PareValue *[]){ node->outputs->pdata[0] }, "loss");
  pare_node_set_attribute (node, pare_attribute_new_int ("keepdims", 0));
  pare_graph_add_gradients (graph, node->outputs->pdata[0], n - 1, (PareValue *[]){ values[0], values[2], values[3] },
                            gradients, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < n - 1; i++)
    g_ptr_array_add (graph->outputs, gradients[i]);
  executor = pare_executor_new (graph);
  pare_executor_run (executor, inputs, n, outputs, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < n; i++)
    pare_tensor_unref (inputs[i]);
}

static void
check (const Case *c)
{
  float x[N], slopes[N];
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  PareTensor *outputs[4] = { NULL };
  gint64 per_channel = N / 2 / c->channels;
  double by_first[8] = { 0 }, by_second[8] = { 0 };

  for (guint i = 0; i < N; i++)
    {
      x[i] = g_rand_double_range (random, -3, 3);
      slopes[i] = g_rand_double_range (random, -1, 1);
    }
  run (c, x, slopes, outputs);
  for (guint i = 0; i < N; i++)
    {
      guint k = i / per_channel % c->channels;
      double steps = c->highest - c->lowest;
      double scale = c->kind == PARE_GRID_RANGE ? (c->second[k] - c->first[k]) / steps : fabs (c->first[k]);
      double zero = c->kind == PARE_GRID_RANGE    ? rint (c->lowest - c->first[k] / scale)
                    : c->kind == PARE_GRID_OFFSET ? rint (c->lowest - c->second[k] / scale)
                                                  : c->zero_point;
      double v = x[i] / scale, low = c->lowest - zero, high = c->highest - zero;
      double rounded = rint (CLAMP (v, low, high));
      gboolean inside = v >= low && v <= high;
      g_assert_cmpfloat_with_epsilon (((const float *)pare_tensor_data (outputs[0]))[i], rounded * scale, 1e-5);
      g_assert_cmpfloat_with_epsilon (((const float *)pare_tensor_data (outputs[1]))[i], inside ? slopes[i] : 0, 1e-6);
      if (c->kind == PARE_GRID_OFFSET)
        {
          /* Bhalgat et al. 2020, (4) and (5), with the gradient scale of 2.2 in Esser et al. */
          double pace = sqrt (N / c->channels * steps);
          by_first[k] += slopes[i] * (inside ? rounded - v : v > high ? steps : 0) / pace;
          by_second[k] += slopes[i] * !inside / pace;
        }
      else if (c->kind == PARE_GRID_RANGE)
        {
          double e = inside ? (rounded - v) / steps : 0;
          by_second[k] += slopes[i] * (e + (v > high));
          by_first[k] += slopes[i] * ((v < low) - e);
        }
      else
        by_first[k] += slopes[i] * (inside ? rounded - v : rounded) * (c->first[k] < 0 ? -1 : 1)
                       / sqrt (N / c->channels * MAX (-low, high));
    }
  for (int k = 0; k < c->channels; k++)
    {
      g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (outputs[2], k), by_first[k], 1e-4);
      if (c->kind != PARE_GRID_SCALE)
        g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (outputs[3], k), by_second[k], 1e-4);
    }
  for (guint i = 0; i < 2 + pare_grid_learnt (c->kind); i++)
    pare_tensor_unref (outputs[i]);
}

static void
test_scale_of_every_width (void)
{
  for (int bits = 2; bits <= 8; bits++)
    {
      gint32 half = 1 << (bits - 1);
      check (&(Case){ PARE_GRID_SCALE, -half, half - 1, 0, 1, { 1.7f / half } });
      check (&(Case){ PARE_GRID_SCALE, 0, 2 * half - 1, half / 2, 1, { 1.3f / half } });
    }
}

static void
test_scale_per_channel (void)
{
  check (&(Case){ PARE_GRID_SCALE, -8, 7, 0, 4, { 0.11f, 0.31f, 0.07f, 0.5f } });
}

/* An optimizer may step over zero: the grid is then the mirrored one, and the way back leads through smaller scales. */
static void
test_negative_scale_is_reflected (void)
{
  check (&(Case){ PARE_GRID_SCALE, -8, 7, 0, 1, { -0.2f } });
}

static void
test_range_of_every_width (void)
{
  for (int bits = 2; bits <= 8; bits++)
    {
      gint32 most = (1 << bits) - 1;
      check (&(Case){ PARE_GRID_RANGE, 0, most, 0, 1, { -1.03f }, { 1.9f } });
    }
}

static void
test_offset_of_every_width (void)
{
  for (int bits = 2; bits <= 8; bits++)
    {
      gint32 most = (1 << bits) - 1;
      check (&(Case){ PARE_GRID_OFFSET, 0, most, 0, 1, { 2.9f / most }, { -1.03f } });
      check (&(Case){ PARE_GRID_OFFSET, -most / 2 - 1, most / 2, 0, 1, { 2.2f / most }, { -1.4f } });
    }
}

/* As for ranges: zero stays on the grid, and a scale of zero or less is a legal one. */
static void
test_offset_beyond_zero_is_held (void)
{
  float x[N] = { 0, 5, -5 }, slopes[N] = { 1, 1, 1 };
  static const Case cases[] = { { PARE_GRID_OFFSET, 0, 15, 0, 1, { 0.1f }, { 0.4f } },
                                { PARE_GRID_OFFSET, 0, 15, 0, 1, { 0.1f }, { -4.0f } },
                                { PARE_GRID_OFFSET, 0, 15, 0, 1, { 0.0f }, { -1e30f } },
                                { PARE_GRID_OFFSET, 0, 15, 0, 1, { -0.1f }, { -0.4f } } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      PareTensor *outputs[4];
      run (&cases[i], x, slopes, outputs);
      g_assert_cmpfloat (pare_tensor_get_double (outputs[0], 0), ==, 0);
      for (guint k = 0; k < 4; k++)
        {
          g_assert_true (isfinite (pare_tensor_get_double (outputs[k], 0)));
          pare_tensor_unref (outputs[k]);
        }
    }
}

static void
test_range_per_channel (void)
{
  check (&(Case){ PARE_GRID_RANGE, -128, 127, 0, 3, { -1.1f, -0.3f, -2.2f }, { 0.7f, 1.9f, 2.3f } });
}

/* Zero is on every grid, wherever the ends were driven. */
static void
test_range_beyond_zero_is_held (void)
{
  float x[N] = { 0 }, slopes[N] = { 0 };
  static const Case cases[] = { { PARE_GRID_RANGE, 0, 15, 0, 1, { 0.4f }, { 1.0f } },
                                { PARE_GRID_RANGE, 0, 15, 0, 1, { -1.0f }, { -0.4f } },
                                { PARE_GRID_RANGE, 0, 15, 0, 1, { 0.4f }, { -0.4f } } };

  x[1] = 5;
  x[2] = -5;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      PareTensor *outputs[4];
      run (&cases[i], x, slopes, outputs);
      g_assert_cmpfloat (pare_tensor_get_double (outputs[0], 0), ==, 0);
      for (guint k = 0; k < 3; k++)
        g_assert_true (isfinite (pare_tensor_get_double (outputs[0], k)));
      for (guint k = 0; k < 4; k++)
        pare_tensor_unref (outputs[k]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fakequantize/scale-of-every-width", test_scale_of_every_width);
  g_test_add_func ("/fakequantize/scale-per-channel", test_scale_per_channel);
  g_test_add_func ("/fakequantize/negative-scale-is-reflected", test_negative_scale_is_reflected);
  g_test_add_func ("/fakequantize/offset-of-every-width", test_offset_of_every_width);
  g_test_add_func ("/fakequantize/offset-beyond-zero-is-held", test_offset_beyond_zero_is_held);
  g_test_add_func ("/fakequantize/range-of-every-width", test_range_of_every_width);
  g_test_add_func ("/fakequantize/range-per-channel", test_range_per_channel);
  g_test_add_func ("/fakequantize/range-beyond-zero-is-held", test_range_beyond_zero_is_held);
  return g_test_run ();
}
