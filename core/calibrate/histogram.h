/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "calibrate/extremes.h"

G_BEGIN_DECLS

/**
 * PareHistogram:
 * @n: number of bins, at least 2
 * @origin: where bin 0 begins, which holds the lowest number
 * @width: of a bin; 0 before the first number
 * @reach: numbers beyond count as its ends; without bounds, unless they are set before the first number
 * @counts: how many numbers fell into each bin
 * @total: sum of the counts
 * @seen: numbers that were added
 *
 * A histogram of a stream. Bins are powers of two wide and begin at multiples of their width. When a number lies
 * outside, bins are merged until the extremes are covered; memory is constant. The first sixteen million numbers are
 * all counted; of the others every eighth, eight times. So the histogram is a function of the stream alone: neither how
 * it was cut, nor the number of threads can change it, nor the order of its first sixteen million.
 */
typedef struct
{
  guint n;
  double origin, width;
  PareRange reach;
  guint64 *counts;
  guint64 total, seen;
  PareExtremes extremes;
} PareHistogram;

PareHistogram *pare_histogram_new (guint n);
void pare_histogram_free (PareHistogram *histogram);
/* FALSE when a number was not finite, now or before. */
gboolean pare_histogram_add (PareHistogram *histogram, const float *data, gsize n);
/* The range that @percentile percent of the numbers lie in or below, and likewise in or above; 100: the extremes. The
 * last number of each end is looked up as AMCT does: the k-th from outside, k = n - floor (n percentile / 100), at
 * least
 * 1. Within a bin, numbers count as evenly spread. FALSE when there is none; a range of NaN as for extremes. */
gboolean pare_histogram_percentile (const PareHistogram *histogram, double percentile, PareRange *range);

G_END_DECLS
