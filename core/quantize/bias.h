/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Biases of integer layers: multiples of data scale x weight scale that 32 bits hold. */
#pragma once
#include "ops/operator.h"

G_BEGIN_DECLS

/* @bias rounded to multiples of @data_scale times @scales (one, or one per channel). */
PareTensor *pare_bias_round (const PareTensor *bias, float data_scale, const PareTensor *scales);
/* Least weight scale per channel with which the bias keeps within 31 bits, and its step is a normal number. */
float *pare_bias_floors (const PareTensor *bias, gint64 channels, float data_scale);
/* Scale of a channel after a normalization with @factor was folded into it: @scale |factor|, but not below @floor; that
 * of a channel without a factor stays. */
float pare_scale_fold (double scale, double factor, float floor);
/* Rounds the bias of @node, when its data and its weight come from DequantizeLinear. With a BatchNormalization behind it
 * that is the bias which folding will make: the normalization's shift moves to where nothing will be left to round.
 * One that 32 bits do not hold stays as it is: the layer then adds it in float. */
void pare_node_round_bias (PareNode *node);

G_END_DECLS
