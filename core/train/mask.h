/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Masks of n:m sparse weights that change while they are trained. */
#pragma once
#include "train/parameters.h"

G_BEGIN_DECLS

/* Gives @parameter a mask, when its value says that it is n:m sparse and how often to draw that anew. From now on the
 * network reads the masked weights, while the dense ones are trained. */
void pare_parameter_open_mask (PareParameter *parameter);

/* Whether a mask is drawn anew after step @step. */
gboolean pare_parameter_draws_mask (const PareParameter *parameter, guint64 step);
/* The mask of what the dense weights are now: the largest of every group stay. */
void pare_parameter_draw_mask (PareParameter *parameter);
/* What the network reads: the dense weights through the mask. For parameters with and without one. */
void pare_parameter_apply_mask (PareParameter *parameter);
/* Adds @decay times the weights that are masked to their @gradient. */
void pare_parameter_decay_masked (const PareParameter *parameter, double decay, float *gradient);

G_END_DECLS
