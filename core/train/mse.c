/* SPDX-License-Identifier: LGPL-2.1-or-later
 * mse: the mean of the squared differences. */
#include "train/loss.h"

static PareValue *
mse_build (PareGraph *graph, PareValue *output, PareValue *target, const PareLossSettings *settings)
{
  PareValue *difference = pare_loss_call (graph, "Sub", output, target);

  return pare_loss_mean (graph, pare_loss_call (graph, "Mul", difference, difference));
}

PARE_LOSS (mse) = { "mse", "The mean of the squared differences.", FALSE, mse_build };
