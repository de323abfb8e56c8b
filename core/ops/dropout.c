/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Dropout. Outside training the data passes unchanged; in training each element is dropped with probability @ratio and
 * the others grow by 1 / (1 - ratio). Which ones is a function of the attribute seed, the position and the data itself:
 * another mask for every batch, and yet the same one when a run is repeated or resumed. */
#include "exec/compile.h"
#include "ops/infer.h"
#include "ops/random.h"
#include "sparsify/channels.h"
#include "train/gradient.h"
#include <math.h>
#include <string.h>

#define SAMPLES 1024

static gboolean
is_training (const PareTensor *mode)
{
  return mode && pare_tensor_elements (mode) == 1 && pare_tensor_get_int (mode, 0);
}

static gboolean
dropout_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 1, 3, error) || !pare_infer_require (infer, 0, pare_types_float, error)
      || !pare_infer_same (infer, error))
    return FALSE;
  if (pare_infer_has (infer, 2) && !pare_infer_require (infer, 2, pare_types_bool, error))
    return FALSE;
  if (pare_infer_has (infer, 2)
      && (!pare_infer_require_constant (infer, 2, error) || pare_tensor_elements (infer->constants[2]) != 1))
    {
      if (error && !*error)
        pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its training mode is not one truth value.");
      return FALSE;
    }
  if (pare_infer_has (infer, 1) && pare_shape_elements (&infer->inputs[1].shape) != 1)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its ratio is not one number.");
      return FALSE;
    }
  if (pare_infer_has (infer, 2) && is_training (infer->constants[2]) && infer->inputs[0].type == PARE_FLOAT64)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node, "it trains in float32 only.");
      return FALSE;
    }
  /* Before opset 10 the mask had the data's type. */
  if (pare_infer_wants (infer, 1))
    infer->outputs[1] = (PareSpec){ infer->opset < 10 ? infer->inputs[0].type : PARE_BOOL, infer->inputs[0].shape };
  return TRUE;
}

/* A number that differs from batch to batch: from elements all over the data. */
static guint64
key_of (const float *x, gint64 n, guint64 seed)
{
  guint64 key = pare_mix (seed + 0x9e3779b97f4a7c15u);

  for (gint64 i = 0; i < MIN (n, SAMPLES); i++)
    {
      guint32 bits;
      memcpy (&bits, &x[n <= SAMPLES ? i : i * (n / SAMPLES)], sizeof bits);
      key = pare_mix (key ^ bits) + i;
    }
  return key;
}

static gboolean
read_ratio (const PareKernel *kernel, double *ratio, GError **error)
{
  *ratio = 0.5;
  if (pare_kernel_has (kernel, 1))
    pare_convert (kernel->inputs[1].type, kernel->inputs[1].data, PARE_FLOAT64, ratio, 1);
  if (*ratio >= 0 && *ratio < 1)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, kernel->node, "its ratio %g is not in [0, 1).", *ratio);
  return FALSE;
}

static gboolean
train (const PareKernel *kernel, GError **error)
{
  const float *x = kernel->inputs[0].data;
  float *y = kernel->outputs[0].data, scale;
  guint8 *mask = pare_kernel_wants (kernel, 1) ? kernel->outputs[1].data : NULL;
  gint64 n = pare_view_elements (&kernel->inputs[0]);
  guint64 key = key_of (x, n, pare_node_get_int (kernel->node, "seed", 0));
  double ratio;

  if (!read_ratio (kernel, &ratio, error))
    return FALSE;
  scale = 1 / (1 - ratio);
#pragma omp parallel for schedule(static) if (n > 65536)
  for (gint64 i = 0; i < n; i++)
    {
      gboolean kept = pare_random_uniform (key, i) >= ratio;
      y[i] = kept ? x[i] * scale : 0;
      if (mask)
        mask[i] = kept;
    }
  return TRUE;
}

static gboolean
dropout_forward (const PareKernel *kernel, GError **error)
{
  static const guint8 kept = TRUE;

  if (kernel->opset >= 12 && pare_kernel_has (kernel, 2) && *(const guint8 *)kernel->inputs[2].data)
    return pare_kernel_is_half (kernel) ? pare_forward_widened (kernel, train, error) : train (kernel, error);
  if (pare_kernel_wants (kernel, 1))
    {
      const PareView *mask = &kernel->outputs[1];
      gsize size = pare_data_type_bits (mask->type) / 8;
      for (gint64 i = 0; i < pare_view_elements (mask); i++)
        pare_convert (PARE_BOOL, &kept, mask->type, (guint8 *)mask->data + i * size, 1);
    }
  return pare_forward_copy (kernel, error);
}

/* Outside training nothing runs. */
static gboolean
dropout_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);

  return (pare_infer_has (infer, 2) && is_training (infer->constants[2])) || pare_infer_wants (infer, 1)
             ? pare_compile_forward (compile, error)
             : pare_compile_alias (compile, error);
}

static gboolean
dropout_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *dy = pare_gradient_of_output (gradient, 0), *ratio = pare_node_input (node, 1), *kept;

  if (!is_training (pare_node_constant (node, 2)))
    {
      pare_gradient_add (gradient, 0, dy);
      return TRUE;
    }
  kept = pare_gradient_call (gradient, "Sub", pare_gradient_scalar (gradient, 1),
                             ratio ? pare_gradient_call (gradient, "CastLike", ratio, dy)
                                   : pare_gradient_scalar (gradient, 0.5f));
  pare_gradient_add (gradient, 0,
                     pare_gradient_node (gradient, "", "Where", 3,
                                         (PareValue *[]){ pare_gradient_saved_output (gradient, 1),
                                                          pare_gradient_call (gradient, "Div", dy, kept),
                                                          pare_gradient_scalar (gradient, 0) },
                                         NULL));
  return TRUE;
}

PARE_OPERATORS (dropout) = {
  { .name = "Dropout",
    .infer = dropout_infer,
    .forward = dropout_forward,
    .compile = dropout_compile,
    .backward = dropout_backward,
    .factors = PARE_FACTORS_PASS,
    .channels = pare_channels_same,
    .quantize = PARE_QUANTIZE_PASS },
  { NULL },
};
