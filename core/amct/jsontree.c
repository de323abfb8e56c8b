/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "amct/jsontree.h"
#include "amct/textproto.h"
#include "graph/error.h"
#include <json-glib/json-glib.h>

static GPtrArray *read_object (JsonObject *object);

static char *
scalar_text (JsonNode *node)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  switch (json_node_get_value_type (node))
    {
    case G_TYPE_STRING:
      return g_strdup (json_node_get_string (node));
    case G_TYPE_BOOLEAN:
      return g_strdup (json_node_get_boolean (node) ? "true" : "false");
    case G_TYPE_INT64:
      return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
    case G_TYPE_DOUBLE:
      return g_strdup (g_ascii_formatd (number, sizeof number, "%.15g", json_node_get_double (node)));
    default:
      return g_strdup (""); /* null */
    }
}

static void
add_value (GPtrArray *fields, const char *name, JsonNode *node)
{
  PareTextField *field;

  if (JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);
      for (guint i = 0; i < json_array_get_length (array); i++)
        if (!JSON_NODE_HOLDS_ARRAY (json_array_get_element (array, i)))
          add_value (fields, name, json_array_get_element (array, i));
      return;
    }
  field = pare_text_field_new (name, 0);
  if (JSON_NODE_HOLDS_OBJECT (node))
    field->fields = read_object (json_node_get_object (node));
  else
    field->text = scalar_text (node);
  g_ptr_array_add (fields, field);
}

static GPtrArray *
read_object (JsonObject *object)
{
  GPtrArray *fields = g_ptr_array_new_with_free_func (pare_text_field_free);
  g_autoptr (GList) names = json_object_get_members (object);

  for (const GList *name = names; name; name = name->next)
    add_value (fields, name->data, json_object_get_member (object, name->data));
  return fields;
}

GPtrArray *
pare_json_tree_parse (const char *text, const char *path, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) problem = NULL;
  JsonNode *root;

  if (!json_parser_load_from_data (parser, text, -1, &problem))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "'%s' is not JSON: %s", path, problem->message);
      return NULL;
    }
  root = json_parser_get_root (parser);
  if (root && JSON_NODE_HOLDS_OBJECT (root))
    return read_object (json_node_get_object (root));
  g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "'%s' holds no JSON object.", path);
  return NULL;
}
