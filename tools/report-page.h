/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "report-digest.h"

G_BEGIN_DECLS

/* The stages as one HTML page that needs nothing else: no script, no picture, no network. @title is escaped. */
GString *pare_report_page (const GPtrArray *stages, const char *title);

G_END_DECLS
