/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "ops/operator.h"

G_BEGIN_DECLS

/**
 * PareFusion:
 * @name: what the user can switch off, e.g. "conv-batchnorm"
 * @description: one sentence
 * @apply: looks at one node as the anchor of its pattern; rewrites the graph and returns TRUE when it matched.
 *   Writes the record (stage "graphfuser"): what was fused, or why a pattern that was there could not be.
 *
 * A rewrite that keeps the function of the network. One file each, as PARE_FUSION (conv_batchnorm) = { .. };
 * with the file's name in core/fuse/meson.build, in the order in which they are tried.
 */
typedef struct
{
  const char *name;
  const char *description;
  gboolean (*apply) (PareGraph *graph, PareNode *node);
} PareFusion;

#define PARE_FUSION(file) const PareFusion pare_fusion_##file

const PareFusion *const *pare_fusions (guint *n);

/* Applies every fusion but those named in @skip (NULL-terminated, may be NULL) until none matches, never touching a
 * node whose label is in @skip_layers; then removes what is dead. Unknown names in either list are errors that name the
 * nearest one. */
gboolean pare_graph_fuse (PareGraph *graph, const char *const *skip, const char *const *skip_layers, GError **error);

G_END_DECLS
