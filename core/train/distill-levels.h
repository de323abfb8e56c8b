/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Where in a network its weighted layers stand, and what belongs to which. */
#pragma once
#include "ops/operator.h"

G_BEGIN_DECLS

/**
 * PareLevels:
 *
 * The weighted layers of a graph in order, and for every node the last of them that it depends on: its level. What
 * follows a layer up to the next one (normalisation, activation, joins with what came earlier) has the layer's level.
 */
typedef struct _PareLevels PareLevels;

/* Of nodes that read the network's inputs and no layer; of nodes that read constants alone. */
#define PARE_LEVEL_INPUT (-1)
#define PARE_LEVEL_CONSTANT (-2)

PareLevels *pare_levels_new (PareGraph *graph);
void pare_levels_free (PareLevels *levels);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareLevels, pare_levels_free)

/* Of PareNode. */
const GPtrArray *pare_levels_layers (const PareLevels *levels);
int pare_levels_of (const PareLevels *levels, const PareValue *value);
/* The values, in order, through each of which all must pass that is computed on @layer's level up to there. The last of
 * them comes closest to the next layer. Of PareValue; free the container. */
GPtrArray *pare_levels_gates (const PareLevels *levels, guint layer);

G_END_DECLS
