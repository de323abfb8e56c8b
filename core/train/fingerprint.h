/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/* A text that differs for networks that compute differently: a hash of the operators, their attributes, the names and
 * the constants. */
char *pare_graph_fingerprint (const PareGraph *graph);

G_END_DECLS
