/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Channels that can be rescaled without a change of what the network computes, and the rescaling. */
#pragma once
#include "exec/inference.h"

G_BEGIN_DECLS

/**
 * PareScaledValue:
 * @rank: number of its axes
 * @axis: the one that channels run along
 * @n: its size
 * @channels: the channel of the group that each of its indices belongs to
 *
 * A value whose channels are divided by the factors.
 */
typedef struct
{
  PareValue *value;
  guint rank, axis;
  guint n;
  guint *channels;
} PareScaledValue;

typedef enum
{
  PARE_SCALED_OUTPUT,   /* a layer or normalization that computes them: divided */
  PARE_SCALED_INPUT,    /* a layer that reads them: multiplied */
  PARE_SCALED_CONSTANT, /* a constant that joins them: divided */
  PARE_SCALED_BOUNDS,   /* a Clip on the way: its bounds become one per channel */
} PareScaledRole;

/* Something that changes with the factors. @at: the channels where @node meets them; @input: of a constant. */
typedef struct
{
  PareScaledRole role;
  PareNode *node;
  guint input;
  const PareScaledValue *at;
} PareScaledPart;

/**
 * PareScaleGroup:
 * @graph: ref'd
 * @n: channels
 * @values: of PareScaledValue: the first is what the first producer computes
 * @parts: of PareScaledPart
 * @passes: of PareNode: functions on the way that factors pass through as they are
 * @reason: why they cannot be rescaled; NULL when they can
 *
 * Values whose channels x_c can become x_c / f_c for any f > 0, together: what some layers compute, all that positively
 * homogeneous functions and sums make of it, and the layers that read it in the end. The network computes the same when
 * the weights that compute channel c are divided by f_c, and those that read it are multiplied (Nagel et al., Data-Free
 * Quantization Through Weight Equalization and Bias Correction, 2019, section 4.1).
 */
typedef struct
{
  PareGraph *graph;
  guint n;
  GPtrArray *values;
  GPtrArray *parts;
  GPtrArray *passes;
  char *reason;
} PareScaleGroup;

void pare_scale_group_free (PareScaleGroup *group);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareScaleGroup, pare_scale_group_free)

/**
 * pare_scale_groups_find:
 * @specs: (nullable): of PareSpec, of the network's inputs; NULL: as the graph says, with 1 for an open batch
 *
 * Returns: the groups that some layer computes and some layer reads, in the order of their first producers, those that
 *   cannot be rescaled among them; or NULL and an error when shapes cannot be inferred
 */
GPtrArray *pare_scale_groups_find (PareGraph *graph, const GArray *specs, GError **error);

/* The label of the node that computes the group first. */
const char *pare_scale_group_name (const PareScaleGroup *group);
gboolean pare_scale_group_has (const PareScaleGroup *group, PareScaledRole role);
/* What the group holds of @value; NULL: it is not in it. */
const PareScaledValue *pare_scale_group_find (const PareScaleGroup *group, const char *value);
/* The same group in a copy of the graph, or a piece of it; NULL when that has not all its values and nodes. */
PareScaleGroup *pare_scale_group_copy (const PareScaleGroup *group, PareGraph *graph);
/* Divides channel c by @factors[c] > 0. Nodes that are not in the group stay, and so do other groups. FALSE, with
 * an error and nothing changed in that layer, when a number gets too large. */
gboolean pare_scale_group_apply (PareScaleGroup *group, const double *factors, GError **error);

G_END_DECLS
