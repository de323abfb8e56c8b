/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The record: what each stage did to each layer and why. */
#include "graph/record.h"
#include <json-glib/json-glib.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

struct _PareRecordEntry
{
  gatomicrefcount refs;
  char *stage, *layer, *action, *reason;
  guint n;
  char **names;
  double *values;
  PareRecordList *list; /* or NULL */
};

struct _PareRecord
{
  GPtrArray *entries;
};

static PareRecordEntry *
entry_ref (PareRecordEntry *entry)
{
  g_atomic_ref_count_inc (&entry->refs);
  return entry;
}

static void
list_free (PareRecordList *list)
{
  g_free ((char *)list->name);
  g_free ((double *)list->values);
  g_free (list);
}

static void
entry_unref (gpointer data)
{
  PareRecordEntry *entry = data;

  if (!g_atomic_ref_count_dec (&entry->refs))
    return;
  g_free (entry->stage);
  g_free (entry->layer);
  g_free (entry->action);
  g_free (entry->reason);
  g_strfreev (entry->names);
  g_free (entry->values);
  g_clear_pointer (&entry->list, list_free);
  g_free (entry);
}

PareRecord *
pare_record_new (void)
{
  PareRecord *record = g_new0 (PareRecord, 1);

  record->entries = g_ptr_array_new_with_free_func (entry_unref);
  return record;
}

PareRecord *
pare_record_copy (const PareRecord *record)
{
  PareRecord *copy = pare_record_new ();

  for (guint i = 0; i < record->entries->len; i++)
    g_ptr_array_add (copy->entries, entry_ref (record->entries->pdata[i]));
  return copy;
}

void
pare_record_free (PareRecord *record)
{
  g_ptr_array_unref (record->entries);
  g_free (record);
}

static PareRecordEntry *
add_entry (PareRecord *record, const char *stage, const char *layer, const char *action, const char *reason, guint n,
           const char *const *names, const double *values)
{
  PareRecordEntry *entry = g_new0 (PareRecordEntry, 1);

  g_atomic_ref_count_init (&entry->refs);
  entry->stage = g_strdup (stage);
  entry->layer = g_strdup (layer);
  entry->action = g_strdup (action);
  entry->reason = g_strdup (reason);
  entry->n = n;
  entry->names = g_new0 (char *, n + 1);
  for (guint i = 0; i < n; i++)
    entry->names[i] = g_strdup (names[i]);
  entry->values = g_memdup2 (values, n * sizeof *values);
  g_ptr_array_add (record->entries, entry);
  return entry;
}

void
pare_record_add_numbers (PareRecord *record, const char *stage, const char *layer, const char *action,
                         const char *reason, guint n, const char *const *names, const double *values)
{
  add_entry (record, stage, layer, action, reason, n, names, values);
}

static PareRecordEntry *
add_pairs (PareRecord *record, const char *stage, const char *layer, const char *action, const char *reason,
           va_list numbers)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (double));

  for (const char *name; (name = va_arg (numbers, const char *));)
    {
      double value = va_arg (numbers, double);
      g_ptr_array_add (names, (gpointer)name);
      g_array_append_val (values, value);
    }
  return add_entry (record, stage, layer, action, reason, names->len, (const char *const *)names->pdata,
                    (const double *)values->data);
}

void
pare_record_add (PareRecord *record, const char *stage, const char *layer, const char *action, const char *reason, ...)
{
  va_list numbers;

  va_start (numbers, reason);
  add_pairs (record, stage, layer, action, reason, numbers);
  va_end (numbers);
}

void
pare_record_add_list (PareRecord *record, const char *stage, const char *layer, const char *action, const char *reason,
                      const PareRecordList *list, ...)
{
  PareRecordEntry *entry;
  va_list numbers;

  va_start (numbers, list);
  entry = add_pairs (record, stage, layer, action, reason, numbers);
  va_end (numbers);
  entry->list = g_new (PareRecordList, 1);
  *entry->list
      = (PareRecordList){ g_strdup (list->name), list->n, g_memdup2 (list->values, list->n * sizeof *list->values) };
}

guint
pare_record_length (const PareRecord *record)
{
  return record->entries->len;
}

const PareRecordEntry *
pare_record_get (const PareRecord *record, guint index)
{
  return record->entries->pdata[index];
}

const char *
pare_record_entry_stage (const PareRecordEntry *entry)
{
  return entry->stage;
}

const char *
pare_record_entry_layer (const PareRecordEntry *entry)
{
  return entry->layer;
}

const char *
pare_record_entry_action (const PareRecordEntry *entry)
{
  return entry->action;
}

const char *
pare_record_entry_reason (const PareRecordEntry *entry)
{
  return entry->reason;
}

gboolean
pare_record_entry_number (const PareRecordEntry *entry, const char *name, double *value)
{
  for (guint i = 0; i < entry->n; i++)
    if (strcmp (entry->names[i], name) == 0)
      {
        *value = entry->values[i];
        return TRUE;
      }
  return FALSE;
}

const PareRecordList *
pare_record_entry_list (const PareRecordEntry *entry)
{
  return entry->list;
}

/* JSON has no infinity and no NaN. */
static void
build_number (JsonBuilder *builder, double value)
{
  if (isfinite (value))
    json_builder_add_double_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

static void
build_list (JsonBuilder *builder, const PareRecordList *list)
{
  json_builder_set_member_name (builder, "lists");
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, list->name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < list->n; i++)
    build_number (builder, list->values[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
}

static void
build_entry (JsonBuilder *builder, const PareRecordEntry *entry)
{
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "stage");
  json_builder_add_string_value (builder, entry->stage);
  json_builder_set_member_name (builder, "layer");
  json_builder_add_string_value (builder, entry->layer);
  json_builder_set_member_name (builder, "action");
  json_builder_add_string_value (builder, entry->action);
  if (entry->reason)
    {
      json_builder_set_member_name (builder, "reason");
      json_builder_add_string_value (builder, entry->reason);
    }
  if (entry->n)
    {
      json_builder_set_member_name (builder, "numbers");
      json_builder_begin_object (builder);
      for (guint i = 0; i < entry->n; i++)
        {
          json_builder_set_member_name (builder, entry->names[i]);
          build_number (builder, entry->values[i]);
        }
      json_builder_end_object (builder);
    }
  if (entry->list)
    build_list (builder, entry->list);
  json_builder_end_object (builder);
}

char *
pare_record_to_json (const PareRecord *record)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "entries");
  json_builder_begin_array (builder);
  for (guint i = 0; i < record->entries->len; i++)
    build_entry (builder, record->entries->pdata[i]);
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  return json_to_string (root, TRUE);
}
