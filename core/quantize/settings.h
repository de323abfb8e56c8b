/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the quantizer's settings say, all in all, and of one layer. */
#pragma once
#include "quantize/weight-algorithm.h"

G_BEGIN_DECLS

/* What the record calls the quantizer. */
#define PARE_QUANTIZE_STAGE "graphquantizer"

/* Whether the settings are possible, fit each other, and name layers that are in @graph. */
gboolean pare_quantize_settings_check (const PareQuantizeSettings *settings, const PareGraph *graph, GError **error);
/* Version of the operator set that has all that they ask for. */
gint64 pare_quantize_settings_opset (const PareQuantizeSettings *settings);

const PareQuantizeLayer *pare_quantize_settings_layer (const PareQuantizeSettings *settings, const char *label);
/* How weights of the layer labelled @label are quantized. */
gboolean pare_quantize_settings_per_channel (const PareQuantizeSettings *settings, const char *label);
guint pare_quantize_settings_group_size (const PareQuantizeSettings *settings, const char *label);
const PareWeightAlgorithm *pare_quantize_settings_algorithm (const PareQuantizeSettings *settings, const char *label);

G_END_DECLS
