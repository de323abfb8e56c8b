/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "report-record.h"

G_BEGIN_DECLS

/* How often a stage did something for a reason (NULL: for none). */
typedef struct
{
  const char *action, *reason;
  guint n;
} PareReportCount;

/**
 * PareReportStage:
 * @entries: (element-type PareReportEntry): its entries, in the order of the record
 * @counts: (element-type PareReportCount): its actions and reasons, in the order in which they first appear
 * @numbers: the names of its numbers, likewise
 * @has_reasons: for at least one of them
 */
typedef struct
{
  const char *name;
  GPtrArray *entries, *counts, *numbers;
  gboolean has_reasons;
} PareReportStage;

/* The stages of @record, in the order in which they first appear. They point into it. */
GPtrArray *pare_report_digest (const PareReportRecord *record);

G_END_DECLS
