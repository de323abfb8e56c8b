/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A record as a page: what each stage did and why, plots, and every layer with its numbers. */
#include "report-page.h"
#include "report-chart.h"
#include "report-plots.h"

#define MOST_STAGES 64
#define MOST_COUNTS 200
#define MOST_ENTRIES 5000
#define MOST_COLUMNS 12
#define OPEN_ENTRIES 80

static const char head[]
    = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<style>\n"
      ":root{color-scheme:light "
      "dark;--ink:#1c1e21;--soft:#5d646d;--ground:#fff;--rule:#dfe2e6;--a:#2563b0;--b:#c2410c}\n"
      "@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#9aa2ac;--ground:#16181b;--rule:#34383e;"
      "--a:#79aef2;--b:#f59e6c}}\n"
      "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground);max-width:64rem;"
      "margin:2rem auto;padding:0 1rem}\n"
      "h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.2rem;margin:2.5rem 0 .5rem;overflow-wrap:anywhere}\n"
      ".note{color:var(--soft)}\n"
      ".scroll{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0}\n"
      "th,td{padding:.15rem .9rem .15rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule);"
      "white-space:nowrap}td.wrap{white-space:normal;min-width:12rem}th{color:var(--soft);font-weight:600}\n"
      ".n{text-align:right;font-variant-numeric:tabular-nums}\n"
      "summary{cursor:pointer;margin-top:.8rem}\n"
      "figure{display:inline-block;margin:1rem 1.5rem .5rem "
      "0;vertical-align:top;max-width:100%}figure.wide{display:block}\n"
      "figcaption{font-weight:600}.key{font-weight:400;color:var(--soft);margin-left:.8rem}\n"
      ".key::before{content:'';display:inline-block;width:.7em;height:.7em;border-radius:50%;margin-right:.35em}\n"
      ".k0::before{background:var(--a)}.k1::before{background:var(--b)}\n"
      "svg{max-width:100%;height:auto}svg text{font-size:11px;fill:var(--soft)}\n"
      ".grid{stroke:var(--rule)}.line{fill:none;stroke-width:2}.line.s0{stroke:var(--a)}.line.s1{stroke:var(--b)}\n"
      ".point.s0,.bar.s0{fill:var(--a)}.point.s1{fill:var(--b)}.change{stroke:var(--soft)}.mark{stroke:var(--soft);"
      "stroke-dasharray:3 3}\n"
      ".row:hover text{fill:var(--ink)}\n</style>\n";

static void
add_cell (GString *page, const char *text, const char *tag)
{
  g_string_append_printf (page, "<%s>", tag);
  pare_report_escape (page, text);
  g_string_append_printf (page, "</%.2s>", tag);
}

/* Says how many of @n were not shown because there are more than @most. */
static void
note_left_out (GString *page, guint n, guint most, const char *what)
{
  if (n > most)
    g_string_append_printf (page, "<p class=\"note\">%u more %s are in the record and not shown.</p>\n", n - most,
                            what);
}

static void
add_counts (GString *page, const PareReportStage *stage)
{
  g_string_append_printf (page,
                          "<div class=\"scroll\"><table class=\"counts\"><tr><th class=\"n\">times<th>action%s</tr>\n",
                          stage->has_reasons ? "<th>reason" : "");
  for (guint i = 0; i < MIN (stage->counts->len, MOST_COUNTS); i++)
    {
      const PareReportCount *count = stage->counts->pdata[i];
      g_string_append_printf (page, "<tr><td class=\"n\">%u</td>", count->n);
      add_cell (page, count->action, "td");
      if (stage->has_reasons)
        add_cell (page, count->reason ? count->reason : "", "td class=\"wrap\"");
      g_string_append (page, "</tr>\n");
    }
  g_string_append (page, "</table></div>\n");
  note_left_out (page, stage->counts->len, MOST_COUNTS, "actions and reasons");
}

/* Numbers that have no column of their own. */
static void
add_other_numbers (GString *page, const PareReportStage *stage, const PareReportEntry *entry)
{
  g_autoptr (GString) others = g_string_new (NULL);

  for (guint i = 0; i < entry->n; i++)
    {
      g_autofree char *value = pare_report_number_text (entry->numbers[i].value);
      gboolean shown = FALSE;
      for (guint j = 0; !shown && j < MOST_COLUMNS; j++)
        shown = stage->numbers->pdata[j] == entry->numbers[i].name;
      if (!shown)
        g_string_append_printf (others, "%s%s %s", others->len ? ", " : "", entry->numbers[i].name, value);
    }
  add_cell (page, others->str, "td class=\"wrap\"");
}

static void
add_number (GString *page, const PareReportEntry *entry, const char *name)
{
  g_autofree char *text = NULL;

  for (guint i = 0; i < entry->n && !text; i++)
    if (entry->numbers[i].name == name)
      text = pare_report_number_text (entry->numbers[i].value);
  add_cell (page, text ? text : "", "td class=\"n\"");
}

static void
add_entry (GString *page, const PareReportStage *stage, const PareReportEntry *entry)
{
  g_string_append (page, "<tr>");
  add_cell (page, *entry->layer ? entry->layer : "whole network", "td");
  add_cell (page, entry->action, "td");
  for (guint i = 0; i < MIN (stage->numbers->len, MOST_COLUMNS); i++)
    add_number (page, entry, stage->numbers->pdata[i]);
  if (stage->numbers->len > MOST_COLUMNS)
    add_other_numbers (page, stage, entry);
  if (stage->has_reasons)
    add_cell (page, entry->reason ? entry->reason : "", "td class=\"wrap\"");
  g_string_append (page, "</tr>\n");
}

static void
add_entries (GString *page, const PareReportStage *stage)
{
  g_string_append_printf (page, "<details%s><summary>%u %s</summary><div class=\"scroll\"><table class=\"layers\"><tr>",
                          stage->entries->len <= OPEN_ENTRIES ? " open" : "", stage->entries->len,
                          stage->entries->len == 1 ? "entry" : "entries");
  g_string_append (page, "<th>layer<th>action");
  for (guint i = 0; i < MIN (stage->numbers->len, MOST_COLUMNS); i++)
    {
      g_string_append (page, "<th class=\"n\">");
      pare_report_escape (page, stage->numbers->pdata[i]);
    }
  g_string_append_printf (page, "%s%s</tr>\n", stage->numbers->len > MOST_COLUMNS ? "<th>other numbers" : "",
                          stage->has_reasons ? "<th>reason" : "");
  for (guint i = 0; i < MIN (stage->entries->len, MOST_ENTRIES); i++)
    add_entry (page, stage, stage->entries->pdata[i]);
  g_string_append (page, "</table></div>\n");
  note_left_out (page, stage->entries->len, MOST_ENTRIES, "entries");
  g_string_append (page, "</details>\n");
}

GString *
pare_report_page (const GPtrArray *stages, const char *title)
{
  GString *page = g_string_new (head);

  g_string_append (page, "<title>");
  pare_report_escape (page, title);
  g_string_append (page, "</title></head><body>\n<h1>");
  pare_report_escape (page, title);
  g_string_append (page, "</h1>\n");
  for (guint i = 0; i < MIN (stages->len, MOST_STAGES); i++)
    {
      const PareReportStage *stage = stages->pdata[i];
      g_string_append (page, "<section>\n");
      add_cell (page, stage->name, "h2");
      add_counts (page, stage);
      pare_report_plots (page, stage);
      add_entries (page, stage);
      g_string_append (page, "</section>\n");
    }
  note_left_out (page, stages->len, MOST_STAGES, "stages");
  g_string_append (page, "</body></html>\n");
  return page;
}
