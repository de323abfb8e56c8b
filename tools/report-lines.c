/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Numbers over epochs, as SVG. */
#include "report-axis.h"
#include "report-chart.h"
#include "report-record.h"
#include <math.h>

#define WIDTH 420.0
#define HEIGHT 240.0
#define LEFT 64.0
#define RIGHT 12.0
#define TOP 12.0
#define BOTTOM 36.0

void
pare_report_escape (GString *page, const char *text)
{
  g_autofree char *escaped = g_markup_escape_text (text, -1);

  g_string_append (page, escaped);
}

typedef struct
{
  GString *page;
  PareReportAxis x, y;
} Plot;

static double
x_place (const Plot *plot, double value)
{
  return LEFT + (WIDTH - LEFT - RIGHT) * pare_report_axis_place (&plot->x, value);
}

static double
y_place (const Plot *plot, double value)
{
  return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * pare_report_axis_place (&plot->y, value);
}

static Plot
plot_new (GString *page, const PareReportSeries *series, guint n)
{
  g_autoptr (GArray) xs = g_array_new (FALSE, FALSE, sizeof (double));
  g_autoptr (GArray) ys = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < n; i++)
    for (guint j = 0; j < series[i].points->len; j++)
      {
        PareReportPoint point = g_array_index (series[i].points, PareReportPoint, j);
        g_array_append_val (xs, point.x);
        g_array_append_val (ys, point.y);
      }
  return (Plot){ .page = page,
                 .x = pare_report_axis ((const double *)xs->data, xs->len, FALSE, TRUE),
                 .y = pare_report_axis ((const double *)ys->data, ys->len, FALSE, FALSE) };
}

static void
draw_axes (const Plot *plot, const char *x)
{
  for (guint i = 0; i < plot->y.n_ticks; i++)
    {
      g_autofree char *text = pare_report_number_text (plot->y.ticks[i]);
      double place = y_place (plot, plot->y.ticks[i]);
      g_string_append_printf (plot->page, "<path class=\"grid\" d=\"M%g %.1fH%g\"/>", LEFT, place, WIDTH - RIGHT);
      g_string_append_printf (plot->page, "<text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 6,
                              place + 4, text);
    }
  for (guint i = 0; i < plot->x.n_ticks; i++)
    {
      g_autofree char *text = pare_report_number_text (plot->x.ticks[i]);
      g_string_append_printf (plot->page, "<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%s</text>\n",
                              x_place (plot, plot->x.ticks[i]), HEIGHT - BOTTOM + 16, text);
    }
  g_string_append_printf (plot->page, "<text x=\"%g\" y=\"%g\" text-anchor=\"end\">", WIDTH - RIGHT, HEIGHT - 4);
  pare_report_escape (plot->page, x);
  g_string_append (plot->page, "</text>\n");
}

static void
draw_mark (const Plot *plot, double mark)
{
  g_autofree char *text = pare_report_number_text (mark);

  g_string_append_printf (plot->page, "<path class=\"mark\" d=\"M%.1f %gV%g\"><title>kept: %s</title></path>\n",
                          x_place (plot, mark), TOP, HEIGHT - BOTTOM, text);
}

static void
draw_line (const Plot *plot, const PareReportSeries *series, guint number)
{
  double before = G_MAXDOUBLE;

  g_string_append_printf (plot->page, "<path class=\"line s%u\" d=\"", number);
  for (guint i = 0; i < series->points->len; i++)
    {
      PareReportPoint point = g_array_index (series->points, PareReportPoint, i);
      g_string_append_printf (plot->page, "%c%.1f %.1f", point.x > before ? 'L' : 'M', x_place (plot, point.x),
                              y_place (plot, point.y));
      before = point.x;
    }
  g_string_append (plot->page, "\"/>\n");
}

static void
draw_points (const Plot *plot, const PareReportSeries *series, guint number)
{
  for (guint i = 0; i < series->points->len; i++)
    {
      PareReportPoint point = g_array_index (series->points, PareReportPoint, i);
      g_autofree char *x = pare_report_number_text (point.x);
      g_autofree char *y = pare_report_number_text (point.y);
      g_string_append_printf (plot->page, "<circle class=\"point s%u\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>", number,
                              x_place (plot, point.x), y_place (plot, point.y));
      pare_report_escape (plot->page, series->name);
      g_string_append_printf (plot->page, ", %s: %s</title></circle>\n", x, y);
    }
}

void
pare_report_lines (GString *page, const char *title, const char *x, double mark, const PareReportSeries *series,
                   guint n)
{
  Plot plot = plot_new (page, series, n);

  g_string_append (page, "<figure><figcaption>");
  pare_report_escape (page, title);
  for (guint i = 0; n > 1 && i < n; i++)
    {
      g_string_append_printf (page, " <span class=\"key k%u\">", i);
      pare_report_escape (page, series[i].name);
      g_string_append (page, "</span>");
    }
  g_string_append_printf (page, "</figcaption>\n<svg viewBox=\"0 0 %g %g\" width=\"%g\" role=\"img\" aria-label=\"",
                          WIDTH, HEIGHT, WIDTH);
  pare_report_escape (page, title);
  g_string_append (page, "\">\n");
  draw_axes (&plot, x);
  if (isfinite (mark))
    draw_mark (&plot, mark);
  for (guint i = 0; i < n; i++)
    {
      draw_line (&plot, &series[i], i);
      draw_points (&plot, &series[i], i);
    }
  g_string_append (page, "</svg></figure>\n");
}
