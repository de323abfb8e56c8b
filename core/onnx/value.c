/* SPDX-License-Identifier: LGPL-2.1-or-later
 * ValueInfoProto to the fields of a PareValue and back. What those cannot say (sequences, maps, doc strings,
 * denotations) is kept verbatim in PareValue.info. */
#include "onnx/codec.h"
#include <stdlib.h>

static void
read_dimension (const Onnx__TensorShapeProto__Dimension *dimension, PareValue *value, guint axis)
{
  value->shape.dims[axis] = -1;
  if (dimension->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && dimension->dim_value >= 0)
    value->shape.dims[axis] = dimension->dim_value;
  if (dimension->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM)
    return;
  if (!value->symbols)
    value->symbols = g_new0 (char *, value->shape.rank + 1);
  value->symbols[axis] = g_strdup (dimension->dim_param);
}

static gboolean
read_type (const PareOnnxReader *reader, const Onnx__TypeProto *type, PareValue *value, GError **error)
{
  const Onnx__TensorShapeProto *shape;

  if (!type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
    return TRUE;
  if (type->tensor_type->has_elem_type && (guint)type->tensor_type->elem_type < PARE_DATA_TYPES)
    value->type = type->tensor_type->elem_type;
  shape = type->tensor_type->shape;
  if (!shape)
    return TRUE;
  if (shape->n_dim > PARE_MAX_RANK)
    return pare_onnx_error (reader, error, "Value '%s' has %" G_GSIZE_FORMAT " dimensions; at most %d are supported.",
                            value->name, shape->n_dim, PARE_MAX_RANK);
  value->has_shape = TRUE;
  value->shape.rank = shape->n_dim;
  for (guint i = 0; i < shape->n_dim; i++)
    read_dimension (shape->dim[i], value, i);
  return TRUE;
}

static Onnx__TensorShapeProto *
new_shape (const PareValue *value)
{
  Onnx__TensorShapeProto *shape = pare_onnx_unpack (&onnx__tensor_shape_proto__descriptor, NULL);

  shape->n_dim = value->shape.rank;
  shape->dim = g_new (Onnx__TensorShapeProto__Dimension *, value->shape.rank);
  for (guint i = 0; i < value->shape.rank; i++)
    {
      Onnx__TensorShapeProto__Dimension *dimension
          = pare_onnx_unpack (&onnx__tensor_shape_proto__dimension__descriptor, NULL);
      shape->dim[i] = dimension;
      if (value->shape.dims[i] >= 0)
        {
          dimension->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
          dimension->dim_value = value->shape.dims[i];
        }
      else if (value->symbols && value->symbols[i])
        {
          dimension->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
          dimension->dim_param = g_strdup (value->symbols[i]);
        }
    }
  return shape;
}

static Onnx__ValueInfoProto *
describe (const PareValue *value)
{
  Onnx__ValueInfoProto *info = pare_onnx_unpack (&onnx__value_info_proto__descriptor, NULL);

  info->name = g_strdup (value->name);
  if (value->type == PARE_UNDEFINED && !value->has_shape)
    return info;
  info->type = pare_onnx_unpack (&onnx__type_proto__descriptor, NULL);
  info->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  info->type->tensor_type = pare_onnx_unpack (&onnx__type_proto__tensor__descriptor, NULL);
  info->type->tensor_type->has_elem_type = value->type != PARE_UNDEFINED;
  info->type->tensor_type->elem_type = value->type;
  if (value->has_shape)
    info->type->tensor_type->shape = new_shape (value);
  return info;
}

Onnx__ValueInfoProto *
pare_onnx_new_value_info (const PareValue *value)
{
  Onnx__ValueInfoProto *info;

  if (!value->info)
    return describe (value);
  info = pare_onnx_unpack (&onnx__value_info_proto__descriptor, value->info);
  /* Values exchange names (pare_graph_swap_names). */
  free (info->name);
  info->name = g_strdup (value->name);
  return info;
}

gboolean
pare_onnx_read_value_info (const PareOnnxReader *reader, const Onnx__ValueInfoProto *proto, PareValue *value,
                           GError **error)
{
  g_autoptr (GBytes) original = pare_onnx_pack (&proto->base), again = NULL;
  Onnx__ValueInfoProto *twin;

  value->described = TRUE;
  /* A constant's own tensor is the better witness. */
  if (!value->constant && !read_type (reader, proto->type, value, error))
    return FALSE;
  twin = describe (value);
  again = pare_onnx_pack (&twin->base);
  onnx__value_info_proto__free_unpacked (twin, NULL);
  if (!g_bytes_equal (original, again))
    value->info = g_steal_pointer (&original);
  return TRUE;
}
