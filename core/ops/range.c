/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Range: start, start + delta, .. before the limit. */
#include "ops/infer.h"
#include <math.h>

static const PareDataType range_types[] = { PARE_FLOAT32, PARE_FLOAT64, PARE_INT16, PARE_INT32, PARE_INT64, 0 };

/* More than this is a damaged model and not a sequence. */
#define LONGEST 2147483648.0

static gboolean
range_infer (PareInfer *infer, GError **error)
{
  double start, limit, delta, n;

  if (!pare_infer_counts (infer, 3, 3, error))
    return FALSE;
  for (guint i = 0; i < 3; i++)
    {
      if (!pare_infer_require (infer, i, range_types, error) || !pare_infer_require_constant (infer, i, error))
        return FALSE;
      if (infer->inputs[i].type == infer->inputs[0].type && pare_tensor_elements (infer->constants[i]) == 1)
        continue;
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "input %u is not one number of the first one's type.", i);
      return FALSE;
    }
  start = pare_tensor_get_double (infer->constants[0], 0);
  limit = pare_tensor_get_double (infer->constants[1], 0);
  delta = pare_tensor_get_double (infer->constants[2], 0);
  n = ceil ((limit - start) / delta);
  if (!(n < LONGEST) || delta == 0)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "from %g to %g by %g is not a sequence.", start, limit,
                       delta);
      return FALSE;
    }
  infer->outputs[0] = (PareSpec){ infer->inputs[0].type, pare_shape (1, (gint64[]){ MAX (n, 0) }) };
  return TRUE;
}

#define SEQUENCE(type)                                                                                                 \
  static void sequence_##type (const PareKernel *kernel)                                                               \
  {                                                                                                                    \
    const type start = *(type *)kernel->inputs[0].data, delta = *(type *)kernel->inputs[2].data;                       \
    gint64 n = kernel->outputs[0].shape.dims[0];                                                                       \
    type *y = kernel->outputs[0].data;                                                                                 \
    for (gint64 i = 0; i < n; i++)                                                                                     \
      y[i] = (type)(start + i * delta);                                                                                \
  }
SEQUENCE (float)
SEQUENCE (double)
SEQUENCE (gint16)
SEQUENCE (gint32)
SEQUENCE (gint64)

static gboolean
range_forward (const PareKernel *kernel, GError **error)
{
  static void (*const by_type[PARE_DATA_TYPES]) (const PareKernel *) = {
    [PARE_FLOAT32] = sequence_float, [PARE_FLOAT64] = sequence_double, [PARE_INT16] = sequence_gint16,
    [PARE_INT32] = sequence_gint32,  [PARE_INT64] = sequence_gint64,
  };

  by_type[kernel->outputs[0].type](kernel);
  return TRUE;
}

PARE_OPERATORS (range) = {
  { .name = "Range", .since = 11, .infer = range_infer, .forward = range_forward },
  { NULL },
};
