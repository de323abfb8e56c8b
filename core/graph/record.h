/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/**
 * PareRecord:
 *
 * What every stage did to every layer it looked at, and why: a list of entries, each with a stage ("graphfuser"), a
 * layer (a node's name, "" for the whole network), an action ("quantized", "left in float"), a reason and named
 * numbers. It travels with the graph, is copied with it, and ends as JSON. Entries are immutable once added and shared
 * between copies.
 */
typedef struct _PareRecord PareRecord;
typedef struct _PareRecordEntry PareRecordEntry;

PareRecord *pare_record_new (void);
PareRecord *pare_record_copy (const PareRecord *record);
void pare_record_free (PareRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareRecord, pare_record_free)

/* Adds an entry. @reason may be NULL. The numbers that follow are pairs of (const char *name, double value), ended by
 * NULL: pare_record_add (record, "graphfuser", "conv1", "fused", NULL, "macs", 1e6, NULL). */
void pare_record_add (PareRecord *record, const char *stage, const char *layer, const char *action, const char *reason,
                      ...) G_GNUC_NULL_TERMINATED;

/* As pare_record_add() with @numbers given as an array of @n names and values. */
void pare_record_add_numbers (PareRecord *record, const char *stage, const char *layer, const char *action,
                              const char *reason, guint n, const char *const *names, const double *values);

/* One number per channel, head or whatever the name says. */
typedef struct
{
  const char *name;
  guint n;
  const double *values;
} PareRecordList;

/* As pare_record_add(), with a list beside the numbers. */
void pare_record_add_list (PareRecord *record, const char *stage, const char *layer, const char *action,
                           const char *reason, const PareRecordList *list, ...) G_GNUC_NULL_TERMINATED;

guint pare_record_length (const PareRecord *record);
const PareRecordEntry *pare_record_get (const PareRecord *record, guint index);
const char *pare_record_entry_stage (const PareRecordEntry *entry);
const char *pare_record_entry_layer (const PareRecordEntry *entry);
const char *pare_record_entry_action (const PareRecordEntry *entry);
const char *pare_record_entry_reason (const PareRecordEntry *entry);
gboolean pare_record_entry_number (const PareRecordEntry *entry, const char *name, double *value);
/* Its list, NULL when it has none. */
const PareRecordList *pare_record_entry_list (const PareRecordEntry *entry);

/* The whole record as a JSON object {"entries":[{"stage":..,"layer":..,"action":..,"reason":..,"numbers":{..},
 * "lists":{..}}]}. */
char *pare_record_to_json (const PareRecord *record);

G_END_DECLS
