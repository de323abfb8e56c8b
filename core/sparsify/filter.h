/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Whole channels are taken out of a network. */
#pragma once
#include "sparsify/nm.h"

G_BEGIN_DECLS

/**
 * PareBudget:
 * @PARE_BUDGET_CHANNELS: the channels of each group
 * @PARE_BUDGET_MACS: the multiply-accumulates of the network, taken where they are worth least
 * @PARE_BUDGET_PARAMETERS: its parameters, likewise
 * @PARE_BUDGET_LATENCY: the time that its layers take on this machine, likewise
 *
 * What a ratio is of.
 */
typedef enum
{
  PARE_BUDGET_CHANNELS,
  PARE_BUDGET_MACS,
  PARE_BUDGET_PARAMETERS,
  PARE_BUDGET_LATENCY,
} PareBudget;

/**
 * PareFilterSettings:
 * @algorithm: how channels are ranked, by name; NULL: with samples reconstruction, or output where there is a budget to
 *   share out; else bcp
 * @ratio: share of @budget that goes, in (0, 1)
 * @align: the number of channels that stays is rounded up to a multiple, but never beyond all
 * @reconstruct: with samples: the weights of what is left are solved for
 * @ridge: how strongly these are pulled towards zero where the samples say little
 * @rows: positions to look at in each sample at most, when solving; 0: all
 * @memory_limit: bytes of activations to keep
 * @layers: settings of single layers, "conv1:ratio=0.3;fc:enable=false", or NULL. What they say of channels holds
 *   whatever the budget
 * @skip_layers: labels of nodes that keep their channels, NULL-terminated, or NULL
 * @allow_none: a network without any channel that can go is no error
 */
typedef struct
{
  const char *algorithm;
  PareBudget budget;
  double ratio;
  guint align;
  gboolean reconstruct;
  double ridge;
  gint64 rows;
  guint64 memory_limit;
  const char *layers;
  const char *const *skip_layers;
  gboolean allow_none;
} PareFilterSettings;

/**
 * pare_graph_sparsify_filters:
 * @graph: edited: it becomes smaller
 * @samples: what rankings that look at samples see, or NULL
 * @progress: as for pare_graph_sparsify_nm()
 *
 * Removes filters of layers together with everything that depends on them, and with samples reconstructs what the
 * layers computed (pare_graph_reconstruct()). The record has an entry for every layer with filters (stage
 * "graphsparsifier"): how many there were and are, or why they stayed; and one for the network.
 *
 * Returns: FALSE with an error when a setting is impossible, a layer does not exist, a weight has another sparsity
 * mode, or nothing can be removed
 */
gboolean pare_graph_sparsify_filters (PareGraph *graph, PareSamples *samples, const PareFilterSettings *settings,
                                      PareProgress progress, gpointer user_data, GError **error);

G_END_DECLS
