/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What adam and adamw have in common. */
#pragma once
#include "train/optimizer.h"

/* The step of Adam with @coupled added to the gradient as a multiple of the weight, after the weight itself lost
 * @decoupled of its size. */
void pare_adam_step (const PareOptimizerSettings *settings, const PareUpdate *update, float coupled, float decoupled);
