/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Properties of elements from a table: each is one field of the instance. */
#include "gst/properties.h"
#include "graph/error.h"
#include "gst/value.h"

/* The handlers tell properties by their GParamSpec; this id is far from those of a class with handlers of its own. */
#define PROPERTY_ID 0x10000

static GQuark
offset_quark (void)
{
  return g_quark_from_static_string ("gst-pare-property-offset");
}

static gpointer
field_of (GObject *object, GParamSpec *pspec)
{
  return G_STRUCT_MEMBER_P (object, GPOINTER_TO_INT (g_param_spec_get_qdata (pspec, offset_quark ())));
}

static gboolean
is_running (GstElement *element)
{
  gboolean running;

  GST_OBJECT_LOCK (element);
  running = GST_STATE (element) > GST_STATE_READY || GST_STATE_PENDING (element) > GST_STATE_READY;
  GST_OBJECT_UNLOCK (element);
  return running;
}

/* FALSE for a type that no field has. */
static gboolean
store (GObject *object, GParamSpec *pspec, const GValue *value)
{
  gpointer field = field_of (object, pspec);
  char *text;

  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_ENUM:
      *(int *)field = g_value_get_enum (value);
      break;
    case G_TYPE_STRING:
      text = g_value_dup_string (value);
      *(char **)field = text;
      /* The object frees it, at its end or when the next one comes. */
      g_object_set_data_full (object, pspec->name, text, g_free);
      break;
    case G_TYPE_BOOLEAN:
      *(gboolean *)field = g_value_get_boolean (value);
      break;
    case G_TYPE_UINT:
      *(guint *)field = g_value_get_uint (value);
      break;
    case G_TYPE_UINT64:
      *(guint64 *)field = g_value_get_uint64 (value);
      break;
    case G_TYPE_DOUBLE:
      *(double *)field = g_value_get_double (value);
      break;
    default:
      return FALSE;
    }
  return TRUE;
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (is_running (GST_ELEMENT (object)))
    g_warning ("%s: '%s' keeps its value: it can be set in the states NULL and READY only.", GST_OBJECT_NAME (object),
               pspec->name);
  else if (!store (object, pspec, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  gpointer field = field_of (object, pspec);

  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_ENUM:
      g_value_set_enum (value, *(int *)field);
      break;
    case G_TYPE_STRING:
      g_value_set_string (value, *(char **)field);
      break;
    case G_TYPE_BOOLEAN:
      g_value_set_boolean (value, *(gboolean *)field);
      break;
    case G_TYPE_UINT:
      g_value_set_uint (value, *(guint *)field);
      break;
    case G_TYPE_UINT64:
      g_value_set_uint64 (value, *(guint64 *)field);
      break;
    case G_TYPE_DOUBLE:
      g_value_set_double (value, *(double *)field);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static GParamSpec *
new_pspec (const GstPareProperty *property)
{
  const char *name = property->name, *description = property->description;
  GParamFlags flags
      = G_PARAM_STATIC_STRINGS
        | (property->read_only ? G_PARAM_READABLE : G_PARAM_READWRITE | G_PARAM_CONSTRUCT | GST_PARAM_MUTABLE_READY);

  switch (G_TYPE_FUNDAMENTAL (property->type))
    {
    case G_TYPE_ENUM:
      return g_param_spec_enum (name, name, description, property->type, property->initial, flags);
    case G_TYPE_STRING:
      return g_param_spec_string (name, name, description, property->text, flags);
    case G_TYPE_BOOLEAN:
      return g_param_spec_boolean (name, name, description, property->initial != 0, flags);
    case G_TYPE_UINT:
      return g_param_spec_uint (name, name, description, property->minimum, property->maximum, property->initial,
                                flags);
    case G_TYPE_UINT64:
      return g_param_spec_uint64 (name, name, description, property->minimum, property->maximum, property->initial,
                                  flags);
    default:
      g_assert (property->type == G_TYPE_DOUBLE);
      return g_param_spec_double (name, name, description, property->minimum, property->maximum, property->initial,
                                  flags);
    }
}

void
gst_pare_class_install_properties (GObjectClass *klass, const GstPareProperty *properties, guint n)
{
  /* GObject does not inherit them. */
  if (!klass->set_property)
    klass->set_property = set_property;
  if (!klass->get_property)
    klass->get_property = get_property;
  for (guint i = 0; i < n; i++)
    {
      GParamSpec *pspec = new_pspec (&properties[i]);
      g_param_spec_set_qdata (pspec, offset_quark (), GINT_TO_POINTER ((int)properties[i].offset));
      g_object_class_install_property (klass, PROPERTY_ID, pspec);
    }
}

gboolean
gst_pare_object_assign (GObject *object, const char *name, const char *text, GError **error)
{
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (object), name);
  g_auto (GValue) value = G_VALUE_INIT;
  g_autofree char *range = NULL;

  if (!pspec || !g_param_spec_get_qdata (pspec, offset_quark ()) || !(pspec->flags & G_PARAM_WRITABLE))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "%s has no property '%s' to set to '%s'.",
                   GST_OBJECT_NAME (object), name, text);
      return FALSE;
    }
  if (gst_pare_value_parse (text, pspec, &value))
    return store (object, pspec, &value);
  range = gst_pare_value_describe_range (pspec);
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "The property '%s' of %s cannot be '%s'; it must be %s.", name,
               GST_OBJECT_NAME (object), text, range);
  return FALSE;
}

char **
gst_pare_split_names (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text ? text : "", ",", -1);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (char **part = parts; *part; part++)
    if (*g_strstrip (*part))
      g_ptr_array_add (names, g_strdup (*part));
  if (!names->len)
    return NULL;
  g_ptr_array_add (names, NULL);
  return (char **)g_ptr_array_steal (names, NULL);
}
