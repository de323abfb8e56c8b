/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What users say to every stage that quantizes: the same properties, with the same meaning. */
#pragma once
#include "quantize/quantize.h"

G_BEGIN_DECLS

/* Part of such a stage's instance struct. */
typedef struct
{
  PareQuantizeSettings settings; /* without what the strings say */
  char *weight_algorithm, *skip_layers, *layers;
} GstPareQuantizing;

/* In class_init: installs the properties; @offset is that of the GstPareQuantizing in the instance. */
void gst_pare_class_install_quantizing (GObjectClass *klass, glong offset);

/* The settings with what they refer to. */
typedef struct
{
  PareQuantizeSettings settings;
  char **skip_layers;
  GHashTable *layers;
} GstPareQuantization;

/* What the properties say; @quantization is to be cleared in either case. */
gboolean gst_pare_quantizing_read (const GstPareQuantizing *said, GstPareQuantization *quantization, GError **error);
void gst_pare_quantization_clear (GstPareQuantization *quantization);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GstPareQuantization, gst_pare_quantization_clear)

G_END_DECLS
