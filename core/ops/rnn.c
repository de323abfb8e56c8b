/* SPDX-License-Identifier: LGPL-2.1-or-later
 * RNN (Elman 1990), h' = f (W x + R h + b), and its gradient through time. */
#include "ops/infer.h"
#include "ops/recurrent.h"
#include <string.h>

static void
rnn_step (const PareStep *step)
{
  gint64 n = step->net->batch * step->net->hidden;

  memcpy (step->state, step->from_x, n * sizeof (float));
  pare_step_add_recurrence (step, 0, step->net->hidden, step->state, step->net->hidden);
  pare_step_activate (step, 0, n, step->state);
}

static void
rnn_step_back (const PareStep *step)
{
  gint64 n = step->net->batch * step->net->hidden;

  memcpy (step->by_x, step->dh, n * sizeof (float));
  pare_step_slope (step, 0, n, step->state, step->by_x);
  memcpy (step->by_h, step->by_x, n * sizeof (float));
}

static const PareCell rnn = {
  .gradient = "RNNGrad",
  .gates = 1,
  .saved = 1,
  .functions = 1,
  .defaults = { "Tanh" },
  .forward = rnn_step,
  .backward = rnn_step_back,
};

PARE_RECURRENT_OPERATORS (rnn, "RNN")
