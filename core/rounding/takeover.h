/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Rounded weights from one quantization of a network for another one. */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/* The weights and biases of some layers of a network that was rounded. */
typedef struct _PareRounded PareRounded;

/* Reads @graph, which pare_graph_round() has edited and which stays as it is as long as this is used. */
PareRounded *pare_rounded_new (PareGraph *graph, GError **error);
void pare_rounded_free (PareRounded *rounded);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareRounded, pare_rounded_free)

/* Gives the layers @labels (names as in the float network, a set of strings) of @graph, another quantization of the
 * same network, the weights and biases that they have in @rounded, rounded to the grids that they have in @graph. */
gboolean pare_rounded_apply (const PareRounded *rounded, PareGraph *graph, GHashTable *labels, GError **error);

G_END_DECLS
