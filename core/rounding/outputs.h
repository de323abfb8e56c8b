/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How far a quantized layer's output is from the wanted one. */
#pragma once
#include "rounding/rounding.h"

G_BEGIN_DECLS

/**
 * PareOutputError:
 * @n: channels; 0 where nothing was measured
 * @count: numbers in a channel
 * @mean: what has to be added to each channel so that its mean is the wanted one
 * @energy: sum of squares of the wanted output
 * @noise: sum of squares of what is missing to it
 */
typedef struct
{
  gint64 n, count;
  double *mean;
  double energy, noise;
} PareOutputError;

/* Over all samples; of a network without samples nothing. Fails when a number is not finite, and names the layer. */
gboolean
pare_rounding_measure (PareRoundingWork *work, const PareRoundingLayer *layer, PareOutputError *result, GError **error);
/* Ratio of energy to noise, in decibels; 999 without noise. */
double pare_output_error_sqnr (const PareOutputError *output);
/* What is left when @change[] is added to the channels. */
void pare_output_error_shift (PareOutputError *output, const double *change);
void pare_output_error_clear (PareOutputError *output);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PareOutputError, pare_output_error_clear)

/* Mean of each channel of @value over all samples, newly allocated. */
double *pare_rounding_channel_means (PareWalk *walk, const PareRoundingLayer *layer, PareValue *value, gint64 *n,
                                     GError **error);

G_END_DECLS
