/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rounding/rounding.h"

G_BEGIN_DECLS

/* Mean input of @layer, one number per channel of all groups, newly allocated: from the BatchNormalization in front of
 * it, else from the samples. NULL without an error when neither is there. */
double *pare_rounding_input_means (PareRoundingWork *work, const PareRoundingLayer *layer, GError **error);

G_END_DECLS
