/* SPDX-License-Identifier: LGPL-2.1-or-later
 * ConvTranspose (ONNX operator ConvTranspose, versions 1 and 11). The weight is [in, out / groups, kernel..]. */
#include "exec/compile.h"
#include "ops/conv.h"
#include "ops/infer.h"
#include "sparsify/channels.h"
#include <string.h>

/* oneDNN slides over three axes at most. */
#define MAX_RANK 5

static const PareDataType float_types[] = { PARE_FLOAT32, PARE_FLOAT16, PARE_FLOAT64, 0 };

/* Sizes above this are an attack on the arithmetic. */
#define LIMIT (G_GINT64_CONSTANT (1) << 31)

/* The window with pads as they cut the output, and the output's shape. */
static gboolean
read_window (const PareNode *node, const PareShape *x, const PareShape *w, PareWindow *window, PareShape *y,
             GError **error)
{
  g_autofree char *auto_pad = pare_node_get_string (node, "auto_pad");
  guint n_extra, n_shape;
  const gint64 *extra = pare_node_get_ints (node, "output_padding", &n_extra);
  const gint64 *wanted = pare_node_get_ints (node, "output_shape", &n_shape);

  if (!pare_window_read (node, x, w->dims + 2, window, error))
    return FALSE;
  if ((extra && n_extra != window->n) || (wanted && n_shape != window->n && n_shape != window->n + 2))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, node, "output_padding or output_shape has the wrong length.");
      return FALSE;
    }
  *y = *x;
  y->dims[1] = w->dims[1] * pare_node_get_int (node, "group", 1);
  for (guint i = 0; i < window->n; i++)
    {
      gint64 added = extra ? CLAMP (extra[i], -1, LIMIT) : 0;
      gint64 full = (MIN (x->dims[2 + i], LIMIT) - 1) * window->strides[i] + added
                    + (window->kernel[i] - 1) * window->dilations[i] + 1;
      gboolean same = auto_pad && g_str_has_prefix (auto_pad, "SAME_");
      if (wanted || same)
        {
          gint64 size
              = wanted ? CLAMP (wanted[n_shape - window->n + i], 0, LIMIT) : x->dims[2 + i] * window->strides[i];
          gint64 total = full - size;
          gboolean upper = auto_pad && strcmp (auto_pad, "SAME_UPPER") == 0;
          window->pads_begin[i] = upper || total < 0 ? total / 2 : total - total / 2;
          window->pads_end[i] = total - window->pads_begin[i];
        }
      y->dims[2 + i] = full - window->pads_begin[i] - window->pads_end[i];
      window->pads_end[i] -= added;
      if (y->dims[2 + i] < 1 || added < 0)
        {
          pare_node_error (error, PARE_ERROR_FORMAT, node, "pads and output_padding leave no output.");
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
convtranspose_infer (PareInfer *infer, GError **error)
{
  const PareShape *x, *w;
  PareWindow window;
  gint64 groups = pare_node_get_int (infer->node, "group", 1);

  if (!pare_infer_require (infer, 0, float_types, error) || !pare_infer_require (infer, 1, float_types, error)
      || !pare_infer_require_one_type (infer, 1, error))
    return FALSE;
  x = &infer->inputs[0].shape;
  w = &infer->inputs[1].shape;
  if (w->rank != x->rank || x->rank < 3 || x->rank > MAX_RANK || groups < 1 || w->dims[0] != x->dims[1]
      || w->dims[0] % groups || !w->dims[0])
    {
      g_autofree char *x_text = pare_shape_to_string (x), *w_text = pare_shape_to_string (w);
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "weight %s does not fit input %s.", w_text, x_text);
      return FALSE;
    }
  infer->outputs[0].type = infer->inputs[0].type;
  return read_window (infer->node, x, w, &window, &infer->outputs[0].shape, error);
}

/* The stored [groups x in, out, k..] seen as oneDNN's [groups, out, in, k..]. */
static PareLayout *
stored_layout (const PareSpec *weights, gint64 groups, PareSpec *spec)
{
  const PareShape *w = &weights->shape;
  gint64 stored[PARE_MAX_RANK], strides[PARE_MAX_RANK];
  guint g = groups != 1;

  pare_shape_strides (w, stored);
  *spec = (PareSpec){ weights->type, { .rank = w->rank + g } };
  if (g)
    {
      spec->shape.dims[0] = groups;
      strides[0] = stored[0] * (w->dims[0] / groups);
    }
  spec->shape.dims[g] = w->dims[1];
  strides[g] = stored[1];
  spec->shape.dims[g + 1] = w->dims[0] / groups;
  strides[g + 1] = stored[0];
  for (guint i = 2; i < w->rank; i++)
    {
      spec->shape.dims[g + i] = w->dims[i];
      strides[g + i] = stored[i];
    }
  return pare_layout_new_strided (spec, strides);
}

gboolean
pare_convtranspose_describe (const PareNode *node, const PareSpec *x, const PareSpec *w, PareConvolution *convolution,
                             GError **error)
{
  PareShape y;

  convolution->transposed = TRUE;
  if (!read_window (node, &x->shape, &w->shape, &convolution->window, &y, error))
    return FALSE;
  convolution->stored = stored_layout (w, pare_node_get_int (node, "group", 1), &convolution->weights);
  return TRUE;
}

static gboolean
convtranspose_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  g_auto (PareConvolution) convolution = { 0 };

  return pare_infer_require_float32 (infer, 0, error)
         && pare_convtranspose_describe (infer->node, &infer->inputs[0], &infer->inputs[1], &convolution, error)
         && pare_convolution_compile (compile, &convolution, NULL, error);
}

static guint64
convtranspose_macs (const PareInfer *infer)
{
  const PareShape *w = &infer->inputs[1].shape;

  return (guint64)pare_shape_elements (&infer->inputs[0].shape) * pare_shape_span (w, 1, w->rank);
}

static gboolean
convtranspose_weight (const PareNode *node, PareWeightTrait *trait)
{
  *trait = (PareWeightTrait){
    .input = 1, .bias = 2, .has_bias = TRUE, .out_axis = 1, .in_axis = 0, .groups = pare_node_get_int (node, "group", 1)
  };
  return TRUE;
}

static void
convtranspose_channels (PareChannelWalk *channels)
{
  pare_channels_weighted (channels, 1);
}

PARE_OPERATORS (convtranspose) = {
  { .name = "ConvTranspose",
    .infer = convtranspose_infer,
    .compile = convtranspose_compile,
    .backward = pare_convolution_backward,
    .macs = convtranspose_macs,
    .weight = convtranspose_weight,
    .taps = pare_convolution_taps,
    .channels = convtranspose_channels,
    .quantize_note = "runtimes have no int8 kernel for ConvTranspose" },
  { NULL },
};
