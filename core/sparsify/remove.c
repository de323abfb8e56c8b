/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Physical removal of channels: constants lose entries, and what counts channels is corrected. */
#include "sparsify/remove.h"
#include "sparsify/channels-private.h"
#include <string.h>

/* New numbers of all channels; GONE for those that go. */
#define GONE G_MAXUINT

static guint *
new_numbers (const PareChannelGroups *groups, const PareChannelGroup *group, const gboolean *keep)
{
  guint *numbers = g_new (guint, groups->n_channels + 1);

  for (guint i = 0, next = 0; i < groups->n_channels; i++)
    {
      gboolean own = i >= group->first && i - group->first < group->n;
      numbers[i] = own && !keep[i - group->first] ? GONE : next++;
    }
  return numbers;
}

/* How many of @n channels stay. */
static guint
count_left (const guint *numbers, guint n, const guint *channels)
{
  guint left = 0;

  for (guint i = 0; i < n; i++)
    left += numbers[channels[i]] != GONE;
  return left;
}

static void
renumber (const guint *numbers, guint *n, guint *channels)
{
  guint left = 0;

  for (guint i = 0; i < *n; i++)
    if (numbers[channels[i]] != GONE)
      channels[left++] = numbers[channels[i]];
  *n = left;
}

gboolean
pare_channel_group_allows (const PareChannelGroups *groups, const PareChannelGroup *group, const gboolean *keep)
{
  g_autofree guint *numbers = new_numbers (groups, group, keep);

  for (guint i = 0; i < groups->extents->len; i++)
    {
      const PareChannelExtent *extent = groups->extents->pdata[i];
      if (extent->n > 0 && count_left (numbers, extent->n, extent->channels) == 0)
        return FALSE;
    }
  return TRUE;
}

/* The entries of @axis that stay; with @hollow zeros. */
static PareTensor *
slice_tensor (const PareTensor *tensor, guint axis, const guint *numbers, const guint *channels, gboolean hollow)
{
  PareShape shape = tensor->shape;
  guint n = shape.dims[axis];
  gint64 outer = pare_shape_span (&shape, 0, axis);
  gsize inner = pare_data_size (tensor->type, pare_shape_span (&shape, axis + 1, shape.rank));
  const guint8 *source = pare_tensor_data (tensor);
  guint8 *data, *target;

  shape.dims[axis] = count_left (numbers, n, channels);
  data = target = g_malloc0 (MAX (outer * shape.dims[axis] * inner, 1));
  for (gint64 o = 0; o < outer && !hollow; o++)
    for (guint i = 0; i < n; i++, source += inner)
      if (numbers[channels[i]] != GONE)
        {
          memcpy (target, source, inner);
          target += inner;
        }
  return pare_tensor_new_take (tensor->type, &shape, data);
}

/* Input @input of @node becomes the constant @tensor; other readers of what it was keep that. */
static void
replace_constant (PareGraph *graph, PareNode *node, guint input, PareTensor *tensor)
{
  PareValue *value = pare_node_input (node, input);
  PareSpec spec = { tensor->type, tensor->shape };

  if (value->constant && value->consumers->len == 1 && !pare_graph_is_output (graph, value))
    {
      pare_value_set_constant (value, tensor);
      pare_value_set_spec (value, &spec);
      return;
    }
  pare_node_set_input (node, input, pare_graph_add_constant (graph, value->name, tensor));
}

static void
cut_slice (const PareChannelGroups *groups, PareChannelSlice *slice, const guint *numbers)
{
  g_autoptr (PareTensor) cut = NULL;

  if (count_left (numbers, slice->n, slice->channels) < slice->n)
    {
      cut = slice_tensor (pare_channel_slice_tensor (slice), slice->axis, numbers, slice->channels, groups->hollow);
      replace_constant (groups->graph, slice->node, slice->input, cut);
    }
  renumber (numbers, &slice->n, slice->channels);
}

static void
correct_attribute (PareNode *node, const char *name, guint element, gint64 number)
{
  const PareAttribute *attribute = pare_node_attribute (node, name);
  g_autofree gint64 *ints = NULL;

  if (attribute->type == PARE_ATTRIBUTE_INT)
    {
      pare_node_set_attribute (node, pare_attribute_new_int (name, number));
      return;
    }
  ints = g_memdup2 (attribute->u.ints, attribute->n * sizeof *ints);
  ints[element] = number;
  pare_node_set_attribute (node, pare_attribute_new_ints (name, attribute->n, ints));
}

static void
correct_input (PareGraph *graph, const PareChannelCount *count, gint64 number)
{
  PareTensor *literal = pare_node_literal (count->node, count->input), *old = literal ? literal : count->folded;
  g_autoptr (PareTensor) wide = pare_tensor_cast (old, PARE_INT64), changed = NULL, tensor = NULL;
  g_autofree gint64 *data = g_memdup2 (pare_tensor_data (wide), pare_tensor_size (wide));

  data[count->element] = number;
  changed = pare_tensor_new_copy (PARE_INT64, &wide->shape, data);
  tensor = pare_tensor_cast (changed, old->type);
  replace_constant (graph, count->node, count->input, tensor);
}

static void
correct_count (PareGraph *graph, PareChannelCount *count, const guint *numbers)
{
  guint left = count_left (numbers, count->n, count->channels);

  if (left < count->n && count->attribute)
    correct_attribute (count->node, count->attribute, count->element, left / count->divisor);
  else if (left < count->n)
    correct_input (graph, count, left);
  renumber (numbers, &count->n, count->channels);
}

static void
correct_shape (PareChannelExtent *extent, const guint *numbers)
{
  PareValue *value = extent->value;
  guint before = extent->n;

  renumber (numbers, &extent->n, extent->channels);
  if (extent->n == before || !value->has_shape || extent->axis >= value->shape.rank
      || value->shape.dims[extent->axis] != before)
    return;
  value->shape.dims[extent->axis] = extent->n;
  /* What the file said verbatim is of the old shape. */
  g_clear_pointer (&value->info, g_bytes_unref);
}

static void
renumber_groups (PareChannelGroups *groups, PareChannelGroup *changed, const gboolean *keep)
{
  guint left = 0;

  for (guint i = 0; i < changed->n; i++)
    left += keep[i];
  changed->n = left;
  for (guint g = 0, first = 0; g < groups->groups->len; g++)
    {
      PareChannelGroup *group = groups->groups->pdata[g];
      group->first = first;
      first += group->n;
    }
}

static gboolean
is_removable (const PareChannelGroups *groups, const PareChannelGroup *group, const gboolean *keep, GError **error)
{
  if (group->reason)
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "The channels of '%s' cannot be removed: %s.", group->name,
                 group->reason);
  else if (!pare_channel_group_allows (groups, group, keep))
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                 "Removing these channels of '%s' would leave a layer without any: keep at least one of each layer.",
                 group->name);
  else
    return TRUE;
  return FALSE;
}

gboolean
pare_channel_group_remove (PareChannelGroups *groups, PareChannelGroup *group, const gboolean *keep, GError **error)
{
  g_autofree guint *numbers = NULL;
  guint before = group->n;

  if (!is_removable (groups, group, keep, error))
    return FALSE;
  numbers = new_numbers (groups, group, keep);
  for (guint i = 0; i < groups->slices->len; i++)
    cut_slice (groups, groups->slices->pdata[i], numbers);
  for (guint i = 0; i < groups->counts->len; i++)
    correct_count (groups->graph, groups->counts->pdata[i], numbers);
  for (guint i = 0; i < groups->extents->len; i++)
    correct_shape (groups->extents->pdata[i], numbers);
  renumber_groups (groups, group, keep);
  groups->n_channels -= before - group->n;
  return TRUE;
}

gboolean
pare_channel_groups_check (const PareChannelGroups *groups, const GArray *specs, GError **error)
{
  g_autoptr (GArray) own = NULL;
  g_autoptr (PareInference) inference = NULL;

  if (!specs && !pare_graph_default_specs (groups->graph, 1, PARE_USUAL_SIZE, &own, error))
    return FALSE;
  specs = specs ? specs : own;
  inference = pare_inference_new (groups->graph, specs->len, (const PareSpec *)specs->data, error);
  for (guint i = 0; inference && i < groups->extents->len; i++)
    {
      const PareChannelExtent *extent = groups->extents->pdata[i];
      const PareShape *shape = &pare_inference_spec (inference, extent->value)->shape;
      if (extent->axis < shape->rank && shape->dims[extent->axis] == extent->n)
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "The shape of '%s' does not follow the channels that were removed: exclude the layers before it.",
                   extent->value->name);
      return FALSE;
    }
  return inference != NULL;
}
