/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/executor.h"

G_BEGIN_DECLS

/* Runs @graph once more and says in @error which layer first made a number that is not finite. */
void pare_set_divergence_error (GError **error, PareGraph *graph, PareTensor *const *inputs, guint n, guint64 step);
/* The step made @parameter, an input of the training graph, infinite or no number: names the layer that reads it. */
void pare_set_overflow_error (GError **error, const PareValue *parameter, guint64 step);

G_END_DECLS
