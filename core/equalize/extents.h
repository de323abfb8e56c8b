/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Lowest and highest numbers of values over samples, per channel. */
#pragma once
#include "exec/executor.h"

G_BEGIN_DECLS

/* @value of a graph; with @axis, its channels run along that; -1: all numbers are one channel. */
typedef struct
{
  const PareValue *value;
  guint rank;
  gint axis;
} PareExtentQuery;

/* Of one value. Nothing was seen while low > high. */
typedef struct
{
  guint n;
  double *low, *high;
} PareExtent;

/**
 * PareExtents:
 *
 * Watches values of a graph while it runs on batch after batch; memory does not grow with their number. The reductions
 * are part of the network that runs.
 */
typedef struct _PareExtents PareExtents;

/* Takes a copy of @graph. */
PareExtents *pare_extents_new (PareGraph *graph, guint n, const PareExtentQuery *queries);
void pare_extents_free (PareExtents *extents);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareExtents, pare_extents_free)

/* Looks at one more batch. An error names the value that holds a number that is not finite. */
gboolean pare_extents_add (PareExtents *extents, const GPtrArray *batch, GError **error);
const PareExtent *pare_extents_get (const PareExtents *extents, guint index);

G_END_DECLS
