/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  double value; /* NaN where the file has null */
} PareReportNumber;

/**
 * PareReportEntry:
 * @layer: "" for the whole network
 * @reason: NULL when none was given
 *
 * What a stage did to a layer. Strings are UTF-8 without control characters, equal ones are the same pointer.
 */
typedef struct
{
  const char *stage, *layer, *action, *reason;
  PareReportNumber *numbers;
  guint n;
} PareReportEntry;

/**
 * PareReportRecord:
 * @entries: (element-type PareReportEntry): in the order of the file
 *
 * A record as a file holds it.
 */
typedef struct
{
  GArray *entries;
  GStringChunk *strings;
} PareReportRecord;

PareReportRecord *pare_report_record_load (const char *path, GError **error);
void pare_report_record_free (PareReportRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareReportRecord, pare_report_record_free)

/* The number called @name: FALSE when there is none, or when it is not finite. */
gboolean pare_report_entry_number (const PareReportEntry *entry, const char *name, double *value);
/* As people read it: whole numbers whole, others with six digits, "-" for none. */
char *pare_report_number_text (double value);

G_END_DECLS
