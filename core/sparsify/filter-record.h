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

/* An entry for each layer that produces channels of @group: it had @before, or why it has them still. */
void pare_filter_record_group (PareRecord *record, const PareChannelGroup *group, guint before);
void pare_filter_record_network (PareRecord *record, const PareNetworkSize *before, const PareNetworkSize *after);

G_END_DECLS
