/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/tensor.h"

G_BEGIN_DECLS

/**
 * PareAccuracy:
 * @n: samples
 * @top1: how many had the highest score in the labelled class
 * @top5: how many had the labelled class among the five highest scores
 * @loss: sum of the cross-entropies, the scores taken as logits
 *
 * How well a classifier does: sums over samples, zero to begin with. Of equal scores the first is the higher one.
 */
typedef struct
{
  guint64 n;
  guint64 top1, top5;
  double loss;
} PareAccuracy;

/* Adds the first @n samples of a batch. @scores is [N,classes,1,..] of a float type; @labels holds N class indices of
 * any numeric type. */
gboolean pare_accuracy_add (PareAccuracy *accuracy, PareTensor *scores, PareTensor *labels, guint n, GError **error);

G_END_DECLS
