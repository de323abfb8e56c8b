/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How the activations of single layers are calibrated. */
#pragma once
#include "calibrate/observer.h"

G_BEGIN_DECLS

/* What can be said of what one layer reads; fields that say nothing are -1. */
typedef struct
{
  int algorithm; /* index into pare_observers() */
  int bins, bits;
  double percentile, momentum, search_low, search_high, search_step;
} PareCalibrateLayer;

/* "conv1:algorithm=ifmr,percentile=99.99;fc:bins=512", as a new table of label -> PareCalibrateLayer; of NULL an empty
 * one. */
GHashTable *pare_calibrate_layers_parse (const char *text, GError **error);

/* The values that @layers say something of, as a new table of PareValue -> PareCalibrateLayer of @layers: what each
 * layer reads, and what only is moved on the way there, which shares one range. An error when a layer does not exist,
 * or when two that read one value want it calibrated differently. */
GHashTable *pare_calibrate_layers_values (const PareGraph *graph, GHashTable *layers, GError **error);

/* Puts what @layer (may be NULL) says in the place of @observer and of @settings. */
void pare_calibrate_layer_apply (const PareCalibrateLayer *layer, const PareObserver **observer,
                                 PareObserverSettings *settings);

G_END_DECLS
