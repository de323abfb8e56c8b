/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "report-digest.h"

G_BEGIN_DECLS

/* Appends to @page the plots for which @stage has numbers. */
void pare_report_plots (GString *page, const PareReportStage *stage);

G_END_DECLS
