/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Equalization: the same function with other numbers, which lose less when they are rounded. */
#pragma once
#include "data/samples.h"
#include "graph/graph.h"
#include "graph/progress.h"

G_BEGIN_DECLS

/* What can be said of one layer; fields that say nothing are -1. */
typedef struct
{
  int enable;      /* 0: what it computes and reads is left alone */
  double strength; /* of balance, for what this layer reads */
} PareEqualizeLayer;

/**
 * PareEqualizeSettings:
 * @algorithm: names of methods in the order to apply them, with commas
 * @clip: what becomes of a Clip between channels to rescale: "per-channel" (Min and Max with one bound per channel,
 * which compute the same), "relu" (a Clip from 0 on becomes a Relu, as Nagel et al. do it, which is another function
 * where the upper bound was met) or "keep" (such channels are left alone)
 * @bits: of weights, in the quantizer to come
 * @activation_bits: of activations
 * @per_channel: weights will have one scale per output channel
 * @strength: of balance, in (0, 1]; 0: searched for each layer
 * @memory_limit: bytes of activations to keep
 * @layers: label -> PareEqualizeLayer, or NULL
 * @skip_layers: labels of nodes to leave alone, NULL-terminated, or NULL
 */
typedef struct
{
  const char *algorithm, *clip;
  guint bits, activation_bits;
  gboolean per_channel;
  double strength;
  guint64 memory_limit;
  GHashTable *layers;
  const char *const *skip_layers;
} PareEqualizeSettings;

/* cross-layer, bounds per channel; 8 bits, weights per channel; strengths are searched. */
void pare_equalize_settings_init (PareEqualizeSettings *settings);
/* "fc:strength=0.6;conv1:enable=false" as PareEqualizeSettings takes it, or NULL and an error. */
GHashTable *pare_equalize_layers_parse (const char *text, GError **error);

typedef struct _PareEqualizing PareEqualizing;

/**
 * PareEqualizer:
 * @name: what the user writes as algorithm=
 * @description: one sentence
 * @needs_samples: cannot work without
 * @run: edits the graph
 *
 * A method. One file each, as PARE_EQUALIZER (crosslayer) = { .. }; with the file's name in core/equalize/meson.build.
 */
typedef struct
{
  const char *name;
  const char *description;
  gboolean needs_samples;
  gboolean (*run) (PareEqualizing *work, GError **error);
} PareEqualizer;

#define PARE_EQUALIZER(file) const PareEqualizer pare_equalizer_##file

const PareEqualizer *const *pare_equalizers (guint *n);
/* By name; an error names the nearest one. */
const PareEqualizer *pare_equalizer_find (const char *name, GError **error);

/**
 * pare_graph_equalize:
 * @graph: a float network without ranges; edited
 * @samples: (nullable): what the network is to be used on
 * @progress: (nullable): called now and then
 *
 * Applies the methods one after the other. The network computes the same afterwards, but for the rounding of float32
 * and what the settings allow. The record has an entry for whatever was looked at (stage "graphequalizer").
 *
 * Returns: FALSE with an error when a setting is impossible, a layer does not exist, samples are missing
 *   (PARE_ERROR_NO_DATA), the network is calibrated already or numbers are not finite
 */
gboolean pare_graph_equalize (PareGraph *graph, PareSamples *samples, const PareEqualizeSettings *settings,
                              PareProgress progress, gpointer user_data, GError **error);

G_END_DECLS
