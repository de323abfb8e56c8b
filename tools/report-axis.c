/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Axes with round ticks. Values may be as large as doubles are: differences are taken of halves. */
#include "report-axis.h"
#include <math.h>

#define WANTED_TICKS 5

static void
add_tick (PareReportAxis *axis, double tick)
{
  if (tick >= axis->low && tick <= axis->high && axis->n_ticks < PARE_REPORT_MOST_TICKS)
    axis->ticks[axis->n_ticks++] = tick;
}

/* The next of 1, 2, 5, 10, 20.. above @least. */
static double
round_step (double least)
{
  double decade = pow (10, floor (log10 (least)));
  double factor = least / decade;

  return decade * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
}

static void
add_even_ticks (PareReportAxis *axis, gboolean whole)
{
  double step = round_step (2 * ((axis->high / 2 - axis->low / 2) / WANTED_TICKS));
  double first;

  if (whole)
    step = MAX (step, 1);
  if (!isfinite (step) || step <= 0)
    return;
  /* Round ends are read off more easily; whole numbers are counted things, which have their own ends. */
  if (!whole && fabs (axis->low) < G_MAXDOUBLE / 8 && fabs (axis->high) < G_MAXDOUBLE / 8)
    {
      axis->low = floor (axis->low / step) * step;
      axis->high = ceil (axis->high / step) * step;
    }
  first = ceil (axis->low / step);
  for (guint i = 0; i < PARE_REPORT_MOST_TICKS; i++)
    add_tick (axis, (first + i) * step);
}

static void
add_decades (PareReportAxis *axis)
{
  double first = floor (log10 (axis->low)), last = ceil (log10 (axis->high));
  double step = MAX (1, ceil ((last - first) / PARE_REPORT_MOST_TICKS));

  for (double decade = first; decade <= last; decade += step)
    add_tick (axis, pow (10, decade));
}

PareReportAxis
pare_report_axis (const double *values, gsize n, gboolean logarithmic, gboolean whole)
{
  PareReportAxis axis = { .low = INFINITY, .high = -INFINITY, .logarithmic = logarithmic };

  for (gsize i = 0; i < n; i++)
    if (isfinite (values[i]) && (!logarithmic || values[i] > 0))
      {
        axis.low = MIN (axis.low, values[i]);
        axis.high = MAX (axis.high, values[i]);
      }
  if (!(axis.low <= axis.high))
    axis.low = axis.high = 1;
  /* A single value has its place in the middle. */
  if (axis.low == axis.high)
    {
      double around = axis.low == 0 ? 1 : MIN (fabs (axis.low) / 2, G_MAXDOUBLE / 4);
      axis.low -= around;
      axis.high = MIN (axis.high, G_MAXDOUBLE / 2) + around;
    }
  if (logarithmic)
    {
      axis.low = MAX (pow (10, floor (log10 (axis.low))), G_MINDOUBLE);
      axis.high = MIN (pow (10, ceil (log10 (axis.high))), G_MAXDOUBLE);
      add_decades (&axis);
    }
  else
    add_even_ticks (&axis, whole);
  return axis;
}

double
pare_report_axis_place (const PareReportAxis *axis, double value)
{
  if (!axis->logarithmic)
    return CLAMP ((value / 2 - axis->low / 2) / (axis->high / 2 - axis->low / 2), 0, 1);
  if (value <= axis->low)
    return 0;
  return CLAMP ((log10 (value) - log10 (axis->low)) / (log10 (axis->high) - log10 (axis->low)), 0, 1);
}
