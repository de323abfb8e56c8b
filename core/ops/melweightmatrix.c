/* SPDX-License-Identifier: LGPL-2.1-or-later
 * MelWeightMatrix: triangular filters, evenly spaced in mel = 2595 log10 (1 + hertz / 700), that sum frequencies of a
 * spectrum into bands (ONNX operators, MelWeightMatrix). */
#include "ops/infer.h"
#include <math.h>
#include <string.h>

#define MOST (1 << 20)

static gboolean
melweight_infer (PareInfer *infer, GError **error)
{
  gint64 bands, length, rate, type = pare_node_get_int (infer->node, "output_datatype", PARE_FLOAT32);

  if (!pare_infer_counts (infer, 5, 5, error))
    return FALSE;
  for (guint i = 0; i < 5; i++)
    {
      if (!pare_infer_require (infer, i, i < 3 ? pare_types_index : pare_types_float32, error)
          || !pare_infer_require_constant (infer, i, error))
        return FALSE;
      if (pare_tensor_elements (infer->constants[i]) == 1)
        continue;
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "input %u is not one number.", i);
      return FALSE;
    }
  bands = pare_tensor_get_int (infer->constants[0], 0);
  length = pare_tensor_get_int (infer->constants[1], 0);
  rate = pare_tensor_get_int (infer->constants[2], 0);
  if (bands < 1 || bands > MOST || length < 1 || length > MOST || rate < 1 || type != PARE_FLOAT32)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "its sizes are impossible, or its result is not float32.");
      return FALSE;
    }
  infer->outputs[0] = (PareSpec){ PARE_FLOAT32, pare_shape (2, (gint64[]){ length / 2 + 1, bands }) };
  return TRUE;
}

static double
number (const PareKernel *kernel, guint index)
{
  double value = 0;

  pare_convert (kernel->inputs[index].type, kernel->inputs[index].data, PARE_FLOAT64, &value, 1);
  return value;
}

static double
mel (double hertz)
{
  return 2595 * log10 (1 + hertz / 700);
}

/* The frequency, as a position in the spectrum, where band @i - 1 has its top. */
static gint64
position (const PareKernel *kernel, gint64 i)
{
  const PareShape *y = &kernel->outputs[0].shape;
  double low = mel (number (kernel, 3)), high = mel (number (kernel, 4));
  double hertz = 700 * (pow (10, (low + i * (high - low) / (y->dims[1] + 2)) / 2595) - 1);
  double at = floor ((number (kernel, 1) + 1) * hertz / number (kernel, 2));

  return at >= 0 ? (gint64)MIN (at, (double)y->dims[0]) : 0;
}

static gboolean
melweight_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *shape = &kernel->outputs[0].shape;
  gint64 rows = shape->dims[0], bands = shape->dims[1];
  float *y = kernel->outputs[0].data;

  memset (y, 0, rows * bands * sizeof *y);
  for (gint64 band = 0; band < bands; band++)
    {
      gint64 low = position (kernel, band), top = position (kernel, band + 1), high = position (kernel, band + 2);
      for (gint64 k = low; k <= top && k < rows; k++)
        y[k * bands + band] = top == low ? 1 : (float)(k - low) / (top - low);
      for (gint64 k = top; k < high && k < rows; k++)
        y[k * bands + band] = (float)(high - k) / (high - top);
    }
  return TRUE;
}

PARE_OPERATORS (melweightmatrix) = {
  { .name = "MelWeightMatrix", .since = 17, .infer = melweight_infer, .forward = melweight_forward },
  { NULL },
};
