/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "calibrate/extremes.h"

G_BEGIN_DECLS

/**
 * PareHistogram:
 * @n: number of bins, even
 * @origin: where bin 0 begins
 * @width: of a bin
 * @counts: how many numbers fell into each bin
 *
 * A histogram of a stream. When a number lies outside, neighbouring bins are merged in pairs and the covered range
 * doubles: counts stay exact integers, whatever the order of the numbers or the number of threads, and memory is constant.
 */
typedef struct
{
  guint n;
  double origin, width;
  guint64 *counts;
  guint64 total;
  PareExtremes extremes;
} PareHistogram;

PareHistogram *pare_histogram_new (guint n);
void pare_histogram_free (PareHistogram *histogram);
void pare_histogram_add (PareHistogram *histogram, const float *data, gsize n);

G_END_DECLS
