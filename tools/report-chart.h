/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  double x, y;
} PareReportPoint;

/**
 * PareReportSeries:
 * @name: for the legend
 * @points: (element-type PareReportPoint): where x does not grow, another line begins
 */
typedef struct
{
  const char *name;
  GArray *points;
} PareReportSeries;

typedef enum
{
  PARE_REPORT_BAR,    /* from 0 to a number */
  PARE_REPORT_SPAN,   /* between two numbers */
  PARE_REPORT_CHANGE, /* from one number to another, both above 0, on a logarithmic axis */
} PareReportRowKind;

typedef struct
{
  const char *label;
  double from, to;
} PareReportRow;

/* Each appends a figure: a title, and one SVG image that needs no style sheet but the page's. Text is escaped. @mark:
 * an x to point out, or NaN. */
void pare_report_lines (GString *page, const char *title, const char *x, double mark, const PareReportSeries *series,
                        guint n);
/* @unit: what the axis measures. @names: of both numbers, for the legend of changes, else NULL. */
void pare_report_rows (GString *page, const char *title, const char *unit, PareReportRowKind kind,
                       const char *const *names, const PareReportRow *rows, gsize n);
/* Appends @text with everything escaped that could be a tag or end an attribute. */
void pare_report_escape (GString *page, const char *text);

G_END_DECLS
