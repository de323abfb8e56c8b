/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Functions that exporters spell out in many nodes and that runtimes recognise as one. */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/* The function that @node ends ("GELU"), or NULL. Taking such a node away saves one multiplication and costs the
 * runtime its single fast kernel. */
const char *pare_composite_ended_by (const PareNode *node);

G_END_DECLS
