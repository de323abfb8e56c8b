/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What rounding did to a layer, for the record. */
#pragma once
#include "rounding/outputs.h"

G_BEGIN_DECLS

#define PARE_ROUNDING_STAGE "graphrounder"

/* @before: the ratio before the layer was rounded; @now: what its output lacks since; @note: what else there is to say
 * of it, or NULL. */
void pare_rounding_record (PareRoundingWork *work, const PareRoundingLayer *layer, double before,
                           const PareOutputError *now, const char *note);

G_END_DECLS
