/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "gst/stage.h"

G_BEGIN_DECLS

/**
 * GstParePasses:
 *
 * A second pad of a stage for samples, which are not pushed into it but fetched: one pass whenever the stage asks for
 * one, such as validation samples after every epoch. Between passes its thread waits.
 */
typedef struct _GstParePasses GstParePasses;

/* Takes one batch of @n tensors, of which the first @valid samples are no repetition. Called in the thread of the pad.
 */
typedef gboolean (*GstParePassFunc) (PareTensor **batch, guint n, guint valid, gpointer user_data, GError **error);

/* Gives @pad its functions, before it is added to @stage. */
GstParePasses *gst_pare_passes_new (GstPareStage *stage, GstPad *pad);
/* Once the pad is not active any more. */
void gst_pare_passes_free (GstParePasses *passes);
/* TRUE before the stage stops, so that nobody waits any more; FALSE when it starts. */
void gst_pare_passes_set_stopping (GstParePasses *passes, gboolean stopping);
/* Fetches one pass of samples, stacked for @graph, and waits for its end. An error when no sample came. */
gboolean
gst_pare_passes_run (GstParePasses *passes, PareGraph *graph, GstParePassFunc feed, gpointer user_data, GError **error);

G_END_DECLS
