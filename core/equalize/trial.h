/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What quantization would lose between the layers that compute a group of channels and those that read it. */
#pragma once
#include "equalize/extents.h"
#include "equalize/work.h"
#include "reconstruct/walk.h"

G_BEGIN_DECLS

/**
 * PareTrial:
 *
 * The piece of the network from what goes into the first layers of a group to what comes out of the last ones, on what
 * the samples are there.
 */
typedef struct _PareTrial PareTrial;

/* @walk is of the work's graph, and advances to the group. NULL without an error: the group cannot be looked at by
 * itself. */
PareTrial *pare_trial_new (const PareEqualizing *work, PareWalk *walk, const PareScaleGroup *group, GError **error);
void pare_trial_free (PareTrial *trial);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareTrial, pare_trial_free)

/* The layers that read the group, in the piece. Of PareNode. */
const GPtrArray *pare_trial_readers (const PareTrial *trial);
/* @largest[c] receives the largest magnitude of channel c where layers read it. */
gboolean pare_trial_activations (PareTrial *trial, double *largest, GError **error);
/* For each of @n sets of factors (NULL: all 1) and each reader k: @errors[i * readers + k] receives the squared error
 * of its output, relative to the squared output, when all of the piece is quantized as the settings say. */
gboolean pare_trial_measure (PareTrial *trial, guint n, const double *const *factors, double *errors, GError **error);

G_END_DECLS
