/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Exchanges channels of a dependency group for as long as more energy survives the n:m pattern of the layers that read
 * them, and then reorders every constant that has to do with them. */
#include "sparsify/permute.h"
#include "sparsify/channels-private.h"
#include "sparsify/order.h"
#include <string.h>

#define STAGE "graphsparsifier"

/* Whether @channels holds each channel of the group as often as any other; @times receives how often. */
static gboolean
is_whole (const PareChannelGroup *group, guint n, const guint *channels, guint *times)
{
  g_autofree guint *counts = g_new0 (guint, group->n);

  for (guint i = 0; i < n; i++)
    if (channels[i] >= group->first && channels[i] - group->first < group->n)
      counts[channels[i] - group->first]++;
  for (guint c = 1; c < group->n; c++)
    if (counts[c] != counts[0])
      return FALSE;
  *times = counts[0];
  return TRUE;
}

/* The constant of a slice, when nobody else reads it. */
static PareValue *
own_constant (const PareChannelSlice *slice)
{
  PareValue *value = pare_node_input (slice->node, slice->input);

  if (slice->folded || !value->constant || value->consumers->len != 1 || value->sparsity.mode != PARE_SPARSITY_NONE)
    return NULL;
  return value;
}

/* Why the channels of @group have to stay where they are, or NULL. */
static const char *
reason_against (const PareChannelGroups *groups, const PareChannelGroup *group)
{
  guint times;

  if (group->reason)
    return group->reason;
  for (guint i = 0; i < groups->extents->len; i++)
    {
      const PareChannelExtent *extent = groups->extents->pdata[i];
      if (!is_whole (group, extent->n, extent->channels, &times))
        return "its channels go separate ways";
    }
  for (guint i = 0; i < group->slices->len; i++)
    {
      const PareChannelSlice *slice = group->slices->pdata[i];
      if (!is_whole (group, slice->n, slice->channels, &times))
        return "its channels go separate ways";
      if (!own_constant (slice))
        return "a constant of its channels is shared, computed or sparse already";
    }
  return NULL;
}

/* Layers in which a channel is one input, and whose inputs are masked in groups. */
static void
add_readers (PareOrder *order, const PareChannelGroup *group)
{
  for (guint i = 0; i < group->slices->len; i++)
    {
      const PareChannelSlice *slice = group->slices->pdata[i];
      const PareTensor *tensor = own_constant (slice)->constant;
      gint64 *places;
      guint times;
      if (slice->role != PARE_CHANNELS_CONSUMED || tensor->type != PARE_FLOAT32 || slice->n <= order->n
          || !is_whole (group, slice->n, slice->channels, &times) || times != 1)
        continue;
      places = g_new (gint64, group->n);
      for (guint k = 0; k < slice->n; k++)
        {
          gint channel = pare_channel_group_channel (group, slice, k);
          if (channel >= 0)
            places[channel] = k;
        }
      pare_order_add_reader (order, tensor, slice->axis, places);
    }
}

/* Index of the axis that each index takes its numbers from: the same occurrence of the channel that comes here. */
static gint64 *
sources (const PareChannelGroup *group, const guint *order, const PareChannelSlice *slice)
{
  gint64 *from = g_new (gint64, slice->n);
  g_autofree guint *seen = g_new0 (guint, group->n);
  g_autoptr (GPtrArray) places = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);

  for (guint c = 0; c < group->n; c++)
    g_ptr_array_add (places, g_array_new (FALSE, FALSE, sizeof (gint64)));
  for (gint64 i = 0; i < slice->n; i++)
    {
      gint channel = pare_channel_group_channel (group, slice, i);
      if (channel >= 0)
        g_array_append_val ((GArray *)places->pdata[channel], i);
    }
  for (gint64 i = 0; i < slice->n; i++)
    {
      gint channel = pare_channel_group_channel (group, slice, i);
      from[i] = channel < 0 ? i : g_array_index ((GArray *)places->pdata[order[channel]], gint64, seen[channel]++);
    }
  return from;
}

static void
reorder (const PareChannelGroup *group, const guint *order, const PareChannelSlice *slice)
{
  PareValue *value = own_constant (slice);
  const PareTensor *old = value->constant;
  g_autofree gint64 *from = sources (group, order, slice);
  gint64 outer = pare_shape_span (&old->shape, 0, slice->axis);
  gsize line = pare_tensor_size (old) / (outer * slice->n);
  const char *source = pare_tensor_data (old);
  char *target = g_malloc (pare_tensor_size (old));
  g_autoptr (PareTensor) tensor = pare_tensor_new_take (old->type, &old->shape, target);

  for (gint64 o = 0; o < outer; o++)
    for (gint64 i = 0; i < slice->n; i++)
      memcpy (target + (o * slice->n + i) * line, source + (o * slice->n + from[i]) * line, line);
  pare_value_set_constant (value, tensor);
}

static void
permute_group (const PareChannelGroup *group, guint n, guint m, PareRecord *record)
{
  g_auto (PareOrder) order = { 0 };
  double before, after;

  pare_order_init (&order, group->n, n, m);
  add_readers (&order, group);
  if (!order.readers->len)
    return;
  before = pare_order_energy (&order);
  pare_order_search (&order);
  after = pare_order_energy (&order);
  for (guint i = 0; after > before && i < group->slices->len; i++)
    reorder (group, order.order, group->slices->pdata[i]);
  pare_record_add (record, STAGE, group->name, after > before ? "permuted" : "not permuted",
                   after > before ? NULL : "no exchange of two channels keeps more", "channels", (double)group->n,
                   "energy kept before", before, "energy kept after", after, NULL);
}

gboolean
pare_graph_permute_channels (PareGraph *graph, const GArray *specs, guint n, guint m, GError **error)
{
  g_autoptr (PareChannelGroups) groups = pare_channel_groups_new (graph, specs, error);

  if (!groups)
    g_prefix_error (error, "Channels cannot be brought into another order (permute=false leaves them alone): ");
  for (guint i = 0; groups && i < pare_channel_groups_length (groups); i++)
    {
      const PareChannelGroup *group = pare_channel_groups_get (groups, i);
      const char *reason = reason_against (groups, group);
      if (reason)
        pare_record_add (graph->record, STAGE, group->name, "not permuted", reason, NULL);
      else
        permute_group (group, n, m, graph->record);
    }
  return groups != NULL;
}
