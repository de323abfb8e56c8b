/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/* Lowest and highest of a stream of numbers, and whether all were finite. */
typedef struct
{
  float low, high;
  gboolean finite;
} PareExtremes;

void pare_extremes_init (PareExtremes *extremes);
/* FALSE when a number was not finite, now or before. */
gboolean pare_extremes_update (PareExtremes *extremes, const float *data, gsize n);
/* FALSE when nothing was seen; a range of NaN when something was not finite. */
gboolean pare_extremes_range (const PareExtremes *extremes, PareRange *range);

G_END_DECLS
