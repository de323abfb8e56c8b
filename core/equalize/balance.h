/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/**
 * pare_balance_factors:
 * @activations: the largest magnitude of each of @n channels
 * @weights: of the weights that read it
 * @strength: a, between 0 and 1
 * @factors: receives f
 *
 * f = A^a / W^(1 - a). A channel that is always zero gets the largest weight that the others have afterwards, one whose
 * weights are zero the largest activation, and one of which both are zero stays: so AMCT has it.
 */
void pare_balance_factors (guint n, const double *activations, const double *weights, double strength, double *factors);

G_END_DECLS
