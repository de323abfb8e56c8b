/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The variable of adaptive rounding, outside of graphs. */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* How far each of @n weights is rounded up, from 0 to 1, and the derivatives of that by @v. */
void pare_adaptive_round_shares (gint64 n, const float *v, float *shares, float *slopes);
/* The variable of a weight that stands at @share of the way up. At the very ends it could not learn: they are left out.
 */
float pare_adaptive_round_start (float share);

G_END_DECLS
