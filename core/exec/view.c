/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Views: where the elements of a value lie is said with strides, and nothing is moved until somebody has to. */
#include "exec/view.h"
#include <string.h>

static gboolean
is_plain (const PareStrided *strided)
{
  gint64 stride = 1;

  for (guint i = strided->shape.rank; i-- > 0; stride *= strided->shape.dims[i])
    if (strided->shape.dims[i] != 1 && strided->strides[i] != stride)
      return FALSE;
  return strided->offset == 0;
}

/* The axes of @input that are not 1 and cannot be seen as one with the axis before. */
static void
merge_axes (const PareStrided *input, PareStrided *merged)
{
  merged->shape.rank = 0;
  for (guint i = 0; i < input->shape.rank; i++)
    {
      guint last = merged->shape.rank - 1;
      gint64 dim = input->shape.dims[i], stride = input->strides[i];
      if (dim == 1)
        continue;
      if (merged->shape.rank && merged->strides[last] == dim * stride)
        {
          merged->shape.dims[last] *= dim;
          merged->strides[last] = stride;
          continue;
        }
      merged->strides[merged->shape.rank] = stride;
      merged->shape.dims[merged->shape.rank++] = dim;
    }
}

/* The elements of @input in their order under the shape of @strided, which has as many. */
static gboolean
reshape_view (const PareStrided *input, PareStrided *strided)
{
  PareStrided merged;
  guint axis;
  gint64 left = 1;

  merge_axes (input, &merged);
  strided->offset = input->offset;
  axis = merged.shape.rank;
  for (guint i = strided->shape.rank; i-- > 0;)
    {
      gint64 dim = strided->shape.dims[i];
      if (dim > 1 && left == 1)
        {
          if (axis-- == 0)
            return FALSE;
          left = merged.shape.dims[axis];
        }
      strided->strides[i] = dim == 1 ? 1 : merged.strides[axis] * (merged.shape.dims[axis] / left);
      if (left % dim)
        return FALSE;
      left /= dim;
    }
  return left == 1 && axis == 0;
}

static gboolean
view_of (const PareInfer *infer, guint output, const PareStrided *input, PareStrided *strided)
{
  const PareOperator *op = pare_operator_of (infer->node);

  if (infer->outputs[output].type != PARE_FLOAT32 || infer->inputs[0].type != PARE_FLOAT32)
    return FALSE;
  strided->shape = infer->outputs[output].shape;
  return op->view ? op->view (infer, output, input, strided) : op->alias && reshape_view (input, strided);
}

static gboolean outputs_pay (const PareCompile *compile, const PareNode *node, const PareStrided *input);

/* Whether everybody who reads @value is fine with its elements where @strided says. */
static gboolean
pays (const PareCompile *compile, const PareValue *value, const PareStrided *strided)
{
  if (is_plain (strided))
    return TRUE;
  if (pare_compile_shows (compile, value) || !value->consumers->len)
    return FALSE;
  for (guint i = 0; i < value->consumers->len; i++)
    {
      const PareNode *reader = value->consumers->pdata[i];
      const PareOperator *op = pare_operator_of (reader);
      gboolean passes_on = op && (op->view || op->alias) && reader->inputs->pdata[0] == value;
      for (guint k = 0; k < reader->inputs->len; k++)
        if (reader->inputs->pdata[k] == value && !(k < 32 && op && op->strided_inputs >> k & 1)
            && !(passes_on && k == 0))
          return FALSE;
      if (reader->captures->len || (passes_on && !outputs_pay (compile, reader, strided)))
        return FALSE;
    }
  return TRUE;
}

static gboolean
outputs_pay (const PareCompile *compile, const PareNode *node, const PareStrided *input)
{
  g_autofree PareInfer *infer = pare_inference_describe (pare_compile_inference (compile), node);
  PareStrided strided;

  for (guint i = 0; i < node->outputs->len; i++)
    if (!node->outputs->pdata[i] || !view_of (infer, i, input, &strided)
        || !pays (compile, node->outputs->pdata[i], &strided))
      return FALSE;
  return TRUE;
}

gboolean
pare_compile_views (PareCompile *compile)
{
  const PareInfer *infer = pare_compile_infer (compile);
  const PareOperator *op = pare_operator_of (infer->node);
  PareStrided input, strided;
  PareSlot *slot;

  if (!op->view && !op->alias)
    return FALSE;
  slot = pare_compile_input_as_is (compile, 0);
  if (slot->host->data || slot->spec.type != PARE_FLOAT32 || !slot->layout
      || !pare_layout_strided (slot->layout, &input) || !pare_shape_equal (&input.shape, &infer->inputs[0].shape)
      || !outputs_pay (compile, infer->node, &input))
    return FALSE;
  for (guint i = 0; i < infer->n_outputs; i++)
    {
      g_autoptr (PareLayout) layout = NULL;
      view_of (infer, i, &input, &strided);
      layout = pare_layout_new_view (&strided);
      pare_compile_output_within (compile, i, slot, layout);
    }
  return TRUE;
}

PareSlot *
pare_compile_input_strided (PareCompile *compile, guint index, PareStrided *strided, GError **error)
{
  PareSlot *slot = pare_compile_input_as_is (compile, index);

  if (slot->layout && pare_layout_strided (slot->layout, strided)
      && pare_shape_equal (&strided->shape, &slot->spec.shape))
    return slot;
  slot = pare_compile_input (compile, index, NULL, error);
  if (slot)
    {
      *strided = (PareStrided){ .shape = slot->spec.shape };
      pare_shape_strides (&strided->shape, strided->strides);
    }
  return slot;
}

PareSlot *
pare_compile_output_for_reader (PareCompile *compile, PareStrided *strided, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  const PareValue *value = infer->node->outputs->pdata[0];
  const PareNode *reader = pare_compile_shows (compile, value) ? NULL : pare_value_only_reader (value);
  gint64 packed[PARE_MAX_RANK];
  g_autoptr (PareLayout) layout = NULL;

  strided->shape = infer->outputs[0].shape;
  strided->offset = 0;
  pare_shape_strides (&strided->shape, strided->strides);
  if (reader && pare_node_is (reader, "Transpose"))
    {
      guint last = strided->shape.rank - 1;
      g_autofree PareInfer *after = pare_inference_describe (pare_compile_inference (compile), reader);
      PareStrided axes = { .shape = strided->shape }, moved = { .shape = after->outputs[0].shape };
      /* Strides that count the axes come back as the permutation. */
      for (guint i = 0; i < axes.shape.rank; i++)
        axes.strides[i] = i;
      if (pare_operator_of (reader)->view (after, 0, &axes, &moved) && moved.strides[last] == last)
        {
          pare_shape_strides (&moved.shape, packed);
          for (guint i = 0; i < moved.shape.rank; i++)
            strided->strides[moved.strides[i]] = packed[i];
        }
    }
  layout = pare_layout_new_view (strided);
  return pare_compile_output (compile, 0, layout, error);
}
