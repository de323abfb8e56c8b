/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Finds the channels that can be rescaled together: from each layer's result on, forwards and backwards, through all
 * that factors pass. */
#include "equalize/route.h"
#include "equalize/scalegroup-private.h"
#include "fuse/layer.h"
#include "ops/operator.h"
#include <string.h>

/* One group on its way. */
typedef struct
{
  PareScaleGroup *group;
  const PareInference *inference;
  GHashTable *nodes; /* those that were passed */
  GHashTable *taken; /* values of any group */
} Flow;

G_GNUC_PRINTF (2, 3) static void block (Flow *flow, const char *format, ...)
{
  va_list arguments;

  if (flow->group->reason)
    return;
  va_start (arguments, format);
  flow->group->reason = g_strdup_vprintf (format, arguments);
  va_end (arguments);
}

static const PareShape *
shape_of (const Flow *flow, const PareValue *value)
{
  const PareSpec *spec = pare_inference_spec (flow->inference, value);

  return spec && spec->shape.rank ? &spec->shape : NULL;
}

/* Axis @axis of a value of @rank axes where broadcasting lays it over one of @to axes; -1: before its first one. */
static gint
align (guint axis, guint rank, guint to)
{
  return (gint)axis + (gint)to - (gint)rank;
}

/* @value's channels belong to the group, too. */
static const PareScaledValue *
reach (Flow *flow, PareValue *value, gint axis, guint n, guint *channels)
{
  const PareScaledValue *known = pare_scale_group_find (flow->group, value->name);
  const PareShape *shape = shape_of (flow, value);

  if (!shape || axis < 0 || axis >= (gint)shape->rank || shape->dims[axis] != n)
    block (flow, "the channels of '%s' are not those of what it is joined with", value->name);
  else if (known)
    {
      if (known->axis != (guint)axis || memcmp (known->channels, channels, n * sizeof *channels))
        block (flow, "'%s' holds the channels in two orders", value->name);
      return known;
    }
  else if (!g_hash_table_add (flow->taken, value))
    block (flow, "'%s' belongs to other channels, too", value->name);
  else
    return pare_scale_group_add_value (flow->group, &(PareScaledValue){ value, shape->rank, (guint)axis, n, channels });
  return NULL;
}

/* Through a function that leaves every axis where it is. */
static void
pass (Flow *flow, PareNode *node, const PareScaledValue *from)
{
  PareValue *ends[] = { pare_node_input (node, 0), pare_node_output (node, 0) };
  const PareShape *shape = shape_of (flow, from->value);

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      const PareShape *to = ends[i] ? shape_of (flow, ends[i]) : NULL;
      if (ends[i] == from->value)
        continue;
      if (to)
        reach (flow, ends[i], align (from->axis, shape->rank, to->rank), from->n, from->channels);
      else
        block (flow, "the shape of what '%s' (%s) reads is not known", pare_node_label (node), node->op_type);
    }
}

/* Through a sum or the like: all that meets there has the same factors. */
static void
join (Flow *flow, PareNode *node, const PareScaledValue *from)
{
  const PareShape *shape = shape_of (flow, from->value);
  PareValue *output = pare_node_output (node, 0);
  const PareShape *whole = shape_of (flow, output);
  const PareScaledValue *at
      = whole ? reach (flow, output, align (from->axis, shape->rank, whole->rank), from->n, from->channels) : NULL;

  if (!whole)
    block (flow, "the shape of '%s' is not known", output->name);
  for (guint i = 0; at && i < node->inputs->len; i++)
    {
      PareValue *input = pare_node_input (node, i);
      const PareShape *own = input ? shape_of (flow, input) : NULL;
      if (input && input->constant)
        pare_scale_group_add_part (flow->group, PARE_SCALED_CONSTANT, node, i, at);
      else if (own)
        reach (flow, input, align (at->axis, whole->rank, own->rank), at->n, at->channels);
      else
        block (flow, "'%s' (%s) joins them with a number that is not constant", pare_node_label (node), node->op_type);
    }
}

static void
move_on (Flow *flow, PareNode *node, const PareScaledValue *from)
{
  for (guint i = 0; i < node->outputs->len; i++)
    {
      PareValue *output = pare_node_output (node, i);
      guint axis;
      g_autofree guint *sources = output ? pare_route_axis (flow->inference, node, from->axis, i, &axis) : NULL;
      g_autofree guint *channels = NULL;
      const PareShape *shape = sources ? shape_of (flow, output) : NULL;
      if (!output)
        continue;
      if (!shape)
        {
          block (flow, "'%s' (%s) mixes them with what lies beside", pare_node_label (node), node->op_type);
          return;
        }
      channels = g_new (guint, shape->dims[axis]);
      for (gint64 k = 0; k < shape->dims[axis]; k++)
        channels[k] = from->channels[sources[k]];
      reach (flow, output, axis, shape->dims[axis], channels);
    }
}

/* The channels of an input of @n whose index sources[k] went to where channel known[k] is; FALSE when not all of them
 * are told of, or one twice and differently. */
static gboolean
trace_back (guint n_known, const guint *known, const guint *sources, guint n, guint *channels)
{
  for (guint i = 0; i < n; i++)
    channels[i] = G_MAXUINT;
  for (guint k = 0; k < n_known; k++)
    if (channels[sources[k]] != G_MAXUINT && channels[sources[k]] != known[k])
      return FALSE;
    else
      channels[sources[k]] = known[k];
  for (guint i = 0; i < n; i++)
    if (channels[i] == G_MAXUINT)
      return FALSE;
  return TRUE;
}

static void
move_back (Flow *flow, PareNode *node, const PareScaledValue *to)
{
  PareValue *input = pare_node_input (node, 0);
  const PareShape *shape = input ? shape_of (flow, input) : NULL;
  guint output = 0;

  g_ptr_array_find (node->outputs, to->value, &output);
  for (guint axis = 0; shape && axis < shape->rank; axis++)
    {
      guint target;
      g_autofree guint *sources
          = shape->dims[axis] > 1 ? pare_route_axis (flow->inference, node, axis, output, &target) : NULL;
      g_autofree guint *channels = g_new (guint, shape->dims[axis] + 1);
      if (sources && target == to->axis
          && trace_back (to->n, to->channels, sources, (guint)shape->dims[axis], channels))
        {
          reach (flow, input, (gint)axis, (guint)shape->dims[axis], channels);
          return;
        }
    }
  block (flow, "'%s' (%s) mixes them with what lies beside", pare_node_label (node), node->op_type);
}

static gboolean
is_clip (const PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);
  PareEltwise eltwise;

  return op && op->eltwise && op->eltwise (node, &eltwise) && eltwise.kind == PARE_ELTWISE_CLIP;
}

static gboolean
read_affine (const PareNode *node, PareAffineTrait *affine)
{
  const PareOperator *op = pare_operator_of (node);

  return op && op->affine && op->affine (node, affine) && pare_node_constant (node, affine->scale)
         && (!pare_node_input (node, affine->shift) || pare_node_constant (node, affine->shift));
}

/* Operators of old said how to broadcast in attributes. */
static PareFactors
factors_of (const PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);

  if (!op
      || (node->inputs->len > 1 && pare_graph_opset (node->graph, node->domain) < 7
          && op->factors != PARE_FACTORS_MOVE))
    return PARE_FACTORS_STOP;
  return op->factors;
}

/* @node reads or computes @at, and is no layer: what else it reads and computes is in the group with it. FALSE when
 * factors do not pass. */
static gboolean
go_through (Flow *flow, PareNode *node, const PareScaledValue *at)
{
  gboolean clip = is_clip (node) && pare_graph_opset (node->graph, "") >= 8,
           reads = pare_node_input (node, 0) == at->value;
  PareFactors factors = clip ? PARE_FACTORS_PASS : factors_of (node);
  PareAffineTrait affine;

  /* What has numbers per channel of its own begins other channels. */
  if (factors == PARE_FACTORS_STOP || read_affine (node, &affine))
    return FALSE;
  /* A product with itself takes them twice. */
  for (guint i = 0; factors != PARE_FACTORS_JOIN && i < node->inputs->len; i++)
    if (node->inputs->pdata[i] == at->value && i > 0)
      return FALSE;
  if (!g_hash_table_add (flow->nodes, node))
    return TRUE;
  if (clip)
    pare_scale_group_add_part (flow->group, PARE_SCALED_BOUNDS, node, 0, at);
  else if (factors != PARE_FACTORS_JOIN)
    g_ptr_array_add (flow->group->passes, node);
  if (factors == PARE_FACTORS_JOIN)
    join (flow, node, at);
  else if (factors == PARE_FACTORS_PASS)
    pass (flow, node, at);
  else if (reads)
    move_on (flow, node, at);
  else
    move_back (flow, node, at);
  return TRUE;
}

static guint
channel_axis (gboolean channels_last, const PareShape *shape)
{
  return channels_last ? shape->rank - 1 : 1;
}

/* Whether the layer @node can be opened, and has @n channels on that side. */
static gboolean
opens (Flow *flow, PareNode *node, gboolean output, guint n)
{
  const char *reason;
  g_autoptr (PareLayer) layer = pare_layer_open (node, &reason);

  if (!layer)
    block (flow, "of '%s': %s", pare_node_label (node), reason);
  return layer && (output ? layer->outputs : layer->inputs) == n;
}

/* The axis of channels of what @node computes, when it is a layer or a normalization with constant numbers; else -1. */
static gint
produced_axis (const Flow *flow, const PareNode *node)
{
  const PareValue *output = pare_node_output (node, 0);
  const PareShape *shape = output ? shape_of (flow, output) : NULL;
  PareWeightTrait weight;
  PareAffineTrait affine;

  if (!shape || shape->rank < 2)
    return -1;
  if (pare_node_weight (node, &weight))
    return (gint)channel_axis (weight.channels_last, shape);
  if (!read_affine (node, &affine))
    return -1;
  return affine.axis < 0 ? affine.axis + (gint)shape->rank : affine.axis;
}

static void
look_back (Flow *flow, const PareScaledValue *at)
{
  PareNode *node = at->value->producer;
  PareWeightTrait trait;

  if (!node)
    block (flow, "'%s' is an input of the network", at->value->name);
  else if (produced_axis (flow, node) == (gint)at->axis && at->value == pare_node_output (node, 0))
    {
      if (pare_node_weight (node, &trait) && !opens (flow, node, TRUE, at->n))
        block (flow, "'%s' has another number of outputs", pare_node_label (node));
      pare_scale_group_add_part (flow->group, PARE_SCALED_OUTPUT, node, 0, at);
    }
  else if (!go_through (flow, node, at))
    block (flow, "'%s' (%s) computes them, and no factors pass it", pare_node_label (node), node->op_type);
}

/* Whether @node is a layer that reads @at along its channels, with its weight in the group. */
static gboolean
look_at_layer (Flow *flow, PareNode *node, const PareScaledValue *at)
{
  const PareShape *shape = shape_of (flow, at->value);
  PareWeightTrait trait;

  if (!pare_node_weight (node, &trait) || pare_node_input (node, 0) != at->value
      || channel_axis (trait.channels_last, shape) != at->axis)
    return FALSE;
  if (!opens (flow, node, FALSE, at->n))
    block (flow, "'%s' has another number of inputs", pare_node_label (node));
  pare_scale_group_add_part (flow->group, PARE_SCALED_INPUT, node, 0, at);
  return TRUE;
}

static void
look_on (Flow *flow, const PareScaledValue *at)
{
  if (pare_graph_is_output (flow->group->graph, at->value))
    block (flow, "'%s' is an output of the network", at->value->name);
  for (guint i = 0; i < at->value->consumers->len; i++)
    {
      PareNode *node = at->value->consumers->pdata[i];
      /* Their shape alone stays as it is. */
      guint index;
      gboolean reads = !g_ptr_array_find (node->inputs, (gpointer)at->value, &index) || pare_node_reads (node, index);
      if (reads && !look_at_layer (flow, node, at) && !go_through (flow, node, at))
        block (flow, "'%s' (%s) reads them, and no factors pass it", pare_node_label (node), node->op_type);
    }
}

static gboolean
is_layer_output (const PareScaledPart *part)
{
  PareWeightTrait trait;

  return part->role == PARE_SCALED_OUTPUT && pare_node_weight (part->node, &trait);
}

/* The group of what @node computes along @axis; NULL when nothing could be gained from it. */
static PareScaleGroup *
follow (Flow *flow, PareGraph *graph, PareNode *node, guint axis)
{
  PareValue *value = pare_node_output (node, 0);
  guint n = (guint)shape_of (flow, value)->dims[axis];
  g_autoptr (PareScaleGroup) group = pare_scale_group_new (graph, n);
  g_autofree guint *channels = g_new (guint, n + 1);
  g_autoptr (GHashTable) nodes = g_hash_table_new (NULL, NULL);

  flow->group = group;
  flow->nodes = nodes;
  for (guint i = 0; i < n; i++)
    channels[i] = i;
  if (!reach (flow, value, (gint)axis, n, channels))
    return NULL;
  if (n < 2)
    block (flow, "there is one channel only");
  for (guint i = 0; i < group->values->len; i++)
    {
      look_back (flow, group->values->pdata[i]);
      look_on (flow, group->values->pdata[i]);
    }
  for (guint i = 0; i < group->parts->len; i++)
    if (pare_scale_group_has (group, PARE_SCALED_INPUT) || is_layer_output (group->parts->pdata[i]))
      return g_steal_pointer (&group);
  return NULL;
}

static GPtrArray *
find_all (PareGraph *graph, const PareInference *inference)
{
  g_autoptr (GHashTable) taken = g_hash_table_new (NULL, NULL);
  GPtrArray *groups = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_scale_group_free);
  Flow flow = { .inference = inference, .taken = taken };

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      gint axis = produced_axis (&flow, node);
      if (axis < 0 || g_hash_table_contains (taken, pare_node_output (node, 0)))
        continue;
      PareScaleGroup *group = follow (&flow, graph, node, (guint)axis);
      if (group)
        g_ptr_array_add (groups, group);
    }
  return groups;
}

GPtrArray *
pare_scale_groups_find (PareGraph *graph, const GArray *specs, GError **error)
{
  g_autoptr (GArray) own = NULL;
  g_autoptr (PareInference) inference = NULL;

  if (!specs)
    {
      if (!pare_graph_default_specs (graph, 1, PARE_USUAL_SIZE, &own, error))
        return NULL;
      specs = own;
    }
  inference = pare_inference_new_partial (graph, specs->len, (const PareSpec *)specs->data, error);
  return inference ? find_all (graph, inference) : NULL;
}
