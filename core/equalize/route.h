/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Where an operator that moves data puts an axis. */
#pragma once
#include "exec/inference.h"

G_BEGIN_DECLS

/**
 * pare_route_axis:
 * @node: moves its input 0 (PARE_FACTORS_MOVE)
 * @axis: of input 0
 * @output: index of an output
 * @target: receives the axis of the output that carries what @axis did
 *
 * Returns: (array): for each index along @target the index along @axis that it comes from; NULL when the axis is
 *   mixed with another one or gets lost
 */
guint *pare_route_axis (const PareInference *inference, const PareNode *node, guint axis, guint output, guint *target);

G_END_DECLS
