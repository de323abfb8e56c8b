/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/* Settings that losses read; each ignores what it does not know. */
typedef struct
{
  double label_smoothing; /* part of a sample's weight that goes to all classes alike */
} PareLossSettings;

/**
 * PareLoss:
 * @name: what the user writes as loss=
 * @description: one sentence
 * @classifies: targets are class numbers (int64, the output's shape without its axis 1) or probabilities; otherwise
 *   they are float32 of the output's shape
 * @build: appends the nodes that compute from @output [batch,..] and @target the loss of every sample [batch]
 *
 * How wrong a network is. One file each, as PARE_LOSS (mse) = { .. }; with the file's name in core/train/meson.build.
 */
typedef struct
{
  const char *name;
  const char *description;
  gboolean classifies;
  PareValue *(*build) (PareGraph *graph, PareValue *output, PareValue *target, const PareLossSettings *settings);
} PareLoss;

#define PARE_LOSS(file) const PareLoss pare_loss_##file

const PareLoss *const *pare_losses (guint *n);
/* By name; an error names the nearest one. */
const PareLoss *pare_loss_find (const char *name, GError **error);

/* For losses: a node of the standard set without attributes; @b may be NULL. Its output. */
PareValue *pare_loss_call (PareGraph *graph, const char *op_type, PareValue *a, PareValue *b);
/* The mean over all axes but the first of a value per element, in the order of the axes. */
PareValue *pare_loss_mean (PareGraph *graph, PareValue *elements);

G_END_DECLS
