/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Answers to PareOperator's question whether samples stay apart. Private to the operators. */
#pragma once
#include "ops/operator.h"

/* Input 0 holds samples, all others are constant. */
gboolean pare_samples_alone (const PareInfer *infer);
/* Inputs meet position by position, by broadcasting: samples or constants that are the same for all of them. */
gboolean pare_samples_joined (const PareInfer *infer);
