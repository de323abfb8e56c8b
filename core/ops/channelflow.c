/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How channels pass through the common kinds of operators: functions of elements, joins, windows and weighted layers.
 */
#include "sparsify/channels.h"

void
pare_channels_same (PareChannelWalk *channels)
{
  const PareInfer *infer = pare_channels_infer (channels);

  for (guint axis = 0; axis < infer->inputs[0].shape.rank; axis++)
    for (guint o = 0; o < infer->n_outputs; o++)
      pare_channels_give (channels, o, axis, pare_channels_along (channels, 0, axis));
}

/* The axis of input @input that meets axis @axis of output 0 with its full size; -1 when it is broadcast there. */
static gint
meeting_axis (const PareInfer *infer, guint input, guint axis)
{
  const PareShape *from = &infer->inputs[input].shape, *to = &infer->outputs[0].shape;
  gint own = (gint)(from->rank + axis) - (gint)to->rank;

  return infer->inputs[input].type != PARE_UNDEFINED && own >= 0 && from->dims[own] == to->dims[axis] ? own : -1;
}

static const guint *
first_along (const PareChannelWalk *channels, guint axis)
{
  const PareInfer *infer = pare_channels_infer (channels);
  const guint *along = NULL;

  for (guint i = 0; i < infer->n_inputs && !along; i++)
    {
      gint own = meeting_axis (infer, i, axis);
      along = own >= 0 ? pare_channels_along (channels, i, own) : NULL;
    }
  return along;
}

/* Input @input meets the channels @along with its axis @axis. */
static void
join_input (PareChannelWalk *channels, guint input, guint axis, guint n, const guint *along)
{
  const guint *other = pare_channels_along (channels, input, axis);

  if (other)
    for (guint i = 0; i < n; i++)
      pare_channels_tie (channels, along[i], other[i]);
  else if (pare_channels_infer (channels)->constants[input])
    pare_channels_slice (channels, PARE_CHANNELS_CARRIED, input, axis, n, along);
  else
    pare_channels_keep (channels, n, along, ", which joins them with what cannot shrink");
}

void
pare_channels_meet (PareChannelWalk *channels, guint axis)
{
  const PareInfer *infer = pare_channels_infer (channels);
  const guint *along = first_along (channels, axis);
  guint n = infer->outputs[0].shape.dims[axis];

  for (guint i = 0; along && i < infer->n_inputs; i++)
    {
      gint own = meeting_axis (infer, i, axis);
      if (own >= 0)
        join_input (channels, i, own, n, along);
    }
  pare_channels_give (channels, 0, axis, along);
}

void
pare_channels_join (PareChannelWalk *channels)
{
  for (guint axis = 0; axis < pare_channels_infer (channels)->outputs[0].shape.rank; axis++)
    pare_channels_meet (channels, axis);
}

/* Passes axes before @passing and blocks those behind; @skipped is somebody else's. */
static void
pass_axes (PareChannelWalk *channels, guint passing, guint skipped)
{
  const PareShape *from = &pare_channels_infer (channels)->inputs[0].shape;

  for (guint axis = 0; axis < from->rank; axis++)
    {
      const guint *along = axis == skipped ? NULL : pare_channels_along (channels, 0, axis);
      if (along && axis < passing)
        pare_channels_give (channels, 0, axis, along);
      else if (along)
        pare_channels_keep (channels, from->dims[axis], along, ", which mixes them");
    }
}

void
pare_channels_carry (PareChannelWalk *channels, guint first, guint last)
{
  const PareInfer *infer = pare_channels_infer (channels);
  const guint *along = pare_channels_along (channels, 0, 1);

  for (guint i = first; along && i <= last && i < infer->n_inputs; i++)
    if (infer->constants[i])
      pare_channels_slice (channels, PARE_CHANNELS_CARRIED, i, 0, infer->inputs[0].shape.dims[1], along);
    else
      pare_channels_keep (channels, infer->inputs[0].shape.dims[1], along, ", whose parameters are not constant");
}

void
pare_channels_window (PareChannelWalk *channels)
{
  const PareNode *node = pare_channels_infer (channels)->node;

  if (pare_node_output (node, 1))
    pare_channels_block (channels, 0, ", which gives indices");
  pass_axes (channels, 2, G_MAXUINT);
}

/* A layer with a weight and the channels on both its sides. */
typedef struct
{
  PareWeightTrait trait;
  guint n_in, n_out;
  const guint *in; /* NULL: they cannot shrink */
  const guint *out;
} Weighted;

/* Groups lose the same channels, each: those of the first are tied to those of all others. */
static void
tie_across (PareChannelWalk *channels, guint n, guint groups, const guint *along)
{
  guint size = n / groups;

  for (guint i = size; i < n; i++)
    pare_channels_tie (channels, along[i % size], along[i]);
}

/* Groups go as a whole, inputs with outputs. */
static void
tie_within (PareChannelWalk *channels, const Weighted *layer)
{
  guint groups = layer->trait.groups;

  for (guint g = 0; g < groups; g++)
    {
      guint first = layer->out[g * (layer->n_out / groups)];
      for (guint i = 0; i < layer->n_out / groups; i++)
        pare_channels_tie (channels, first, layer->out[g * (layer->n_out / groups) + i]);
      for (guint i = 0; i < layer->n_in / groups; i++)
        pare_channels_tie (channels, first, layer->in[g * (layer->n_in / groups) + i]);
    }
}

static void
dense_layer (PareChannelWalk *channels, const Weighted *layer)
{
  const PareWeightTrait *trait = &layer->trait;

  if (layer->in)
    pare_channels_slice (channels, PARE_CHANNELS_CONSUMED, trait->input, trait->in_axis, layer->n_in, layer->in);
  pare_channels_slice (channels, PARE_CHANNELS_PRODUCED, trait->input, trait->out_axis, layer->n_out, layer->out);
}

/* Axis 0 of the weight goes through the channels of all groups, axis 1 through those of one. */
static void
grouped_layer (PareChannelWalk *channels, const Weighted *layer)
{
  const PareWeightTrait *trait = &layer->trait;
  guint groups = trait->groups, in_size = layer->n_in / groups, out_size = layer->n_out / groups;
  gboolean out_first = trait->out_axis == 0;
  const guint *first = out_first ? layer->out : layer->in;
  guint n_first = out_first ? layer->n_out : layer->n_in;

  if (!layer->in)
    {
      if (out_first)
        pare_channels_slice (channels, PARE_CHANNELS_PRODUCED, trait->input, 0, n_first, first);
      pare_channels_keep (channels, layer->n_out, layer->out, ", whose input cannot shrink");
      return;
    }
  if (MIN (in_size, out_size) > groups)
    {
      tie_across (channels, layer->n_in, groups, layer->in);
      tie_across (channels, layer->n_out, groups, layer->out);
      pare_channels_slice (channels, PARE_CHANNELS_CONSUMED, trait->input, trait->in_axis,
                           out_first ? in_size : layer->n_in, layer->in);
      pare_channels_slice (channels, PARE_CHANNELS_PRODUCED, trait->input, trait->out_axis,
                           out_first ? layer->n_out : out_size, layer->out);
      return;
    }
  tie_within (channels, layer);
  pare_channels_slice (channels, in_size == 1 ? PARE_CHANNELS_CARRIED : PARE_CHANNELS_PRODUCED, trait->input, 0,
                       n_first, first);
  pare_channels_count_attribute (channels, "group", 0, out_size, layer->n_out, layer->out);
}

static void
layer_bias (PareChannelWalk *channels, const Weighted *layer)
{
  const PareInfer *infer = pare_channels_infer (channels);
  guint input = layer->trait.bias;
  const PareShape *shape;

  if (!layer->trait.has_bias || !pare_node_input (infer->node, input))
    return;
  shape = &infer->inputs[input].shape;
  if (!infer->constants[input])
    pare_channels_keep (channels, layer->n_out, layer->out, ", whose bias is not constant");
  else if (shape->rank > 0 && shape->dims[shape->rank - 1] == layer->n_out)
    pare_channels_slice (channels, PARE_CHANNELS_CARRIED, input, shape->rank - 1, layer->n_out, layer->out);
}

/* Attention, quantized layers, layouts that have no trait. */
static void
block_all (PareChannelWalk *channels)
{
  const PareInfer *infer = pare_channels_infer (channels);
  gboolean constant = infer->n_inputs > 1 && infer->constants[1];

  for (guint i = 0; i < infer->n_inputs; i++)
    pare_channels_block (channels, i,
                         constant ? ", whose weight is not a plain constant" : ", which multiplies activations");
}

void
pare_channels_weighted (PareChannelWalk *channels, guint axis)
{
  const PareInfer *infer = pare_channels_infer (channels);
  Weighted layer = { .n_in = infer->inputs[0].shape.dims[axis], .n_out = infer->outputs[0].shape.dims[axis] };
  const PareValue *weight;

  if (!pare_node_weight (infer->node, &layer.trait))
    {
      block_all (channels);
      return;
    }
  layer.in = pare_channels_along (channels, 0, axis);
  layer.out = pare_channels_create (channels, layer.n_out);
  weight = pare_node_input (infer->node, layer.trait.input);
  if (weight->consumers->len > 1 || pare_graph_is_output (infer->node->graph, weight))
    {
      pare_channels_block (channels, 0, ", whose weight others read too");
      pare_channels_keep (channels, layer.n_out, layer.out, ", whose weight others read too");
    }
  pass_axes (channels, axis, axis);
  if (layer.trait.groups > 1)
    grouped_layer (channels, &layer);
  else
    dense_layer (channels, &layer);
  layer_bias (channels, &layer);
  pare_channels_give (channels, 0, axis, layer.out);
}
