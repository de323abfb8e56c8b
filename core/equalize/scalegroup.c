/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Groups of channels that are rescaled together. */
#include "equalize/scalegroup-private.h"
#include <string.h>

static void
scaled_value_free (gpointer data)
{
  PareScaledValue *value = data;

  g_free (value->channels);
  g_free (value);
}

PareScaleGroup *
pare_scale_group_new (PareGraph *graph, guint n)
{
  PareScaleGroup *group = g_new0 (PareScaleGroup, 1);

  group->graph = g_object_ref (graph);
  group->n = n;
  group->values = g_ptr_array_new_with_free_func (scaled_value_free);
  group->parts = g_ptr_array_new_with_free_func (g_free);
  group->passes = g_ptr_array_new ();
  return group;
}

void
pare_scale_group_free (PareScaleGroup *group)
{
  g_object_unref (group->graph);
  g_ptr_array_unref (group->values);
  g_ptr_array_unref (group->parts);
  g_ptr_array_unref (group->passes);
  g_free (group->reason);
  g_free (group);
}

const char *
pare_scale_group_name (const PareScaleGroup *group)
{
  const PareScaledValue *first = group->values->pdata[0];

  return pare_node_label (first->value->producer);
}

gboolean
pare_scale_group_has (const PareScaleGroup *group, PareScaledRole role)
{
  for (guint i = 0; i < group->parts->len; i++)
    if (((const PareScaledPart *)group->parts->pdata[i])->role == role)
      return TRUE;
  return FALSE;
}

const PareScaledValue *
pare_scale_group_find (const PareScaleGroup *group, const char *value)
{
  for (guint i = 0; i < group->values->len; i++)
    {
      const PareScaledValue *scaled = group->values->pdata[i];
      if (strcmp (scaled->value->name, value) == 0)
        return scaled;
    }
  return NULL;
}

const PareScaledValue *
pare_scale_group_add_value (PareScaleGroup *group, const PareScaledValue *value)
{
  PareScaledValue *scaled = g_memdup2 (value, sizeof *value);

  scaled->channels = g_memdup2 (value->channels, value->n * sizeof *value->channels);
  g_ptr_array_add (group->values, scaled);
  return scaled;
}

void
pare_scale_group_add_part (PareScaleGroup *group, PareScaledRole role, PareNode *node, guint input,
                           const PareScaledValue *at)
{
  PareScaledPart *part = g_new (PareScaledPart, 1);

  *part = (PareScaledPart){ role, node, input, at };
  g_ptr_array_add (group->parts, part);
}

/* The node of @graph that computes what @node does in another copy, or NULL. */
static PareNode *
counterpart (PareGraph *graph, const PareNode *node)
{
  PareValue *output = pare_graph_find_value (graph, pare_node_output (node, 0)->name);

  return output ? output->producer : NULL;
}

PareScaleGroup *
pare_scale_group_copy (const PareScaleGroup *group, PareGraph *graph)
{
  g_autoptr (PareScaleGroup) copy = pare_scale_group_new (graph, group->n);

  for (guint i = 0; i < group->values->len; i++)
    {
      PareScaledValue scaled = *(const PareScaledValue *)group->values->pdata[i];
      scaled.value = pare_graph_find_value (graph, scaled.value->name);
      if (!scaled.value)
        return NULL;
      pare_scale_group_add_value (copy, &scaled);
    }
  for (guint i = 0; i < group->parts->len; i++)
    {
      const PareScaledPart *part = group->parts->pdata[i];
      PareNode *node = counterpart (graph, part->node);
      if (!node)
        return NULL;
      pare_scale_group_add_part (copy, part->role, node, part->input,
                                 pare_scale_group_find (copy, part->at->value->name));
    }
  return g_steal_pointer (&copy);
}
