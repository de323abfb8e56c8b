/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the internal operators on 8-bit integers have in common. */
#include "ops/integer.h"
#include "ops/infer.h"

const PareDataType pare_types_byte[] = { PARE_UINT8, PARE_INT8, 0 };

static const PareDataType weight_types[] = { PARE_INT8, 0 };
static const PareDataType bias_types[] = { PARE_INT32, 0 };

static PareDataType
result_type (const PareNode *node)
{
  return pare_node_get_int (node, "y_type", PARE_UINT8);
}

gboolean
pare_integer_byte_type (const PareInfer *infer, PareDataType *type, GError **error)
{
  *type = result_type (infer->node);
  if (*type == PARE_UINT8 || *type == PARE_INT8)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its result is neither uint8 nor int8.");
  return FALSE;
}

/* Input @index, when it is there, holds one number per channel, or one for all. */
static gboolean
check_channels (const PareInfer *infer, guint index, gint64 channels, const PareDataType *types, GError **error)
{
  gint64 n;

  if (!pare_infer_has (infer, index))
    return TRUE;
  if (!pare_infer_require (infer, index, types, error))
    return FALSE;
  n = pare_shape_elements (&infer->inputs[index].shape);
  if (n == channels || (n == 1 && index == 2))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "input %u has %" G_GINT64_FORMAT " numbers for %" G_GINT64_FORMAT " channels.", index, n, channels);
  return FALSE;
}

gboolean
pare_integer_infer (const PareInfer *infer, gint64 channels, PareDataType *type, GError **error)
{
  *type = result_type (infer->node);
  if (*type != PARE_INT32 && *type != PARE_FLOAT32 && !pare_integer_byte_type (infer, type, error))
    return FALSE;
  if (*type != PARE_INT32 && !pare_infer_require_constant (infer, 2, error))
    return FALSE;
  if (pare_infer_has (infer, 3) && !pare_infer_require_constant (infer, 3, error))
    return FALSE;
  return pare_infer_require (infer, 0, pare_types_byte, error) && pare_infer_require (infer, 1, weight_types, error)
         && check_channels (infer, 2, channels, pare_types_float32, error)
         && check_channels (infer, 3, channels, bias_types, error);
}

gboolean
pare_integer_requantize (const PareInfer *infer, PareRequantize *requantize, GError **error)
{
  PareDataType type = infer->outputs[0].type;
  gint64 lowest, highest, low, high;

  *requantize = (PareRequantize){ .x_zero_point = pare_node_get_int (infer->node, "x_zero_point", 0) };
  if (type == PARE_INT32)
    return TRUE;
  requantize->scales = pare_tensor_data (infer->constants[2]);
  requantize->n = pare_tensor_elements (infer->constants[2]);
  if (type == PARE_FLOAT32)
    return TRUE;
  pare_data_type_limits (type, &lowest, &highest);
  low = pare_node_get_int (infer->node, "lowest", lowest);
  high = pare_node_get_int (infer->node, "highest", highest);
  requantize->y_zero_point = pare_node_get_int (infer->node, "y_zero_point", 0);
  requantize->clips = low > lowest || high < highest;
  requantize->low = low - requantize->y_zero_point;
  requantize->high = high - requantize->y_zero_point;
  return TRUE;
}

gboolean
pare_integer_applies_chain (const PareInfer *infer)
{
  return infer->outputs[0].type == PARE_FLOAT32;
}
