/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Sets a property from text, more strictly than GStreamer: signs, ranges and unknown names are errors, never clamped
 * or wrapped. */
#include "gst/pipeline-description.h"
#include "gst/value.h"
#include <string.h>

static GObject *
find_child (GObject *owner, const char *name, const PipelineProperty *property, GError **error)
{
  GObject *child
      = GST_IS_CHILD_PROXY (owner) ? gst_child_proxy_get_child_by_name (GST_CHILD_PROXY (owner), name) : NULL;
  g_autoptr (GPtrArray) names = NULL;
  g_autofree char *hint = NULL;

  if (child)
    return child;
  names = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; GST_IS_CHILD_PROXY (owner) && i < gst_child_proxy_get_children_count (GST_CHILD_PROXY (owner)); i++)
    {
      g_autoptr (GObject) known = gst_child_proxy_get_child_by_index (GST_CHILD_PROXY (owner), i);
      if (GST_IS_OBJECT (known))
        g_ptr_array_add (names, gst_object_get_name (GST_OBJECT (known)));
    }
  g_ptr_array_add (names, NULL);
  hint = gst_pare_did_you_mean (name, (const char *const *)names->pdata);
  gst_pare_place_error (error, property->place, "The property '%s' is of '%s', which '%s' does not have%s",
                        property->name, name, GST_OBJECT_NAME (owner), hint);
  return NULL;
}

/* What has the property: @object, or the child of it that stands before "::", as in src_0::passes. */
static GObject *
find_owner (GstElement *object, const PipelineProperty *property, const char **name, GError **error)
{
  g_autoptr (GObject) owner = g_object_ref (G_OBJECT (object));
  const char *end;

  for (*name = property->name; (end = strstr (*name, "::")); *name = end + 2)
    {
      g_autofree char *child = g_strndup (*name, end - *name);
      GObject *found = find_child (owner, child, property, error);
      if (!found)
        return NULL;
      g_object_unref (owner);
      owner = found;
    }
  return g_steal_pointer (&owner);
}

/* How messages call the owner of properties: by what it is, or by its name when it is part of an element. */
static const char *
describe_owner (GObject *owner)
{
  GstElementFactory *factory = GST_IS_ELEMENT (owner) ? gst_element_get_factory (GST_ELEMENT (owner)) : NULL;

  return factory                 ? GST_OBJECT_NAME (factory)
         : GST_IS_OBJECT (owner) ? GST_OBJECT_NAME (owner)
                                 : G_OBJECT_TYPE_NAME (owner);
}

static gboolean
find_property (GObject *owner, const char *name, PipelinePlace place, GParamSpec **pspec, GError **error)
{
  guint n;
  const char *type = describe_owner (owner);
  g_autofree GParamSpec **list = g_object_class_list_properties (G_OBJECT_GET_CLASS (owner), &n);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (owner), name);
  if (*pspec && g_str_equal (name, "name") && GST_IS_ELEMENT (owner))
    gst_pare_place_error (error, place, "The name of an element is its id; set that.");
  else if (*pspec && (!((*pspec)->flags & G_PARAM_WRITABLE) || (*pspec)->flags & G_PARAM_CONSTRUCT_ONLY))
    gst_pare_place_error (error, place, "The property '%s' of %s can only be read.", name, type);
  else if (*pspec)
    return TRUE;
  else
    {
      for (guint i = 0; i < n; i++)
        g_ptr_array_add (names, (gpointer)list[i]->name);
      g_ptr_array_add (names, NULL);
      g_autofree char *hint = gst_pare_did_you_mean (name, (const char *const *)names->pdata);
      gst_pare_place_error (error, place, "%s has no property '%s'%s", type, name, hint);
    }
  return FALSE;
}

gboolean
gst_pare_property_apply (GstElement *object, const PipelineProperty *property, GError **error)
{
  GParamSpec *pspec;
  const char *name;
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GObject) owner = find_owner (object, property, &name, error);

  if (!owner || !find_property (owner, name, property->place, &pspec, error))
    return FALSE;
  if (!gst_pare_value_parse (property->text, pspec, &value))
    {
      g_autofree char *range = gst_pare_value_describe_range (pspec);
      gst_pare_place_error (error, property->place, "The property '%s' of '%s' is '%s'; it must be %s.", property->name,
                            GST_OBJECT_NAME (object), property->text, range);
      return FALSE;
    }
  g_object_set_property (owner, name, &value);
  return TRUE;
}
