/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A record by stages, with its actions and reasons counted. */
#include "report-digest.h"

static PareReportStage *
stage_new (const char *name)
{
  PareReportStage *stage = g_new0 (PareReportStage, 1);

  stage->name = name;
  stage->entries = g_ptr_array_new ();
  stage->counts = g_ptr_array_new_with_free_func (g_free);
  stage->numbers = g_ptr_array_new ();
  return stage;
}

static void
stage_free (gpointer data)
{
  PareReportStage *stage = data;

  g_ptr_array_unref (stage->entries);
  g_ptr_array_unref (stage->counts);
  g_ptr_array_unref (stage->numbers);
  g_free (stage);
}

/* Strings of a record are the same pointer when they are equal: pointers are compared and hashed. */
static guint
hash_count (gconstpointer data)
{
  const PareReportCount *count = data;

  return g_direct_hash (count->action) * 31 + g_direct_hash (count->reason);
}

static gboolean
counts_equal (gconstpointer a, gconstpointer b)
{
  const PareReportCount *first = a, *second = b;

  return first->action == second->action && first->reason == second->reason;
}

static void
count_entries (PareReportStage *stage)
{
  g_autoptr (GHashTable) counts = g_hash_table_new (hash_count, counts_equal);
  g_autoptr (GHashTable) numbers = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < stage->entries->len; i++)
    {
      const PareReportEntry *entry = stage->entries->pdata[i];
      PareReportCount key = { entry->action, entry->reason, 0 };
      PareReportCount *count = g_hash_table_lookup (counts, &key);
      if (!count)
        {
          count = g_memdup2 (&key, sizeof key);
          g_ptr_array_add (stage->counts, count);
          g_hash_table_add (counts, count);
        }
      count->n++;
      stage->has_reasons |= entry->reason != NULL;
      for (guint j = 0; j < entry->n; j++)
        if (g_hash_table_add (numbers, (gpointer)entry->numbers[j].name))
          g_ptr_array_add (stage->numbers, (gpointer)entry->numbers[j].name);
    }
}

GPtrArray *
pare_report_digest (const PareReportRecord *record)
{
  g_autoptr (GHashTable) found = g_hash_table_new (NULL, NULL);
  GPtrArray *stages = g_ptr_array_new_with_free_func (stage_free);

  for (guint i = 0; i < record->entries->len; i++)
    {
      PareReportEntry *entry = &g_array_index (record->entries, PareReportEntry, i);
      PareReportStage *stage = g_hash_table_lookup (found, entry->stage);
      if (!stage)
        {
          stage = stage_new (entry->stage);
          g_ptr_array_add (stages, stage);
          g_hash_table_insert (found, (gpointer)entry->stage, stage);
        }
      g_ptr_array_add (stage->entries, entry);
    }
  for (guint i = 0; i < stages->len; i++)
    count_entries (stages->pdata[i]);
  return stages;
}
