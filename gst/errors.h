/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/error.h"
#include <gst/gst.h>

G_BEGIN_DECLS

/* The GStreamer domain and code of @error; those of other domains than PARE_ERROR are library failures. */
void gst_pare_error_translate (const GError *error, GQuark *domain, int *code);

/* Posts @error as an error message of @element: its text is the message, its code and place are the debug string. */
#define gst_pare_element_error(element, error)                                                                         \
  gst_pare_element_error_at (GST_ELEMENT (element), error, __FILE__, G_STRFUNC, __LINE__)
void
gst_pare_element_error_at (GstElement *element, const GError *error, const char *file, const char *function, int line);

G_END_DECLS
