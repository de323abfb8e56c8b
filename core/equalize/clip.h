/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What becomes of a Clip that stands between channels to rescale. */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/* Whether @name is a way to treat them; an error names the nearest one. */
gboolean pare_clip_find (const char *name, GError **error);
/* Every Clip between 0 and a constant becomes a Relu, and the record says so. */
void pare_clips_to_relus (PareGraph *graph);

G_END_DECLS
