/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Spatial factors, 1 x l, then k x 1. */
#include "decompose/spatial.h"

const PareFactorization pare_factorization_spatialhorizontal = {
  .name = "spatial, horizontal first",
  .method = "spatial",
  .first_axis = 1,
  .applies = pare_spatial_applies,
  .sides = pare_spatial_sides,
  .factors = pare_spatial_factors,
  .spectrum = pare_spatial_spectrum,
  .fit = pare_spatial_fit,
};
