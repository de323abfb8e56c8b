/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "data/samples.h"
#include "graph/graph.h"
#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_PARE_STAGE (gst_pare_stage_get_type ())
G_DECLARE_DERIVABLE_TYPE (GstPareStage, gst_pare_stage, GST, PARE_STAGE, GstElement)

/* The serialized custom downstream event that marks the end of one pass over the samples. */
#define GST_PARE_PASS_END "pare-pass-end"
/* The custom upstream event by which a consumer ends the present pass: it has enough of this one and may want another.
 * Its field "consumer" is the pad that says so: whoever serves several consumers must not take it for another's.
 * Whoever accepts it sends no more of the pass, nor its end. */
#define GST_PARE_PASS_ENOUGH "pare-pass-enough"

/**
 * GstPareStageClass:
 * @needs_samples: a graph for which no sample came is an error
 * @needs_float32: a graph of half precision is an error, which says what makes it float32
 * @begin: a graph arrived. It is a copy; its topology may be changed in @finish only when the stage looks at samples
 * @feed: one batch: a tensor per free input of the graph, then the labels, each with the batch as its first axis.
 * Called in the thread of the samples, never while another function runs
 * @again: after a pass: TRUE to see all samples once more
 * @finish: edits the graph, which is pushed afterwards
 * @reset: drops what @begin set up; called after every graph, also after one that failed
 *
 * The base class of everything that takes a graph and gives a graph. It copies the graph, stacks samples into batches,
 * waits for them, reports progress and turns errors into messages. Every function is optional; most stages need
 * @finish alone, or @begin, @feed and @finish. They return FALSE and set the error to fail.
 */
struct _GstPareStageClass
{
  GstElementClass parent_class;

  gboolean needs_samples;
  gboolean needs_float32;
  gboolean (*begin) (GstPareStage *stage, PareGraph *graph, GError **error);
  gboolean (*feed) (GstPareStage *stage, PareTensor **batch, guint n, GError **error);
  gboolean (*again) (GstPareStage *stage);
  gboolean (*finish) (GstPareStage *stage, PareGraph *graph, GError **error);
  void (*reset) (GstPareStage *stage);

  /*< private >*/
  gpointer padding[8];
};

/* In class_init: gives the stage the request pad "tensors", for @feed, or "teacher", for gst_pare_stage_get_teacher().
 */
void gst_pare_stage_class_add_tensors_pad (GstPareStageClass *klass);
void gst_pare_stage_class_add_teacher_pad (GstPareStageClass *klass);
/* Instead of the pad "tensors" alone: gives the stage that, a @feed that keeps all samples, and the property
 * "memory-limit". For methods that look at samples in an order of their own. */
void gst_pare_stage_class_keep_samples (GstPareStageClass *klass);
/* The same with the labels, if there are any, behind the inputs. */
void gst_pare_stage_class_keep_labelled_samples (GstPareStageClass *klass);

/* In feed: the graph that begin() got, unchanged. */
PareGraph *gst_pare_stage_get_graph (GstPareStage *stage);
/* In feed: no more samples are needed. Finish follows, and upstream is told to end the branch. */
void gst_pare_stage_enough (GstPareStage *stage);
/* In feed: how many samples of the batch are real. The rest repeats the last one, where the graph's batch size is
 * fixed. */
guint gst_pare_stage_get_valid (GstPareStage *stage);
/* Samples seen for this graph so far, over all passes. */
guint64 gst_pare_stage_get_n_samples (GstPareStage *stage);
/* In feed: samples of one pass as upstream announces them, 0 when it does not. */
guint64 gst_pare_stage_get_total (GstPareStage *stage);
/* In finish, of a stage that keeps samples: those that came for this graph, or NULL when none did. Owned by the stage. */
PareSamples *gst_pare_stage_get_samples (GstPareStage *stage);
/* Bytes of activations that such a stage may keep, and of samples, of which the rest goes into a file. */
guint64 gst_pare_stage_get_memory_limit (GstPareStage *stage);
/* In begin: how many passes @again will ask for, so that progress is of all of them. */
void gst_pare_stage_set_passes (GstPareStage *stage, guint passes);
/* The teacher's graph, or NULL when that pad is not in use. Owned by the stage; not to be changed. */
PareGraph *gst_pare_stage_get_teacher (GstPareStage *stage);
/* In long loops: TRUE when the pipeline is stopping or flushing and the result will not be used. */
gboolean gst_pare_stage_is_cancelled (GstPareStage *stage);
/* Posts an element message "progress" (percent, percent-double, current, total), at most five a second and always the
 * last one. @total is 0 when nobody knows; then there is no percentage. */
void gst_pare_stage_progress (GstPareStage *stage, guint64 current, guint64 total);
/* A PareProgress: posts progress of @stage; FALSE when it is cancelled. */
gboolean gst_pare_stage_report (guint64 done, guint64 total, gpointer stage);

G_END_DECLS
