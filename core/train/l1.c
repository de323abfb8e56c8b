/* SPDX-License-Identifier: LGPL-2.1-or-later
 * l1: the mean of the absolute differences. */
#include "train/loss.h"

static PareValue *
l1_build (PareGraph *graph, PareValue *output, PareValue *target, const PareLossSettings *settings)
{
  PareValue *difference = pare_loss_call (graph, "Sub", output, target);

  return pare_loss_mean (graph, pare_loss_call (graph, "Abs", difference, NULL));
}

PARE_LOSS (l1) = { "l1", "The mean of the absolute differences.", FALSE, l1_build };
