/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/inference.h"

G_BEGIN_DECLS

/* The number of equal parts in which a batch is better run one after the other; 1 unless samples do not meet anywhere
 * in the network. By the network and its shapes alone. */
gint64 pare_slices_count (const PareGraph *graph, const PareInference *inference);

G_END_DECLS
