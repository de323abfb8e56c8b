/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/* Puts the @n @indices into an order that depends on @seed and @pass only: the same on every machine, another one in
 * every pass. */
void pare_shuffle (guint64 *indices, gsize n, guint64 seed, guint64 pass);

/* Does sample @index belong to the validation samples, of which there are @fraction (0 to 1) among all? Decided sample
 * by sample from @seed, so it can be told before the number of samples is known, and more samples change nothing. */
gboolean pare_is_validation_sample (guint64 index, double fraction, guint64 seed);

G_END_DECLS
