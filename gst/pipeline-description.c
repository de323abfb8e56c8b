/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Keeps a description's elements and links, and resolves the names in it. */
#include "gst/pipeline-description.h"
#include <string.h>

static void
property_free (PipelineProperty *property)
{
  g_free (property->name);
  g_free (property->text);
  g_free (property);
}

void
gst_pare_end_clear (PipelineEnd *end)
{
  g_free (end->id);
  g_free (end->pad);
  g_free (end->inner_pad);
  *end = (PipelineEnd){ NULL };
}

static void
ghost_free (PipelineGhost *ghost)
{
  g_free (ghost->name);
  gst_pare_end_clear (&ghost->inner);
  g_free (ghost);
}

static void
element_free (PipelineElement *element)
{
  g_free (element->id);
  g_free (element->factory);
  g_free (element->preset);
  g_ptr_array_unref (element->properties);
  g_ptr_array_unref (element->ghosts);
  g_free (element);
}

static void
link_free (PipelineLink *link)
{
  gst_pare_end_clear (&link->from);
  gst_pare_end_clear (&link->to);
  g_free (link->caps);
  g_free (link);
}

PipelineDescription *
gst_pare_description_new (void)
{
  PipelineDescription *description = g_new0 (PipelineDescription, 1);

  description->elements = g_ptr_array_new_with_free_func ((GDestroyNotify)element_free);
  description->links = g_ptr_array_new_with_free_func ((GDestroyNotify)link_free);
  return description;
}

void
gst_pare_description_free (PipelineDescription *description)
{
  g_ptr_array_unref (description->elements);
  g_ptr_array_unref (description->links);
  g_free (description);
}

PipelineElement *
gst_pare_description_add_element (PipelineDescription *description, const char *factory, PipelinePlace place)
{
  PipelineElement *element = g_new0 (PipelineElement, 1);

  element->factory = g_strdup (factory);
  element->properties = g_ptr_array_new_with_free_func ((GDestroyNotify)property_free);
  element->ghosts = g_ptr_array_new_with_free_func ((GDestroyNotify)ghost_free);
  element->place = place;
  g_ptr_array_add (description->elements, element);
  return element;
}

PipelineLink *
gst_pare_description_add_link (PipelineDescription *description, PipelinePlace place)
{
  PipelineLink *link = g_new0 (PipelineLink, 1);

  link->place = place;
  g_ptr_array_add (description->links, link);
  return link;
}

void
gst_pare_element_set (PipelineElement *element, const char *name, const char *text, PipelinePlace place)
{
  PipelineProperty *property = g_new0 (PipelineProperty, 1);

  *property = (PipelineProperty){ g_strdup (name), g_strdup (text), place };
  for (guint i = 0; i < element->properties->len; i++)
    {
      PipelineProperty *old = element->properties->pdata[i];
      if (g_str_equal (old->name, name))
        {
          element->properties->pdata[i] = property;
          property_free (old);
          return;
        }
    }
  g_ptr_array_add (element->properties, property);
}

PipelineElement *
gst_pare_description_find (const PipelineDescription *description, const char *id, PipelinePlace place, GError **error)
{
  g_autoptr (GPtrArray) ids = g_ptr_array_new ();

  for (guint i = 0; i < description->elements->len; i++)
    {
      PipelineElement *element = description->elements->pdata[i];
      if (g_strcmp0 (element->id, id) == 0)
        return element;
      if (element->id)
        g_ptr_array_add (ids, element->id);
    }
  g_ptr_array_add (ids, NULL);
  g_autofree char *hint = gst_pare_did_you_mean (id, (const char *const *)ids->pdata);
  gst_pare_place_error (error, place, "No element has the id '%s'%s", id, hint);
  return NULL;
}

static gboolean
check_id (const PipelineElement *element, GHashTable *seen, GError **error)
{
  const PipelineElement *other = g_hash_table_lookup (seen, element->id);

  if (other)
    {
      gst_pare_place_error (error, element->place, "The id '%s' is taken already, on line %u.", element->id,
                            other->place.line);
      return FALSE;
    }
  gsize length = strspn (element->id, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_");
  if (!length || element->id[length] || element->id[0] == '-')
    {
      gst_pare_place_error (error, element->place, "'%s' is no id; use letters, digits, '-' and '_'.", element->id);
      return FALSE;
    }
  g_hash_table_insert (seen, element->id, (gpointer)element);
  return TRUE;
}

/* The made-up ids are the factory's name and a number, like GStreamer's own, but counted per description. */
static gboolean
name_elements (PipelineDescription *description, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < description->elements->len; i++)
    {
      PipelineElement *element = description->elements->pdata[i];
      element->named = element->id != NULL;
      if (element->named && !check_id (element, seen, error))
        return FALSE;
    }
  for (guint i = 0; i < description->elements->len; i++)
    {
      PipelineElement *element = description->elements->pdata[i];
      for (guint n = 0; !element->id; n++)
        {
          g_autofree char *id = g_strdup_printf ("%s%u", element->factory, n);
          if (g_hash_table_contains (seen, id))
            continue;
          element->id = g_steal_pointer (&id);
          g_hash_table_insert (seen, element->id, element);
        }
    }
  return TRUE;
}

static const PipelineGhost *
find_ghost (const PipelineElement *bin, const char *name, PipelinePlace place, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < bin->ghosts->len; i++)
    {
      const PipelineGhost *ghost = bin->ghosts->pdata[i];
      if (g_str_equal (ghost->name, name))
        return ghost;
      g_ptr_array_add (names, ghost->name);
    }
  g_ptr_array_add (names, NULL);
  g_autofree char *hint = gst_pare_did_you_mean (name, (const char *const *)names->pdata);
  gst_pare_place_error (error, place, "The bin '%s' has no <ghost> pad '%s'%s", bin->id, name, hint);
  return NULL;
}

/* A bin stands for what its ghost pad shows; without a pad, the one called @usual. The ghosts of inner bins were
 * resolved before, so one step leads all the way in. */
static gboolean
resolve_end (const PipelineDescription *description, PipelineEnd *end, const char *usual, PipelinePlace place,
             GError **error)
{
  if (!end->element && !(end->element = gst_pare_description_find (description, end->id, place, error)))
    return FALSE;
  if (end->element->factory)
    {
      end->inner_element = end->element;
      end->inner_pad = g_strdup (end->pad);
      return TRUE;
    }
  if (!end->pad)
    end->pad = g_strdup (usual);
  const PipelineGhost *ghost = find_ghost (end->element, end->pad, place, error);
  if (!ghost)
    return FALSE;
  end->inner_element = ghost->inner.inner_element;
  end->inner_pad = g_strdup (ghost->inner.inner_pad);
  return TRUE;
}

static gboolean
is_inside (const PipelineElement *element, const PipelineElement *bin)
{
  while (element && element != bin)
    element = element->parent;
  return element != NULL;
}

static gboolean
resolve_ghosts (PipelineDescription *description, GError **error)
{
  for (guint i = description->elements->len; i-- > 0;)
    {
      PipelineElement *bin = description->elements->pdata[i];
      for (guint g = 0; g < bin->ghosts->len; g++)
        {
          PipelineGhost *ghost = bin->ghosts->pdata[g];
          ghost->inner.element = gst_pare_description_find (description, ghost->inner.id, ghost->place, error);
          if (!ghost->inner.element)
            return FALSE;
          if (ghost->inner.element == bin || !is_inside (ghost->inner.element, bin))
            {
              gst_pare_place_error (error, ghost->place,
                                    "The ghost pad '%s' shows a pad of '%s', which is not in '%s'.", ghost->name,
                                    ghost->inner.id, bin->id);
              return FALSE;
            }
          if (!resolve_end (description, &ghost->inner, ghost->inner.pad, ghost->place, error))
            return FALSE;
        }
    }
  return TRUE;
}

gboolean
gst_pare_description_resolve (PipelineDescription *description, GError **error)
{
  if (!name_elements (description, error) || !resolve_ghosts (description, error))
    return FALSE;
  for (guint i = 0; i < description->links->len; i++)
    {
      PipelineLink *link = description->links->pdata[i];
      if (!resolve_end (description, &link->from, "src", link->place, error)
          || !resolve_end (description, &link->to, "sink", link->place, error))
        return FALSE;
    }
  return TRUE;
}
