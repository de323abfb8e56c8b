/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Fusions: rewrites that make the network smaller and keep what it computes. */
#pragma once
#include "ops/operator.h"

G_BEGIN_DECLS

typedef struct _PareFuse PareFuse;

/**
 * PareFusion:
 * @name: what the user can switch off, e.g. "conv-batchnorm"
 * @description: one sentence
 * @for_execution: puts one operator where a network spells a function out: done to what is executed, too, in which an
 * operator may be of the domain "pare" (pare_fuse_domain())
 * @apply: looks at one node as the anchor of its pattern; rewrites the graph, with at least one node fewer after it,
 * and returns TRUE when it matched. Adds what was fused to the record (stage "graphfuser"); a pattern that was there
 * but could not be fused goes to pare_fuse_leave().
 *
 * A rewrite that keeps the function of the network. One file each, as PARE_FUSION (conv_batchnorm) = { .. };
 * with the file's name in core/fuse/meson.build, in the order in which they are tried.
 */
typedef struct
{
  const char *name;
  const char *description;
  gboolean for_execution;
  gboolean (*apply) (PareFuse *fuse, PareNode *node);
} PareFusion;

#define PARE_FUSION(file) const PareFusion pare_fusion_##file

const PareFusion *const *pare_fusions (guint *n);

/* Applies every fusion but those named in @skip (NULL-terminated, may be NULL) until none matches, never touching a
 * node whose label is in @skip_layers; then removes what is dead. Unknown names in either list are errors that name the
 * nearest one. */
gboolean pare_graph_fuse (PareGraph *graph, const char *const *skip, const char *const *skip_layers, GError **error);

/* Applies the fusions for execution alone: @graph, which may get operators of the domain "pare", is for the executor and
 * not for a file. */
void pare_graph_recognise (PareGraph *graph);

/* Moves every BatchNormalization behind a layer with quantized weights into the layer's scales and bias; its integers
 * stay, but for their sign. For networks that trained with both. What had to be left is in the record. */
void pare_graph_fold_batchnorm (PareGraph *graph);

/* For fusions: the graph in question. */
PareGraph *pare_fuse_graph (const PareFuse *fuse);
/* FALSE for a node that the user wants left as it is. Asked already for the anchor. */
gboolean pare_fuse_may_touch (const PareFuse *fuse, const PareNode *node);
/* Domain of an operator that the standard has from opset @since on: "" when the network has it; before that "pare" in a
 * network that is executed only, and NULL in others. @since 0: the standard has none. */
const char *pare_fuse_domain (const PareFuse *fuse, gint64 since);
/* TRUE when the user has switched off the fusion @name. */
gboolean pare_fuse_skips (const PareFuse *fuse, const char *name);
/* Shape of @value, inferred or else as the file tells; FALSE when neither knows. A size that is open in the network is
 * some number that no layer has, or -1. */
gboolean pare_fuse_shape (PareFuse *fuse, const PareValue *value, PareShape *shape);
/* Shape of @value for two sizes of the batch: what is equal in both does not depend on it. FALSE when it is not known, or
 * when the network leaves other sizes open. */
gboolean pare_fuse_shapes (PareFuse *fuse, const PareValue *value, PareShape shapes[2]);
/* The tensor that @value is whatever the batch: numbers that are computed from shapes. NULL when it is none. */
PareTensor *pare_fuse_known (PareFuse *fuse, const PareValue *value);
/* Says why @node was left alone. Reaches the record only if it is still true when nothing matches any more. */
void pare_fuse_leave (PareFuse *fuse, const PareNode *node, const char *format, ...) G_GNUC_PRINTF (3, 4);
/* TRUE when pare_fuse_leave() had a reason for @node in this round. */
gboolean pare_fuse_was_left (const PareFuse *fuse, const PareNode *node);

G_END_DECLS
