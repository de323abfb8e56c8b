/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The changes of the standard operator set (ONNX "Operator Changelog"), versions 2 to 21. */
#include "onnx/opset.h"
#include "ops/operator.h"
#include <string.h>

static gboolean
refuse (PareNode *node, GError **error)
{
  pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, node,
                   "this old form has no counterpart in newer operator sets; export the model with a newer one.");
  return FALSE;
}

/* A node that computes input @index of @node, right before it: reads @value, has the operator and the name given. */
static PareNode *
insert_before_input (PareNode *node, guint index, const char *op_type, PareValue *value)
{
  g_autofree char *name = g_strdup_printf ("%s_%s", pare_node_label (node), op_type);
  PareNode *fresh = pare_graph_add_node (node->graph, "", op_type, name, node);
  PareValue *output = pare_graph_add_value_near (node->graph, name);

  output->type = value->type;
  pare_node_add_input (fresh, value);
  pare_node_add_output (fresh, output);
  pare_node_set_input (node, index, output);
  return fresh;
}

/* Gives input 1 @trailing more axes of size one. */
static void
append_axes (PareNode *node, guint trailing)
{
  PareValue *value = pare_node_input (node, 1);
  gint64 axes[PARE_MAX_RANK];
  PareShape shape = value->shape;

  for (guint i = 0; i < trailing; i++)
    {
      axes[i] = shape.rank;
      shape.dims[shape.rank++] = 1;
    }
  if (value->constant)
    {
      g_autoptr (PareTensor) tensor = pare_tensor_reshape (value->constant, &shape);
      pare_opset_set_constant_input (node, 1, "aligned", tensor);
      return;
    }
  pare_node_set_attribute (insert_before_input (node, 1, "Unsqueeze", value),
                           pare_attribute_new_ints ("axes", trailing, axes));
}

/* Aligns input 1 so that its first axis meets axis @axis of input 0, as NumPy's rule would not. */
static gboolean
align_second (PareNode *node, gint64 axis, GError **error)
{
  const PareValue *a = pare_node_input (node, 0), *b = pare_node_input (node, 1);
  guint first;

  if (!a || !b || !a->has_shape || !b->has_shape || !pare_axis_normalize (axis, a->shape.rank, &first)
      || first + b->shape.rank > a->shape.rank)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, node,
                       "it broadcasts along an axis, and the ranks of its inputs are not known.");
      return FALSE;
    }
  if (first + b->shape.rank < a->shape.rank)
    append_axes (node, a->shape.rank - first - b->shape.rank);
  return TRUE;
}

/* 7: broadcasting along "axis" became NumPy's. */
static gboolean
broadcast_by_position (PareNode *node, GError **error)
{
  const PareAttribute *axis = pare_node_attribute (node, "axis");

  if (axis && pare_node_get_int (node, "broadcast", 0)
      && !align_second (node, pare_node_get_int (node, "axis", 0), error))
    return FALSE;
  pare_node_remove_attribute (node, "axis");
  pare_node_remove_attribute (node, "broadcast");
  return TRUE;
}

/* 7: a slope per channel is aligned by NumPy's rule, no longer with axis 1. */
static gboolean
slope_by_position (PareNode *node, GError **error)
{
  const PareValue *slope = pare_node_input (node, 1);

  if (slope && slope->has_shape && (slope->shape.rank != 1 || slope->shape.dims[0] == 1))
    return TRUE;
  return align_second (node, 1, error);
}

static gboolean
drop_broadcast (PareNode *node, GError **error)
{
  pare_node_remove_attribute (node, "broadcast");
  return TRUE;
}

/* 6: the hint is gone. */
static gboolean
drop_consumed_inputs (PareNode *node, GError **error)
{
  pare_node_remove_attribute (node, "consumed_inputs");
  return TRUE;
}

/* 7: inference is the only mode. */
static gboolean
drop_is_test (PareNode *node, GError **error)
{
  pare_node_remove_attribute (node, "is_test");
  return TRUE;
}

static gboolean
drop_output_sequence (PareNode *node, GError **error)
{
  pare_node_remove_attribute (node, "output_sequence");
  return TRUE;
}

/* 4: the axis lost its default. */
static gboolean
concat_axis (PareNode *node, GError **error)
{
  if (!pare_node_attribute (node, "axis"))
    pare_node_set_attribute (node, pare_attribute_new_int ("axis", 1));
  return TRUE;
}

/* 6: the type is a number, no longer its name in capitals. */
static gboolean
cast_by_number (PareNode *node, GError **error)
{
  g_autofree char *name = pare_node_get_string (node, "to");
  g_autofree char *lower = name ? g_ascii_strdown (name, -1) : NULL;
  PareDataType type = PARE_UNDEFINED;

  if (!name)
    return TRUE;
  if (strcmp (lower, "float") == 0)
    type = PARE_FLOAT32;
  else if (strcmp (lower, "double") == 0)
    type = PARE_FLOAT64;
  else
    type = pare_data_type_from_name (lower);
  if (type == PARE_UNDEFINED)
    return refuse (node, error);
  pare_node_set_attribute (node, pare_attribute_new_int ("to", type));
  return TRUE;
}

/* 9: statistics are always per channel. */
static gboolean
batch_norm_spatial (PareNode *node, GError **error)
{
  if (!pare_node_get_int (node, "spatial", 1))
    return refuse (node, error);
  pare_node_remove_attribute (node, "spatial");
  return TRUE;
}

/* 14: training is an attribute, and its outputs are others. */
static gboolean
batch_norm_outputs (PareNode *node, GError **error)
{
  for (guint i = 1; i < node->outputs->len; i++)
    if (pare_node_output (node, i))
      return refuse (node, error);
  return TRUE;
}

static gboolean
change_operator (PareNode *node, const char *op_type)
{
  g_free (node->op_type);
  node->op_type = g_strdup (op_type);
  return TRUE;
}

/* 11: Scatter is named by what it does. */
static gboolean
scatter_elements (PareNode *node, GError **error)
{
  return change_operator (node, "ScatterElements");
}

/* 7: the two scales became a list. */
static gboolean
upsample_scales (PareNode *node, GError **error)
{
  return pare_node_attribute (node, "scales") ? TRUE : refuse (node, error);
}

/* 10: Upsample is the Resize of that time. */
static gboolean
upsample_to_resize (PareNode *node, GError **error)
{
  return change_operator (node, "Resize");
}

/* Version 10 rounded down when it enlarged and up when it shrank. */
static const char *
nearest_mode (const PareTensor *scales)
{
  gboolean enlarges = TRUE, shrinks = TRUE;

  for (gint64 i = 0; scales && i < pare_tensor_elements (scales); i++)
    {
      enlarges &= pare_tensor_get_double (scales, i) >= 1;
      shrinks &= pare_tensor_get_double (scales, i) <= 1;
    }
  return !scales ? NULL : enlarges ? "floor" : shrinks ? "ceil" : NULL;
}

/* 11: scales moved to input 2, and where a pixel lies became a choice. */
static gboolean
resize_coordinates (PareNode *node, GError **error)
{
  static const float none[1];
  PareShape empty = pare_shape_of (1, 0);
  g_autoptr (PareTensor) roi = pare_tensor_new_floats (&empty, none);
  g_autofree char *mode = pare_node_get_string (node, "mode");
  const char *rounding = nearest_mode (pare_node_constant (node, 1));

  if (!mode || strcmp (mode, "nearest") == 0)
    {
      if (!rounding)
        return refuse (node, error);
      pare_node_set_attribute (node, pare_attribute_new_string ("nearest_mode", rounding));
    }
  pare_node_set_attribute (node, pare_attribute_new_string ("coordinate_transformation_mode", "asymmetric"));
  pare_node_add_input (node, pare_node_input (node, 1));
  pare_opset_set_constant_input (node, 1, "roi", roi);
  return TRUE;
}

/* Flatten (axis) -> node -> Reshape (Shape (input)): the old meaning in the new operators. */
static void
normalize_flattened (PareNode *node, gint64 axis)
{
  PareGraph *graph = node->graph;
  PareValue *input = pare_node_input (node, 0), *output = pare_node_output (node, 0);
  PareValue *flat = pare_graph_add_value_near (graph, "normalized"),
            *sizes = pare_graph_add_value_near (graph, "sizes");
  PareNode *shape, *reshape;
  guint position;

  flat->type = output->type;
  sizes->type = PARE_INT64;
  pare_node_set_attribute (insert_before_input (node, 0, "Flatten", input), pare_attribute_new_int ("axis", axis));
  shape = pare_graph_add_node (graph, "", "Shape", "", node);
  pare_node_add_input (shape, input);
  pare_node_add_output (shape, sizes);
  g_ptr_array_find (graph->nodes, node, &position);
  reshape = pare_graph_add_node (graph, "", "Reshape", "",
                                 position + 1 < graph->nodes->len ? graph->nodes->pdata[position + 1] : NULL);
  output->producer = NULL;
  g_ptr_array_set_size (node->outputs, 0);
  pare_node_add_output (node, flat);
  pare_node_add_input (reshape, flat);
  pare_node_add_input (reshape, sizes);
  pare_node_add_output (reshape, output);
}

/* 13: one axis is normalised, no longer all from it on; the default went from 1 to the last. */
static gboolean
softmax_one_axis (PareNode *node, GError **error)
{
  const PareValue *input = pare_node_input (node, 0);
  gint64 axis = pare_node_get_int (node, "axis", 1);
  guint first;

  if (!input || !pare_node_output (node, 0))
    return refuse (node, error);
  if (axis != -1
      && !(input->has_shape && pare_axis_normalize (axis, input->shape.rank, &first) && first + 1 == input->shape.rank))
    normalize_flattened (node, axis);
  pare_node_set_attribute (node, pare_attribute_new_int ("axis", -1));
  return TRUE;
}

/* 16: the default of where a pixel lies changed. */
static gboolean
roi_align_coordinates (PareNode *node, GError **error)
{
  if (!pare_node_attribute (node, "coordinate_transformation_mode"))
    pare_node_set_attribute (node, pare_attribute_new_string ("coordinate_transformation_mode", "output_half_pixel"));
  return TRUE;
}

/* 18: sizes that are not given are equal, and how many there are is said. */
static gboolean
split_count (PareNode *node, GError **error)
{
  if (!pare_node_input (node, 1) && !pare_node_attribute (node, "num_outputs"))
    pare_node_set_attribute (node, pare_attribute_new_int ("num_outputs", node->outputs->len));
  return TRUE;
}

/* 20: the axis is an input, and what it is without one went from 1 to the last of the signal's. */
static gboolean
dft_axis (PareNode *node, GError **error)
{
  gint64 axis = pare_node_get_int (node, "axis", 1);
  PareShape scalar = { 0 };
  g_autoptr (PareTensor) tensor = pare_tensor_new_copy (PARE_INT64, &scalar, &axis);

  if (pare_node_input (node, 2))
    return TRUE;
  pare_opset_set_constant_input (node, 2, "axis", tensor);
  pare_node_remove_attribute (node, "axis");
  return TRUE;
}

/* 20: modes are named for any number of dimensions. */
static gboolean
grid_sample_mode (PareNode *node, GError **error)
{
  g_autofree char *mode = pare_node_get_string (node, "mode");

  if (mode && strcmp (mode, "bilinear") == 0)
    pare_node_set_attribute (node, pare_attribute_new_string ("mode", "linear"));
  if (mode && strcmp (mode, "bicubic") == 0)
    pare_node_set_attribute (node, pare_attribute_new_string ("mode", "cubic"));
  return TRUE;
}

/* Each of the numbers of constant input @index @times over. */
static gboolean
repeat_constant (PareNode *node, guint index, gint64 times)
{
  const PareTensor *tensor = pare_node_constant (node, index);
  gint64 n = tensor ? pare_tensor_elements (tensor) : 0;
  PareShape shape = { .rank = 1, .dims = { n * times } };
  g_autoptr (PareTensor) repeated = NULL;
  gsize size;
  guint8 *data;

  if (!tensor || !(size = pare_data_type_bits (tensor->type) / 8))
    return FALSE;
  data = g_malloc (MAX (size * n * times, 1));
  for (gint64 i = 0; i < n * times; i++)
    memcpy (data + i * size, (const guint8 *)pare_tensor_data (tensor) + i / times * size, size);
  repeated = pare_tensor_new_take (tensor->type, &shape, data);
  pare_opset_set_constant_input (node, index, index == 1 ? "scale" : "bias", repeated);
  return TRUE;
}

/* 21: scale and bias are per channel, no longer per group. */
static gboolean
group_norm_channels (PareNode *node, GError **error)
{
  const PareValue *x = pare_node_input (node, 0);
  gint64 groups = pare_node_get_int (node, "num_groups", 0);
  gint64 channels = x && x->has_shape && x->shape.rank > 1 ? x->shape.dims[1] : -1;

  if (groups < 1 || channels < 1 || channels % groups)
    return refuse (node, error);
  return (repeat_constant (node, 1, channels / groups) && repeat_constant (node, 2, channels / groups))
         || refuse (node, error);
}

#define ATTRIBUTE(op_type, version, attribute, input)                                                                  \
  {                                                                                                                    \
    op_type, version, attribute, input, NULL                                                                           \
  }
#define REWRITE(op_type, version, rewrite)                                                                             \
  {                                                                                                                    \
    op_type, version, NULL, 0, rewrite                                                                                 \
  }

const PareOpsetChange pare_opset_changes[] = {
  REWRITE ("Pad", 2, refuse),
  REWRITE ("Split", 2, refuse),
  REWRITE ("LpPool", 2, refuse),
  REWRITE ("GlobalLpPool", 2, refuse),
  REWRITE ("Concat", 4, concat_axis),
  ATTRIBUTE ("Reshape", 5, "shape", 1),
  REWRITE ("Reshape", 5, drop_consumed_inputs),
  REWRITE ("Abs", 6, drop_consumed_inputs),
  REWRITE ("Add", 6, drop_consumed_inputs),
  REWRITE ("BatchNormalization", 6, drop_consumed_inputs),
  REWRITE ("Cast", 6, cast_by_number),
  REWRITE ("Ceil", 6, drop_consumed_inputs),
  REWRITE ("Clip", 6, drop_consumed_inputs),
  REWRITE ("Div", 6, drop_consumed_inputs),
  REWRITE ("Dropout", 6, drop_consumed_inputs),
  REWRITE ("Elu", 6, drop_consumed_inputs),
  REWRITE ("Exp", 6, drop_consumed_inputs),
  REWRITE ("Floor", 6, drop_consumed_inputs),
  REWRITE ("HardSigmoid", 6, drop_consumed_inputs),
  REWRITE ("InstanceNormalization", 6, drop_consumed_inputs),
  REWRITE ("LeakyRelu", 6, drop_consumed_inputs),
  REWRITE ("Log", 6, drop_consumed_inputs),
  REWRITE ("Max", 6, drop_consumed_inputs),
  REWRITE ("Mean", 6, drop_consumed_inputs),
  REWRITE ("Min", 6, drop_consumed_inputs),
  REWRITE ("Mul", 6, drop_consumed_inputs),
  REWRITE ("Neg", 6, drop_consumed_inputs),
  REWRITE ("PRelu", 6, drop_consumed_inputs),
  REWRITE ("Reciprocal", 6, drop_consumed_inputs),
  REWRITE ("Relu", 6, drop_consumed_inputs),
  REWRITE ("Selu", 6, drop_consumed_inputs),
  REWRITE ("Sigmoid", 6, drop_consumed_inputs),
  REWRITE ("Sqrt", 6, drop_consumed_inputs),
  REWRITE ("Sub", 6, drop_consumed_inputs),
  REWRITE ("Sum", 6, drop_consumed_inputs),
  REWRITE ("Tanh", 6, drop_consumed_inputs),
  REWRITE ("Tile", 6, refuse),
  REWRITE ("Add", 7, broadcast_by_position),
  REWRITE ("And", 7, broadcast_by_position),
  REWRITE ("BatchNormalization", 7, drop_is_test),
  REWRITE ("Div", 7, broadcast_by_position),
  REWRITE ("Dropout", 7, drop_is_test),
  REWRITE ("Equal", 7, broadcast_by_position),
  REWRITE ("GRU", 7, drop_output_sequence),
  REWRITE ("Gemm", 7, drop_broadcast),
  REWRITE ("Greater", 7, broadcast_by_position),
  REWRITE ("LSTM", 7, drop_output_sequence),
  REWRITE ("Less", 7, broadcast_by_position),
  REWRITE ("Mul", 7, broadcast_by_position),
  REWRITE ("Or", 7, broadcast_by_position),
  REWRITE ("PRelu", 7, slope_by_position),
  REWRITE ("Pow", 7, broadcast_by_position),
  REWRITE ("RNN", 7, drop_output_sequence),
  REWRITE ("Sub", 7, broadcast_by_position),
  REWRITE ("Upsample", 7, upsample_scales),
  REWRITE ("Xor", 7, broadcast_by_position),
  REWRITE ("BatchNormalization", 9, batch_norm_spatial),
  REWRITE ("Scan", 9, refuse),
  ATTRIBUTE ("Upsample", 9, "scales", 1),
  ATTRIBUTE ("Slice", 10, "starts", 1),
  ATTRIBUTE ("Slice", 10, "ends", 2),
  ATTRIBUTE ("Slice", 10, "axes", 3),
  ATTRIBUTE ("TopK", 10, "k", 1),
  REWRITE ("Upsample", 10, upsample_to_resize),
  ATTRIBUTE ("Clip", 11, "min", 1),
  ATTRIBUTE ("Clip", 11, "max", 2),
  ATTRIBUTE ("Pad", 11, "pads", 1),
  ATTRIBUTE ("Pad", 11, "value", 2),
  REWRITE ("Resize", 11, resize_coordinates),
  REWRITE ("Scatter", 11, scatter_elements),
  ATTRIBUTE ("Dropout", 12, "ratio", 1),
  REWRITE ("Hardmax", 13, softmax_one_axis),
  REWRITE ("LogSoftmax", 13, softmax_one_axis),
  ATTRIBUTE ("ReduceSum", 13, "axes", 1),
  REWRITE ("Softmax", 13, softmax_one_axis),
  ATTRIBUTE ("Split", 13, "split", 1),
  ATTRIBUTE ("Squeeze", 13, "axes", 1),
  ATTRIBUTE ("Unsqueeze", 13, "axes", 1),
  REWRITE ("BatchNormalization", 14, batch_norm_outputs),
  REWRITE ("RoiAlign", 16, roi_align_coordinates),
  ATTRIBUTE ("ReduceL1", 18, "axes", 1),
  ATTRIBUTE ("ReduceL2", 18, "axes", 1),
  ATTRIBUTE ("ReduceLogSum", 18, "axes", 1),
  ATTRIBUTE ("ReduceLogSumExp", 18, "axes", 1),
  ATTRIBUTE ("ReduceMax", 18, "axes", 1),
  ATTRIBUTE ("ReduceMean", 18, "axes", 1),
  ATTRIBUTE ("ReduceMin", 18, "axes", 1),
  ATTRIBUTE ("ReduceProd", 18, "axes", 1),
  ATTRIBUTE ("ReduceSumSquare", 18, "axes", 1),
  REWRITE ("Split", 18, split_count),
  REWRITE ("DFT", 20, dft_axis),
  REWRITE ("GridSample", 20, grid_sample_mode),
  REWRITE ("GroupNormalization", 21, group_norm_channels),
  { NULL },
};
