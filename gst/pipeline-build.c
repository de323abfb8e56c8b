/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Makes a GstPipeline from a description: elements and bins, presets and properties, ghost pads, links. */
#include "gst/pipeline-description.h"
#include <string.h>

static void
add_factory_name (gpointer feature, gpointer names)
{
  g_ptr_array_add (names, GST_OBJECT_NAME (feature));
}

static void
unknown_factory (const PipelineElement *element, GError **error)
{
  GList *features = gst_registry_get_feature_list (gst_registry_get (), GST_TYPE_ELEMENT_FACTORY);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  g_list_foreach (features, add_factory_name, names);
  g_ptr_array_add (names, NULL);
  g_autofree char *hint = gst_pare_did_you_mean (element->factory, (const char *const *)names->pdata);
  gst_pare_place_error (error, element->place, "There is no element '%s' installed%s", element->factory, hint);
  gst_plugin_feature_list_free (features);
}

static gboolean
load_preset (GstElement *object, const PipelineElement *element, GError **error)
{
  if (!element->preset || !*element->preset)
    return TRUE;
  if (!GST_IS_PRESET (object))
    {
      gst_pare_place_error (error, element->place, "'%s' has no presets, so not '%s' either.", element->factory,
                            element->preset);
      return FALSE;
    }
  if (gst_preset_load_preset (GST_PRESET (object), element->preset))
    return TRUE;
  g_auto (GStrv) names = gst_preset_get_preset_names (GST_PRESET (object));
  const char *none[] = { NULL };
  g_autofree char *hint
      = gst_pare_did_you_mean (element->preset, names ? (const char *const *)names : (const char *const *)none);
  gst_pare_place_error (error, element->place, "'%s' has no preset '%s'%s", element->factory, element->preset, hint);
  return FALSE;
}

/* The properties of an element itself, or those of its pads and other children: the latter exist once it is linked. */
static gboolean
apply_properties (GstElement *object, const PipelineElement *element, gboolean of_children, GError **error)
{
  for (guint i = 0; i < element->properties->len; i++)
    {
      const PipelineProperty *property = element->properties->pdata[i];
      if ((strstr (property->name, "::") != NULL) == of_children && !gst_pare_property_apply (object, property, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
make_element (GstElement *pipeline, GHashTable *objects, const PipelineElement *element, GError **error)
{
  GstElement *object
      = element->factory ? gst_element_factory_make (element->factory, element->id) : gst_bin_new (element->id);
  GstElement *parent = element->parent ? g_hash_table_lookup (objects, element->parent) : pipeline;

  if (!object)
    {
      unknown_factory (element, error);
      return FALSE;
    }
  gst_bin_add (GST_BIN (parent), object);
  g_hash_table_insert (objects, (gpointer)element, object);
  return load_preset (object, element, error) && apply_properties (object, element, FALSE, error);
}

static gboolean
make_ghost (GHashTable *objects, const PipelineElement *bin, const PipelineGhost *ghost, GError **error)
{
  GstElement *inner = g_hash_table_lookup (objects, ghost->inner.element);
  GstElement *outer = g_hash_table_lookup (objects, bin);
  g_autoptr (GstPad) target = gst_element_get_static_pad (inner, ghost->inner.pad);
  g_autoptr (GstPad) twin = gst_element_get_static_pad (outer, ghost->name);

  if (!target)
    target = gst_element_request_pad_simple (inner, ghost->inner.pad);
  if (!target || twin || gst_pad_is_linked (target))
    {
      gst_pare_place_error (error, ghost->place,
                            !target ? "'%s' has no pad '%s' that '%s' could show."
                            : twin  ? "'%s.%s' is shown as '%s', a name that is taken."
                                    : "'%s.%s' is linked or shown already, so '%s' cannot show it.",
                            GST_OBJECT_NAME (inner), ghost->inner.pad, ghost->name);
      return FALSE;
    }
  return gst_element_add_pad (outer, gst_ghost_pad_new (ghost->name, target));
}

static gboolean
make_ghosts (const PipelineDescription *description, GHashTable *objects, GError **error)
{
  /* Inner bins come later in the list and must be done first. */
  for (guint i = description->elements->len; i-- > 0;)
    {
      const PipelineElement *bin = description->elements->pdata[i];
      for (guint g = 0; g < bin->ghosts->len; g++)
        if (!make_ghost (objects, bin, bin->ghosts->pdata[g], error))
          return FALSE;
    }
  return TRUE;
}

GstElement *
gst_pare_description_build (const PipelineDescription *description, GError **error)
{
  g_autoptr (GHashTable) objects = g_hash_table_new (NULL, NULL);
  g_autoptr (GstElement) pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));

  for (guint i = 0; i < description->elements->len; i++)
    if (!make_element (pipeline, objects, description->elements->pdata[i], error))
      return NULL;
  if (!make_ghosts (description, objects, error))
    return NULL;
  for (guint i = 0; i < description->links->len; i++)
    {
      const PipelineLink *link = description->links->pdata[i];
      if (!gst_pare_link_make (link, g_hash_table_lookup (objects, link->from.element),
                               g_hash_table_lookup (objects, link->to.element), error))
        return NULL;
    }
  for (guint i = 0; i < description->elements->len; i++)
    {
      const PipelineElement *element = description->elements->pdata[i];
      if (!apply_properties (g_hash_table_lookup (objects, element), element, TRUE, error))
        return NULL;
    }
  g_object_force_floating (G_OBJECT (pipeline));
  return g_steal_pointer (&pipeline);
}
