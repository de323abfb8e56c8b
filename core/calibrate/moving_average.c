/* SPDX-License-Identifier: LGPL-2.1-or-later
 * moving-average: the extremes of every batch, averaged with weights that fade: average = momentum average +
 * (1 - momentum) extreme, from the first batch's extremes on. One odd sample does not decide alone. */
#include "calibrate/extremes.h"
#include "calibrate/observer.h"

typedef struct
{
  PareExtremes extremes; /* of everything, for what is not finite and what nothing was seen of */
  double momentum;
  double low, high;
  gboolean begun;
} State;

static gpointer
moving_average_new (const PareObserverSettings *settings)
{
  State *state = g_new0 (State, 1);

  pare_extremes_init (&state->extremes);
  state->momentum = CLAMP (settings->momentum, 0, 1);
  return state;
}

static gboolean
moving_average_observe (gpointer data, const float *numbers, gsize n)
{
  State *state = data;
  PareExtremes batch;

  if (n == 0)
    return state->extremes.finite;
  pare_extremes_init (&batch);
  pare_extremes_update (&batch, numbers, n);
  state->extremes.low = MIN (state->extremes.low, batch.low);
  state->extremes.high = MAX (state->extremes.high, batch.high);
  state->extremes.finite &= batch.finite;
  state->low = state->begun ? state->momentum * state->low + (1 - state->momentum) * batch.low : batch.low;
  state->high = state->begun ? state->momentum * state->high + (1 - state->momentum) * batch.high : batch.high;
  state->begun = TRUE;
  return state->extremes.finite;
}

static gboolean
moving_average_range (gpointer data, PareRange *range)
{
  const State *state = data;

  if (!pare_extremes_range (&state->extremes, range))
    return FALSE;
  if (state->extremes.finite)
    *range = (PareRange){ state->low, state->high };
  return TRUE;
}

PARE_OBSERVER (moving_average)
    = { "moving-average",       "The lowest and highest of each batch, averaged over batches.",
        moving_average_new,     g_free,
        moving_average_observe, moving_average_range };
