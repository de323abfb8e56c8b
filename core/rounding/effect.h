/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What rounding did to a layer, for the record. */
#pragma once
#include "rounding/rounding.h"

G_BEGIN_DECLS

#define PARE_ROUNDING_STAGE "graphrounder"

/* Of the layer's output as it is now, in decibels; *@sqnr stays when there are no samples. */
gboolean pare_rounding_sqnr (PareRoundingWork *work, const PareRoundingLayer *layer, double *sqnr, GError **error);
/* @before: the ratio before the layer was rounded; @note: what else there is to say of it, or NULL. */
gboolean pare_rounding_record (PareRoundingWork *work, const PareRoundingLayer *layer, double before, const char *note,
                               GError **error);

G_END_DECLS
