/* SPDX-License-Identifier: LGPL-2.1-or-later
 * n:m sparsity: of every m consecutive entries along an axis at most n are not zero. The axis is padded with zeros to a
 * multiple of m, so that its last entries may form a smaller group. */
#pragma once
#include "graph/tensor.h"

G_BEGIN_DECLS

/* A group of more entries than this is no pattern that hardware knows. */
#define PARE_PATTERN_MOST 64

/* Reads "2:4". */
gboolean pare_pattern_parse (const char *text, guint *n, guint *m, GError **error);

/* Keeps the @n highest of each @m along @axis of @scores, which lie as a tensor of @shape: @mask receives 1 for these
 * and 0 for the rest. Of equal scores the first is higher. */
void pare_pattern_mask (const float *scores, const PareShape *shape, guint axis, guint n, guint m, float *mask);

/* Whether a numeric tensor follows the pattern, when the number @zero stands for zero. */
gboolean pare_pattern_holds (const PareTensor *tensor, guint axis, guint n, guint m, double zero);

/* The sparsest pattern of 2, 4, 8 or 16 entries that @tensor follows along @axis; FALSE when it follows none, or is
 * too narrow for one to mean anything. */
gboolean pare_pattern_find (const PareTensor *tensor, guint axis, double zero, guint *n, guint *m);

G_END_DECLS
