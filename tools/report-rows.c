/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Numbers of layers, a row for each, as SVG. */
#include "report-axis.h"
#include "report-chart.h"
#include "report-record.h"

#define WIDTH 860.0
#define LEFT 300.0
#define RIGHT 70.0
#define TOP 24.0
#define STEP 18.0
#define LONGEST_LABEL 44

static PareReportAxis
axis_of (PareReportRowKind kind, const PareReportRow *rows, gsize n)
{
  g_autofree double *values = g_new (double, 2 * n);

  for (gsize i = 0; i < n; i++)
    {
      values[2 * i] = rows[i].from;
      values[2 * i + 1] = rows[i].to;
    }
  return pare_report_axis (values, 2 * n, kind == PARE_REPORT_CHANGE, FALSE);
}

static double
place (const PareReportAxis *axis, double value)
{
  return LEFT + (WIDTH - LEFT - RIGHT) * pare_report_axis_place (axis, value);
}

static void
draw_axis (GString *page, const PareReportAxis *axis, double height)
{
  for (guint i = 0; i < axis->n_ticks; i++)
    {
      g_autofree char *text = pare_report_number_text (axis->ticks[i]);
      double x = place (axis, axis->ticks[i]);
      g_string_append_printf (page, "<path class=\"grid\" d=\"M%.1f %gV%g\"/>", x, TOP - 4, height);
      g_string_append_printf (page, "<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%s</text>\n", x, TOP - 10, text);
    }
}

/* The end of a name tells layers apart: that is what is kept when it is too long. */
static void
draw_label (GString *page, const char *label, double y)
{
  glong length = g_utf8_strlen (label, -1);

  g_string_append_printf (page, "<text x=\"%g\" y=\"%g\" text-anchor=\"end\">", LEFT - 8, y + 4);
  if (length > LONGEST_LABEL)
    {
      g_string_append (page, "…");
      label = g_utf8_offset_to_pointer (label, length - LONGEST_LABEL + 1);
    }
  pare_report_escape (page, label);
  g_string_append (page, "</text>");
}

static void
draw_bar (GString *page, double from, double to, double y)
{
  double left = MIN (from, to);

  /* Something is seen of a bar without length, too. */
  g_string_append_printf (page, "<rect class=\"bar s0\" x=\"%.1f\" y=\"%g\" width=\"%.1f\" height=\"10\" rx=\"2\"/>",
                          left, y - 5, MAX (MAX (from, to) - left, 1));
}

static void
draw_change (GString *page, double from, double to, double y)
{
  g_string_append_printf (page, "<path class=\"change\" d=\"M%.1f %gH%.1f\"/>", from, y, to);
  g_string_append_printf (page, "<circle class=\"point s1\" cx=\"%.1f\" cy=\"%g\" r=\"4\"/>", from, y);
  g_string_append_printf (page, "<circle class=\"point s0\" cx=\"%.1f\" cy=\"%g\" r=\"4\"/>", to, y);
}

static void
draw_row (GString *page, const PareReportAxis *axis, PareReportRowKind kind, const PareReportRow *row, double y)
{
  g_autofree char *from = pare_report_number_text (row->from);
  g_autofree char *to = pare_report_number_text (row->to);
  double end = place (axis, MAX (row->from, row->to));

  g_string_append (page, "<g class=\"row\"><title>");
  pare_report_escape (page, row->label);
  if (kind == PARE_REPORT_BAR)
    g_string_append_printf (page, ": %s</title>", to);
  else
    g_string_append_printf (page, ": %s to %s</title>", from, to);
  draw_label (page, row->label, y);
  (kind == PARE_REPORT_CHANGE ? draw_change : draw_bar) (page, place (axis, row->from), place (axis, row->to), y);
  if (kind == PARE_REPORT_BAR)
    g_string_append_printf (page, "<text x=\"%.1f\" y=\"%g\">%s</text>", end + 8, y + 4, to);
  g_string_append (page, "</g>\n");
}

static void
draw_caption (GString *page, const char *title, const char *unit, const char *const *names)
{
  g_string_append (page, "<figcaption>");
  pare_report_escape (page, title);
  if (unit)
    {
      g_string_append (page, ", ");
      pare_report_escape (page, unit);
    }
  /* The second of the two is what stands now: it has the first colour. */
  for (guint i = 0; names && i < 2; i++)
    {
      g_string_append_printf (page, " <span class=\"key k%u\">", 1 - i);
      pare_report_escape (page, names[i]);
      g_string_append (page, "</span>");
    }
  g_string_append (page, "</figcaption>\n");
}

void
pare_report_rows (GString *page, const char *title, const char *unit, PareReportRowKind kind, const char *const *names,
                  const PareReportRow *rows, gsize n)
{
  PareReportAxis axis = axis_of (kind, rows, n);
  double height = TOP + STEP * n;

  g_string_append (page, "<figure class=\"wide\">");
  draw_caption (page, title, unit, names);
  g_string_append_printf (page, "<svg viewBox=\"0 0 %g %.0f\" width=\"%g\" role=\"img\" aria-label=\"", WIDTH, height,
                          WIDTH);
  pare_report_escape (page, title);
  g_string_append (page, "\">\n");
  draw_axis (page, &axis, height);
  for (gsize i = 0; i < n; i++)
    draw_row (page, &axis, kind, &rows[i], TOP + STEP * i + STEP / 2);
  g_string_append (page, "</svg></figure>\n");
}
