/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Biases make up for what the rounding of weights shifted. */
#pragma once
#include "rounding/outputs.h"

G_BEGIN_DECLS

/**
 * pare_rounding_correct_bias:
 * @output: what the layer's output lacks with its final weights, updated
 * @note: receives why the bias stays although it should be corrected, or NULL
 *
 * Corrects the bias of @layer as the work says. The weights are final.
 */
gboolean pare_rounding_correct_bias (PareRoundingWork *work, const PareRoundingLayer *layer, PareOutputError *output,
                                     const char **note, GError **error);

G_END_DECLS
