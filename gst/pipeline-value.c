/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Sets a property from text, more strictly than GStreamer: signs, ranges and unknown names are errors, never clamped
 * or wrapped. */
#include "gst/pipeline-description.h"
#include <math.h>
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

static char *
list_nicks (GType type)
{
  g_autoptr (GTypeClass) class = g_type_class_ref (type);
  g_autoptr (GString) nicks = g_string_new (NULL);

  if (G_TYPE_IS_ENUM (type))
    for (guint i = 0; i < G_ENUM_CLASS (class)->n_values; i++)
      g_string_append_printf (nicks, "%s%s", i ? ", " : "", G_ENUM_CLASS (class)->values[i].value_nick);
  else
    for (guint i = 0; i < G_FLAGS_CLASS (class)->n_values; i++)
      g_string_append_printf (nicks, "%s%s", i ? ", " : "", G_FLAGS_CLASS (class)->values[i].value_nick);
  return g_string_free (g_steal_pointer (&nicks), FALSE);
}

#define RANGE(TYPE, Type, format)                                                                                      \
  if (G_IS_PARAM_SPEC_##TYPE (pspec))                                                                                  \
  return g_strdup_printf ("from " format " to " format, ((GParamSpec##Type *)pspec)->minimum,                          \
                          ((GParamSpec##Type *)pspec)->maximum)

/* What the property accepts, in words. */
static char *
describe_range (GParamSpec *pspec)
{
  RANGE (INT, Int, "%d");
  RANGE (UINT, UInt, "%u");
  RANGE (INT64, Int64, "%" G_GINT64_FORMAT);
  RANGE (UINT64, UInt64, "%" G_GUINT64_FORMAT);
  RANGE (LONG, Long, "%ld");
  RANGE (ULONG, ULong, "%lu");
  RANGE (FLOAT, Float, "%g");
  RANGE (DOUBLE, Double, "%g");
  if (G_TYPE_IS_ENUM (pspec->value_type) || G_TYPE_IS_FLAGS (pspec->value_type))
    {
      g_autofree char *nicks = list_nicks (pspec->value_type);
      return g_strdup_printf ("one of %s", nicks);
    }
  if (pspec->value_type == G_TYPE_BOOLEAN)
    return g_strdup ("true or false");
  return g_strdup_printf ("a %s", g_type_name (pspec->value_type));
}

/* gst_value_deserialize() lets -1 become 4294967295 and lets a number too long for 64 bits saturate. */
static gboolean
is_whole_number_in_range (const char *text, GType type)
{
  gboolean is_unsigned = type == G_TYPE_UINT || type == G_TYPE_UINT64 || type == G_TYPE_ULONG;
  gboolean is_signed = type == G_TYPE_INT || type == G_TYPE_INT64 || type == G_TYPE_LONG;
  const char *digits = text + (*text == '-' || *text == '+');

  if (is_unsigned && *text == '-')
    return FALSE;
  if ((!is_unsigned && !is_signed) || strspn (digits, G_CSET_DIGITS) != strlen (digits))
    return TRUE;
  return is_unsigned ? g_ascii_string_to_unsigned (digits, 10, 0, G_MAXUINT64, NULL, NULL)
                     : g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, NULL, NULL);
}

static gboolean
is_finite (const GValue *value)
{
  return (!G_VALUE_HOLDS_DOUBLE (value) || !isnan (g_value_get_double (value)))
         && (!G_VALUE_HOLDS_FLOAT (value) || !isnan (g_value_get_float (value)));
}

/* GStreamer takes any number for an enumeration or a set of flags; here a value must have a name. */
static gboolean
is_named_value (const GValue *value)
{
  if (G_VALUE_HOLDS_ENUM (value))
    {
      g_autoptr (GTypeClass) class = g_type_class_ref (G_VALUE_TYPE (value));
      return g_enum_get_value (G_ENUM_CLASS (class), g_value_get_enum (value)) != NULL;
    }
  if (G_VALUE_HOLDS_FLAGS (value))
    {
      g_autoptr (GTypeClass) class = g_type_class_ref (G_VALUE_TYPE (value));
      return (g_value_get_flags (value) & ~G_FLAGS_CLASS (class)->mask) == 0;
    }
  return TRUE;
}

static gboolean
parse_value (const char *text, GParamSpec *pspec, GValue *value)
{
  /* Text is text: the deserializer would take quotes off. */
  if (pspec->value_type == G_TYPE_STRING)
    {
      g_value_set_string (value, text);
      return TRUE;
    }
  g_autofree char *trimmed = g_strstrip (g_strdup (text));
  return *trimmed && is_whole_number_in_range (trimmed, pspec->value_type)
         && gst_value_deserialize_with_pspec (value, trimmed, pspec) && is_finite (value) && is_named_value (value)
         && !g_param_value_validate (pspec, value);
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
  g_value_init (&value, pspec->value_type);
  if (!parse_value (property->text, pspec, &value))
    {
      g_autofree char *range = describe_range (pspec);
      gst_pare_place_error (error, property->place, "The property '%s' of '%s' is '%s'; it must be %s.", property->name,
                            GST_OBJECT_NAME (object), property->text, range);
      return FALSE;
    }
  g_object_set_property (owner, name, &value);
  return TRUE;
}
