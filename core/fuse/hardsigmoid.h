/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/* x when @value is clip (x + 3, 0, 6), the sixfold of a HardSigmoid; else NULL. */
PareValue *pare_hardsigmoid_clipped (const PareValue *value);

G_END_DECLS
