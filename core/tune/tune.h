/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "data/samples.h"
#include "graph/progress.h"
#include "quantize/quantize.h"

G_BEGIN_DECLS

/**
 * PareTuneBudget:
 * @PARE_TUNE_BUDGET_NONE: a target of accuracy instead
 * @PARE_TUNE_BUDGET_SIZE: bytes of weights
 * @PARE_TUNE_BUDGET_BITOPS: multiply-accumulates, times bits of the weight, times bits of the activations
 */
typedef enum
{
  PARE_TUNE_BUDGET_NONE,
  PARE_TUNE_BUDGET_SIZE,
  PARE_TUNE_BUDGET_BITOPS,
} PareTuneBudget;

/**
 * PareTuneSettings:
 * @quantize: what to begin with
 * @target_drop: the most that the metric may get worse, in percent (for top1: points)
 * @metric: of the network, by name; NULL: top1 with labels, agreement without, sqnr for what is no classifier
 * @sensitivity: of a layer, by name; NULL: sqnr
 * @sensitivity_samples: how many of the first samples that takes
 * @ladder: what layers fall back to, such as "8,float"
 * @budget: bits are shared out within it, instead of meeting the target
 * @limit: of the budget: up to 1 a share of what float32 takes, above that bytes or bit operations of one sample
 * @candidates: bits to share out
 * @rounding: what rounds weights of fewer than 8 bits, by name (rounding/rounding.h); NULL or "none": the nearest
 * @rounding_samples: how many of the first samples that learns from; networks are evaluated on the others
 * @max_evaluations: of the whole set of samples; 0: as many as it takes. The search then ends with what it has
 * @allow_miss: a target that cannot be met is no error
 * @memory_limit: bytes of the float network's outputs to keep in memory
 * @configuration: a file to write the bits of each layer into, or NULL
 */
typedef struct
{
  PareQuantizeSettings quantize;
  double target_drop;
  const char *metric, *sensitivity;
  guint sensitivity_samples;
  const char *ladder;
  PareTuneBudget budget;
  double limit;
  const char *candidates;
  const char *rounding;
  guint rounding_samples;
  double max_evaluations;
  gboolean allow_miss;
  guint64 memory_limit;
  const char *configuration;
} PareTuneSettings;

void pare_tune_settings_init (PareTuneSettings *settings);

/**
 * PareTuneResult:
 * @drop: of the chosen network, in percent; negative when it is better than the float one
 * @met: whether that is within the target
 * @evaluations: how often networks ran on all samples, single samples counted as shares
 * @layers: that could be tuned
 * @raised: how many of them have another option than the first
 */
typedef struct
{
  double drop;
  gboolean met;
  double evaluations;
  guint layers, raised;
} PareTuneResult;

/**
 * pare_graph_tune:
 * @graph: calibrated and float; edited: quantized as was chosen
 * @samples: inputs of the network, then labels if there are any. None of those that it was calibrated with
 * @result: may be NULL
 *
 * Quantizes as much as a target of accuracy allows, or as well as a budget allows. Without a budget: the network is
 * quantized and measured; when it misses the target, layers are ranked by what quantizing each of them alone does to
 * the network's outputs, and as few as can be are raised, step by step of the ladder. The record (stage "graphtuner")
 * has every evaluation, and for every layer its rank, sensitivities and what was chosen.
 *
 * Returns: FALSE with an error when a setting is impossible, the target cannot be met, the samples do not fit, or the
 *   work is cancelled
 */
gboolean pare_graph_tune (PareGraph *graph, PareSamples *samples, const PareTuneSettings *settings,
                          PareProgress progress, gpointer user_data, PareTuneResult *result, GError **error);

G_END_DECLS
