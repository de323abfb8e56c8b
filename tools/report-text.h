/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "report-digest.h"

G_BEGIN_DECLS

/* Prints the stages on standard output: what each did how often and why, then its layers with their numbers. */
void pare_report_print (const GPtrArray *stages);

G_END_DECLS
