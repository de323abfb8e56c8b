/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Layers in double precision: which element of a weight belongs to which channels, and the way back into the graph. */
#include "fuse/layer.h"
#include "fuse/numbers.h"

void
pare_layer_free (PareLayer *layer)
{
  g_free (layer->weight);
  g_free (layer->bias);
  g_free (layer);
}

/* Axis 0 of a grouped weight counts the channels of all groups, the other one those of a single group. */
static gboolean
count_channels (PareLayer *layer, const PareShape *shape)
{
  const PareWeightTrait *trait = &layer->trait;

  if (shape->rank < 2 || trait->out_axis >= shape->rank || trait->in_axis >= shape->rank
      || trait->out_axis == trait->in_axis || pare_shape_elements (shape) <= 0 || trait->groups < 1
      || (trait->groups > 1 && (MIN (trait->out_axis, trait->in_axis) > 0 || shape->dims[0] % trait->groups)))
    return FALSE;
  layer->group_outputs = shape->dims[trait->out_axis] / (trait->out_axis == 0 ? trait->groups : 1);
  layer->group_inputs = shape->dims[trait->in_axis] / (trait->in_axis == 0 ? trait->groups : 1);
  layer->outputs = layer->group_outputs * trait->groups;
  layer->inputs = layer->group_inputs * trait->groups;
  return TRUE;
}

/* Convolutions know the rank of their data from the weight, Gemm takes matrices only; MatMul does not tell. */
static int
data_rank (const PareLayer *layer, const PareShape *weight)
{
  if (!layer->product)
    return weight->rank;
  return layer->trait.has_bias ? 2 : -1;
}

/* The bias is absent, or a constant with one number, or one per output channel. */
static gboolean
can_edit_bias (const PareLayer *layer)
{
  const PareValue *bias = layer->trait.has_bias ? pare_node_input (layer->node, layer->trait.bias) : NULL;
  const PareTensor *tensor = bias ? bias->constant : NULL;
  gint64 n = tensor ? pare_tensor_elements (tensor) : 0;

  if (!bias || (tensor && n == 1 && pare_data_type_is_float (tensor->type)))
    return TRUE;
  return tensor && n == layer->outputs && pare_data_type_is_float (tensor->type)
         && tensor->shape.dims[tensor->shape.rank - 1] == n;
}

/* Left until they are needed: most patterns that do not fit are known before. */
static void
load_numbers (PareLayer *layer)
{
  PareTensor *bias = layer->trait.has_bias ? pare_node_constant (layer->node, layer->trait.bias) : NULL;

  if (layer->weight)
    return;
  layer->weight = pare_numbers_read (pare_node_constant (layer->node, layer->trait.input));
  layer->bias = g_new0 (double, layer->outputs);
  if (bias)
    {
      g_autofree double *numbers = pare_numbers_read (bias);
      gboolean single = pare_tensor_elements (bias) == 1;
      for (gint64 i = 0; i < layer->outputs; i++)
        layer->bias[i] = numbers[single ? 0 : i];
    }
}

PareLayer *
pare_layer_open (PareNode *node, const char **reason)
{
  g_autoptr (PareLayer) layer = g_new0 (PareLayer, 1);
  const PareTensor *weight;

  layer->node = node;
  *reason = "the layer's weights are laid out in an unusual way";
  if (!pare_node_weight (node, &layer->trait) || layer->trait.input != 1 || !pare_node_input (node, 0)
      || !pare_node_output (node, 0) || node->outputs->len != 1)
    return NULL;
  weight = pare_node_constant (node, 1);
  layer->product = MIN (layer->trait.in_axis, layer->trait.out_axis) + 2 == weight->shape.rank;
  if (!pare_data_type_is_float (weight->type) || !count_channels (layer, &weight->shape)
      || (layer->product && weight->shape.rank != 2))
    return NULL;
  layer->rank = data_rank (layer, &weight->shape);
  *reason = "the layer's bias is no constant with one number per output channel";
  return can_edit_bias (layer) ? g_steal_pointer (&layer) : NULL;
}

/* Calls for each weight element with its output and its input channel. */
typedef void (*WeightFunc) (double *element, gint64 output, gint64 input, gpointer user_data);

static void
for_each_weight (PareLayer *layer, WeightFunc func, gpointer user_data)
{
  const PareShape *shape = &pare_node_constant (layer->node, layer->trait.input)->shape;
  gint64 strides[PARE_MAX_RANK], n = pare_shape_elements (shape);
  guint out = layer->trait.out_axis, in = layer->trait.in_axis;

  pare_shape_strides (shape, strides);
  for (gint64 i = 0; i < n; i++)
    {
      gint64 output = i / strides[out] % shape->dims[out], input = i / strides[in] % shape->dims[in];
      gint64 group = out == 0 ? output / layer->group_outputs : input / layer->group_inputs;
      if (out == 0)
        input += group * layer->group_inputs;
      else
        output += group * layer->group_outputs;
      func (&layer->weight[i], output, input, user_data);
    }
}

typedef struct
{
  gint64 n;
  const double *scale, *shift;
  double *bias;
} Affine;

static void
scale_output (double *element, gint64 output, gint64 input, gpointer user_data)
{
  const Affine *affine = user_data;

  *element *= affine->scale[affine->n == 1 ? 0 : output];
}

static void
absorb_input (double *element, gint64 output, gint64 input, gpointer user_data)
{
  const Affine *affine = user_data;
  gint64 channel = affine->n == 1 ? 0 : input;

  affine->bias[output] += *element * affine->shift[channel];
  *element *= affine->scale[channel];
}

void
pare_layer_affine_behind (PareLayer *layer, gint64 n, const double *scale, const double *shift)
{
  Affine affine = { n, scale, shift, NULL };

  load_numbers (layer);
  for_each_weight (layer, scale_output, &affine);
  for (gint64 i = 0; i < layer->outputs; i++)
    layer->bias[i] = layer->bias[i] * scale[n == 1 ? 0 : i] + shift[n == 1 ? 0 : i];
}

void
pare_layer_affine_before (PareLayer *layer, gint64 n, const double *scale, const double *shift)
{
  Affine affine = { n, scale, shift, NULL };

  load_numbers (layer);
  affine.bias = layer->bias;
  for_each_weight (layer, absorb_input, &affine);
}

static gboolean
is_zero (const double *numbers, gint64 n)
{
  while (n > 0 && numbers[n - 1] == 0)
    n--;
  return n == 0;
}

/* "conv1.weight" has its bias in "conv1.bias". */
static char *
bias_name (const PareValue *weight)
{
  const char *stem = weight->name;

  return g_str_has_suffix (stem, "weight") ? g_strdup_printf ("%.*sbias", (int)(strlen (stem) - 6), stem)
                                           : g_strconcat (stem, ".bias", NULL);
}

static void
add_bias (PareLayer *layer, const char *name, PareTensor *bias)
{
  PareNode *node = layer->node;
  PareValue *weight = pare_node_input (node, layer->trait.input);
  PareValue *value = pare_graph_add_constant (node->graph, name, bias);

  while (node->inputs->len <= layer->trait.bias)
    pare_node_add_input (node, NULL);
  pare_node_set_input (node, layer->trait.bias, value);
  if (pare_graph_is_input (node->graph, weight))
    g_ptr_array_add (node->graph->inputs, value);
}

/* A MatMul of two matrices is a Gemm, which has a place for a bias. */
static void
become_gemm (PareLayer *layer)
{
  PareNode *old = layer->node;
  PareNode *node = pare_graph_add_node (old->graph, old->domain, "Gemm", old->name, old);
  PareValue *output = pare_node_output (old, 0);

  for (guint i = 0; i < 2; i++)
    pare_node_add_input (node, pare_node_input (old, i));
  pare_graph_remove_node (old->graph, old);
  pare_node_add_output (node, output);
  layer->node = node;
  layer->trait.has_bias = TRUE;
  layer->trait.bias = 2;
}

/* The shape that the bias has, unless it is a single number for all channels. */
static PareShape
bias_shape (const PareLayer *layer)
{
  const PareTensor *old = layer->trait.has_bias ? pare_node_constant (layer->node, layer->trait.bias) : NULL;

  return old && pare_tensor_elements (old) == layer->outputs ? old->shape : pare_shape (1, &layer->outputs);
}

gboolean
pare_layer_takes_bias (const PareLayer *layer)
{
  return layer->trait.has_bias || layer->rank == 2;
}

gboolean
pare_layer_sees_shift_everywhere (const PareLayer *layer)
{
  g_autofree char *automatic = pare_node_get_string (layer->node, "auto_pad");
  guint n;
  const gint64 *pads = pare_node_get_ints (layer->node, "pads", &n);

  if (layer->product)
    return TRUE;
  if (layer->trait.in_axis < layer->trait.out_axis
      || (automatic && *automatic && g_strcmp0 (automatic, "NOTSET") && g_strcmp0 (automatic, "VALID")))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (pads[i])
      return FALSE;
  return TRUE;
}

gboolean
pare_layer_write (PareLayer *layer, gboolean *copied, const char **reason)
{
  PareTensor *old = pare_node_constant (layer->node, layer->trait.input);
  PareShape shape = bias_shape (layer);
  g_autoptr (PareTensor) weight = pare_numbers_tensor (old->type, &old->shape, layer->weight);
  g_autoptr (PareTensor) bias = pare_numbers_tensor (old->type, &shape, layer->bias);
  g_autofree char *name = bias_name (pare_node_input (layer->node, layer->trait.input));
  gboolean needs_bias = !is_zero (layer->bias, layer->outputs);

  *copied = FALSE;
  if (!weight || !bias)
    {
      *reason = "a number would be too large for the weight's element type";
      return FALSE;
    }
  if (needs_bias && !layer->trait.has_bias)
    become_gemm (layer);
  pare_numbers_write (layer->node, layer->trait.input, weight, copied);
  if (layer->trait.has_bias && pare_node_input (layer->node, layer->trait.bias))
    pare_numbers_write (layer->node, layer->trait.bias, bias, copied);
  else if (needs_bias)
    add_bias (layer, name, bias);
  return TRUE;
}
