/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The walk that follows channels through a graph: one pass in the order of the nodes, in which each operator says what
 * becomes of the channels of its inputs. Ties are sets of a union-find, so what is learnt later holds for all before.
 */
#include "sparsify/channels-private.h"
#include <string.h>

void
pare_channel_slice_free (gpointer slice)
{
  g_clear_pointer (&((PareChannelSlice *)slice)->folded, pare_tensor_unref);
  g_free (((PareChannelSlice *)slice)->channels);
  g_free (slice);
}

void
pare_channel_count_free (gpointer count)
{
  g_clear_pointer (&((PareChannelCount *)count)->folded, pare_tensor_unref);
  g_free (((PareChannelCount *)count)->channels);
  g_free (count);
}

void
pare_channel_extent_free (gpointer extent)
{
  g_free (((PareChannelExtent *)extent)->channels);
  g_free (extent);
}

static void
keep_free (gpointer data)
{
  PareChannelKeep *keep = data;

  g_free (keep->reason);
  g_free (keep->channels);
  g_free (keep);
}

static void
carried_free (gpointer data)
{
  guint **axes = data;

  for (guint i = 0; i < PARE_MAX_RANK; i++)
    g_free (axes[i]);
  g_free (axes);
}

void
pare_channels_free (PareChannelWalk *channels)
{
  g_clear_pointer (&channels->inference, pare_inference_free);
  g_hash_table_unref (channels->carried);
  g_array_unref (channels->parents);
  g_ptr_array_unref (channels->slices);
  g_ptr_array_unref (channels->counts);
  g_ptr_array_unref (channels->extents);
  g_ptr_array_unref (channels->keeps);
  g_ptr_array_unref (channels->created);
  g_free (channels);
}

const PareInfer *
pare_channels_infer (const PareChannelWalk *channels)
{
  return channels->infer;
}

static const guint *
carried_along (const PareChannelWalk *channels, const PareValue *value, guint axis)
{
  guint **axes = value ? g_hash_table_lookup (channels->carried, value) : NULL;

  return axes && axis < PARE_MAX_RANK ? axes[axis] : NULL;
}

const guint *
pare_channels_along (const PareChannelWalk *channels, guint input, guint axis)
{
  return carried_along (channels, pare_node_input (channels->node, input), axis);
}

const guint *
pare_channels_given (const PareChannelWalk *channels, guint output, guint axis)
{
  return carried_along (channels, pare_node_output (channels->node, output), axis);
}

void
pare_channels_give (PareChannelWalk *channels, guint output, guint axis, const guint *along)
{
  PareValue *value = pare_node_output (channels->node, output);
  guint **axes = value ? g_hash_table_lookup (channels->carried, value) : NULL;
  PareChannelExtent *extent;
  guint n;

  if (!along || !value)
    return;
  n = channels->infer->outputs[output].shape.dims[axis];
  if (!axes)
    {
      axes = g_new0 (guint *, PARE_MAX_RANK);
      g_hash_table_insert (channels->carried, value, axes);
    }
  g_assert (!axes[axis]);
  axes[axis] = g_memdup2 (along, n * sizeof *along);
  extent = g_new (PareChannelExtent, 1);
  *extent = (PareChannelExtent){ value, axis, n, g_memdup2 (along, n * sizeof *along) };
  g_ptr_array_add (channels->extents, extent);
}

guint *
pare_channels_create (PareChannelWalk *channels, guint n)
{
  guint *created = g_new (guint, MAX (n, 1));

  for (guint i = 0; i < n; i++)
    {
      created[i] = channels->parents->len;
      g_array_append_val (channels->parents, created[i]);
    }
  g_ptr_array_add (channels->created, created);
  return created;
}

guint
pare_channels_root (PareChannelWalk *channels, guint channel)
{
  guint *parents = (guint *)channels->parents->data;

  while (parents[channel] != channel)
    channel = parents[channel] = parents[parents[channel]];
  return channel;
}

void
pare_channels_tie (PareChannelWalk *channels, guint a, guint b)
{
  guint *parents = (guint *)channels->parents->data;

  a = pare_channels_root (channels, a);
  b = pare_channels_root (channels, b);
  parents[MAX (a, b)] = MIN (a, b);
}

gboolean
pare_channels_tied (PareChannelWalk *channels, guint a, guint b)
{
  return pare_channels_root (channels, a) == pare_channels_root (channels, b);
}

void
pare_channels_slice (PareChannelWalk *channels, PareChannelRole role, guint input, guint axis, guint n,
                     const guint *along)
{
  PareChannelSlice *slice = g_new (PareChannelSlice, 1);

  *slice = (PareChannelSlice){ channels->node, input, axis, role, n, g_memdup2 (along, n * sizeof *along), NULL };
  if (!pare_node_literal (channels->node, input))
    slice->folded = pare_tensor_ref (channels->infer->constants[input]);
  g_ptr_array_add (channels->slices, slice);
}

static void
add_count (PareChannelWalk *channels, const char *attribute, guint input, guint element, guint divisor, guint n,
           const guint *along)
{
  PareChannelCount *count = g_new (PareChannelCount, 1);

  *count = (PareChannelCount){ .node = channels->node,
                               .attribute = g_intern_string (attribute),
                               .input = input,
                               .element = element,
                               .divisor = divisor,
                               .n = n,
                               .channels = g_memdup2 (along, n * sizeof *along) };
  if (!attribute && !pare_node_literal (channels->node, input))
    count->folded = pare_tensor_ref (channels->infer->constants[input]);
  g_ptr_array_add (channels->counts, count);
}

void
pare_channels_count_attribute (PareChannelWalk *channels, const char *name, guint element, guint divisor, guint n,
                               const guint *along)
{
  add_count (channels, name, 0, element, divisor, n, along);
}

void
pare_channels_count_input (PareChannelWalk *channels, guint input, guint element, guint n, const guint *along)
{
  add_count (channels, NULL, input, element, 1, n, along);
}

/* Takes @reason. */
static void
add_keep (PareChannelWalk *channels, guint n, const guint *along, char *reason)
{
  PareChannelKeep *keep = g_new (PareChannelKeep, 1);

  *keep = (PareChannelKeep){ reason, n, g_memdup2 (along, n * sizeof *along) };
  g_ptr_array_add (channels->keeps, keep);
}

void
pare_channels_keep (PareChannelWalk *channels, guint n, const guint *along, const char *why)
{
  add_keep (channels, n, along,
            g_strdup_printf ("blocked by %s '%s'%s", channels->node->op_type, pare_node_label (channels->node), why));
}

static guint
axis_size (const PareChannelWalk *channels, const PareValue *value, guint axis)
{
  return pare_inference_spec (channels->inference, value)->shape.dims[axis];
}

static void
block_value (PareChannelWalk *channels, const PareValue *value, const char *why)
{
  guint **axes = value ? g_hash_table_lookup (channels->carried, value) : NULL;

  for (guint axis = 0; axes && axis < PARE_MAX_RANK; axis++)
    if (axes[axis])
      pare_channels_keep (channels, axis_size (channels, value, axis), axes[axis], why);
}

void
pare_channels_block (PareChannelWalk *channels, guint input, const char *why)
{
  block_value (channels, pare_node_input (channels->node, input), why);
}

/* Nodes that only compute shapes are known before anything runs: they follow by themselves. */
static gboolean
is_folded (const PareChannelWalk *channels, const PareNode *node)
{
  for (guint i = 0; i < node->outputs->len; i++)
    if (node->outputs->pdata[i] && !pare_inference_constant (channels->inference, node->outputs->pdata[i]))
      return FALSE;
  return TRUE;
}

static void
visit (PareChannelWalk *channels, PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);

  if (is_folded (channels, node))
    return;
  channels->node = node;
  channels->infer = pare_inference_describe (channels->inference, node);
  if (op && op->channels)
    op->channels (channels);
  else
    for (guint i = 0; i < node->inputs->len; i++)
      if (pare_node_reads (node, i))
        pare_channels_block (channels, i, "");
  for (guint i = 0; i < node->captures->len; i++)
    block_value (channels, node->captures->pdata[i], ", whose subgraph reads them");
  g_clear_pointer (&channels->infer, g_free);
}

static void
keep_outputs (PareChannelWalk *channels)
{
  for (guint i = 0; i < channels->graph->outputs->len; i++)
    {
      const PareValue *value = channels->graph->outputs->pdata[i];
      guint **axes = g_hash_table_lookup (channels->carried, value);
      for (guint axis = 0; axes && axis < PARE_MAX_RANK; axis++)
        if (axes[axis])
          add_keep (channels, axis_size (channels, value, axis), axes[axis],
                    g_strdup_printf ("they are the network's output '%s'", value->name));
    }
}

PareChannelWalk *
pare_channels_walk (PareGraph *graph, const GArray *specs, GError **error)
{
  g_autoptr (PareChannelWalk) channels = g_new0 (PareChannelWalk, 1);

  channels->graph = graph;
  channels->carried = g_hash_table_new_full (NULL, NULL, NULL, carried_free);
  channels->parents = g_array_new (FALSE, FALSE, sizeof (guint));
  channels->slices = g_ptr_array_new_with_free_func (pare_channel_slice_free);
  channels->counts = g_ptr_array_new_with_free_func (pare_channel_count_free);
  channels->extents = g_ptr_array_new_with_free_func (pare_channel_extent_free);
  channels->keeps = g_ptr_array_new_with_free_func (keep_free);
  channels->created = g_ptr_array_new_with_free_func (g_free);
  channels->inference = pare_inference_new (graph, specs->len, (const PareSpec *)specs->data, error);
  if (!channels->inference)
    return NULL;
  for (guint i = 0; i < graph->nodes->len; i++)
    visit (channels, graph->nodes->pdata[i]);
  keep_outputs (channels);
  return g_steal_pointer (&channels);
}
