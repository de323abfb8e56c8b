/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Learning rate schedules: functions of the step's number. */
#include "train/schedule.h"
#include "graph/named.h"
#include <math.h>

static double
constant_factor (const PareScheduleSettings *settings, guint64 step)
{
  return 1;
}

static double
step_factor (const PareScheduleSettings *settings, guint64 step)
{
  guint64 epoch = step / MAX (settings->epoch, 1);

  return pow (settings->step_factor, epoch / MAX (settings->step_epochs, 1));
}

/* From @from to @to along half a cosine, as @progress goes from 0 to 1. */
static double
half_cosine (double from, double to, double progress)
{
  return to + (from - to) * (1 + cos (G_PI * CLAMP (progress, 0, 1))) / 2;
}

/* Loshchilov and Hutter, SGDR, 2017, equation 5, without restarts. */
static double
cosine_factor (const PareScheduleSettings *settings, guint64 step)
{
  guint64 start = MIN (settings->warmup, settings->total);

  return step < start ? 1 : half_cosine (1, 0, (double)(step - start) / MAX (settings->total - start, 1));
}

#define CYCLE_START (1.0 / 25)
#define CYCLE_END (CYCLE_START / 1e4)
#define CYCLE_RISE 0.2

/* Smith and Topin, Super-convergence, 2018, with cosines: a fifth of the steps up from 1/25, then down to nothing. */
static double
one_cycle_factor (const PareScheduleSettings *settings, guint64 step)
{
  double top = CYCLE_RISE * settings->total - 1, last = settings->total - 1.0;

  if (step < top)
    return half_cosine (CYCLE_START, 1, step / top);
  return half_cosine (1, CYCLE_END, last > top ? (step - top) / (last - top) : 1);
}

static const PareSchedule constant = { "constant", "The rate stays.", FALSE, constant_factor };
static const PareSchedule step = { "step", "The rate falls every few epochs.", TRUE, step_factor };
static const PareSchedule cosine = { "cosine", "The rate falls to zero along half a cosine.", TRUE, cosine_factor };
static const PareSchedule one_cycle
    = { "one-cycle", "The rate rises in the first fifth and falls in the rest.", TRUE, one_cycle_factor };
static const PareSchedule *const table[] = { &constant, &step, &cosine, &one_cycle, NULL };

const PareSchedule *const *
pare_schedules (guint *n)
{
  *n = G_N_ELEMENTS (table) - 1;
  return table;
}

const PareSchedule *
pare_schedule_find (const char *name, GError **error)
{
  return pare_find_named ("schedule", name, (const void *const *)table, error);
}

double
pare_schedule_factor (const PareSchedule *schedule, const PareScheduleSettings *settings, guint64 number)
{
  double factor = schedule->factor (settings, number);

  return number < settings->warmup ? factor * (number + 1) / settings->warmup : factor;
}
