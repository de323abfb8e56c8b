/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Tensors cut apart along an axis and put together along one: what loops and sequences are made of. Private to the
 * operators. */
#pragma once
#include "graph/graph.h"

/* @length positions of @axis from @start on; with @drop_axis (of length 1) without the axis. */
PareTensor *pare_piece_cut (const PareTensor *tensor, guint axis, gint64 start, gint64 length, gboolean drop_axis);
/* @pieces (of PareTensor) one after the other along @axis (may be negative), or, with @new_axis, along an axis that
 * they have not. NULL and an error that names @node when they do not fit each other. */
PareTensor *
pare_pieces_join (const PareNode *node, const GPtrArray *pieces, gint64 axis, gboolean new_axis, GError **error);
/* A list that unrefs its tensors. */
GPtrArray *pare_pieces_new (void);
