/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A record as text. */
#include "report-text.h"

static void
print_entry (const PareReportEntry *entry)
{
  g_print ("  %-40s %s", *entry->layer ? entry->layer : "(whole network)", entry->action);
  if (entry->reason)
    g_print (" (%s)", entry->reason);
  for (guint i = 0; i < entry->n; i++)
    {
      g_autofree char *value = pare_report_number_text (entry->numbers[i].value);
      g_print ("%s%s %s", i ? ", " : ": ", entry->numbers[i].name, value);
    }
  g_print ("\n");
}

static void
print_stage (const PareReportStage *stage)
{
  g_print ("%s: %u %s\n", stage->name, stage->entries->len, stage->entries->len == 1 ? "entry" : "entries");
  for (guint i = 0; i < stage->counts->len; i++)
    {
      const PareReportCount *count = stage->counts->pdata[i];
      g_print ("%8u %s%s%s\n", count->n, count->action, count->reason ? ": " : "", count->reason ? count->reason : "");
    }
  g_print ("\n");
  for (guint i = 0; i < stage->entries->len; i++)
    print_entry (stage->entries->pdata[i]);
}

void
pare_report_print (const GPtrArray *stages)
{
  for (guint i = 0; i < stages->len; i++)
    {
      g_print ("%s", i ? "\n" : "");
      print_stage (stages->pdata[i]);
    }
}
