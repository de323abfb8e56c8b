/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What new weights of a few layers do to what a network computes. */
#pragma once
#include "sparsify/reader.h"

G_BEGIN_DECLS

typedef struct _PareEffect PareEffect;

/* Runs @graph, which is not changed, on the first samples: that is what others are compared with. */
PareEffect *pare_effect_new (PareGraph *graph, PareSamples *samples, GError **error);
void pare_effect_free (PareEffect *effect);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareEffect, pare_effect_free)

/* With the weights that @readers (of PareChannelReader) have, and biases that keep their mean outputs: the squared
 * error of the network's outputs, relative to their variance. */
gboolean pare_effect_measure (PareEffect *effect, GPtrArray *readers, double *change, GError **error);

G_END_DECLS
