/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/tensor.h"

G_BEGIN_DECLS

/**
 * PareMetricBatch:
 * @outputs: what a network computes for one batch, of PareTensor
 * @reference: what the float network computes for it
 * @labels: one class number per sample, or NULL
 * @valid: samples that count; behind them one is repeated
 * @first: number of the first sample, for messages
 */
typedef struct
{
  GPtrArray *outputs, *reference;
  PareTensor *labels;
  guint valid;
  guint64 first;
} PareMetricBatch;

/**
 * PareMetricUnit:
 * @PARE_METRIC_OF_SAMPLES: the number of samples
 * @PARE_METRIC_OF_BASELINE: the float network's own cost
 * @PARE_METRIC_OF_ENERGY: the variance of the float network's outputs, times the number of their elements
 *
 * What a cost is a share of.
 */
typedef enum
{
  PARE_METRIC_OF_SAMPLES,
  PARE_METRIC_OF_BASELINE,
  PARE_METRIC_OF_ENERGY,
} PareMetricUnit;

/**
 * PareMetric:
 * @name: what users choose it by
 * @description: one sentence
 * @needs_labels: looks at them
 * @needs_classes: the first output is the scores of classes
 * @by_margin: samples between two classes are the first whose cost changes
 * @cost: what the samples of a batch cost, a sum over samples that are never below 0; FALSE when the outputs or labels
 *   are of no use to it
 *
 * How a network is compared with the float network that it was made from. Its drop is 100 (cost - baseline) / unit, in
 * percent; the baseline is the float network's own cost.
 */
typedef struct
{
  const char *name;
  const char *description;
  gboolean needs_labels, needs_classes, by_margin;
  PareMetricUnit unit;
  gboolean (*cost) (const PareMetricBatch *batch, double *cost, GError **error);
} PareMetric;

/* All, ended by NULL. */
const PareMetric *const *pare_metrics (void);
/* By name; an error names the nearest one. */
const PareMetric *pare_metric_find (const char *name, GError **error);

/* Whether @output holds float scores of shape [samples,classes]. */
gboolean pare_metric_is_classes (const PareTensor *output);
/* The class with the highest score, the first of equal ones. */
gint64 pare_metric_class (const float *scores, gint64 classes);
/* Adds up, for one sample each, how far the numbers of @output are from their mean: for that, sum, squares and number
 * of those of the first @valid samples are added to @sums [3]. Nothing for outputs that are not of floats. */
void pare_metric_add_moments (PareTensor *output, guint valid, double *sums);

G_END_DECLS
