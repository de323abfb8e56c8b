/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gst/gst.h>

#ifndef PACKAGE
#define PACKAGE "pare"
#endif
#ifndef VERSION
#define VERSION "0"
#endif

/**
 * GST_PARE_DEFINE_PLUGIN:
 * @name: of the element, of the plugin, and of the file (libgst<name>.so); not quoted
 * @description: one sentence
 * @type: GType of the element
 *
 * A plugin that holds one element. Define VERSION before, or on the command line.
 */
#define GST_PARE_DEFINE_PLUGIN(name, description, type)                                                                \
  static gboolean plugin_init (GstPlugin *plugin)                                                                      \
  {                                                                                                                    \
    return gst_element_register (plugin, #name, GST_RANK_NONE, type);                                                  \
  }                                                                                                                    \
  GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, name, description, plugin_init, VERSION, "LGPL", PACKAGE,   \
                     "https://www.gnu.org/licenses/lgpl-2.1.html")
