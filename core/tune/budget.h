/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Shares a budget out over layers, each of which has a few options. */
#pragma once
#include "tune/option.h"

G_BEGIN_DECLS

/**
 * pare_tune_allocate:
 * @layers: of PareTuneLayer, their options with prices and sensitivities
 * @limit: what all layers together may cost
 * @choice: receives an option for each layer
 *
 * The choice of least total sensitivity within the limit: a multiple-choice knapsack, solved by dynamic programming
 * that keeps the best for each ten thousandth of the limit.
 *
 * Returns: FALSE when even the cheapest options are over the limit
 */
gboolean pare_tune_allocate (GPtrArray *layers, double limit, guint8 *choice);

/* What a choice costs, and the sum of its sensitivities. */
double pare_tune_price (GPtrArray *layers, const guint8 *choice);
double pare_tune_sensitivity (GPtrArray *layers, const guint8 *choice);

G_END_DECLS
