/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Which way each weight of a quantized network is rounded, and what its biases make up for. */
#pragma once
#include "data/samples.h"
#include "graph/progress.h"
#include "reconstruct/moments.h"
#include "rounding/layer.h"

G_BEGIN_DECLS

typedef struct _PareRounding PareRounding;

#define PARE_ROUNDING_AUTO "auto"

/**
 * PareBiasCorrection:
 * @PARE_BIAS_CORRECTION_AUTO: empirical with samples, else none
 * @PARE_BIAS_CORRECTION_NONE: biases stay
 * @PARE_BIAS_CORRECTION_ANALYTIC: they make up for the mean of what the layer's own weights lost by rounding, with the
 *   mean input as the statistics of a BatchNormalization before the layer give it, or else the samples
 * @PARE_BIAS_CORRECTION_EMPIRICAL: for the mean of all that the layer's output lost over the samples
 */
typedef enum
{
  PARE_BIAS_CORRECTION_AUTO,
  PARE_BIAS_CORRECTION_NONE,
  PARE_BIAS_CORRECTION_ANALYTIC,
  PARE_BIAS_CORRECTION_EMPIRICAL,
} PareBiasCorrection;

/**
 * PareRoundingSettings:
 * @algorithm: by name; "": none, layers stay but for those of @layers; or PARE_ROUNDING_AUTO: the best that needs no
 * more than what there is, and nearest for weights of 8 bits and more
 * @bias_correction: after the weights of a layer are rounded
 * @levels: of kmeans: how many different integers a layer's weights become
 * @iterations: of what learns; 0: its own default
 * @learning_rate: of what learns; 0: its own default
 * @drop: of block: part of the activations that are not quantized while it learns, drawn anew for every batch
 * @seed: of what draws at random
 * @rows: the most positions of a layer's output to look at in each sample; 0: all
 * @memory_limit: bytes of activations to keep
 * @skip_layers: labels of layers that are rounded to nearest, NULL-terminated, or NULL
 * @layers: settings of single layers, "conv1:algorithm=nearest;fc:enable=false", or NULL
 *
 * What the user says.
 */
typedef struct
{
  const char *algorithm;
  PareBiasCorrection bias_correction;
  guint levels;
  guint iterations;
  double learning_rate;
  double drop;
  guint64 seed;
  guint rows;
  guint64 memory_limit;
  const char *const *skip_layers;
  const char *layers;
} PareRoundingSettings;

void pare_rounding_settings_init (PareRoundingSettings *settings);

/**
 * PareRoundingWork:
 * @graph: the simulated graph, edited layer by layer from the inputs on. What stands before the present layer is final
 * @teacher: the network whose outputs are wanted
 * @samples: NULL when there are none, and then @student and @original are, too
 * @layers: of PareRoundingLayer, in the graph's order
 * @student: walks @graph; stands before the layer that is worked on, or somewhere before that
 * @original: walks @teacher
 * @correction: of biases, not AUTO
 *
 * What an algorithm works on.
 */
typedef struct
{
  PareGraph *graph, *teacher;
  PareSamples *samples;
  const PareRoundingSettings *settings;
  GArray *layers;
  PareWalk *student, *original;
  PareBiasCorrection correction;
  /*< private >*/
  PareProgress progress;
  gpointer user_data;
  guint first, n;
} PareRoundingWork;

/* Layer @index of the work. */
const PareRoundingLayer *pare_rounding_work_layer (const PareRoundingWork *work, guint index);
/* For algorithms that take long: @done of @total steps for the layers that it was called with are done. FALSE and an
 * error when the work is cancelled. */
gboolean pare_rounding_work_report (const PareRoundingWork *work, guint64 done, guint64 total, GError **error);

/**
 * PareRounding:
 * @name: what the user writes as algorithm=
 * @description: one sentence
 * @needs_samples: it looks at activations
 * @memory: bytes that it takes for a layer; those that take more than the limit are rounded to nearest. NULL: few
 * @span: how many of the next @most layers, from @first on, it rounds together, at least one; NULL: one
 * @round: gives layers @first to @first + @n - 1 new weights, by pare_rounding_layer_write(), and if it likes new
 * biases. NULL: they stay, and the quantizer behind them takes the nearest
 *
 * A way to round weights. One file each, as PARE_ROUNDING (nearest) = { .. }; with the file's name in
 * core/rounding/meson.build.
 */
struct _PareRounding
{
  const char *name;
  const char *description;
  gboolean needs_samples;
  double (*memory) (const PareLayerMatrix *matrix);
  guint (*span) (const PareRoundingWork *work, guint first, guint most);
  gboolean (*round) (PareRoundingWork *work, guint first, guint n, GError **error);
};

#define PARE_ROUNDING(file) const PareRounding pare_rounding_##file

const PareRounding *const *pare_roundings (guint *n);
/* By name; an error names the nearest one. PARE_ROUNDING_AUTO is the best that goes with or without samples. */
const PareRounding *pare_rounding_find (const char *name, gboolean samples, GError **error);

/**
 * pare_graph_round:
 * @graph: a simulated graph, edited
 * @teacher: the network whose outputs are wanted; NULL: @graph itself without its quantizers
 * @samples: what algorithms that look at activations learn from, or NULL
 * @progress: may be NULL
 *
 * Gives quantized layers float weights that are exactly on the grid of the pair behind them, so that this pair
 * reproduces the integers that were chosen, where these are not the nearest; and corrects biases. The record has an
 * entry for every layer.
 *
 * Returns: FALSE with an error when a setting is impossible, nothing is quantized, a layer does not exist, the network
 *   cannot be executed or the work is cancelled
 */
gboolean
pare_graph_round (PareGraph *graph, PareGraph *teacher, PareSamples *samples, const PareRoundingSettings *settings,
                  PareProgress progress, gpointer user_data, GError **error);

G_END_DECLS
