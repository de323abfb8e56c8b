/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Reads the groups of layers that a user wrote. */
#include "train/distill-groups.h"
#include <string.h>

static gboolean
find_layer (const GPtrArray *layers, const char *name, gsize length, guint *index)
{
  for (*index = 0; *index < layers->len; ++*index)
    {
      const char *label = pare_node_label (layers->pdata[*index]);
      if (strlen (label) == length && strncmp (label, name, length) == 0)
        return TRUE;
    }
  return FALSE;
}

/* Any colon may be the one in the middle. */
static gboolean
parse_group (const char *text, const GPtrArray *layers, PareGroup *group)
{
  for (const char *colon = strchr (text, ':'); colon; colon = strchr (colon + 1, ':'))
    if (find_layer (layers, text, colon - text, &group->first)
        && find_layer (layers, colon + 1, strlen (colon + 1), &group->last))
      return TRUE;
  return FALSE;
}

static void
set_group_error (GError **error, const char *text, const GPtrArray *layers)
{
  g_autoptr (GPtrArray) labels = g_ptr_array_new ();
  g_autofree char *word = g_strndup (text, strcspn (text, ":"));
  const char *nearest;

  for (guint i = 0; i < layers->len; i++)
    g_ptr_array_add (labels, (gpointer)pare_node_label (layers->pdata[i]));
  g_ptr_array_add (labels, NULL);
  nearest = pare_nearest_name (word, (const char *const *)labels->pdata);
  g_set_error (
      error, PARE_ERROR, PARE_ERROR_SETTINGS,
      "'%s' is no group of layers: write the names of its first and its last layer with weights, start:end%s%s%s.",
      text, nearest ? " (there is '" : "", nearest ? nearest : "", nearest ? "')" : "");
}

static int
compare_groups (gconstpointer a, gconstpointer b)
{
  const PareGroup *x = a, *y = b;

  return x->first < y->first ? -1 : x->first > y->first;
}

GArray *
pare_groups_parse (const char *text, const GPtrArray *layers, GError **error)
{
  g_autoptr (GArray) groups = g_array_new (FALSE, FALSE, sizeof (PareGroup));
  g_auto (GStrv) pieces = g_strsplit (text, ",", -1);

  for (guint i = 0; pieces[i]; i++)
    {
      PareGroup group;
      if (!parse_group (g_strstrip (pieces[i]), layers, &group))
        {
          set_group_error (error, pieces[i], layers);
          return NULL;
        }
      if (group.first > group.last)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                       "The group '%s' ends before it starts: exchange its layers.", pieces[i]);
          return NULL;
        }
      g_array_append_val (groups, group);
    }
  g_array_sort (groups, compare_groups);
  for (guint i = 1; i < groups->len; i++)
    if (g_array_index (groups, PareGroup, i).first <= g_array_index (groups, PareGroup, i - 1).last)
      {
        const PareNode *node = layers->pdata[g_array_index (groups, PareGroup, i).first];
        g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                     "Layer '%s' is in two groups: every layer can learn in one block only.", pare_node_label (node));
        return NULL;
      }
  return g_steal_pointer (&groups);
}
