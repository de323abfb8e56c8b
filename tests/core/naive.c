/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The slowest possible network, in double precision. */
#include "naive.h"
#include <math.h>
#include <string.h>

void
naive_array_free (gpointer array)
{
  g_free (((NaiveArray *)array)->data);
  g_free (array);
}

static NaiveArray *
array_new (const PareShape *shape)
{
  NaiveArray *array = g_new0 (NaiveArray, 1);

  array->shape = *shape;
  array->data = g_new0 (double, pare_shape_elements (shape));
  return array;
}

static NaiveArray *
array_of_tensor (const PareTensor *tensor)
{
  NaiveArray *array = array_new (&tensor->shape);

  for (gint64 i = 0; i < pare_tensor_elements (tensor); i++)
    array->data[i] = pare_tensor_get_double (tensor, i);
  return array;
}

/* Three spatial axes for all: missing ones have size, kernel, stride and dilation 1 and no pads. */
typedef struct
{
  gint64 size[3], kernel[3], stride[3], dilation[3], pad[3], out[3];
} Window;

static gint64
int_at (const PareNode *node, const char *name, guint index, gint64 fallback)
{
  guint n;
  const gint64 *values = pare_node_get_ints (node, name, &n);

  return index < n ? values[index] : fallback;
}

static Window
window_of (const PareNode *node, const PareShape *x, const PareShape *w, gboolean transposed)
{
  Window window;
  guint n = x->rank - 2;

  for (guint i = 0; i < 3; i++)
    {
      gboolean there = i < n;
      gint64 end = there ? int_at (node, "pads", n + i, 0) : 0;
      window.size[i] = there ? x->dims[2 + i] : 1;
      window.kernel[i] = there ? w->dims[2 + i] : 1;
      window.stride[i] = there ? int_at (node, "strides", i, 1) : 1;
      window.dilation[i] = there ? int_at (node, "dilations", i, 1) : 1;
      window.pad[i] = there ? int_at (node, "pads", i, 0) : 0;
      gint64 reach = window.dilation[i] * (window.kernel[i] - 1) + 1, pads = window.pad[i] + end;
      if (transposed)
        window.out[i] = window.stride[i] * (window.size[i] - 1) + (there ? int_at (node, "output_padding", i, 0) : 0)
                        + reach - pads;
      else
        window.out[i] = (window.size[i] + pads - reach) / window.stride[i] + 1;
    }
  return window;
}

/* A kernel element joins a position of the fixed side (the output of Conv, the input of ConvTranspose) with one of the
 * side that it slides over, unless that one lies outside. */
static void
convolve (const NaiveArray *x, const NaiveArray *w, NaiveArray *y, const Window *v, gint64 groups, gboolean transposed)
{
  gint64 batch = x->shape.dims[0], cin = x->shape.dims[1], cout = y->shape.dims[1];
  gint64 in_span = v->size[0] * v->size[1] * v->size[2], out_span = v->out[0] * v->out[1] * v->out[2];
  gint64 taps = v->kernel[0] * v->kernel[1] * v->kernel[2];
  const gint64 *fixed = transposed ? v->size : v->out, *sliding = transposed ? v->out : v->size;

  for (gint64 b = 0; b < batch; b++)
    for (gint64 o = 0; o < cout; o++)
      for (gint64 i = 0; i < cin; i++)
        for (gint64 p = 0; o / (cout / groups) == i / (cin / groups) && p < fixed[0] * fixed[1] * fixed[2]; p++)
          for (gint64 k = 0; k < taps; k++)
            {
              gint64 at[3] = { p / (fixed[1] * fixed[2]), p / fixed[2] % fixed[1], p % fixed[2] };
              gint64 tap[3] = { k / (v->kernel[1] * v->kernel[2]), k / v->kernel[2] % v->kernel[1], k % v->kernel[2] };
              gint64 other = 0;
              gboolean inside = TRUE;
              for (guint d = 0; d < 3; d++)
                {
                  gint64 position = at[d] * v->stride[d] + tap[d] * v->dilation[d] - v->pad[d];
                  inside &= position >= 0 && position < sliding[d];
                  other = other * sliding[d] + position;
                }
              if (!inside)
                continue;
              gint64 from = transposed ? p : other, to = transposed ? other : p;
              gint64 element
                  = transposed ? i * (cout / groups) + o % (cout / groups) : o * (cin / groups) + i % (cin / groups);
              y->data[(b * cout + o) * out_span + to]
                  += x->data[(b * cin + i) * in_span + from] * w->data[element * taps + k];
            }
}

static NaiveArray *
run_convolution (const PareNode *node, NaiveArray **in)
{
  gboolean transposed = pare_node_is (node, "ConvTranspose");
  gint64 groups = pare_node_get_int (node, "group", 1);
  Window window = window_of (node, &in[0]->shape, &in[1]->shape, transposed);
  PareShape shape = in[0]->shape;
  NaiveArray *y;

  shape.dims[1] = transposed ? in[1]->shape.dims[1] * groups : in[1]->shape.dims[0];
  for (guint i = 0; i + 2 < shape.rank; i++)
    shape.dims[2 + i] = window.out[i];
  y = array_new (&shape);
  convolve (in[0], in[1], y, &window, groups, transposed);
  for (gint64 i = 0, span = pare_shape_span (&shape, 2, shape.rank); in[2] && i < pare_shape_elements (&shape); i++)
    y->data[i] += in[2]->data[i / span % shape.dims[1]];
  return y;
}

/* Element of @array that broadcasting puts at @index of @shape. */
static double
broadcast (const NaiveArray *array, const PareShape *shape, gint64 index)
{
  gint64 offset = 0, stride = 1;

  for (guint i = 0; i < array->shape.rank; i++)
    {
      gint64 size = array->shape.dims[array->shape.rank - 1 - i];
      offset += size == 1 ? 0 : index % shape->dims[shape->rank - 1 - i] * stride;
      stride *= size;
      index /= shape->dims[shape->rank - 1 - i];
    }
  return array->data[offset];
}

static NaiveArray *
run_product (const PareNode *node, NaiveArray **in)
{
  gboolean a_turned = pare_node_get_int (node, "transA", 0), b_turned = pare_node_get_int (node, "transB", 0);
  double alpha = pare_node_get_float (node, "alpha", 1), beta = pare_node_get_float (node, "beta", 1);
  PareShape shape = in[0]->shape;
  guint last = shape.rank - 1;
  gint64 k_size = in[1]->shape.dims[b_turned ? 1 : 0], n_size = in[1]->shape.dims[b_turned ? 0 : 1];
  gint64 rows = pare_shape_elements (&shape) / k_size;
  NaiveArray *y;

  g_assert_cmpuint (in[1]->shape.rank, ==, 2);
  g_assert_cmpint (shape.dims[a_turned ? 0 : last], ==, k_size);
  if (a_turned)
    shape.dims[0] = rows;
  shape.dims[last] = n_size;
  y = array_new (&shape);
  for (gint64 m = 0; m < rows; m++)
    for (gint64 n = 0; n < n_size; n++)
      {
        double sum = 0;
        for (gint64 k = 0; k < k_size; k++)
          sum += in[0]->data[a_turned ? k * rows + m : m * k_size + k]
                 * in[1]->data[b_turned ? n * k_size + k : k * n_size + n];
        y->data[m * n_size + n] = alpha * sum + (in[2] ? beta * broadcast (in[2], &shape, m * n_size + n) : 0);
      }
  return y;
}

static NaiveArray *
run_batchnorm (const PareNode *node, NaiveArray **in)
{
  NaiveArray *y = array_new (&in[0]->shape);
  double epsilon = pare_node_get_float (node, "epsilon", 1e-5f);
  gint64 span = pare_shape_span (&y->shape, 2, y->shape.rank);

  for (gint64 i = 0; i < pare_shape_elements (&y->shape); i++)
    {
      gint64 c = i / span % y->shape.dims[1];
      y->data[i]
          = (in[0]->data[i] - in[3]->data[c]) / sqrt (in[4]->data[c] + epsilon) * in[1]->data[c] + in[2]->data[c];
    }
  return y;
}

static NaiveArray *
run_arithmetic (const PareNode *node, NaiveArray **in)
{
  char op = node->op_type[0] == 'A' ? '+' : node->op_type[0] == 'S' ? '-' : node->op_type[0] == 'M' ? '*' : '/';
  PareShape shape;
  NaiveArray *y;

  g_assert_true (pare_shape_broadcast (&in[0]->shape, &in[1]->shape, &shape));
  y = array_new (&shape);
  for (gint64 i = 0; i < pare_shape_elements (&shape); i++)
    {
      double a = broadcast (in[0], &shape, i), b = broadcast (in[1], &shape, i);
      y->data[i] = op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : a / b;
    }
  return y;
}

static NaiveArray *
run_copy (const PareNode *node, NaiveArray **in)
{
  NaiveArray *y = array_new (&in[0]->shape);

  memcpy (y->data, in[0]->data, pare_shape_elements (&y->shape) * sizeof (double));
  return y;
}

/* Relu, and Clip with both bounds. */
static NaiveArray *
run_clamp (const PareNode *node, NaiveArray **in)
{
  NaiveArray *y = array_new (&in[0]->shape);
  gboolean relu = pare_node_is (node, "Relu");

  for (gint64 i = 0; i < pare_shape_elements (&y->shape); i++)
    {
      y->data[i] = MAX (in[0]->data[i], relu ? 0 : in[1]->data[0]);
      y->data[i] = relu ? y->data[i] : MIN (y->data[i], in[2]->data[0]);
    }
  return y;
}

/* To a constant shape without 0 and -1. */
static NaiveArray *
run_reshape (const PareNode *node, NaiveArray **in)
{
  PareShape shape = { .rank = in[1]->shape.dims[0] };
  NaiveArray *y;

  for (guint i = 0; i < shape.rank; i++)
    shape.dims[i] = in[1]->data[i];
  g_assert_cmpint (pare_shape_elements (&shape), ==, pare_shape_elements (&in[0]->shape));
  y = array_new (&shape);
  memcpy (y->data, in[0]->data, pare_shape_elements (&shape) * sizeof (double));
  return y;
}

static const struct
{
  const char *op_type;
  NaiveArray *(*run) (const PareNode *node, NaiveArray **in);
} operators[] = {
  { "Conv", run_convolution },
  { "ConvTranspose", run_convolution },
  { "Gemm", run_product },
  { "MatMul", run_product },
  { "Add", run_arithmetic },
  { "Sub", run_arithmetic },
  { "Mul", run_arithmetic },
  { "Div", run_arithmetic },
  { "Identity", run_copy },
  { "Dropout", run_copy },
  { "BatchNormalization", run_batchnorm },
  { "Relu", run_clamp },
  { "Clip", run_clamp },
  { "Reshape", run_reshape },
};

static NaiveArray *
run_node (const PareNode *node, NaiveArray **in)
{
  for (guint i = 0; i < G_N_ELEMENTS (operators); i++)
    if (pare_node_is (node, operators[i].op_type))
      return operators[i].run (node, in);
  g_error ("The naive network does not know %s", node->op_type);
}

GPtrArray *
naive_run (PareGraph *graph, guint n, const NaiveArray *inputs)
{
  g_autoptr (GHashTable) arrays = g_hash_table_new_full (NULL, NULL, NULL, naive_array_free);
  GPtrArray *outputs = g_ptr_array_new_with_free_func (naive_array_free);
  guint fed = 0;

  for (guint i = 0; i < graph->values->len; i++)
    {
      PareValue *value = graph->values->pdata[i];
      if (value->constant)
        g_hash_table_insert (arrays, value, array_of_tensor (value->constant));
    }
  for (guint i = 0; i < graph->inputs->len; i++)
    {
      PareValue *value = graph->inputs->pdata[i];
      if (value->constant)
        continue;
      g_assert_cmpuint (fed, <, n);
      NaiveArray *array = array_new (&inputs[fed].shape);
      memcpy (array->data, inputs[fed].data, pare_shape_elements (&array->shape) * sizeof (double));
      g_hash_table_insert (arrays, value, array);
      fed++;
    }
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      NaiveArray *in[8] = { NULL };
      for (guint j = 0; j < node->inputs->len; j++)
        in[j] = node->inputs->pdata[j] ? g_hash_table_lookup (arrays, node->inputs->pdata[j]) : NULL;
      g_hash_table_insert (arrays, pare_node_output (node, 0), run_node (node, in));
    }
  for (guint i = 0; i < graph->outputs->len; i++)
    {
      gpointer array;
      array = g_hash_table_lookup (arrays, graph->outputs->pdata[i]);
      g_assert_nonnull (array);
      g_ptr_array_add (outputs, run_copy (NULL, (NaiveArray **)&array));
    }
  return outputs;
}
