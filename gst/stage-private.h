/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "data/batch.h"
#include "gst/stage.h"

G_BEGIN_DECLS

/* What the thread of the graph and the thread of the samples share. All below @lock but what says otherwise. */
typedef struct
{
  GstPad *sink, *src;
  GstPad *tensors, *teacher; /* request pads: NULL while absent */
  guint batch_size;
  char *config;
  guint64 memory_limit;

  GMutex lock;
  GCond changed;
  gboolean failed; /* an error was posted; everything stops */
  gboolean graph_flushing, tensors_flushing;
  gboolean graphs_over;  /* EOS on sink */
  gboolean samples_over; /* EOS on tensors, or a stage that has enough ended them: no sample will ever come */
  gboolean teacher_over;
  gboolean feeding;   /* the thread of the samples is outside the lock and uses graph and batcher */
  gboolean pass_over; /* the present graph needs no more samples */
  gboolean enough;
  PareGraph *graph; /* waits for samples, or NULL */
  PareGraph *teacher_graph;
  PareBatcher *batcher;
  guint graphs_fed; /* graphs that took samples */
  guint64 n_samples;
  guint valid;
  PareSamples *samples; /* of a stage that keeps them; thread of the samples until it has done its part */

  GArray *specs;       /* of the tensors' caps; thread of the samples only */
  gboolean negotiated; /* likewise */
  guint passes;        /* that the stage will ask for */
  guint64 total;       /* samples that upstream announces, 0 when it does not; likewise */
  gint64 progress_posted;
} GstPareStagePrivate;

GstPareStagePrivate *gst_pare_stage_private (GstPareStage *stage);

/* Posts @error unless one was posted before, and stops both threads. */
void gst_pare_stage_fail (GstPareStage *stage, const GError *error);
/* Thread of the graph: hands @graph to the samples' thread and returns when that is done. */
GstFlowReturn gst_pare_stage_collect (GstPareStage *stage, PareGraph *graph, GError **error);
/* The pad "tensors". */
GstFlowReturn gst_pare_stage_chain_tensors (GstPad *pad, GstObject *parent, GstBuffer *buffer);
gboolean gst_pare_stage_event_tensors (GstPad *pad, GstObject *parent, GstEvent *event);

G_END_DECLS
