/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gst/gst.h>

G_BEGIN_DECLS

/* Starts GStreamer and makes sure that Pare's elements are found, in the build tree and when installed. */
gboolean pare_plugins_init (GError **error);
/* Factories of Pare's own elements, ordered by name. Of GstElementFactory. */
GList *pare_plugins_factories (void);

G_END_DECLS
