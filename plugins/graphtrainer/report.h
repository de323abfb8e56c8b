/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What graphtrainer tells about a training: element messages and the record. */
#pragma once
#include "train/course.h"
#include <gst/gst.h>

/* The element message "training" after a step. */
void gst_graph_trainer_post_step (GstElement *element, guint epoch, const PareTrainStep *step);
/* The same at the end of an epoch. */
void gst_graph_trainer_post_epoch (GstElement *element, guint number, const PareEpoch *epoch);
/* Every epoch, and which one's weights were kept; @best is its index, or -1 when there was no validation. */
void gst_graph_trainer_record (PareRecord *record, const PareCourse *course, int best);
