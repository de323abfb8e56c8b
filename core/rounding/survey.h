/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "rounding/rounding.h"

G_BEGIN_DECLS

/* Fills in the layers of @work, in the graph's order. @counterparts: node of the graph -> node of the float network.
 * The record says of quantized layers that are not among them why. FALSE with an error when there are none, or when
 * what the user says of single layers is impossible. */
gboolean pare_rounding_survey (PareRoundingWork *work, GHashTable *counterparts, GError **error);

G_END_DECLS
