/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What a network costs with fewer channels, without building it. */
#pragma once
#include "sparsify/groups.h"

G_BEGIN_DECLS

/**
 * PareCostKind:
 * @PARE_COST_MACS: multiply-accumulates
 * @PARE_COST_PARAMETERS: numbers in constants
 * @PARE_COST_LATENCY: seconds that layers with weights take for one sample, each by itself, here and now
 */
typedef enum
{
  PARE_COST_MACS,
  PARE_COST_PARAMETERS,
  PARE_COST_LATENCY,
} PareCostKind;

/**
 * PareCost:
 *
 * A sum over layers. Each costs its share of inputs that are left times its share of outputs; or, for latency, what was
 * measured for layers of such sizes.
 */
typedef struct _PareCost PareCost;

/* For the channels in @groups, all there as yet, and one sample. */
PareCost *pare_cost_new (const PareChannelGroups *groups, PareCostKind kind, GError **error);
void pare_cost_free (PareCost *cost);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareCost, pare_cost_free)

/* Of the whole network when group g has @left[g] channels. */
double pare_cost_of (const PareCost *cost, const guint *left);
/* What would be saved if @group had @fewer instead. */
double pare_cost_saved (const PareCost *cost, const guint *left, guint group, guint fewer);

G_END_DECLS
