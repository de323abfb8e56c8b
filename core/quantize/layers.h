/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "quantize/quantize.h"

G_BEGIN_DECLS

/**
 * pare_quantize_layers_parse:
 * @text: "conv1:bits=4,per-channel=false;fc:enable=false", or NULL
 *
 * What a user says of single layers, as PareQuantizeSettings takes it. A layer's name ends at the last colon before its
 * settings, so it may hold colons itself.
 *
 * Returns: a new table of label -> PareQuantizeLayer, or NULL and an error.
 */
GHashTable *pare_quantize_layers_parse (const char *text, GError **error);

G_END_DECLS
