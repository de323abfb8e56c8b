/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/inference.h"

G_BEGIN_DECLS

/**
 * PareDeviation:
 * @name: of the value
 * @operator: what computes it
 * @signal: sum of a^2 over all its numbers in all samples
 * @noise: sum of (a - b)^2
 * @product: sum of a b
 * @power: sum of b^2
 *
 * How far a value of one network is from the same value of another.
 */
typedef struct
{
  const char *name;
  const char *operator;
  double signal, noise, product, power;
} PareDeviation;

/* 10 log10 (signal / noise), infinite when nothing differs. */
double pare_deviation_sqnr (const PareDeviation *deviation);
/* Cosine of the angle between both. */
double pare_deviation_cosine (const PareDeviation *deviation);

/**
 * PareComparison:
 *
 * Two networks side by side, on the same batches. Keeps sums, so its memory is one batch of both networks' values.
 */
typedef struct _PareComparison PareComparison;

/* Of the values that have the same name in both. A value that one of them quantizes is taken as it is after that. */
PareComparison *pare_comparison_new (PareGraph *a, PareGraph *b, GError **error);
void pare_comparison_free (PareComparison *comparison);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareComparison, pare_comparison_free)

/* Runs both on a batch, of which the first @valid samples count. */
gboolean pare_comparison_feed (PareComparison *comparison, PareTensor *const *inputs, guint valid, GError **error);

/* Number of values, and each: inner values in the order of network a, then the outputs from @first_output on. */
guint pare_comparison_length (const PareComparison *comparison, guint *first_output);
const PareDeviation *pare_comparison_get (const PareComparison *comparison, guint index);
/* Samples so far, and how many of them have the same largest element in the first output. */
guint64 pare_comparison_samples (const PareComparison *comparison, guint64 *agreeing);

G_END_DECLS
