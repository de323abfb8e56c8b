/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Which way, and at which rank, a layer is decomposed. Private to the room. */
#pragma once
#include "decompose/decompose.h"
#include "decompose/layer.h"

G_BEGIN_DECLS

/* A way to decompose a layer: a cost in multiply-accumulates and the error that it leaves, relative to the result. */
typedef struct
{
  const PareFactorization *how; /* NULL: the layer stays whole */
  int rank;
  double macs, error;
} PareOption;

/**
 * PareCurve:
 * @n: the highest rank
 * @energies: what the error falls by at each rank, summed over groups and relative to the result's power
 * @spectra: one per group, of PareSpectrum
 *
 * What one factorization can do with a layer.
 */
typedef struct
{
  const PareFactorization *how;
  int n;
  double *energies;
  GPtrArray *spectra;
} PareCurve;

void pare_curve_free (PareCurve *curve);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareCurve, pare_curve_free)

/* Of all factorizations of @method ("auto": any) that apply. Of PareCurve. */
GPtrArray *pare_curves_new (const PareDecomposable *layer, GPtrArray *targets, const char *method, GError **error);
PareOption pare_curve_option (const PareCurve *curve, const PareDecomposable *layer, int rank);

/**
 * ParePolicy:
 * @name: what users choose it by
 * @rank: for a curve; NULL: the policy looks at the whole network at once
 *
 * How ranks are chosen.
 */
typedef struct
{
  const char *name;
  int (*rank) (const PareCurve *curve, const PareDecomposable *layer, const PareDecomposeSettings *settings);
} ParePolicy;

const ParePolicy *pare_policy_find (const char *name, GError **error);

/* By a policy that looks at one layer: of all @curves the option that leaves the least error for what it saves. Its
 * @how is NULL where nothing is saved. */
PareOption pare_policy_choose (const ParePolicy *policy, GPtrArray *curves, const PareDecomposable *layer,
                               const PareDecomposeSettings *settings);
/* At a rank that the user wants; an error when it is too high for all curves. */
gboolean
pare_choose_rank (GPtrArray *curves, const PareDecomposable *layer, int rank, PareOption *option, GError **error);
/* All that saves anything, at ranks that are multiples of @align. Of PareOption. */
GArray *pare_curves_options (GPtrArray *curves, const PareDecomposable *layer, guint align);

/**
 * pare_allocate:
 * @options: for each layer a GArray of PareOption
 * @macs: of each layer as it is
 * @budget: what all layers together may take
 * @choice: receives one option per layer
 *
 * Goes from layer to layer where the next saving costs the least for each multiply-accumulate saved, until the budget
 * is met: along the lower convex hull of each layer's options. So the product over layers of what they keep of their
 * results, 1 - error, is as large as it can be for what is saved.
 *
 * Returns: FALSE when even the least options of all are over the budget; @choice then holds these
 */
gboolean pare_allocate (GPtrArray *options, const double *macs, double budget, PareOption *choice);

G_END_DECLS
