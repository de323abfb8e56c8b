/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/executor.h"

G_BEGIN_DECLS

/* Runs @graph once more and says in @error which layer first made a number that is not finite. */
void pare_set_divergence_error (GError **error, PareGraph *graph, PareTensor *const *inputs, guint n, guint64 step);

G_END_DECLS
