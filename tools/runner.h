/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "json.h"
#include <gst/gst.h>

G_BEGIN_DECLS

/* Sees every element message of the run, but for progress, in the main thread. */
typedef void (*PareMessageFunc) (GstElement *source, const GstStructure *structure, gpointer user_data);

/* Field @name as a number, of whichever type it is; 0 when there is none. */
double pare_message_number (const GstStructure *structure, const char *name);

/* Refuses a pipeline that can never end. */
gboolean pare_pipeline_check (GstElement *pipeline, GError **error);

/* Plays @pipeline until its end, with progress bars. An error, an interrupt (G_IO_ERROR_CANCELLED), or streaming that
 * stops without reaching the end leave it in state NULL with FALSE; so does success, with TRUE. */
gboolean pare_pipeline_play (GstElement *pipeline, PareMessageFunc message, gpointer user_data, GError **error);

/* Plays @pipeline and prints what came out of it: one line, or one object for @json. */
gboolean pare_pipeline_run (GstElement *pipeline, gboolean json, GError **error);

G_END_DECLS
