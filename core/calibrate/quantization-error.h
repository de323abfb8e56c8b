/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "calibrate/histogram.h"

G_BEGIN_DECLS

/* Squared errors of quantizing what a histogram holds, the numbers being spread evenly within their bins. */
typedef struct _PareQuantizationError PareQuantizationError;

/* @histogram must hold something and stay unchanged. */
PareQuantizationError *pare_quantization_error_new (const PareHistogram *histogram);
void pare_quantization_error_free (PareQuantizationError *error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareQuantizationError, pare_quantization_error_free)

/* Sum of squared errors when all numbers go to the nearest centre of @levels equal cells from @start to @end, which
 * are places in bins. The result is in squared bins. */
double pare_quantization_error_of_cells (const PareQuantizationError *error, double start, double end, guint levels);

/* Widens a range to hold zero, and moves it so that zero is a whole one of its 2^bits steps. */
void pare_align_zero (double *low, double *high, guint bits);

/* Sum of squared errors under the quantizer of this range: 2^bits steps from the lower to the higher end, zero
 * included and exact. */
double pare_quantization_error_of_range (const PareQuantizationError *error, double low, double high, guint bits);

G_END_DECLS
