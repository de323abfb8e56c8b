/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Moves an affine node into the weights of the layer before or behind it:
 *   s (W x + b) + t = (s W) x + (s b + t)        W (s x + t) + b = (W s) x + (W t + b) */
#include "fuse/affine.h"
#include "fuse/layer.h"
#include "fuse/quantized.h"
#include <math.h>

static gboolean
has_shift (const PareAffine *affine)
{
  for (gint64 i = 0; i < affine->n; i++)
    if (affine->shift[i] != 0)
      return TRUE;
  return FALSE;
}

/* The numbers of @affine run along the axis of @layer's channels, @channels of them, and do not add axes; and a shift
 * has a place: behind a MatMul of more than two axes an Add is how a bias is written. */
static gboolean
fits_channels (const PareLayer *layer, const PareAffine *affine, gint64 channels)
{
  guint rank = layer->rank < 0 ? 1 : (guint)layer->rank;

  if (affine->least_rank > rank || (has_shift (affine) && !pare_layer_takes_bias (layer))
      || (affine->n > 1 && affine->n != channels))
    return FALSE;
  if (affine->n == 1)
    return TRUE;
  if (layer->product)
    return affine->from_end ? affine->axis == 0 : affine->axis + 1 == rank;
  return affine->from_end ? affine->axis + 2 == rank : affine->axis == 1;
}

static void
add_record (PareFuse *fuse, const PareLayer *layer, const char *op_type, const PareAffine *affine, gboolean copied)
{
  g_autofree char *action = g_strdup_printf ("fused %s", op_type);
  double scale = 0, shift = 0;

  for (gint64 i = 0; i < affine->n; i++)
    {
      scale = MAX (scale, fabs (affine->scale[i]));
      shift = MAX (shift, fabs (affine->shift[i]));
    }
  pare_record_add (pare_fuse_graph (fuse)->record, "graphfuser", pare_node_label (layer->node), action,
                   copied ? "weights were shared: copied" : NULL, "channels", (double)layer->outputs, "largest-scale",
                   scale, "largest-shift", shift, NULL);
}

/* @node opened, with the rank that MatMul itself does not tell. */
static PareLayer *
open_layer (PareFuse *fuse, PareNode *node, const char **reason)
{
  PareLayer *layer = pare_layer_open (node, reason);
  PareShape shape;

  if (layer && layer->rank < 0 && pare_fuse_shape (fuse, pare_node_input (node, 0), &shape))
    layer->rank = shape.rank;
  return layer;
}

gboolean
pare_absorb_behind (PareFuse *fuse, PareNode *node, const PareAffine *affine)
{
  PareGraph *graph = pare_fuse_graph (fuse);
  PareNode *producer = affine->data->producer;
  g_autofree char *op_type = g_strdup (node->op_type);
  g_autoptr (PareLayer) layer = NULL;
  PareValue *output = pare_node_output (node, 0);
  PareWeightTrait trait;
  gboolean copied;
  const char *reason;

  if (producer && pare_layer_is_quantized (producer) && pare_fuse_may_touch (fuse, producer))
    return pare_absorb_behind_quantized (fuse, node, affine);
  if (!producer || !pare_node_weight (producer, &trait) || !pare_fuse_may_touch (fuse, producer))
    return FALSE;
  if (pare_value_only_consumer (affine->data) != node)
    {
      pare_fuse_leave (fuse, node, "Not fused with '%s' before it: its input '%s' is also read elsewhere.",
                       pare_node_label (producer), affine->data->name);
      return FALSE;
    }
  layer = open_layer (fuse, producer, &reason);
  if (layer && !fits_channels (layer, affine, layer->outputs))
    return FALSE;
  if (layer)
    pare_layer_affine_behind (layer, affine->n, affine->scale, affine->shift);
  if (!layer || !pare_layer_write (layer, &copied, &reason))
    {
      pare_fuse_leave (fuse, node, "Not fused with '%s' before it: %s.", pare_node_label (producer), reason);
      return FALSE;
    }
  pare_graph_remove_node (graph, node);
  pare_node_set_output (layer->node, 0, output);
  add_record (fuse, layer, op_type, affine, copied);
  return TRUE;
}

/* The node that goes might have stretched x by broadcasting; the layer would then meet fewer channels or axes. */
static gboolean
keeps_shape (PareFuse *fuse, const PareLayer *layer, const PareAffine *affine)
{
  PareShape data;
  guint axis;

  if (!affine->from_end || (affine->n == 1 && affine->least_rank == 0))
    return TRUE;
  if (!pare_fuse_shape (fuse, affine->data, &data) || data.rank < affine->least_rank || data.rank < 2)
    return FALSE;
  axis = layer->product ? data.rank - 1 : 1;
  return affine->n == 1 || data.dims[axis] == layer->inputs;
}

static const char *
why_not_before (const PareLayer *layer, const PareAffine *affine)
{
  if (layer->product && pare_node_get_int (layer->node, "transA", 0) && affine->n > 1)
    return "the layer reads its input transposed";
  if (has_shift (affine) && !pare_layer_sees_shift_everywhere (layer))
    return "the layer's border does not see the shift (padding, or a transposed convolution)";
  return NULL;
}

gboolean
pare_absorb_before (PareFuse *fuse, PareNode *node, const PareAffine *affine)
{
  PareGraph *graph = pare_fuse_graph (fuse);
  PareValue *output = pare_node_output (node, 0);
  PareNode *consumer = output->consumers->len ? output->consumers->pdata[0] : NULL;
  g_autofree char *op_type = g_strdup (node->op_type);
  g_autoptr (PareLayer) layer = NULL;
  PareWeightTrait trait;
  gboolean copied;
  const char *reason;

  if (!consumer || !pare_node_weight (consumer, &trait) || pare_node_input (consumer, 0) != output
      || !pare_fuse_may_touch (fuse, consumer))
    return FALSE;
  if (pare_value_only_consumer (output) != consumer)
    {
      pare_fuse_leave (fuse, node, "Not fused with '%s' behind it: its output '%s' is also read elsewhere.",
                       pare_node_label (consumer), output->name);
      return FALSE;
    }
  layer = open_layer (fuse, consumer, &reason);
  if (layer && (!fits_channels (layer, affine, layer->inputs) || !keeps_shape (fuse, layer, affine)))
    return FALSE;
  reason = layer ? why_not_before (layer, affine) : reason;
  if (layer && !reason)
    pare_layer_affine_before (layer, affine->n, affine->scale, affine->shift);
  if (reason || !pare_layer_write (layer, &copied, &reason))
    {
      pare_fuse_leave (fuse, node, "Not fused with '%s' behind it: %s.", pare_node_label (consumer), reason);
      return FALSE;
    }
  pare_node_set_input (layer->node, 0, affine->data);
  pare_graph_remove_node (graph, node);
  add_record (fuse, layer, op_type, affine, copied);
  return TRUE;
}
