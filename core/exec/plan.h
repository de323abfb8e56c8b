/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/compile.h"
#include "exec/executor.h"

G_BEGIN_DECLS

/* A tap asked for on a value. */
typedef struct
{
  PareTap tap;
  gpointer user_data;
} PareTapEntry;

/**
 * ParePlan:
 *
 * A graph compiled for fixed input shapes: steps over one arena.
 */
typedef struct _ParePlan ParePlan;

/* @taps: PareValue -> PareTapEntry. */
ParePlan *pare_plan_new (PareGraph *graph, guint n_inputs, const PareSpec *inputs, GHashTable *taps, GError **error);
void pare_plan_free (ParePlan *plan);
gboolean pare_plan_run (ParePlan *plan, PareTensor *const *inputs, PareTensor **outputs, GError **error);
gsize pare_plan_memory (const ParePlan *plan);

G_END_DECLS
