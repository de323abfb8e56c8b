/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Values of properties from text, more strictly than GStreamer reads them: signs, ranges and unknown names are errors,
 * never clamped or wrapped. */
#include "gst/value.h"
#include <gst/gst.h>
#include <math.h>
#include <string.h>

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

char *
gst_pare_value_describe_range (GParamSpec *pspec)
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

gboolean
gst_pare_value_parse (const char *text, GParamSpec *pspec, GValue *value)
{
  g_value_init (value, pspec->value_type);
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
