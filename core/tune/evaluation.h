/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "data/samples.h"
#include "graph/graph.h"
#include "graph/progress.h"
#include "tune/metric.h"

G_BEGIN_DECLS

/**
 * PareEvaluation:
 *
 * Compares networks with the float network that they were made from, on samples that are kept: the float network runs
 * once, and what it computes is kept as well.
 */
typedef struct _PareEvaluation PareEvaluation;

/**
 * PareYardstick:
 * @metric: what is measured
 * @n: of how many samples
 * @order: their numbers
 * @baseline: what the float network itself costs
 * @unit: what costs are a share of
 */
typedef struct
{
  const PareMetric *metric;
  guint64 n;
  guint64 *order;
  double baseline, unit;
} PareYardstick;

/* Runs @graph, which must not change any more, on @samples from number @first on: a tensor for each of its inputs, then
 * perhaps labels. What it computes beyond @memory_limit bytes goes into a file. @progress, called after every batch,
 * may be NULL. */
PareEvaluation *pare_evaluation_new (PareGraph *graph, PareSamples *samples, guint64 first, guint64 memory_limit,
                                     PareProgress progress, gpointer user_data, GError **error);
void pare_evaluation_free (PareEvaluation *evaluation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareEvaluation, pare_evaluation_free)

gboolean pare_evaluation_has_labels (const PareEvaluation *evaluation);
gboolean pare_evaluation_has_classes (const PareEvaluation *evaluation);
/* What networks have run on so far, in units of all these samples, the float network included. */
double pare_evaluation_used (const PareEvaluation *evaluation);
/* Tells @progress how many of those are to be expected. */
void pare_evaluation_expect (PareEvaluation *evaluation, double evaluations);

/* For the first @n samples, or all when there are fewer. @hardest_first: those that are nearest to another class come
 * first, if the metric has such, so that a bound is passed as soon as can be. */
PareYardstick *pare_yardstick_new (PareEvaluation *evaluation, const PareMetric *metric, guint64 n,
                                   gboolean hardest_first, GError **error);
void pare_yardstick_free (PareYardstick *yardstick);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareYardstick, pare_yardstick_free)

/* How much worse than the float network @graph is, in percent. Ends as soon as that is above @limit (INFINITY: none)
 * for certain; *@drop is then what it is at least. */
gboolean pare_evaluation_run (PareEvaluation *evaluation, const PareYardstick *yardstick, PareGraph *graph,
                              double limit, double *drop, GError **error);

G_END_DECLS
