/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Single operators against the outputs in operator-cases/, which tests/judge/operator-cases.py had from ONNX Runtime,
 * or from the specification. Each runs twice: on inputs that come with the data, and on constants. */
#include "exec/executor.h"
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

static double
read_number (JsonNode *node)
{
  /* JSON has no infinity: those are strings. */
  return json_node_get_value_type (node) == G_TYPE_STRING ? g_ascii_strtod (json_node_get_string (node), NULL)
                                                          : json_node_get_double (node);
}

static PareTensor *
read_tensor (JsonObject *object)
{
  PareDataType type = pare_data_type_from_name (json_object_get_string_member (object, "type"));
  JsonArray *dims = json_object_get_array_member (object, "shape"),
            *data = json_object_get_array_member (object, "data");
  PareShape shape = { .rank = json_array_get_length (dims) };
  guint n = json_array_get_length (data);
  g_autofree double *numbers = g_new (double, MAX (n, 1));
  gpointer elements;

  for (guint i = 0; i < shape.rank; i++)
    shape.dims[i] = json_array_get_int_element (dims, i);
  if (type == PARE_STRING)
    {
      GPtrArray *strings = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
      for (guint i = 0; i < n; i++)
        {
          const char *text = json_array_get_string_element (data, i);
          g_ptr_array_add (strings, g_bytes_new (text, strlen (text)));
        }
      return pare_tensor_new_strings (&shape, strings);
    }
  for (guint i = 0; i < n; i++)
    numbers[i] = read_number (json_array_get_element (data, i));
  elements = g_malloc (MAX (pare_data_size (type, n), 1));
  g_assert_true (pare_convert (PARE_FLOAT64, numbers, type, elements, n));
  return pare_tensor_new_take (type, &shape, elements);
}

static void
set_list (PareNode *node, const char *name, JsonArray *list)
{
  guint n = json_array_get_length (list);
  GType type = n ? json_node_get_value_type (json_array_get_element (list, 0)) : G_TYPE_INT64;
  PareAttribute *attribute = pare_attribute_new_ints (name, 0, NULL);

  attribute->n = n;
  if (type == G_TYPE_STRING)
    {
      attribute->type = PARE_ATTRIBUTE_STRINGS;
      attribute->u.strings = g_new (GBytes *, n);
    }
  else if (type == G_TYPE_DOUBLE)
    {
      attribute->type = PARE_ATTRIBUTE_FLOATS;
      attribute->u.floats = g_new (float, n);
    }
  else
    attribute->u.ints = g_new (gint64, MAX (n, 1));
  for (guint i = 0; i < n; i++)
    if (type == G_TYPE_STRING)
      attribute->u.strings[i]
          = g_bytes_new (json_array_get_string_element (list, i), strlen (json_array_get_string_element (list, i)));
    else if (type == G_TYPE_DOUBLE)
      attribute->u.floats[i] = json_array_get_double_element (list, i);
    else
      attribute->u.ints[i] = json_array_get_int_element (list, i);
  pare_node_set_attribute (node, attribute);
}

static void
set_attribute (JsonObject *object, const char *name, JsonNode *value, gpointer node)
{
  if (JSON_NODE_HOLDS_ARRAY (value))
    set_list (node, name, json_node_get_array (value));
  else if (JSON_NODE_HOLDS_OBJECT (value))
    {
      g_autoptr (PareTensor) tensor = read_tensor (json_node_get_object (value));
      pare_node_set_attribute (node, pare_attribute_new_tensor (name, tensor));
    }
  else if (json_node_get_value_type (value) == G_TYPE_STRING)
    pare_node_set_attribute (node, pare_attribute_new_string (name, json_node_get_string (value)));
  else if (json_node_get_value_type (value) == G_TYPE_DOUBLE)
    pare_node_set_attribute (node, pare_attribute_new_float (name, json_node_get_double (value)));
  else
    pare_node_set_attribute (node, pare_attribute_new_int (name, json_node_get_int (value)));
}

static void
unref_if_there (gpointer tensor)
{
  if (tensor)
    pare_tensor_unref (tensor);
}

/* Tensors of a list of objects and nulls. */
static GPtrArray *
read_tensors (JsonArray *list)
{
  GPtrArray *tensors = g_ptr_array_new_with_free_func (unref_if_there);

  for (guint i = 0; list && i < json_array_get_length (list); i++)
    g_ptr_array_add (
        tensors, json_array_get_null_element (list, i) ? NULL : read_tensor (json_array_get_object_element (list, i)));
  return tensors;
}

/* The case as a network; @fed receives what its inputs are to be. */
static PareGraph *
build (JsonObject *object, GPtrArray *inputs, gboolean constant, GPtrArray *fed)
{
  PareGraph *graph = pare_graph_new ();
  JsonArray *outputs
      = json_object_has_member (object, "outputs") ? json_object_get_array_member (object, "outputs") : NULL;
  guint n_outputs = outputs ? json_array_get_length (outputs) : 1;
  PareNode *node;

  pare_graph_set_opset (graph, "", json_object_get_int_member (object, "opset"));
  node = pare_graph_add_node (graph, "", json_object_get_string_member (object, "op"), "the node", NULL);
  for (guint i = 0; i < inputs->len; i++)
    {
      PareTensor *tensor = inputs->pdata[i];
      PareValue *value = !tensor    ? NULL
                         : constant ? pare_graph_add_constant (graph, "x", tensor)
                                    : pare_graph_add_value_near (graph, "x");
      pare_node_add_input (node, value);
      if (!tensor || constant)
        continue;
      pare_value_set_spec (value, &(PareSpec){ tensor->type, tensor->shape });
      g_ptr_array_add (graph->inputs, value);
      g_ptr_array_add (fed, tensor);
    }
  for (guint i = 0; i < n_outputs; i++)
    {
      gboolean omitted = outputs && json_array_get_null_element (outputs, i);
      PareValue *value = omitted ? NULL : pare_graph_add_value_near (graph, "y");
      pare_node_add_output (node, value);
      if (value)
        g_ptr_array_add (graph->outputs, value);
    }
  json_object_foreach_member (json_object_get_object_member (object, "attributes"), set_attribute, node);
  return graph;
}

static void
assert_close (const PareTensor *have, const PareTensor *want, double tolerance)
{
  g_autofree char *have_shape = pare_shape_to_string (&have->shape), *want_shape = pare_shape_to_string (&want->shape);

  g_assert_cmpstr (pare_data_type_name (have->type), ==, pare_data_type_name (want->type));
  g_assert_cmpstr (have_shape, ==, want_shape);
  if (want->strings)
    g_assert_true (pare_tensor_equal (have, want));
  for (gint64 i = 0; !want->strings && i < pare_tensor_elements (want); i++)
    {
      double a = pare_tensor_get_double (have, i), b = pare_tensor_get_double (want, i);
      double room = pare_data_type_is_float (want->type) ? tolerance * MAX (1, fabs (b)) : 0;
      if (!(isnan (a) && isnan (b)) && a != b && !(fabs (a - b) <= room))
        g_error ("entry %" G_GINT64_FORMAT " is %.9g instead of %.9g", i, a, b);
    }
}

static void
run_case (JsonObject *object, gboolean constant)
{
  g_autoptr (GPtrArray) inputs = read_tensors (json_object_get_array_member (object, "inputs"));
  g_autoptr (GPtrArray) fed = g_ptr_array_new ();
  g_autoptr (PareGraph) graph = build (object, inputs, constant, fed);
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (unref_if_there);
  g_autoptr (GPtrArray) wanted = NULL;
  guint next = 0;

  g_ptr_array_set_size (found, graph->outputs->len);
  pare_executor_run (executor, (PareTensor **)fed->pdata, fed->len, (PareTensor **)found->pdata, &error);
  if (json_object_has_member (object, "error"))
    {
      const char *text = json_object_get_string_member (object, "error");
      g_assert_nonnull (error);
      if (!strstr (error->message, text) || !strstr (error->message, "the node"))
        g_error ("the message does not say '%s': %s", text, error->message);
      return;
    }
  g_assert_no_error (error);
  wanted = read_tensors (json_object_get_array_member (object, "outputs"));
  for (guint i = 0; i < wanted->len; i++)
    if (wanted->pdata[i])
      assert_close (found->pdata[next++], wanted->pdata[i], json_object_get_double_member (object, "tolerance"));
}

static void
test_case_on_data_and_on_constants (gconstpointer object)
{
  run_case ((JsonObject *)object, FALSE);
  run_case ((JsonObject *)object, TRUE);
}

/* A test per case: FILE/operator/case. */
static void
add_file (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *stem = g_strndup (name, strlen (name) - strlen (".json"));
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) error = NULL;
  JsonArray *cases;

  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);
  cases = json_node_get_array (json_parser_get_root (parser));
  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *object = json_array_get_object_element (cases, i);
      g_autofree char *test
          = g_strdup_printf ("/operator-cases/%s/%s/%s", stem, json_object_get_string_member (object, "op"),
                             json_object_get_string_member (object, "name"));
      g_test_add_data_func_full (test, json_object_ref (object), test_case_on_data_and_on_constants,
                                 (GDestroyNotify)json_object_unref);
    }
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = NULL;
  g_autoptr (GDir) dir = NULL;

  g_test_init (&argc, &argv, NULL);
  folder = g_test_build_filename (G_TEST_DIST, "core", "operator-cases", NULL);
  dir = g_dir_open (folder, 0, NULL);
  g_assert_nonnull (dir);
  for (const char *name; (name = g_dir_read_name (dir));)
    if (g_str_has_suffix (name, ".json"))
      add_file (folder, name);
  return g_test_run ();
}
