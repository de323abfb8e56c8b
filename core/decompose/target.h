/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What factors should compute together, and what their errors cost. Private to the room. */
#pragma once
#include "reconstruct/leastsquares.h"

G_BEGIN_DECLS

/**
 * PareKernelShape:
 * @outputs: channels of a group's result
 * @inputs: channels of a group's data
 * @axes: of the kernel
 * @kernel: its sizes
 * @taps: their product
 * @columns: inputs * taps
 *
 * The sizes of one group of a layer. Ints, as linear algebra wants them.
 */
typedef struct
{
  int outputs, inputs, axes, kernel[PARE_MAX_RANK], taps, columns;
} PareKernelShape;

PareKernelShape pare_kernel_shape (const PareLayerMatrix *matrix);

/**
 * PareTarget:
 * @shape: of the group
 * @wanted: [outputs x columns]: the best weights that a single layer could have
 * @metric: M [columns x columns], what a deviation D from them costs: tr (D M D^T). NULL is the identity
 * @power: what errors are relative to
 *
 * For weights alone, without samples: the layer's weights under the identity. With samples: those that reproduce the
 * wanted output from the present input, under the covariance of that input, so that costs are errors of the output.
 */
typedef struct
{
  PareKernelShape shape;
  double *wanted;
  double *metric;
  double power;
} PareTarget;

/* One for each group of the layer of @weights [groups * outputs][columns]. Of PareTarget. */
GPtrArray *pare_targets_new_for_weights (const PareLayerMatrix *matrix, const double *weights);
/* With samples. Where these say little the result stays near @weights. */
GPtrArray *pare_targets_new_for_samples (const PareLayerMatrix *matrix, const double *weights,
                                         const PareMoments *moments, GError **error);
void pare_target_free (PareTarget *target);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareTarget, pare_target_free)

/* @rows [n x columns] times the metric, newly allocated. */
double *pare_target_measure (const PareTarget *target, int n, const double *rows);
/* What @weights [outputs x columns] instead of the wanted ones cost. */
double pare_target_cost (const PareTarget *target, const double *weights);

G_END_DECLS
