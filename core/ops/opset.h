/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Which versions of the standard operator set can be executed. */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/* The newest version whose changes the operators here know. */
#define PARE_OPSET_KNOWN 24

/* FALSE and PARE_ERROR_NOT_IMPLEMENTED when @graph is of a newer one: an operator may mean something else there. */
gboolean pare_graph_check_opset (const PareGraph *graph, GError **error);

G_END_DECLS
