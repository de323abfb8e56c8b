/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How far a quantized layer's output is from the wanted one. */
#pragma once
#include "rounding/rounding.h"

G_BEGIN_DECLS

/**
 * PareOutputError:
 * @n: channels
 * @mean: what has to be added to each channel so that its mean is the wanted one
 * @sqnr: ratio of the wanted output's energy to that of the difference, in decibels
 */
typedef struct
{
  gint64 n;
  double *mean;
  double sqnr;
} PareOutputError;

/* Over all samples. Fails when a number is not finite, and names the layer. */
gboolean
pare_rounding_measure (PareRoundingWork *work, const PareRoundingLayer *layer, PareOutputError *result, GError **error);
void pare_output_error_clear (PareOutputError *result);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PareOutputError, pare_output_error_clear)

/* Mean of each channel of @value over all samples, newly allocated. */
double *pare_rounding_channel_means (PareWalk *walk, const PareRoundingLayer *layer, PareValue *value, gint64 *n,
                                     GError **error);

G_END_DECLS
