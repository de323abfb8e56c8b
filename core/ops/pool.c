/* SPDX-License-Identifier: LGPL-2.1-or-later
 * MaxPool, AveragePool, GlobalMaxPool and GlobalAveragePool (ONNX operators of these names). */
#include "ops/backward.h"
#include "ops/pool.h"
#include "ops/samples.h"
#include "sparsify/channels.h"
#include <math.h>
#include <string.h>

static const PareDataType pool_types[] = { PARE_FLOAT32, PARE_FLOAT16, PARE_FLOAT64, PARE_INT8, PARE_UINT8, 0 };

static gboolean
is_global (const PareNode *node)
{
  return g_str_has_prefix (node->op_type, "Global");
}

gboolean
pare_pool_is_max (const PareNode *node)
{
  return strstr (node->op_type, "MaxPool") != NULL;
}

ParePool
pare_pool_kind (const PareNode *node)
{
  if (pare_pool_is_max (node))
    return PARE_POOL_MAX;
  return pare_node_get_int (node, "count_include_pad", 0) ? PARE_POOL_AVERAGE_WITH_PADDING : PARE_POOL_AVERAGE;
}

gboolean
pare_pool_window (const PareNode *node, const PareShape *x, PareWindow *window, GError **error)
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
is_byte (PareDataType type)
{
  return type == PARE_INT8 || type == PARE_UINT8;
}

gboolean
pare_pool_fits_onednn (const PareNode *node, const PareSpec *x, const PareWindow *window)
{
  for (guint i = 0; i < window->n; i++)
    if (window->dilations[i] != 1 || window->pads_begin[i] >= window->kernel[i]
        || window->pads_end[i] >= window->kernel[i] || window->kernel[i] > x->shape.dims[2 + i])
      return FALSE;
  return window->n <= 3 && (x->type == PARE_FLOAT32 || (is_byte (x->type) && pare_pool_is_max (node)))
         && !pare_node_get_int (node, "ceil_mode", 0) && pare_shape_elements (&x->shape) > 0;
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
  if (!pare_pool_window (infer->node, x, &window, error))
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

/* Kernel elements [*first, *last) along one axis that lie in [low, high), for a window that begins at @start. */
static void
clip_window (gint64 start, gint64 kernel, gint64 dilation, gint64 low, gint64 high, gint64 *first, gint64 *last)
{
  *first = start < low ? (low - start + dilation - 1) / dilation : 0;
  *last = high > start ? MIN ((high - start + dilation - 1) / dilation, kernel) : 0;
  *last = MAX (*last, *first);
}

/* Visits what lies inside the input alone: kernels and pads may be huge. */
gint64
pare_pool_walk (const PareWindow *window, const gint64 *x_dims, const gint64 *y_dims, gint64 output,
                gboolean with_padding, gint64 *offsets, gint64 *counted)
{
  gint64 at[PARE_MAX_RANK], start[PARE_MAX_RANK], first[PARE_MAX_RANK], last[PARE_MAX_RANK], n = 1;
  double padded = 1; /* may be beyond 63 bits */

  for (guint i = window->n; i-- > 0; output /= y_dims[i])
    {
      gint64 kernel = window->kernel[i], dilation = window->dilations[i], from, to;
      start[i] = output % y_dims[i] * window->strides[i] - window->pads_begin[i];
      clip_window (start[i], kernel, dilation, 0, x_dims[i], &first[i], &last[i]);
      clip_window (start[i], kernel, dilation, -window->pads_begin[i], x_dims[i] + window->pads_end[i], &from, &to);
      at[i] = first[i];
      n *= last[i] - first[i];
      padded *= to - from;
    }
  for (gint64 k = 0; k < n; k++)
    {
      offsets[k] = 0;
      for (guint i = 0; i < window->n; i++)
        offsets[k] = offsets[k] * x_dims[i] + start[i] + at[i] * window->dilations[i];
      for (guint axis = window->n; axis-- > 0; at[axis] = first[axis])
        if (++at[axis] < last[axis])
          break;
    }
  *counted = with_padding ? (gint64)MIN (padded, 0x1p62) : n;
  return n;
}

gint64
pare_pool_best (const double *x, const gint64 *offsets, gint64 n)
{
  gint64 best = n ? offsets[0] : -1;

  for (gint64 i = 1; i < n; i++)
    if (x[offsets[i]] > x[best])
      best = offsets[i];
  return best;
}

/* storage_order 1: the offset in a plane as if its first axis were the innermost. */
static gint64
column_major (gint64 offset, const gint64 *dims, guint n)
{
  gint64 result = 0, at[PARE_MAX_RANK];

  for (guint i = n; i-- > 0; offset /= dims[i])
    at[i] = offset % dims[i];
  for (guint i = n; i-- > 0;)
    result = result * dims[i] + at[i];
  return result;
}

/* By the definition: every case that oneDNN has not. */
static gboolean
pool_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  const gint64 *x_dims = x->shape.dims + 2, *y_dims = y->shape.dims + 2;
  gboolean max = pare_pool_is_max (kernel->node);
  gboolean with_padding = pare_node_get_int (kernel->node, "count_include_pad", 0) != 0;
  gboolean columns = pare_node_get_int (kernel->node, "storage_order", 0) != 0;
  gint64 x_size = pare_shape_span (&x->shape, 2, x->shape.rank), y_size = pare_shape_span (&y->shape, 2, y->shape.rank);
  gint64 planes = x->shape.dims[0] * x->shape.dims[1];
  guint element = pare_data_type_bits (x->type) / 8;
  g_autofree double *in = g_new (double, MAX (x_size, 1));
  g_autofree gint64 *offsets = g_new (gint64, MAX (x_size, 1));
  gint64 *indices = kernel->n_outputs > 1 ? kernel->outputs[1].data : NULL;
  PareWindow window;

  if (!pare_pool_window (kernel->node, &x->shape, &window, error))
    return FALSE;
  for (gint64 p = 0; p < planes; p++)
    {
      pare_convert (x->type, (const guint8 *)x->data + p * x_size * element, PARE_FLOAT64, in, x_size);
      for (gint64 o = 0; o < y_size; o++)
        {
          gint64 counted, n = pare_pool_walk (&window, x_dims, y_dims, o, with_padding, offsets, &counted);
          gint64 best = max ? pare_pool_best (in, offsets, n) : -1;
          double result = 0;
          for (gint64 i = 0; i < n && !max; i++)
            result += in[offsets[i]];
          result = !max ? result / MAX (counted, 1) : best < 0 ? -INFINITY : in[best];
          pare_convert (PARE_FLOAT64, &result, y->type, (guint8 *)y->data + (p * y_size + o) * element, 1);
          if (indices)
            indices[p * y_size + o]
                = p * x_size + (columns && best >= 0 ? column_major (best, x_dims, window.n) : best);
        }
    }
  return TRUE;
}

static gboolean
pool_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  const PareNode *node = infer->node;
  PareArg args[] = { PARE_ARG_SRC, PARE_ARG_DST };
  PareSlot *slots[2];
  g_autoptr (PareLayout) dst = NULL;
  g_autoptr (ParePrimitive) primitive = NULL;
  PareWindow window;

  if (!pare_pool_window (node, &infer->inputs[0].shape, &window, error))
    return FALSE;
  if (!pare_pool_fits_onednn (node, &infer->inputs[0], &window) || (infer->n_outputs > 1 && node->outputs->pdata[1]))
    return pare_compile_forward (compile, error);
  if (is_byte (infer->inputs[0].type)) /* the one arrangement for which oneDNN has a fast kernel */
    {
      g_autoptr (PareLayout) src = pare_layout_new_channels_last (&infer->inputs[0]);
      slots[0] = pare_compile_input (compile, 0, src, error);
    }
  else
    slots[0] = pare_compile_input_as_is (compile, 0);
  if (!slots[0])
    return FALSE;
  primitive = pare_primitive_pool (pare_pool_kind (node), slots[0]->layout, &infer->outputs[0], &window, error);
  if (!primitive)
    return FALSE;
  dst = pare_primitive_layout (primitive, PARE_ARG_DST);
  slots[1] = pare_compile_output (compile, 0, dst, error);
  pare_compile_primitive (compile, g_steal_pointer (&primitive), 2, args, slots);
  return TRUE;
}

static gboolean
pool_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  static const char *const names[][2] = { { "MaxPool", "MaxPoolGrad" },
                                          { "AveragePool", "AveragePoolGrad" },
                                          { "GlobalMaxPool", "GlobalMaxPoolGrad" },
                                          { "GlobalAveragePool", "GlobalAveragePoolGrad" } };
  PareValue *inputs[] = { pare_gradient_of_output (gradient, 0), pare_node_input (node, 0) };

  for (guint i = 0; inputs[0] && i < G_N_ELEMENTS (names); i++)
    if (pare_node_is (node, names[i][0]))
      pare_gradient_add (gradient, 0,
                         pare_node_output (pare_backward_node (gradient, names[i][1], node, 2, inputs, 1), 0));
  return TRUE;
}

PARE_OPERATORS (pool) = {
  { .name = "MaxPool",
    .infer = pool_infer,
    .forward = pool_forward,
    .compile = pool_compile,
    .backward = pool_backward,
    .by_sample = pare_samples_alone,
    .channels = pare_channels_window,
    .factors = PARE_FACTORS_PASS,
    .quantize = PARE_QUANTIZE_PASS },
  { .name = "AveragePool",
    .infer = pool_infer,
    .forward = pool_forward,
    .compile = pool_compile,
    .backward = pool_backward,
    .by_sample = pare_samples_alone,
    .channels = pare_channels_window,
    .factors = PARE_FACTORS_PASS,
    .quantize = PARE_QUANTIZE_UNARY },
  { .name = "GlobalMaxPool",
    .infer = pool_infer,
    .forward = pool_forward,
    .compile = pool_compile,
    .backward = pool_backward,
    .by_sample = pare_samples_alone,
    .channels = pare_channels_window,
    .factors = PARE_FACTORS_PASS,
    .quantize_note = "runtimes have no int8 kernel for GlobalMaxPool" },
  { .name = "GlobalAveragePool",
    .infer = pool_infer,
    .forward = pool_forward,
    .compile = pool_compile,
    .backward = pool_backward,
    .by_sample = pare_samples_alone,
    .channels = pare_channels_window,
    .factors = PARE_FACTORS_PASS,
    .quantize = PARE_QUANTIZE_UNARY },
  { NULL },
};
