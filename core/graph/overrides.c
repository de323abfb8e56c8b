/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Reads settings of single layers into structs, by a table of their fields. */
#include "graph/overrides.h"
#include "graph/named.h"
#include "graph/overridesfile.h"
#include <stdlib.h>
#include <string.h>

typedef struct
{
  const PareOverrideField *fields;
  guint n;
} Fields;

static gboolean
parse_boolean (const PareOverrideField *field, const char *text, gpointer value)
{
  gboolean truth = strcmp (text, "true") == 0;

  *(int *)value = truth;
  return truth || strcmp (text, "false") == 0;
}

static gboolean
parse_integer (const PareOverrideField *field, const char *text, gpointer value)
{
  gint64 number;

  if (!g_ascii_string_to_signed (text, 10, (gint64)field->minimum, (gint64)field->maximum, &number, NULL))
    return FALSE;
  *(int *)value = (int)number;
  return TRUE;
}

static gboolean
parse_number (const PareOverrideField *field, const char *text, gpointer value)
{
  char *end;
  double number = g_ascii_strtod (text, &end);

  *(double *)value = number;
  return end != text && !*end && number > field->minimum && number < field->maximum;
}

static gboolean
parse_choice (const PareOverrideField *field, const char *text, gpointer value)
{
  for (int i = 0; field->choices[i]; i++)
    if (strcmp (field->choices[i], text) == 0)
      {
        *(int *)value = i;
        return TRUE;
      }
  return FALSE;
}

static char *
boolean_advice (const PareOverrideField *field)
{
  return g_strdup ("true or false");
}

static char *
integer_advice (const PareOverrideField *field)
{
  return g_strdup_printf ("a whole number from %.0f to %.0f", field->minimum, field->maximum);
}

static char *
number_advice (const PareOverrideField *field)
{
  return g_strdup_printf ("a number between %g and %g", field->minimum, field->maximum);
}

static char *
choice_advice (const PareOverrideField *field)
{
  g_autofree char *all = g_strjoinv (", ", (char **)field->choices);

  return g_strconcat ("one of ", all, NULL);
}

static const struct
{
  gboolean (*parse) (const PareOverrideField *field, const char *text, gpointer value);
  char *(*advice) (const PareOverrideField *field);
} types[] = {
  [PARE_OVERRIDE_BOOLEAN] = { parse_boolean, boolean_advice },
  [PARE_OVERRIDE_INTEGER] = { parse_integer, integer_advice },
  [PARE_OVERRIDE_NUMBER] = { parse_number, number_advice },
  [PARE_OVERRIDE_CHOICE] = { parse_choice, choice_advice },
};

static const PareOverrideField *
find_field (const Fields *fields, const char *layer, const char *name, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *what = NULL;

  for (guint i = 0; i < fields->n; i++)
    {
      if (strcmp (fields->fields[i].name, name) == 0)
        return &fields->fields[i];
      g_ptr_array_add (names, (gpointer)fields->fields[i].name);
    }
  g_ptr_array_add (names, NULL);
  what = g_strdup_printf ("setting for layer '%s' called", layer);
  pare_set_error_unknown (error, what, name, (const char *const *)names->pdata, NULL);
  return NULL;
}

/* One "bits=4". */
static gboolean
parse_setting (const Fields *fields, const char *layer, char *text, gpointer values, GError **error)
{
  char *equals = strchr (text, '=');
  const char *value = equals ? g_strstrip (equals + 1) : "";
  const PareOverrideField *field;
  g_autofree char *advice = NULL;

  if (equals)
    *equals = '\0';
  field = find_field (fields, layer, g_strstrip (text), error);
  if (!field)
    return FALSE;
  if (types[field->type].parse (field, value, G_STRUCT_MEMBER_P (values, field->offset)))
    return TRUE;
  advice = types[field->type].advice (field);
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "Layer '%s' has '%s=%s': write %s.", layer, field->name, value,
               advice);
  return FALSE;
}

/* The colon that ends the layer's name. A setting's value may hold colons as well ("pattern=2:4"). */
static char *
find_colon (char *text)
{
  return g_strrstr_len (text, strcspn (text, "="), ":");
}

/* One "conv1:bits=4,per-channel=false". */
static gboolean
parse_layer (const Fields *fields, char *text, gpointer values, GError **error)
{
  char *colon = find_colon (text);
  g_auto (GStrv) parts = NULL;

  if (!colon || !colon[1])
    {
      g_set_error (
          error, PARE_ERROR, PARE_ERROR_SETTINGS,
          "'%s' says nothing of a layer: write NAME:SETTING=VALUE, with one of the settings that the stage has, "
          "such as '%s'.",
          text, fields->fields[0].name);
      return FALSE;
    }
  *colon = '\0';
  g_strstrip (text);
  parts = g_strsplit (colon + 1, ",", -1);
  for (char **part = parts; *part; part++)
    if (!parse_setting (fields, text, *part, values, error))
      return FALSE;
  return TRUE;
}

static GHashTable *
parse_layers (const char *text, const Fields *fields, gconstpointer unset, gsize size, GError **error)
{
  g_autoptr (GHashTable) overrides = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_auto (GStrv) parts = g_strsplit (text ? text : "", ";", -1);

  for (char **part = parts; *part; part++)
    {
      gpointer values;
      if (!*g_strstrip (*part))
        continue;
      values = g_memdup2 (unset, size);
      /* Afterwards the part holds the name alone. */
      if (!parse_layer (fields, *part, values, error))
        {
          g_free (values);
          return NULL;
        }
      if (!g_hash_table_insert (overrides, g_strdup (*part), values))
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "Layer '%s' stands twice: put its settings together.",
                       *part);
          return NULL;
        }
    }
  return g_steal_pointer (&overrides);
}

GHashTable *
pare_overrides_parse (const char *text, const PareOverrideField *fields, guint n_fields, gconstpointer unset,
                      gsize size, GError **error)
{
  const Fields table = { fields, n_fields };
  g_autofree char *lines = NULL;
  GHashTable *overrides;

  if (!text || *text != '@')
    return parse_layers (text, &table, unset, size, error);
  lines = pare_overrides_read_file (text + 1, error);
  if (!lines)
    return NULL;
  overrides = parse_layers (lines, &table, unset, size, error);
  if (!overrides)
    g_prefix_error (error, "In '%s': ", text + 1);
  return overrides;
}

gboolean
pare_overrides_check_layers (GHashTable *overrides, const PareGraph *graph, GError **error)
{
  GHashTableIter iter;
  gpointer name;

  if (!overrides)
    return TRUE;
  g_hash_table_iter_init (&iter, overrides);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (!pare_graph_find_layer (graph, name, error))
      return FALSE;
  return TRUE;
}

gconstpointer
pare_overrides_find (GHashTable *overrides, const char *label)
{
  return overrides ? g_hash_table_lookup (overrides, label) : NULL;
}
