/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the files of this room share while one network is tuned. Private to the room. */
#pragma once
#include "rounding/takeover.h"
#include "tune/evaluation.h"
#include "tune/option.h"
#include "tune/tune.h"

G_BEGIN_DECLS

/**
 * PareTuner:
 * @graph: the float network, which stays as it is
 * @record: where results are written
 * @whole: measures candidates
 * @brief: measures layers
 * @layers: of PareTuneLayer
 * @rounded: of PareRounded, by option: weights for it, or NULL; empty without rounding
 * @learn: samples that rounding learns from, or NULL
 * @chosen: weights for the final choice, in place of @rounded, or NULL
 * @progress: may be NULL
 * @tried: choice (GBytes) -> PareTuneTried
 */
typedef struct
{
  PareGraph *graph;
  PareRecord *record;
  const PareTuneSettings *settings;
  PareEvaluation *evaluation;
  PareYardstick *whole, *brief;
  GPtrArray *layers;
  GPtrArray *rounded;
  PareSamples *learn;
  PareRounded *chosen;
  PareProgress progress;
  gpointer user_data;
  GHashTable *tried;
} PareTuner;

/* What came out of a choice. @complete: on all samples, else the drop is what it is at least. */
typedef struct
{
  double drop;
  gboolean met, complete;
} PareTuneTried;

/* Quantizes @graph, a copy of the network, as @choice says; and such a copy. */
gboolean pare_tuner_quantize (const PareTuner *tuner, PareGraph *graph, const guint8 *choice, GError **error);
PareGraph *pare_tuner_build (const PareTuner *tuner, const guint8 *choice, GError **error);
/* For @rounded. */
GPtrArray *pare_tuner_rounded_new (void);
/* Rounds each option of few bits, by the inputs of the first @n of @samples. */
gboolean pare_tuner_round (PareTuner *tuner, PareSamples *samples, guint64 n, GError **error);
/* Rounds anew for @choice, which is final: layers make up for what those before them lose just there. Nothing without
 * rounding. */
gboolean pare_tuner_round_choice (PareTuner *tuner, const guint8 *choice, GError **error);
/* Gives layers of @graph, quantized as @choice says, the rounded weights of their options. A layer that is not
 * quantized in it stays as it is. */
gboolean pare_tuner_apply_rounding (const PareTuner *tuner, PareGraph *graph, const guint8 *choice, GError **error);
/* Measures a choice, unless that was done before. @limit: the drop at which the rest does not matter any more. */
const PareTuneTried *
pare_tuner_try (PareTuner *tuner, const guint8 *choice, const char *step, double limit, GError **error);
/* Whether no further evaluation may be begun. */
gboolean pare_tuner_is_exhausted (const PareTuner *tuner);
/* Fills in the sensitivities of all options of all layers. */
gboolean pare_tuner_rank (PareTuner *tuner, GError **error);
/* How many layers have another option than the first. */
guint pare_tuner_count_raised (const PareTuner *tuner, const guint8 *choice);

/* The record of a trial; and of the end: ranks, sensitivities, and what became of each layer. */
void pare_tuner_record_trial (const PareTuner *tuner, const guint8 *choice, const char *step,
                              const PareTuneTried *tried, double evaluations);
void pare_tuner_record_result (const PareTuner *tuner, const guint8 *choice, const PareTuneResult *result);

G_END_DECLS
