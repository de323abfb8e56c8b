/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The order of channels in which most energy stays in n:m groups. Private to the room. */
#pragma once
#include "graph/tensor.h"

G_BEGIN_DECLS

/**
 * PareOrder:
 * @channels: how many there are
 * @readers: the layers that read them
 * @order: [channels], the channel that stands at each channel's place now
 *
 * Energy is the sum of the squares of weights.
 */
typedef struct
{
  guint channels, n, m;
  GArray *readers;
  guint *order;
} PareOrder;

void pare_order_init (PareOrder *order, guint channels, guint n, guint m);
void pare_order_clear (PareOrder *order);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PareOrder, pare_order_clear)

/* A layer whose float32 @weight has its inputs along @axis, channel c at @places[c] (taken). Other inputs stay. */
void pare_order_add_reader (PareOrder *order, const PareTensor *weight, guint axis, gint64 *places);
/* What stays of all readers. */
double pare_order_energy (const PareOrder *order);
/* Exchanges two channels for as long as that helps. */
void pare_order_search (PareOrder *order);

G_END_DECLS
