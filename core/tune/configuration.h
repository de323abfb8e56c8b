/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A choice for every layer: as settings of the quantizer, and as a file that it reads. */
#pragma once
#include "tune/option.h"

G_BEGIN_DECLS

/* What @settings and @option together say of @layer. */
PareQuantizeLayer pare_configuration_layer (const PareTuneLayer *layer, const PareTuneOption *option,
                                            const PareQuantizeSettings *settings);

/* An empty table of label -> PareQuantizeLayer. */
GHashTable *pare_configuration_table_new (void);
void pare_configuration_insert (GHashTable *table, const char *label, const PareQuantizeLayer *layer);

/* @choice: the number of an option for each of @layers. Label -> PareQuantizeLayer, over what @settings say of them. */
GHashTable *pare_configuration_table (GPtrArray *layers, const guint8 *choice, const PareQuantizeSettings *settings);

/* The same as lines that pare_quantize_layers_parse() reads with all other settings as they are in @settings. An error
 * when a layer's name cannot be written there. */
char *
pare_configuration_text (GPtrArray *layers, const guint8 *choice, const PareQuantizeSettings *settings, GError **error);

G_END_DECLS
