/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The record: entries, copies, JSON. */
#include "graph/record.h"
#include <json-glib/json-glib.h>
#include <math.h>

static void
test_entries_keep_what_was_said (void)
{
  g_autoptr (PareRecord) record = pare_record_new ();
  const PareRecordEntry *entry;
  double number = 0;

  pare_record_add (record, "graphfuser", "conv1", "fused", "because", "macs", 1e6, "ratio", 0.25, NULL);
  pare_record_add (record, "graphquantizer", "", "left in float", NULL, NULL);
  g_assert_cmpuint (pare_record_length (record), ==, 2);
  entry = pare_record_get (record, 0);
  g_assert_cmpstr (pare_record_entry_stage (entry), ==, "graphfuser");
  g_assert_cmpstr (pare_record_entry_layer (entry), ==, "conv1");
  g_assert_cmpstr (pare_record_entry_action (entry), ==, "fused");
  g_assert_cmpstr (pare_record_entry_reason (entry), ==, "because");
  g_assert_true (pare_record_entry_number (entry, "ratio", &number));
  g_assert_cmpfloat (number, ==, 0.25);
  g_assert_false (pare_record_entry_number (entry, "error", &number));
  g_assert_null (pare_record_entry_reason (pare_record_get (record, 1)));
}

static void
test_lists_stand_beside_numbers (void)
{
  g_autoptr (PareRecord) record = pare_record_new ();
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autofree char *text = NULL;
  JsonObject *entry;
  JsonArray *list;
  double number = 0;

  pare_record_add_list (record, "s", "conv", "did", NULL,
                        &(PareRecordList){ "per_channel", 3, (double[]){ 1, NAN, 4 } }, "total", 5.0, NULL);
  g_assert_cmpuint (pare_record_entry_list (pare_record_get (record, 0))->n, ==, 3);
  g_assert_true (pare_record_entry_number (pare_record_get (record, 0), "total", &number));
  g_assert_cmpfloat (number, ==, 5);
  text = pare_record_to_json (record);
  g_assert_true (json_parser_load_from_data (parser, text, -1, NULL));
  entry = json_array_get_object_element (
      json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)), "entries"), 0);
  list = json_object_get_array_member (json_object_get_object_member (entry, "lists"), "per_channel");
  g_assert_cmpuint (json_array_get_length (list), ==, 3);
  g_assert_true (json_array_get_null_element (list, 1));
  g_assert_cmpfloat (json_array_get_double_element (list, 2), ==, 4);
}

static void
test_a_copy_goes_its_own_way (void)
{
  PareRecord *record = pare_record_new ();
  g_autoptr (PareRecord) copy = NULL;

  pare_record_add (record, "a", "x", "did", NULL, NULL);
  copy = pare_record_copy (record);
  pare_record_add (copy, "b", "y", "did", NULL, NULL);
  g_assert_cmpuint (pare_record_length (record), ==, 1);
  pare_record_free (record);
  g_assert_cmpuint (pare_record_length (copy), ==, 2);
  g_assert_cmpstr (pare_record_entry_layer (pare_record_get (copy, 0)), ==, "x");
}

static void
test_json_holds_everything_and_stays_json_for_infinities (void)
{
  g_autoptr (PareRecord) record = pare_record_new ();
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  JsonObject *first, *second, *numbers;
  JsonArray *entries;

  pare_record_add (record, "s", "a \"quoted\" layer", "did", "why", "big", INFINITY, "none", NAN, "half", 0.5, NULL);
  pare_record_add (record, "s", "plain", "did", NULL, NULL);
  text = pare_record_to_json (record);
  g_assert_true (json_parser_load_from_data (parser, text, -1, &error));
  g_assert_no_error (error);
  entries = json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)), "entries");
  g_assert_cmpuint (json_array_get_length (entries), ==, 2);
  first = json_array_get_object_element (entries, 0);
  second = json_array_get_object_element (entries, 1);
  numbers = json_object_get_object_member (first, "numbers");
  g_assert_cmpstr (json_object_get_string_member (first, "layer"), ==, "a \"quoted\" layer");
  g_assert_true (json_object_get_null_member (numbers, "big"));
  g_assert_true (json_object_get_null_member (numbers, "none"));
  g_assert_cmpfloat (json_object_get_double_member (numbers, "half"), ==, 0.5);
  g_assert_false (json_object_has_member (second, "reason"));
  g_assert_false (json_object_has_member (second, "numbers"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/record/entries", test_entries_keep_what_was_said);
  g_test_add_func ("/record/lists", test_lists_stand_beside_numbers);
  g_test_add_func ("/record/copy", test_a_copy_goes_its_own_way);
  g_test_add_func ("/record/json", test_json_holds_everything_and_stays_json_for_infinities);
  return g_test_run ();
}
