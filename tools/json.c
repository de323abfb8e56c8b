/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What --json prints: one object and nothing else on standard output. */
#include "json.h"
#include <math.h>

void
pare_json_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  /* json-glib has no null string. */
  if (value)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

void
pare_json_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

void
pare_json_double (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  if (isfinite (value))
    json_builder_add_double_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

void
pare_json_shape (JsonBuilder *builder, const char *name, const PareShape *shape)
{
  pare_json_begin_array (builder, name);
  for (guint d = 0; d < shape->rank; d++)
    if (shape->dims[d] < 0)
      json_builder_add_null_value (builder);
    else
      json_builder_add_int_value (builder, shape->dims[d]);
  json_builder_end_array (builder);
}

void
pare_json_begin_array (JsonBuilder *builder, const char *name)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
}

void
pare_json_begin_object (JsonBuilder *builder, const char *name)
{
  if (name)
    json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
}

void
pare_json_print (JsonBuilder *builder)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  json_generator_set_root (generator, root);
  json_generator_set_pretty (generator, TRUE);
  text = json_generator_to_data (generator, NULL);
  g_print ("%s\n", text);
}
