/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/error.h"

G_BEGIN_DECLS

/**
 * PareScheduleSettings:
 * @total: steps of the whole training
 * @epoch: steps of one pass over the samples
 * @warmup: steps in which the rate rises from zero to what the schedule says
 * @step_epochs: of "step": epochs until the rate falls
 * @step_factor: of "step": what the rate is multiplied by then
 *
 * Settings that schedules read; each ignores what it does not know.
 */
typedef struct
{
  guint64 total;
  guint64 epoch;
  guint64 warmup;
  guint step_epochs;
  double step_factor;
} PareScheduleSettings;

/**
 * PareSchedule:
 * @name: what the user writes as schedule=
 * @description: one sentence
 * @needs_total: it cannot do without knowing how many steps there will be
 * @factor: what the learning rate is multiplied by in @step, counted from 0
 */
typedef struct
{
  const char *name;
  const char *description;
  gboolean needs_total;
  double (*factor) (const PareScheduleSettings *settings, guint64 step);
} PareSchedule;

const PareSchedule *const *pare_schedules (guint *n);
/* By name; an error names the nearest one. */
const PareSchedule *pare_schedule_find (const char *name, GError **error);
/* The factor in @step, counted from 0, warm-up included. */
double pare_schedule_factor (const PareSchedule *schedule, const PareScheduleSettings *settings, guint64 step);

G_END_DECLS
