/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

#define PARE_REPORT_MOST_TICKS 12

/**
 * PareReportAxis:
 * @low: value at its beginning
 * @high: value at its end
 * @logarithmic: decades are as long as each other
 * @ticks: round values in between
 *
 * Turns values into places.
 */
typedef struct
{
  double low, high;
  gboolean logarithmic;
  double ticks[PARE_REPORT_MOST_TICKS];
  guint n_ticks;
} PareReportAxis;

/* An axis on which all of @values have a place. @whole: ticks are whole numbers. A logarithmic axis holds those above
 * 0. */
PareReportAxis pare_report_axis (const double *values, gsize n, gboolean logarithmic, gboolean whole);
/* 0 at the beginning, 1 at the end. */
double pare_report_axis_place (const PareReportAxis *axis, double value);

G_END_DECLS
