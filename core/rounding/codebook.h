/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A few integers that stand for many numbers. */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/**
 * PareCodebook:
 * @n: entries
 * @entries: rising
 */
typedef struct
{
  guint n;
  gint32 *entries;
} PareCodebook;

/**
 * pare_codebook_init:
 * @n: how many numbers
 * @numbers: what the entries are to stand for, in any order
 * @weights: what a squared error of each costs; not negative
 * @lowest: least entry that may be
 * @highest: largest one, below @lowest + 65536
 * @levels: the most entries
 * @with_zero: 0 has to be one, which then lies between @lowest and @highest
 *
 * The entries with the least weighted squared error, exactly. Time: levels (highest - lowest)^2.
 */
void pare_codebook_init (PareCodebook *codebook, gint64 n, const double *numbers, const double *weights, gint32 lowest,
                         gint32 highest, guint levels, gboolean with_zero);
void pare_codebook_clear (PareCodebook *codebook);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PareCodebook, pare_codebook_clear)

/* The entry nearest to @number; of two, the lower. */
gint32 pare_codebook_nearest (const PareCodebook *codebook, double number);

G_END_DECLS
