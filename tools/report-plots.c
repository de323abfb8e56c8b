/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Which numbers of which stages are plotted how. Another plot is another line of a table. */
#include "report-plots.h"
#include "report-chart.h"
#include <math.h>
#include <string.h>

#define MOST_SERIES 2
#define MOST_ROWS 400

/* @mark: the action of the entry whose x is pointed out. */
typedef struct
{
  const char *stage, *title, *x, *mark;
  struct
  {
    const char *number, *name;
  } series[MOST_SERIES];
} Lines;

#define KEPT "kept the best epoch"

static const Lines lines[] = {
  { "graphtrainer", "Loss", "epoch", KEPT, { { "loss", "training" }, { "validation-loss", "validation" } } },
  { "graphtrainer",
    "Accuracy",
    "epoch",
    KEPT,
    { { "accuracy", "training" }, { "validation-accuracy", "validation" } } },
  { "graphtrainer", "Learning rate", "epoch", KEPT, { { "learning-rate", "learning rate" } } },
};

/* @from is NULL for what begins at 0. */
typedef struct
{
  const char *stage, *title, *unit, *from, *to;
  PareReportRowKind kind;
} Rows;

static const Rows rows[] = {
  { "graphquantizer", "Signal to quantization noise of weights", "dB", NULL, "weight_sqnr_db", PARE_REPORT_BAR },
  { "graphcalibrator", "Calibrated ranges", NULL, "low", "high", PARE_REPORT_SPAN },
  { "graphdistiller", "Distance from the teacher", "logarithmic", "before", "after", PARE_REPORT_CHANGE },
};

static GArray *
collect_points (const PareReportStage *stage, const char *x, const char *y)
{
  GArray *points = g_array_new (FALSE, FALSE, sizeof (PareReportPoint));
  PareReportPoint point;

  for (guint i = 0; i < stage->entries->len; i++)
    if (pare_report_entry_number (stage->entries->pdata[i], x, &point.x)
        && pare_report_entry_number (stage->entries->pdata[i], y, &point.y))
      g_array_append_val (points, point);
  return points;
}

/* NaN when there is none. */
static double
find_mark (const PareReportStage *stage, const Lines *plot)
{
  double mark = NAN;

  for (guint i = 0; i < stage->entries->len; i++)
    {
      const PareReportEntry *entry = stage->entries->pdata[i];
      if (strcmp (entry->action, plot->mark) == 0)
        pare_report_entry_number (entry, plot->x, &mark);
    }
  return mark;
}

static void
plot_lines (GString *page, const PareReportStage *stage, const Lines *plot)
{
  PareReportSeries series[MOST_SERIES];
  guint n = 0;

  for (guint i = 0; i < MOST_SERIES && plot->series[i].number; i++)
    {
      g_autoptr (GArray) points = collect_points (stage, plot->x, plot->series[i].number);
      if (points->len)
        series[n++] = (PareReportSeries){ plot->series[i].name, g_steal_pointer (&points) };
    }
  if (n)
    pare_report_lines (page, plot->title, plot->x, find_mark (stage, plot), series, n);
  for (guint i = 0; i < n; i++)
    g_array_unref (series[i].points);
}

static gboolean
read_row (const PareReportEntry *entry, const Rows *plot, PareReportRow *row)
{
  row->label = *entry->layer ? entry->layer : "whole network";
  row->from = 0;
  if (!pare_report_entry_number (entry, plot->to, &row->to)
      || (plot->from && !pare_report_entry_number (entry, plot->from, &row->from)))
    return FALSE;
  /* A logarithm needs something to begin with. */
  return plot->kind != PARE_REPORT_CHANGE || (row->from > 0 && row->to > 0);
}

static void
plot_rows (GString *page, const PareReportStage *stage, const Rows *plot)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (PareReportRow));
  const char *names[] = { plot->from, plot->to };
  guint left_out = 0;
  PareReportRow row;

  for (guint i = 0; i < stage->entries->len; i++)
    if (!read_row (stage->entries->pdata[i], plot, &row))
      continue;
    else if (found->len < MOST_ROWS)
      g_array_append_val (found, row);
    else
      left_out++;
  if (found->len)
    pare_report_rows (page, plot->title, plot->unit, plot->kind, plot->kind == PARE_REPORT_CHANGE ? names : NULL,
                      (const PareReportRow *)found->data, found->len);
  if (left_out)
    g_string_append_printf (page, "<p class=\"note\">%u more are in the record and not drawn.</p>\n", left_out);
}

void
pare_report_plots (GString *page, const PareReportStage *stage)
{
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    if (strcmp (lines[i].stage, stage->name) == 0)
      plot_lines (page, stage, &lines[i]);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (strcmp (rows[i].stage, stage->name) == 0)
      plot_rows (page, stage, &rows[i]);
}
