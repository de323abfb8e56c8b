/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib-object.h>

G_BEGIN_DECLS

/* Initializes @value, which is all zero, and sets it to what @text says. FALSE when @pspec does not allow that. */
G_GNUC_INTERNAL gboolean gst_pare_value_parse (const char *text, GParamSpec *pspec, GValue *value);
/* What @pspec allows, in words: "from 2 to 8". */
G_GNUC_INTERNAL char *gst_pare_value_describe_range (GParamSpec *pspec);

G_END_DECLS
