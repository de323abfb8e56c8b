/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/* Settings that observers read; each ignores what it does not know. */
typedef struct
{
  guint bins;         /* of histograms */
  guint bits;         /* of the quantizer to come */
  double percentile;  /* percent of the numbers, 50 to 100, that an end must hold */
  double momentum;    /* of moving averages over batches, 0 to 1 */
  double search_low;  /* least candidate, as a multiple of the first guess */
  double search_high; /* largest one */
  double search_step;
} PareObserverSettings;

/**
 * PareObserver:
 * @name: what the user writes as algorithm=
 * @description: one sentence
 * @state_new: state for one value
 * @observe: looks at @n more numbers, all those of one batch. Memory does not grow. FALSE when a number was not finite,
 * now or before
 * @range: the range to quantize, from all that was seen; FALSE when nothing was
 * @next_pass: %NULL for those that see the numbers once. Called when all numbers have been seen; then they come again
 *
 * A way to choose the range of an activation. One file each, as PARE_OBSERVER (minmax) = { .. }; with the file's name
 * in core/calibrate/meson.build.
 */
typedef struct
{
  const char *name;
  const char *description;
  gpointer (*state_new) (const PareObserverSettings *settings);
  void (*state_free) (gpointer state);
  gboolean (*observe) (gpointer state, const float *data, gsize n);
  gboolean (*range) (gpointer state, PareRange *range);
  void (*next_pass) (gpointer state);
} PareObserver;

#define PARE_OBSERVER(file) const PareObserver pare_observer_##file

const PareObserver *const *pare_observers (guint *n);
/* By name; an error names the nearest one. */
const PareObserver *pare_observer_find (const char *name, GError **error);

G_END_DECLS
