/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Constant and ConstantOfShape. */
#include "graph/packed.h"
#include "ops/infer.h"
#include <string.h>

/* The tensor that one of the value attributes stands for; NULL when there is none of a kind that can be executed. */
static PareTensor *
constant_value (const PareNode *node)
{
  static const PareShape scalar = { 0 };
  const PareAttribute *attribute;
  PareShape row;

  if ((attribute = pare_node_attribute (node, "value")) && attribute->type == PARE_ATTRIBUTE_TENSOR)
    return attribute->u.tensor->bytes ? pare_tensor_ref (attribute->u.tensor) : NULL;
  if ((attribute = pare_node_attribute (node, "value_float")) && attribute->type == PARE_ATTRIBUTE_FLOAT)
    return pare_tensor_new_scalar_float (attribute->u.f);
  if ((attribute = pare_node_attribute (node, "value_int")) && attribute->type == PARE_ATTRIBUTE_INT)
    return pare_tensor_new_copy (PARE_INT64, &scalar, &attribute->u.i);
  if ((attribute = pare_node_attribute (node, "value_floats")) && attribute->type == PARE_ATTRIBUTE_FLOATS)
    {
      row = pare_shape_of (1, (int)attribute->n);
      return pare_tensor_new_floats (&row, attribute->u.floats);
    }
  if ((attribute = pare_node_attribute (node, "value_ints")) && attribute->type == PARE_ATTRIBUTE_INTS)
    return pare_tensor_new_int64s (attribute->n, attribute->u.ints);
  return NULL;
}

static gboolean
constant_infer (PareInfer *infer, GError **error)
{
  g_autoptr (PareTensor) value = constant_value (infer->node);

  if (!pare_infer_counts (infer, 0, 0, error))
    return FALSE;
  if (!value)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node,
                       "it has no value attribute of a kind that can be executed (numbers, not sparse).");
      return FALSE;
    }
  infer->outputs[0] = (PareSpec){ value->type, value->shape };
  return TRUE;
}

static gboolean
constant_forward (const PareKernel *kernel, GError **error)
{
  g_autoptr (PareTensor) value = constant_value (kernel->node);

  if (pare_tensor_size (value))
    memcpy (kernel->outputs[0].data, pare_tensor_data (value), pare_tensor_size (value));
  return TRUE;
}

/* The value to fill with: one element, float32 0 when not given. */
static PareTensor *
fill_value (const PareNode *node)
{
  const PareAttribute *attribute = pare_node_attribute (node, "value");

  if (!attribute)
    return pare_tensor_new_scalar_float (0);
  if (attribute->type != PARE_ATTRIBUTE_TENSOR || pare_tensor_elements (attribute->u.tensor) != 1
      || pare_data_type_bits (attribute->u.tensor->type) == 0)
    return NULL;
  return pare_tensor_ref (attribute->u.tensor);
}

static gboolean
fill_infer (PareInfer *infer, GError **error)
{
  g_autoptr (PareTensor) value = fill_value (infer->node);
  PareShape *shape = &infer->outputs[0].shape;

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_index, error)
      || !pare_infer_require_rank (infer, 0, 1, error) || !pare_infer_require_constant (infer, 0, error)
      || !pare_infer_rank (infer, infer->inputs[0].shape.dims[0], error))
    return FALSE;
  if (!value)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the attribute value is not a tensor of one number.");
      return FALSE;
    }
  infer->outputs[0].type = value->type;
  shape->rank = infer->inputs[0].shape.dims[0];
  for (guint i = 0; i < shape->rank; i++)
    shape->dims[i] = pare_tensor_get_int (infer->constants[0], i);
  if (pare_shape_elements (shape) >= 0)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the shape asked for is impossible.");
  return FALSE;
}

static gboolean
fill_forward (const PareKernel *kernel, GError **error)
{
  g_autoptr (PareTensor) value = fill_value (kernel->node);
  const PareView *y = &kernel->outputs[0];
  gsize size = pare_tensor_size (value), total = pare_data_size (y->type, pare_view_elements (y));

  if (pare_data_type_is_packed (y->type))
    {
      guint8 nibble = *(const guint8 *)pare_tensor_data (value) & 15;
      memset (y->data, nibble | nibble << 4, total);
      return TRUE;
    }
  for (gsize at = 0; at < total; at += size)
    memcpy ((guint8 *)y->data + at, pare_tensor_data (value), size);
  return TRUE;
}

PARE_OPERATORS (constant) = {
  { .name = "Constant", .infer = constant_infer, .forward = constant_forward },
  { .name = "ConstantOfShape", .since = 9, .infer = fill_infer, .forward = fill_forward },
  { NULL },
};
