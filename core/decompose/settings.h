/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Questions to the settings. Private to the room. */
#pragma once
#include "decompose/decompose.h"

G_BEGIN_DECLS

/* FALSE and an error when a setting is impossible or names something that does not exist. */
gboolean pare_decompose_settings_check (const PareDecomposeSettings *settings, const PareGraph *graph, GError **error);
/* The user wants this layer whole. */
gboolean pare_decompose_settings_skip (const PareDecomposeSettings *settings, const char *label);
/* The rank that the user wants for this layer, -1 when nothing is said. */
int pare_decompose_settings_rank (const PareDecomposeSettings *settings, const char *label);

G_END_DECLS
