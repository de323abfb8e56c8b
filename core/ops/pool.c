/* SPDX-License-Identifier: LGPL-2.1-or-later
 * MaxPool, AveragePool, GlobalMaxPool and GlobalAveragePool (ONNX operators of these names). */
#include "exec/compile.h"
#include "ops/window.h"
#include <math.h>
#include <string.h>

static const PareDataType pool_types[] = { PARE_FLOAT32, PARE_FLOAT16, PARE_FLOAT64, PARE_INT8, PARE_UINT8, 0 };

static gboolean
is_global (const PareNode *node)
{
  return g_str_has_prefix (node->op_type, "Global");
}

static gboolean
is_max (const PareNode *node)
{
  return strstr (node->op_type, "MaxPool") != NULL;
}

static gboolean
pool_window (const PareNode *node, const PareShape *x, PareWindow *window, GError **error)
{
  if (!is_global (node))
    return pare_window_read (node, x, NULL, window, error);
  *window = (PareWindow){ .n = x->rank - 2 };
  for (guint i = 0; i < window->n; i++)
    {
      window->kernel[i] = x->dims[2 + i];
      window->strides[i] = window->dilations[i] = 1;
    }
  return TRUE;
}

static gboolean
pool_infer (PareInfer *infer, GError **error)
{
  gboolean ceil = pare_node_get_int (infer->node, "ceil_mode", 0) != 0;
  const PareShape *x;
  PareWindow window;
  PareShape y;

  if (!pare_infer_require (infer, 0, pool_types, error))
    return FALSE;
  x = &infer->inputs[0].shape;
  if (x->rank < 3)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the input needs at least one spatial axis.");
      return FALSE;
    }
  if (!pool_window (infer->node, x, &window, error))
    return FALSE;
  y = *x;
  for (guint i = 0; i < window.n; i++)
    if ((y.dims[2 + i] = pare_window_output (&window, i, x->dims[2 + i], ceil)) == 0 && x->dims[2 + i])
      {
        pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the window is larger than the padded input.");
        return FALSE;
      }
  infer->outputs[0] = (PareSpec){ infer->inputs[0].type, y };
  if (infer->n_outputs > 1)
    infer->outputs[1] = (PareSpec){ PARE_INT64, y };
  return TRUE;
}

/* One plane by the definition: every case that oneDNN has not. */
typedef struct
{
  const PareWindow *window;
  const gint64 *x_dims, *y_dims;
  gboolean max, with_padding, column_major;
} Plane;

static void
pool_element (const Plane *plane, const double *x, const gint64 *start, double *result, gint64 *index)
{
  const PareWindow *window = plane->window;
  gint64 at[PARE_MAX_RANK] = { 0 }, counted = 0;
  double best = -INFINITY, sum = 0;

  *index = -1;
  for (;;)
    {
      gint64 offset = 0, in_columns = 0, step = 1;
      gboolean inside = TRUE, in_padding = TRUE;
      guint axis;
      for (guint i = 0; i < window->n; i++)
        {
          gint64 position = start[i] + at[i] * window->dilations[i];
          inside &= position >= 0 && position < plane->x_dims[i];
          in_padding &= position >= -window->pads_begin[i] && position < plane->x_dims[i] + window->pads_end[i];
          offset = offset * plane->x_dims[i] + position;
          in_columns += position * step;
          step *= plane->x_dims[i];
        }
      if (inside)
        {
          sum += x[offset];
          if (x[offset] > best || *index < 0)
            {
              best = x[offset];
              *index = plane->column_major ? in_columns : offset;
            }
        }
      counted += inside || (plane->with_padding && in_padding);
      for (axis = window->n; axis-- > 0;)
        {
          if (++at[axis] < window->kernel[axis])
            break;
          at[axis] = 0;
        }
      if (axis == G_MAXUINT)
        break;
    }
  *result = plane->max ? best : sum / MAX (counted, 1);
}

static gboolean
pool_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  PareWindow window;
  Plane plane = { &window, x->shape.dims + 2, y->shape.dims + 2, is_max (kernel->node),
                  pare_node_get_int (kernel->node, "count_include_pad", 0) != 0,
                  pare_node_get_int (kernel->node, "storage_order", 0) != 0 };
  gint64 x_size = pare_shape_span (&x->shape, 2, x->shape.rank), y_size = pare_shape_span (&y->shape, 2, y->shape.rank);
  gint64 planes = x->shape.dims[0] * x->shape.dims[1];
  guint element = pare_data_type_bits (x->type) / 8;
  g_autofree double *in = g_new (double, MAX (x_size, 1));
  gint64 *indices = kernel->n_outputs > 1 ? kernel->outputs[1].data : NULL;

  if (!pool_window (kernel->node, &x->shape, &window, error))
    return FALSE;
  for (gint64 p = 0; p < planes; p++)
    {
      pare_convert (x->type, (const guint8 *) x->data + p * x_size * element, PARE_FLOAT64, in, x_size);
      for (gint64 o = 0; o < y_size; o++)
        {
          gint64 start[PARE_MAX_RANK], rest = o, index;
          double result;
          for (guint i = window.n; i-- > 0; rest /= plane.y_dims[i])
            start[i] = rest % plane.y_dims[i] * window.strides[i] - window.pads_begin[i];
          pool_element (&plane, in, start, &result, &index);
          pare_convert (PARE_FLOAT64, &result, y->type, (guint8 *) y->data + (p * y_size + o) * element, 1);
          if (indices)
            indices[p * y_size + o] = p * x_size + index;
        }
    }
  return TRUE;
}

static gboolean
pool_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  const PareNode *node = infer->node;
  ParePool kind = is_max (node)                                          ? PARE_POOL_MAX
                  : pare_node_get_int (node, "count_include_pad", 0) != 0 ? PARE_POOL_AVERAGE_WITH_PADDING
                                                                          : PARE_POOL_AVERAGE;
  PareArg args[] = { PARE_ARG_SRC, PARE_ARG_DST };
  PareSlot *slots[2];
  g_autoptr (PareLayout) dst = NULL;
  g_autoptr (ParePrimitive) primitive = NULL;
  PareWindow window;

  if (!pool_window (node, &infer->inputs[0].shape, &window, error))
    return FALSE;
  for (guint i = 0; i < window.n; i++)
    if (window.dilations[i] != 1 || window.n > 3)
      return pare_compile_forward (compile, error);
  if (infer->inputs[0].type != PARE_FLOAT32 || pare_node_get_int (node, "ceil_mode", 0)
      || (infer->n_outputs > 1 && node->outputs->pdata[1]) || !pare_shape_elements (&infer->inputs[0].shape))
    return pare_compile_forward (compile, error);
  slots[0] = pare_compile_input_as_is (compile, 0);
  primitive = pare_primitive_pool (kind, slots[0]->layout, &infer->outputs[0], &window, error);
  if (!primitive)
    return FALSE;
  dst = pare_primitive_layout (primitive, PARE_ARG_DST);
  slots[1] = pare_compile_output (compile, 0, dst, error);
  pare_compile_primitive (compile, g_steal_pointer (&primitive), 2, args, slots);
  return TRUE;
}

PARE_OPERATORS (pool) = {
  { .name = "MaxPool", .infer = pool_infer, .forward = pool_forward, .compile = pool_compile,
    .quantize = PARE_QUANTIZE_PASS },
  { .name = "AveragePool", .infer = pool_infer, .forward = pool_forward, .compile = pool_compile,
    .quantize = PARE_QUANTIZE_UNARY },
  { .name = "GlobalMaxPool", .infer = pool_infer, .forward = pool_forward, .compile = pool_compile,
    .quantize_note = "runtimes have no int8 kernel for GlobalMaxPool" },
  { .name = "GlobalAveragePool", .infer = pool_infer, .forward = pool_forward, .compile = pool_compile,
    .quantize = PARE_QUANTIZE_UNARY },
  { NULL },
};
