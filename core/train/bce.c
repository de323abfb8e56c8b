/* SPDX-License-Identifier: LGPL-2.1-or-later
 * bce-with-logits: binary cross-entropy, the outputs taken as logits x of independent events with the probabilities t:
 * -t log sigmoid (x) - (1 - t) log (1 - sigmoid (x)) = softplus (x) - t x. */
#include "train/loss.h"

static PareValue *
bce_build (PareGraph *graph, PareValue *output, PareValue *target, const PareLossSettings *settings)
{
  PareValue *positive = pare_loss_call (graph, "Softplus", output, NULL);
  PareValue *agreed = pare_loss_call (graph, "Mul", output, target);

  return pare_loss_mean (graph, pare_loss_call (graph, "Sub", positive, agreed));
}

PARE_LOSS (bce)
    = { "bce-with-logits", "Binary cross-entropy of independent events, outputs taken as logits.", FALSE, bce_build };
