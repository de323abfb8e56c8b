/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Labels as samples bring them, targets as losses take them. */
#pragma once
#include "train/loss.h"

G_BEGIN_DECLS

/**
 * pare_target_new:
 * @output: of the network, for this batch
 * @labels: of this batch
 * @valid: how many samples are no repetition
 * @first: number of the first sample, for messages
 *
 * Class numbers of any numeric type become int64 of the output's shape without its class axis; anything else float32 of
 * the output's shape. An error says which label of which sample is wrong.
 */
PareTensor *pare_target_new (const PareLoss *loss, const PareSpec *output, PareTensor *labels, guint valid,
                             guint64 first, GError **error);
/* 1 / @valid for the samples that count and 0 for the rest: [batch]. */
PareTensor *pare_target_weights (gint64 batch, guint valid);

G_END_DECLS
