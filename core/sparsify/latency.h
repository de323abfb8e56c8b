/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How long one layer takes with fewer channels. Private to the room. */
#pragma once
#include "exec/inference.h"

G_BEGIN_DECLS

typedef struct _PareLatency PareLatency;

/**
 * pare_latency_measure:
 * @inference: of @graph, for the shapes to measure
 * @node: has a weight
 * @shrinks: whether axis 0 and axis 1 of the weight may lose entries
 *
 * Runs the layer by itself with all and with fewer channels, a few times each. What is found is of this machine, and
 * differs a little every time.
 */
PareLatency *pare_latency_measure (PareGraph *graph, const PareInference *inference, PareNode *node,
                                   const gboolean *shrinks, GError **error);
void pare_latency_free (PareLatency *latency);

/* Seconds when these shares of axes 0 and 1 of the weight are left: interpolated between what was measured. */
double pare_latency_at (const PareLatency *latency, const double *shares);

G_END_DECLS
