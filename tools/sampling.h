/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "assignments.h"
#include <gst/gst.h>

G_BEGIN_DECLS

/* Parses @words as what commands that look at samples take: data, mean, std, batch-size and so on; @labels: labels too,
 * required then. */
GHashTable *pare_sampling_parse (char *const *words, gboolean labels, GError **error);
/* Help lines for those words. */
char *pare_sampling_help (gboolean labels);

/* A pipeline that loads @model into @stage (taken) and feeds it the samples that @values describe. */
GstElement *pare_sampling_pipeline (const char *model, GstElement *stage, GHashTable *values, GError **error);
/* Adds an element with its "location" set. NULL and an error when it is not installed. */
GstElement *pare_sampling_add (GstElement *pipeline, const char *factory, const char *location, GError **error);

G_END_DECLS
