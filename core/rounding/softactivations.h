/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Quantizers of activations while weights learn how to be rounded. */
#pragma once
#include "train/parameters.h"

G_BEGIN_DECLS

/* Makes inputs of what the quantizers of activations in @graph, a piece of @whole, can learn, and appends it to
 * @parameters: steps, of kind PARE_PARAMETER_QUANTIZER, and directly behind each its offset, of kind
 * PARE_PARAMETER_PLAIN, where it has one. A grid that is shared with quantizers elsewhere stays. */
void pare_graph_open_activations (PareGraph *graph, const PareGraph *whole, GPtrArray *parameters);
/* Every quantizer of an activation lets part @drop of the numbers pass as they are, chosen at random for every batch.
 */
void pare_graph_drop_quantization (PareGraph *graph, double drop);
/* Part @drop of input @index is taken from input @other instead. */
void pare_graph_mix_inputs (PareGraph *graph, guint index, guint other, double drop);
/* Writes what @parameters of @piece learnt into the pairs of @graph that stand for the same quantizers. */
void pare_graph_write_activations (PareGraph *graph, const PareGraph *piece, const GPtrArray *parameters);

G_END_DECLS
