/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Two factors that slide along one axis each. Private to the room. */
#pragma once
#include "decompose/factorization.h"

G_BEGIN_DECLS

gboolean pare_spatial_applies (const PareKernelShape *shape);
void pare_spatial_sides (const PareFactorization *how, const PareKernelShape *shape, int *rows, int *columns);
guint pare_spatial_factors (const PareFactorization *how, const PareKernelShape *shape, int rank,
                            PareFactor factors[PARE_MAX_FACTORS]);
PareSpectrum *pare_spatial_spectrum (const PareFactorization *how, const PareTarget *target, GError **error);
gboolean pare_spatial_fit (const PareFactorization *how, const PareTarget *target, PareSpectrum *spectrum, int rank,
                           double *const *weights, GError **error);

G_END_DECLS
