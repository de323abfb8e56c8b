/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Which layers can be decomposed, and what the factors would cost to run. */
#include "decompose/layer.h"

static gboolean
is_shared (const PareNode *node, const PareWeightTrait *trait)
{
  return pare_node_input (node, trait->input)->consumers->len > 1;
}

/* Why the layer must stay whole; NULL when nothing speaks against it. */
static const char *
find_objection (const PareNode *node, const PareDecomposable *layer)
{
  PareSparsityMode sparsity = pare_node_input (node, layer->matrix.trait.input)->sparsity.mode;

  if (sparsity == PARE_SPARSITY_N_OF_M)
    return "its weight is sparse, and factors would not be";
  if (is_shared (node, &layer->matrix.trait))
    return "it shares its weight with another layer";
  if (pare_node_attribute (node, "output_shape"))
    return "its output_shape does not say how factors would pad";
  return NULL;
}

static const char *
find_weight_objection (const PareNode *node)
{
  PareWeightTrait trait;
  const PareOperator *op = pare_operator_of (node);

  if (!op || !op->weight)
    return NULL;
  if (!pare_node_weight (node, &trait))
    return "its weight is no constant in a usual place";
  return pare_node_constant (node, trait.input)->type != PARE_FLOAT32 ? "its weight is not float32"
                                                                      : "its weight has no usual shape";
}

static gboolean
find_shapes (PareDecomposable *layer, const PareInference *inference)
{
  const PareSpec *x = pare_inference_spec (inference, pare_node_input (layer->node, 0));
  const PareSpec *y = pare_inference_spec (inference, pare_node_output (layer->node, 0));

  if (!x || !y)
    return FALSE;
  layer->x = x->shape;
  layer->y = y->shape;
  layer->macs = pare_inference_macs (inference, layer->node);
  return TRUE;
}

PareDecomposable *
pare_decomposable_new (PareNode *node, const PareInference *inference, char **reason)
{
  g_autoptr (PareDecomposable) layer = g_new0 (PareDecomposable, 1);
  const char *objection;

  layer->node = node;
  objection
      = pare_layer_matrix_init (&layer->matrix, node) ? find_objection (node, layer) : find_weight_objection (node);
  if (!objection && layer->matrix.columns == 0)
    return NULL;
  if (!objection && !find_shapes (layer, inference))
    objection = "the shapes of its data are not known";
  if (objection)
    {
      *reason = g_strdup (objection);
      return NULL;
    }
  layer->shape = pare_kernel_shape (&layer->matrix);
  return g_steal_pointer (&layer);
}

void
pare_decomposable_free (PareDecomposable *layer)
{
  g_free (layer);
}

PareLayerMatrix
pare_decomposable_factor (const PareDecomposable *layer, const PareFactor *factor)
{
  PareLayerMatrix matrix = layer->matrix;
  const PareWeightTrait *trait = &matrix.trait;

  matrix.outputs = factor->outputs;
  matrix.inputs = factor->inputs;
  matrix.taps = factor->taps;
  matrix.columns = matrix.inputs * matrix.taps;
  matrix.shape.dims[trait->out_axis] = matrix.outputs * (trait->out_axis == 0 ? matrix.groups : 1);
  matrix.shape.dims[trait->in_axis] = matrix.inputs * (trait->in_axis == 0 ? matrix.groups : 1);
  for (guint axis = 2; axis < matrix.shape.rank; axis++)
    if (!factor->keeps[axis - 2])
      matrix.shape.dims[axis] = 1;
  return matrix;
}

/* What a factor turns data of @x into. */
static PareShape
factor_result (const PareDecomposable *layer, const PareFactor *factor, const PareShape *x)
{
  guint channels = layer->matrix.trait.channels_last ? x->rank - 1 : 1;
  PareShape y = *x;

  y.dims[channels] = factor->outputs * layer->matrix.groups;
  for (int axis = 0; axis < layer->shape.axes; axis++)
    if (factor->keeps[axis])
      y.dims[2 + axis] = layer->y.dims[2 + axis];
  return y;
}

guint64
pare_decomposable_macs (const PareDecomposable *layer, guint n, const PareFactor *factors)
{
  const PareOperator *op = pare_operator_of (layer->node);
  PareShape x = layer->x;
  guint64 macs = 0;

  for (guint f = 0; f < n; f++)
    {
      PareSpec inputs[2] = { { PARE_FLOAT32, x } }, output = { PARE_FLOAT32 };
      PareTensor *constants[2] = { NULL };
      PareInfer infer = { layer->node, 1, 2, inputs, constants, 1, &output };
      inputs[layer->matrix.trait.input].type = PARE_FLOAT32;
      inputs[layer->matrix.trait.input].shape = pare_decomposable_factor (layer, &factors[f]).shape;
      output.shape = factor_result (layer, &factors[f], &x);
      macs += op->macs (&infer);
      x = output.shape;
    }
  return macs;
}
