/* SPDX-License-Identifier: LGPL-2.1-or-later
 * In which order channels may go, and what it costs. */
#pragma once
#include "sparsify/reader.h"

G_BEGIN_DECLS

/**
 * PareChannelCurve:
 * @n: channels of the group
 * @order: which one goes first, second, ..
 * @loss: [n]: what the network loses when the first k are gone; loss[0] is 0
 *
 * The channels of a group by what they are worth. How many go is another question.
 */
typedef struct
{
  guint n;
  guint *order;
  double *loss;
} PareChannelCurve;

PareChannelCurve *pare_channel_curve_new (guint n);
void pare_channel_curve_free (PareChannelCurve *curve);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareChannelCurve, pare_channel_curve_free)

/* The loss with a channel and all before it gone, as its score, [n]: for rankings that are cumulative. */
void pare_channel_curve_to_scores (const PareChannelCurve *curve, double *scores);
/* The channels with the lowest @scores first. The loss is what these say when they are @cumulative, else their sum. */
PareChannelCurve *pare_channel_curve_from_scores (guint n, const double *scores, gboolean cumulative);

/* In units of the mean variance of a column. */
#define PARE_ELIMINATION_RIDGE 1e-4

/* Called when @gone channels are; the weights of every reader are then the best that the rest allows. */
typedef gboolean (*PareEliminationSeen) (GPtrArray *readers, guint gone, gpointer user_data, GError **error);

/**
 * pare_eliminate:
 * @n: channels of the group
 * @readers: of PareChannelReader; their weights are changed
 * @ridge: in units of the mean variance of a column
 * @order: (nullable): takes the channels in this order; NULL: always the cheapest
 * @seen: (nullable): called after every channel but the last
 *
 * Backward elimination: takes channels away one by one, lets the rest make up for each as well as it can, and adds up
 * what remains of the error, relative to the energy of each layer's output.
 *
 * With P = xx^-1 and the best weights W, removing the columns c costs tr (W_c (P_cc)^-1 W_c^T) and leaves
 * W - W_c (P_cc)^-1 P_c and P - P_c^T (P_cc)^-1 P_c. (Optimal Brain Surgeon for blocks of columns: Hassibi and Stork,
 * 1993; Frantar and Alistarh, Optimal Brain Compression, 2022, section 4.)
 */
PareChannelCurve *pare_eliminate (guint n, GPtrArray *readers, double ridge, const guint *order,
                                  PareEliminationSeen seen, gpointer user_data, GError **error);

G_END_DECLS
