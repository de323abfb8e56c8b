/* SPDX-License-Identifier: LGPL-2.1-or-later
 * AdamW: Adam whose weight decay shrinks the weight itself, by rate x decay, and stays out of the running means.
 * (Loshchilov and Hutter, Decoupled weight decay regularization, 2019, algorithm 2.) */
#include "train/adam.h"

static void
adamw_update (const PareOptimizerSettings *settings, const PareUpdate *update)
{
  pare_adam_step (settings, update, 0, update->rate * update->decay);
}

PARE_OPTIMIZER (adamw) = { "adamw", "Adam with weight decay apart from the gradient.", 2, adamw_update };
