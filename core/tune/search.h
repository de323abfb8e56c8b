/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Which layers to raise so that a network meets its target: with few trials, and as few layers as can be. */
#pragma once
#include "tune/option.h"

G_BEGIN_DECLS

/* Tries a choice (an option for each layer). @met: whether the target is. @step: what the trial is for. */
typedef gboolean (*PareTuneTrial) (const guint8 *choice, const char *step, gboolean *met, gpointer user_data,
                                   GError **error);

/**
 * pare_tune_search:
 * @layers: of PareTuneLayer, their options from the cheapest to the safest, with sensitivities
 * @miss_cost: what a trial that misses costs, in units of one that meets the target: it may end early
 * @trial: is called for choices that differ
 * @choice: receives one that met the target
 *
 * Raises layers one step after the other, the one first that the network is rid of most sensitivity by; searches for
 * the fewest of these steps that meet the target, assuming that more steps do no harm; and then takes back whatever of
 * them turns out not to be needed, many at once where that works. The cheapest choice is known to miss the
 * target. With @safe the end of all steps is known to meet it.
 *
 * Returns: FALSE with an error, which is that of @trial; TRUE with *@found FALSE when even the last step misses
 */
gboolean pare_tune_search (GPtrArray *layers, gboolean safe, double miss_cost, PareTuneTrial trial, gpointer user_data,
                           guint8 *choice, gboolean *found, GError **error);

G_END_DECLS
