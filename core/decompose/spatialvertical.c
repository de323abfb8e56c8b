/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Spatial factors, k x 1, then 1 x l. */
#include "decompose/spatial.h"

const PareFactorization pare_factorization_spatialvertical = {
  .name = "spatial, vertical first",
  .method = "spatial",
  .first_axis = 0,
  .applies = pare_spatial_applies,
  .sides = pare_spatial_sides,
  .factors = pare_spatial_factors,
  .spectrum = pare_spatial_spectrum,
  .fit = pare_spatial_fit,
};
