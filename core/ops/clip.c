/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Clip: bounds in attributes up to opset 6, in inputs since 11; either may be absent. */
#include "ops/elementwisegrad.h"
#include "ops/samples.h"
#include "ops/unary.h"
#include "ops/vector.h"
#include "sparsify/channels.h"
#include <float.h>

/* A NaN stays one. */
PARE_MAP (PARE_VECTOR, clip_f32, float, x<a ? (b < a ? b : a) : x> b ? b : x)

/* Of integers as quantizers of few bits hold them: the bounds are exact in float. */
PARE_MAP (PARE_VECTOR, clip_i8, gint8, x<a ? (b < a ? b : a) : x> b ? b : x)
PARE_MAP (PARE_VECTOR, clip_u8, guint8, x<a ? (b < a ? b : a) : x> b ? b : x)

static const PareMap single_maps[PARE_DATA_TYPES]
    = { [PARE_FLOAT32] = clip_f32, [PARE_INT8] = clip_i8, [PARE_UINT8] = clip_u8 };

#define BOUNDED(name, type)                                                                                            \
  static void name (gint64 n, const type *x, type *y, type low, type high)                                             \
  {                                                                                                                    \
    for (gint64 i = 0; i < n; i++)                                                                                     \
      y[i] = MIN (MAX (x[i], low), high);                                                                              \
  }
BOUNDED (clip_i64, gint64)
BOUNDED (clip_u64, guint64)
BOUNDED (clip_f64, double)

static gboolean
clip_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 1, 3, error) || !pare_infer_require (infer, 0, pare_types_number, error))
    return FALSE;
  for (guint i = 1; i < infer->n_inputs; i++)
    if (pare_infer_has (infer, i)
        && (infer->inputs[i].type != infer->inputs[0].type || pare_shape_elements (&infer->inputs[i].shape) != 1))
      {
        pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "bound %u is not one number of the data's type.", i);
        return FALSE;
      }
  return pare_infer_same (infer, error);
}

/* All but float32: through the widest type of its kind. */
#define WIDE_CLIP(name, wide, wide_type, lowest, highest)                                                              \
  static void name##_any (const PareKernel *kernel)                                                                    \
  {                                                                                                                    \
    const PareView *x = &kernel->inputs[0];                                                                            \
    gint64 n = pare_view_elements (x);                                                                                 \
    g_autofree wide *data = g_new (wide, MAX (n, 1));                                                                  \
    wide low = lowest, high = highest;                                                                                 \
    if (pare_kernel_has (kernel, 1))                                                                                   \
      pare_convert (x->type, kernel->inputs[1].data, wide_type, &low, 1);                                              \
    if (pare_kernel_has (kernel, 2))                                                                                   \
      pare_convert (x->type, kernel->inputs[2].data, wide_type, &high, 1);                                             \
    pare_convert (x->type, x->data, wide_type, data, n);                                                               \
    name (n, data, data, low, high);                                                                                   \
    pare_convert (wide_type, data, x->type, kernel->outputs[0].data, n);                                               \
  }
WIDE_CLIP (clip_i64, gint64, PARE_INT64, G_MININT64, G_MAXINT64)
WIDE_CLIP (clip_u64, guint64, PARE_UINT64, 0, G_MAXUINT64)
WIDE_CLIP (clip_f64, double, PARE_FLOAT64, -DBL_MAX, DBL_MAX)

static gboolean
clip_forward (const PareKernel *kernel, GError **error)
{
  PareDataType type = kernel->inputs[0].type;
  float bounds[2]
      = { pare_node_get_float (kernel->node, "min", -FLT_MAX), pare_node_get_float (kernel->node, "max", FLT_MAX) };

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, clip_forward, error);
  if (type == PARE_UINT64)
    clip_u64_any (kernel);
  else if (type == PARE_FLOAT64)
    clip_f64_any (kernel);
  else if (!single_maps[type])
    clip_i64_any (kernel);
  else
    {
      for (guint i = 1; i <= 2; i++)
        if (pare_kernel_has (kernel, i))
          pare_convert (type, kernel->inputs[i].data, PARE_FLOAT32, &bounds[i - 1], 1);
      pare_map (kernel, single_maps[type], bounds);
    }
  return TRUE;
}

/* A bound as a number: from the constant input, the attribute, or @fallback. FALSE when it is computed at run time. */
static gboolean
bound (const PareNode *node, guint index, const char *attribute, float *value)
{
  PareTensor *tensor = pare_node_literal (node, index);

  if (!pare_node_input (node, index))
    *value = pare_node_get_float (node, attribute, *value);
  else if (!tensor || tensor->type != PARE_FLOAT32 || pare_tensor_elements (tensor) != 1)
    return FALSE;
  else
    *value = pare_tensor_get_double (tensor, 0);
  return TRUE;
}

static gboolean
clip_eltwise (const PareNode *node, PareEltwise *eltwise)
{
  *eltwise = (PareEltwise){ PARE_ELTWISE_CLIP, -FLT_MAX, FLT_MAX };
  return bound (node, 1, "min", &eltwise->alpha) && bound (node, 2, "max", &eltwise->beta);
}

/* Bounds that are computed: what passed unchanged is where input and output are equal. The bounds get no gradient. */
static gboolean
clip_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareEltwise eltwise;

  if (clip_eltwise (node, &eltwise))
    {
      pare_backward_elementwise (gradient, "Clip", eltwise.alpha, eltwise.beta);
      return TRUE;
    }
  PareValue *equal = pare_gradient_call (gradient, "Equal", pare_node_input (node, 0), pare_node_output (node, 0));
  pare_gradient_add (gradient, 0,
                     pare_gradient_node (gradient, "", "Where", 3,
                                         (PareValue *[]){ equal, pare_gradient_of_output (gradient, 0),
                                                          pare_gradient_scalar (gradient, 0) },
                                         NULL));
  return TRUE;
}

PARE_OPERATORS (clip) = {
  { .name = "Clip",
    .infer = clip_infer,
    .forward = clip_forward,
    .backward = clip_backward,
    .in_place = TRUE,
    .by_sample = pare_samples_alone,
    .eltwise = clip_eltwise,
    .channels = pare_channels_same,
    .quantize = PARE_QUANTIZE_CLAMP },
  { NULL },
};
