/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Operators on large data, where vectorised and threaded paths run, against plain loops and the C library. */
#include "evaluate-node.h"
#include <math.h>

/* Ends of a uniform grid, and how far a result may be off, in units of 2^-23 of it. */
typedef struct
{
  const char *op_type;
  double (*reference) (double x);
  float low, high;
  double ulps;
} Function;

static double
sigmoid (double x)
{
  return 1 / (1 + exp (-x));
}

static const Function functions[] = {
  { "Exp", exp, -87, 88, 4 },   { "Erf", erf, -5, 5, 4 },           { "Erf", erf, -1e-3f, 1e-3f, 2 },
  { "Tanh", tanh, -10, 10, 4 }, { "Tanh", tanh, -1e-3f, 1e-3f, 2 }, { "Sigmoid", sigmoid, -80, 80, 6 },
  { "Sqrt", sqrt, 0, 100, 1 },
};

#define N 200003

static void
test_function_is_accurate (gconstpointer data)
{
  const Function *f = data;
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GError) error = NULL;
  g_autofree float *x = g_new (float, N);
  g_autoptr (PareTensor) input = NULL;
  g_autoptr (PareTensor) output = NULL;
  const float *y;

  for (guint i = 0; i < N; i++)
    x[i] = f->low + (f->high - f->low) * (i / (N - 1.0));
  input = make_floats (N, x);
  output = evaluate (make_node (graph, f->op_type, 1, 1), &input, &error);
  g_assert_no_error (error);
  y = pare_tensor_data (output);
  for (guint i = 0; i < N; i++)
    {
      double want = f->reference (x[i]);
      if (!(fabs (y[i] - want) <= f->ulps * ldexp (fabs (want), -23)))
        g_error ("%s (%.9g) is %.9g instead of %.9g", f->op_type, x[i], y[i], want);
    }
}

static void
test_functions_keep_special_values (void)
{
  static const char *const names[] = { "Exp", "Erf", "Tanh", "Sigmoid", "Relu" };
  static const float want[][4]
      = { { INFINITY, 0, NAN, 1 }, { 1, -1, NAN, 0 }, { 1, -1, NAN, 0 }, { 1, 0, NAN, 0.5f }, { INFINITY, 0, NAN, 0 } };
  g_autoptr (PareTensor) input = make_floats (4, (float[]){ INFINITY, -INFINITY, NAN, 0 });

  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    {
      g_autoptr (PareGraph) graph = pare_graph_new ();
      g_autoptr (PareTensor) output = evaluate (make_node (graph, names[k], 1, 1), &input, NULL);
      const float *y = pare_tensor_data (output);
      for (guint i = 0; i < 4; i++)
        if (isnan (want[k][i]) ? !isnan (y[i]) : y[i] != want[k][i])
          g_error ("%s: entry %u is %g instead of %g", names[k], i, y[i], want[k][i]);
    }
}

/* A deterministic number for an index. */
static float
number (gint64 i)
{
  return (float)((i * 2654435761u) % 2003) / 16 - 60;
}

static PareTensor *
make_numbers (PareShape shape)
{
  gint64 n = pare_shape_elements (&shape);
  g_autofree float *data = g_new (float, MAX (n, 1));

  for (gint64 i = 0; i < n; i++)
    data[i] = number (i);
  return pare_tensor_new_floats (&shape, data);
}

static void
test_broadcast_matches_a_plain_loop (void)
{
  const PareShape big = pare_shape_of (4, 3, 20, 37, 41);
  const PareShape others[] = { big,
                               pare_shape_of (0),
                               pare_shape_of (1, 41),
                               pare_shape_of (3, 20, 1, 1),
                               pare_shape_of (4, 3, 1, 37, 1),
                               pare_shape_of (4, 1, 20, 1, 41) };
  g_autoptr (PareTensor) a = make_numbers (big);

  for (guint k = 0; k < G_N_ELEMENTS (others); k++)
    {
      g_autoptr (PareGraph) graph = pare_graph_new ();
      g_autoptr (PareTensor) b = make_numbers (others[k]);
      g_autoptr (PareTensor) output = evaluate (make_node (graph, "Sub", 2, 1), (PareTensor *[]){ b, a }, NULL);
      const float *y = pare_tensor_data (output);
      gint64 strides[PARE_MAX_RANK];
      guint missing = 4 - others[k].rank;
      pare_shape_strides (&others[k], strides);
      for (gint64 i = 0; i < pare_shape_elements (&big); i++)
        {
          gint64 rest = i, at = 0;
          for (guint d = 4; d-- > missing; rest /= big.dims[d])
            at += others[k].dims[d - missing] == 1 ? 0 : rest % big.dims[d] * strides[d - missing];
          g_assert_cmpfloat (y[i], ==, number (at) - number (i));
        }
    }
}

static void
test_transpose_matches_a_plain_loop (void)
{
  static const gint64 permutations[][4]
      = { { 0, 2, 1, 3 }, { 0, 2, 3, 1 }, { 0, 3, 1, 2 }, { 3, 2, 1, 0 }, { 2, 3, 0, 1 }, { 0, 1, 3, 2 } };
  const PareShape from = pare_shape_of (4, 2, 19, 33, 50);
  g_autoptr (PareTensor) x = make_numbers (from);
  gint64 strides[PARE_MAX_RANK];

  pare_shape_strides (&from, strides);
  for (guint k = 0; k < G_N_ELEMENTS (permutations); k++)
    {
      g_autoptr (PareGraph) graph = pare_graph_new ();
      PareNode *node = make_node (graph, "Transpose", 1, 1);
      g_autoptr (PareTensor) output = NULL;
      const float *y;
      pare_node_set_attribute (node, pare_attribute_new_ints ("perm", 4, permutations[k]));
      output = evaluate (node, &x, NULL);
      y = pare_tensor_data (output);
      for (gint64 i = 0; i < pare_shape_elements (&from); i++)
        {
          gint64 rest = i, at = 0;
          for (guint d = 4; d-- > 0; rest /= output->shape.dims[d])
            at += rest % output->shape.dims[d] * strides[permutations[k][d]];
          g_assert_cmpfloat (y[i], ==, number (at));
        }
    }
}

static void
test_quantization_rounds_half_to_even_and_saturates (void)
{
  static const PareDataType types[] = { PARE_UINT8, PARE_INT8, PARE_UINT16, PARE_INT16 };
  g_autofree float *x = g_new (float, N);
  g_autoptr (PareTensor) input = NULL;
  g_autoptr (PareTensor) scale = pare_tensor_new_scalar_float (0.5f);
  const PareShape scalar = { 0 };
  const gint64 zero = 3;

  /* Every quarter, so that a quarter of them lies exactly between two steps. */
  for (gint64 i = 0; i < N; i++)
    x[i] = (i - N / 2) * 0.25f;
  input = make_floats (N, x);
  for (guint k = 0; k < G_N_ELEMENTS (types); k++)
    {
      g_autoptr (PareGraph) graph = pare_graph_new ();
      g_autoptr (PareTensor) wide_zero = pare_tensor_new_copy (PARE_INT64, &scalar, &zero);
      g_autoptr (PareTensor) zero_point = pare_tensor_cast (wide_zero, types[k]);
      g_autoptr (PareTensor) output
          = evaluate (make_node (graph, "QuantizeLinear", 3, 1), (PareTensor *[]){ input, scale, zero_point }, NULL);
      gint64 low, high;
      pare_data_type_limits (types[k], &low, &high);
      g_assert_cmpint (output->type, ==, types[k]);
      for (gint64 i = 0; i < N; i++)
        g_assert_cmpint (pare_tensor_get_int (output, i), ==, CLAMP (lrint (x[i] / 0.5) + zero, low, high));
    }
}

static void
test_dequantization_takes_one_scale_per_channel (void)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  const PareShape shape = pare_shape_of (3, 2, 3, 2), channels = pare_shape_of (1, 3);
  const gint8 x[12] = { -128, 127, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, zero[3] = { 1, 0, -2 };
  const float scale[3] = { 0.5f, 2, 0.25f };
  g_autoptr (PareTensor) data = pare_tensor_new_copy (PARE_INT8, &shape, x);
  g_autoptr (PareTensor) scales = pare_tensor_new_floats (&channels, scale);
  g_autoptr (PareTensor) zeros = pare_tensor_new_copy (PARE_INT8, &channels, zero);
  g_autoptr (PareTensor) output
      = evaluate (make_node (graph, "DequantizeLinear", 3, 1), (PareTensor *[]){ data, scales, zeros }, NULL);

  for (guint i = 0; i < 12; i++)
    g_assert_cmpfloat (pare_tensor_get_double (output, i), ==, (x[i] - zero[i / 2 % 3]) * scale[i / 2 % 3]);
}

static void
test_reductions_over_any_axes (void)
{
  static const struct
  {
    guint n;
    gint64 axes[3];
  } cases[] = { { 1, { 3 } }, { 2, { 2, 3 } }, { 1, { 0 } }, { 1, { 1 } }, { 2, { 0, 2 } }, { 3, { 0, 2, 3 } } };
  const PareShape from = pare_shape_of (4, 4, 7, 30, 33);
  g_autoptr (PareTensor) x = make_numbers (from);

  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      g_autoptr (PareGraph) graph = pare_graph_new ();
      PareNode *node = make_node (graph, "ReduceMean", 1, 1);
      g_autoptr (PareTensor) output = NULL;
      g_autofree double *sums = NULL;
      gint64 strides[PARE_MAX_RANK], n = pare_shape_elements (&from), outputs;
      pare_node_set_attribute (node, pare_attribute_new_ints ("axes", cases[k].n, cases[k].axes));
      output = evaluate (node, &x, NULL);
      outputs = pare_tensor_elements (output);
      sums = g_new0 (double, outputs);
      pare_shape_strides (&output->shape, strides);
      for (gint64 i = 0; i < n; i++)
        {
          gint64 rest = i, at = 0;
          for (guint d = 4; d-- > 0; rest /= from.dims[d])
            at += rest % from.dims[d] % output->shape.dims[d] * strides[d];
          sums[at] += number (i);
        }
      for (gint64 i = 0; i < outputs; i++)
        g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (output, i), sums[i] / (n / outputs), 1e-5);
    }
}

static void
test_softmax_sums_to_one_along_any_axis (void)
{
  const PareShape from = pare_shape_of (3, 40, 50, 60);
  g_autoptr (PareTensor) x = make_numbers (from);

  for (gint64 axis = 0; axis < 3; axis++)
    {
      g_autoptr (PareGraph) graph = pare_graph_new ();
      PareNode *node = make_node (graph, "Softmax", 1, 1);
      g_autoptr (PareTensor) output = NULL;
      gint64 inner = pare_shape_span (&from, axis + 1, 3);
      pare_node_set_attribute (node, pare_attribute_new_int ("axis", axis));
      output = evaluate (node, &x, NULL);
      for (gint64 column = 0; column < 120000 / from.dims[axis]; column += 7)
        {
          gint64 at = column / inner * inner * from.dims[axis] + column % inner;
          const float *y = (const float *)pare_tensor_data (output) + at;
          double sum = 0, total = 0;
          for (gint64 i = 0; i < from.dims[axis]; i++)
            {
              sum += y[i * inner];
              total += exp (number (at + i * inner));
            }
          g_assert_cmpfloat_with_epsilon (sum, 1, 1e-5);
          g_assert_cmpfloat_with_epsilon (y[0], exp (number (at)) / total, 1e-6);
        }
    }
}

static void
test_empty_tensors_pass (void)
{
  static const char *const names[] = { "Relu", "Transpose", "Flatten", "Identity", "Softmax", "Neg" };
  const PareShape shape = pare_shape_of (2, 0, 3);

  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    {
      g_autoptr (PareGraph) graph = pare_graph_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (PareTensor) x = make_numbers (shape);
      g_autoptr (PareTensor) y = evaluate (make_node (graph, names[k], 1, 1), &x, &error);
      g_assert_no_error (error);
      g_assert_cmpint (pare_tensor_elements (y), ==, 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    {
      g_autofree char *path = g_strdup_printf ("/operators/accurate/%u-%s", i, functions[i].op_type);
      g_test_add_data_func (path, &functions[i], test_function_is_accurate);
    }
  g_test_add_func ("/operators/special-values", test_functions_keep_special_values);
  g_test_add_func ("/operators/broadcast", test_broadcast_matches_a_plain_loop);
  g_test_add_func ("/operators/transpose", test_transpose_matches_a_plain_loop);
  g_test_add_func ("/operators/quantize", test_quantization_rounds_half_to_even_and_saturates);
  g_test_add_func ("/operators/dequantize-per-channel", test_dequantization_takes_one_scale_per_channel);
  g_test_add_func ("/operators/reduce", test_reductions_over_any_axes);
  g_test_add_func ("/operators/softmax", test_softmax_sums_to_one_along_any_axis);
  g_test_add_func ("/operators/empty", test_empty_tensors_pass);
  return g_test_run ();
}
