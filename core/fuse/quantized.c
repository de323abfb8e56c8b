/* SPDX-License-Identifier: LGPL-2.1-or-later
 * An affine node behind a layer whose weights are quantized: k (s q x + b) + t = (|k| s) (sign (k) q) x + (k b + t).
 * Training found the integers q, and they are kept. */
#include "fuse/quantized.h"
#include "fuse/numbers.h"
#include "quantize/bias.h"
#include "quantize/pair.h"
#include <float.h>
#include <math.h>

#define PER_CHANNEL_OPSET 13

typedef struct
{
  PareNode *node;
  PareWeightTrait trait;
  ParePair pair;
  gboolean product; /* of matrices: channels are the last axis of its data, else axis 1 */
  gint64 outputs;
} Quantized;

static gboolean
open_quantized (PareNode *node, Quantized *layer)
{
  const PareOperator *op = pare_operator_of (node);
  const PareValue *weight;
  guint rank;

  layer->node = node;
  if (!op || !op->weight || !op->weight (node, &layer->trait) || !layer->trait.has_bias)
    return FALSE;
  weight = pare_node_input (node, layer->trait.input);
  if (!weight || !weight->producer || !pare_pair_read (weight->producer, &layer->pair) || !layer->pair.input->constant)
    return FALSE;
  rank = layer->pair.input->constant->shape.rank;
  layer->product = rank == 2;
  if (rank < 2 || layer->trait.out_axis >= rank || layer->pair.block_size
      || (layer->pair.axis >= 0 && layer->pair.axis != (int)layer->trait.out_axis))
    return FALSE;
  layer->outputs = layer->pair.input->constant->shape.dims[layer->trait.out_axis];
  return layer->trait.out_axis == 0 || layer->trait.groups == 1;
}

gboolean
pare_layer_is_quantized (PareNode *node)
{
  Quantized layer;

  return open_quantized (node, &layer);
}

static gboolean
fits_channels (const Quantized *layer, const PareAffine *affine)
{
  guint rank = layer->pair.input->constant->shape.rank;

  if (affine->least_rank > rank || (affine->n > 1 && affine->n != layer->outputs))
    return FALSE;
  return affine->n == 1 || (affine->from_end ? affine->axis + (layer->product ? 1 : 2) == rank : affine->axis == 1);
}

/* The bias as numbers: constant, or an int32 constant behind DequantizeLinear. NULL when it is computed. */
static double *
read_bias (const Quantized *layer)
{
  PareValue *value = pare_node_input (layer->node, layer->trait.bias);
  PareNode *producer = value ? value->producer : NULL;
  g_autoptr (PareTensor) bias = NULL;
  double *numbers = NULL;

  if (!value)
    return g_new0 (double, MAX (layer->outputs, 1));
  if (value->constant)
    bias = pare_tensor_ref (value->constant);
  else if (producer && pare_node_is (producer, "DequantizeLinear") && pare_node_constant (producer, 0)
           && pare_node_constant (producer, 1))
    {
      PareTensor *inputs[3]
          = { pare_node_constant (producer, 0), pare_node_constant (producer, 1), pare_node_constant (producer, 2) };
      if (!pare_evaluate_node (producer, inputs, &bias, NULL))
        return NULL;
    }
  if (bias && pare_tensor_elements (bias) == layer->outputs)
    numbers = pare_numbers_read (bias);
  return numbers;
}

static double
factor_of (const PareAffine *affine, gint64 c)
{
  return affine->scale[affine->n == 1 ? 0 : c];
}

static double
shift_of (const PareAffine *affine, gint64 c)
{
  return affine->shift[affine->n == 1 ? 0 : c];
}

/* The numbers of a layer on the way to their new grid. */
typedef struct
{
  const Quantized *layer;
  const PareAffine *affine;
  double *weight; /* float weights, or the integers */
  double *bias;
  float *scales;  /* new, per channel */
  double *ratios; /* of integers after and before: 1 or -1, mostly */
  gint32 *zero_points;
} Rescale;

/* Of the element at @i: what it becomes. FALSE when the integer of the other sign is not on the grid. */
static gboolean
rescale_element (const Rescale *rescale, gint64 i, gint64 c)
{
  const ParePair *pair = &rescale->layer->pair;
  gint64 index = pair->axis < 0 ? 0 : c;
  float old = pare_tensor_get_double (pair->scale->constant, index);
  gint32 zero = rescale->zero_points[c];
  double number = rescale->weight[i], target, integer = number;

  if (pair->quantize)
    integer = CLAMP (rint ((float)number / old) + zero, pair->lowest, pair->highest);
  target = zero + rint ((integer - zero) * rescale->ratios[c]);
  if (target < pair->lowest || target > pair->highest)
    return FALSE;
  if (!pair->quantize)
    {
      rescale->weight[i] = target;
      return TRUE;
    }
  /* The float behind the integer moves along, and where that rounds to its neighbour, to the integer itself. */
  number = (float)(number * factor_of (rescale->affine, c));
  if (CLAMP (rint ((float)number / rescale->scales[c]) + zero, pair->lowest, pair->highest) != target)
    number = (target - zero) * rescale->scales[c];
  rescale->weight[i] = number;
  return TRUE;
}

static gboolean
rescale (const Rescale *rescale)
{
  const PareShape *shape = &rescale->layer->pair.input->constant->shape;
  guint axis = rescale->layer->trait.out_axis;
  gint64 inner = pare_shape_span (shape, axis + 1, shape->rank);

  for (gint64 i = 0; i < pare_shape_elements (shape); i++)
    if (!rescale_element (rescale, i, i / inner % shape->dims[axis]))
      return FALSE;
  return TRUE;
}

/* Scales with which biases fit 32 bits; NULL when the layer's data is not quantized. */
static float *
find_floors (const Rescale *rescale)
{
  const PareValue *data = pare_node_input (rescale->layer->node, 0);
  g_autoptr (PareTensor) bias = NULL;
  PareShape channels = pare_shape (1, &rescale->layer->outputs);
  ParePair pair;

  if (!data || !data->producer || !pare_pair_read (data->producer, &pair) || pair.axis >= 0
      || !(bias = pare_numbers_tensor (PARE_FLOAT32, &channels, rescale->bias)))
    return NULL;
  return pare_bias_floors (bias, rescale->layer->outputs, pare_tensor_get_double (pair.scale->constant, 0));
}

/* Scales times factors. A channel that is nearly or wholly switched off keeps a scale that its bias can be counted in,
 * and its integers become small or zero. */
static gboolean
new_grid (const Rescale *rescale)
{
  const ParePair *pair = &rescale->layer->pair;
  g_autofree float *floors = find_floors (rescale);

  for (gint64 c = 0; c < rescale->layer->outputs; c++)
    {
      gint64 index = pair->axis < 0 ? 0 : c;
      double factor = factor_of (rescale->affine, c);
      double old = pare_tensor_get_double (pair->scale->constant, index);
      float floor = floors ? floors[c] : FLT_MIN;
      rescale->scales[c] = pare_scale_fold (old, factor, floor);
      rescale->ratios[c] = rescale->scales[c] > (float)(old * fabs (factor)) ? old * factor / rescale->scales[c]
                                                                             : (factor > 0) - (factor < 0);
      rescale->zero_points[c] = pair->zero_point ? pare_tensor_get_int (pair->zero_point->constant, index) : 0;
      if (!isfinite (rescale->scales[c]) || !(rescale->scales[c] > 0))
        return FALSE;
    }
  return TRUE;
}

static PareValue *
add_numbers (PareGraph *graph, const char *stem, const char *suffix, PareDataType type, const PareShape *shape,
             PareDataType from, gconstpointer numbers)
{
  gint64 n = pare_shape_elements (shape);
  g_autofree char *name = g_strconcat (stem, suffix, NULL);
  gpointer data = g_malloc (MAX (pare_data_size (type, n), 1));
  g_autoptr (PareTensor) tensor = NULL;

  g_assert (pare_convert (from, numbers, type, data, n));
  tensor = pare_tensor_new_take (type, shape, data);
  return pare_graph_add_constant (graph, name, tensor);
}

/* Takes away the old pair, as far as nobody else reads it. */
static void
remove_pair (PareGraph *graph, const ParePair *pair)
{
  PareNode *nodes[] = { pair->dequantize, pair->clip, pair->quantize };

  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    if (nodes[i] && !((PareValue *)nodes[i]->outputs->pdata[0])->consumers->len)
      pare_graph_remove_node (graph, nodes[i]);
}

static void
put_weight (PareGraph *graph, const Rescale *rescale)
{
  const Quantized *layer = rescale->layer;
  const ParePair *pair = &layer->pair;
  const PareTensor *old = pair->input->constant;
  PareShape channels = pare_shape (1, &layer->outputs);
  const char *stem = pair->input->name;
  PareValue *weight = add_numbers (graph, stem, "", old->type, &old->shape, PARE_FLOAT64, rescale->weight);
  ParePairGrid grid
      = { add_numbers (graph, stem, "_scale", PARE_FLOAT32, &channels, PARE_FLOAT32, rescale->scales),
          add_numbers (graph, stem, "_zero_point", pair->type, &channels, PARE_INT32, rescale->zero_points),
          pair->lowest, pair->highest, layer->trait.out_axis };
  g_autofree char *name = g_strconcat (stem, "_dequantized", NULL);
  PareValue *output = pare_graph_add_value_near (graph, name);

  if (pair->quantize)
    pare_pair_insert (graph, weight, layer->node, &grid, output);
  else
    pare_pair_insert_stored (graph, weight, layer->node, &grid, output);
  pare_node_set_input (layer->node, layer->trait.input, output);
  remove_pair (graph, pair);
}

static void
put_bias (PareGraph *graph, const Rescale *rescale)
{
  const Quantized *layer = rescale->layer;
  PareShape channels = pare_shape (1, &layer->outputs);
  g_autofree char *stem = g_strconcat (layer->pair.input->name, "_bias", NULL);
  PareValue *old = pare_node_input (layer->node, layer->trait.bias);

  while (layer->node->inputs->len <= layer->trait.bias)
    pare_node_add_input (layer->node, NULL);
  pare_node_set_input (
      layer->node, layer->trait.bias,
      add_numbers (graph, old ? old->name : stem, "", PARE_FLOAT32, &channels, PARE_FLOAT64, rescale->bias));
  if (old && old->producer && !old->consumers->len)
    pare_graph_remove_node (graph, old->producer);
}

static gboolean
leave (PareFuse *fuse, const PareNode *node, const PareNode *layer, const char *reason)
{
  pare_fuse_leave (fuse, node, "Not fused with '%s' before it: %s.", pare_node_label (layer), reason);
  return FALSE;
}

gboolean
pare_absorb_behind_quantized (PareFuse *fuse, PareNode *node, const PareAffine *affine)
{
  PareGraph *graph = pare_fuse_graph (fuse);
  PareNode *producer = affine->data->producer;
  PareValue *output = pare_node_output (node, 0);
  g_autofree char *action = g_strdup_printf ("fused %s", node->op_type);
  g_autofree double *weight = NULL, *bias = NULL, *ratios = NULL;
  g_autofree float *scales = NULL;
  g_autofree gint32 *zero_points = NULL;
  Quantized layer;
  Rescale work;

  if (!open_quantized (producer, &layer) || !fits_channels (&layer, affine))
    return FALSE;
  if (pare_value_only_consumer (affine->data) != node || layer.pair.output->consumers->len != 1)
    return leave (fuse, node, producer, "its result or its weight is also read elsewhere");
  if (pare_graph_opset (graph, "") < PER_CHANNEL_OPSET)
    return leave (fuse, node, producer, "scales per channel need operator set 13: raise it first");
  bias = read_bias (&layer);
  weight = pare_numbers_read (layer.pair.input->constant);
  scales = g_new (float, MAX (layer.outputs, 1));
  ratios = g_new (double, MAX (layer.outputs, 1));
  zero_points = g_new (gint32, MAX (layer.outputs, 1));
  work = (Rescale){ &layer, affine, weight, bias, scales, ratios, zero_points };
  if (!bias)
    return leave (fuse, node, producer, "its bias is no constant with one number per output channel");
  for (gint64 c = 0; c < layer.outputs; c++)
    bias[c] = bias[c] * factor_of (affine, c) + shift_of (affine, c);
  if (!new_grid (&work) || !rescale (&work))
    return leave (fuse, node, producer, "a quantized weight would leave its grid");
  put_weight (graph, &work);
  put_bias (graph, &work);
  pare_graph_remove_node (graph, node);
  pare_node_set_output (producer, 0, output);
  pare_node_round_bias (producer); /* as every form stores it */
  pare_record_add (graph->record, "graphfuser", pare_node_label (producer), action, "its integers were kept",
                   "channels", (double)layer.outputs, NULL);
  return TRUE;
}
