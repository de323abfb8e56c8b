/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/**
 * PareShiftSearch:
 *
 * SearchN: finds for every output channel of every quantized layer the right shift N of its int32 accumulators, 0 or 1
 * to 16, with which they fit 16 bits with the least squared error over the samples. Every N is tried, exactly; memory
 * does not grow with the number of samples.
 */
typedef struct _PareShiftSearch PareShiftSearch;

/* What a user says of single layers, as pare_shift_search_new() takes it: "conv1:shift=3;fc:enable=false". */
GHashTable *pare_shift_layers_parse (const char *text, GError **error);

/* For the quantized @graph, which stays as it is until pare_shift_search_finish(). @layers: what
 * pare_shift_layers_parse() gave, or NULL. An error when no layer is quantized. */
PareShiftSearch *pare_shift_search_new (PareGraph *graph, GHashTable *layers, GError **error);
void pare_shift_search_free (PareShiftSearch *search);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareShiftSearch, pare_shift_search_free)

/* Looks at the accumulators for one batch: @n tensors, one per input of the graph and then labels. */
gboolean pare_shift_search_add (PareShiftSearch *search, PareTensor *const *batch, guint n, GError **error);
/* Chooses, and writes the shifts of each layer into the record of @graph as the list shift_bit. With @simulate the
 * graph computes with shifted accumulators from now on. */
void pare_shift_search_finish (PareShiftSearch *search, PareGraph *graph, gboolean simulate);

G_END_DECLS
