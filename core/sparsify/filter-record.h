/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What removing channels leaves in the record. Private to the room. */
#pragma once
#include "sparsify/groups.h"

G_BEGIN_DECLS

/* Multiply-accumulates for one sample, and numbers in constants. */
typedef struct
{
  double macs, parameters;
} PareNetworkSize;

gboolean pare_network_size (PareGraph *graph, PareNetworkSize *size, GError **error);

/* How many entries each slice of @group has; newly allocated. */
guint *pare_filter_sizes (const PareChannelGroup *group);
/* An entry for each layer that produces channels of @group: how many filters it had, by pare_filter_sizes(), and has,
 * or why they stayed. */
void pare_filter_record_group (PareRecord *record, const PareChannelGroup *group, const guint *before);
void pare_filter_record_network (PareRecord *record, const PareNetworkSize *before, const PareNetworkSize *after);

G_END_DECLS
