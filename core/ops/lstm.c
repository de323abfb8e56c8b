/* SPDX-License-Identifier: LGPL-2.1-or-later
 * LSTM (Hochreiter and Schmidhuber 1997, with peepholes as Gers and Schmidhuber 2000), and its gradient through time.
 *
 *   i = f (W_i x + R_i h + P_i C + b_i)    o = f (W_o x + R_o h + P_o C' + b_o)    h' = o h (C')
 *   f = f (W_f x + R_f h + P_f C + b_f)    c = g (W_c x + R_c h + b_c)             C' = f C + i c */
#include "ops/infer.h"
#include "ops/recurrent.h"
#include <string.h>

/* Rows of a saved state; the peepholes are in the order of the first three. */
enum
{
  I,
  O,
  F,
  G,
  C,
  H,
  SAVED,
};

/* Gate @k of an item, with the peephole that looks at @cell. */
static void
open_gate (const PareStep *step, guint k, const float *cell, float *row)
{
  gint64 n = step->net->hidden;
  float *gate = row + k * n;

  if (step->peephole)
    for (gint64 j = 0; j < n; j++)
      gate[j] += step->peephole[k * n + j] * cell[j];
  pare_step_activate (step, 0, n, gate);
}

static void
forward_item (const PareStep *step, gint64 b)
{
  gint64 n = step->net->hidden;
  const float *before = pare_step_cell (step, b);
  float *row = step->state + b * SAVED * n, *i = row + I * n, *f = row + F * n, *c = row + C * n, *h = row + H * n;

  open_gate (step, I, before, row);
  if (step->net->coupled)
    for (gint64 j = 0; j < n; j++)
      f[j] = 1 - i[j];
  else
    open_gate (step, F, before, row);
  pare_step_activate (step, 1, n, row + G * n);
  for (gint64 j = 0; j < n; j++)
    h[j] = c[j] = f[j] * before[j] + i[j] * row[G * n + j];
  open_gate (step, O, c, row);
  pare_step_activate (step, 2, n, h);
  for (gint64 j = 0; j < n; j++)
    h[j] *= row[O * n + j];
}

static void
lstm_step (const PareStep *step)
{
  gint64 n = step->net->hidden;

  for (gint64 b = 0; b < step->net->batch; b++)
    memcpy (step->state + b * SAVED * n, step->from_x + b * 4 * n, 4 * n * sizeof (float));
  pare_step_add_recurrence (step, 0, 4 * n, step->state, SAVED * n);
  for (gint64 b = 0; b < step->net->batch; b++)
    forward_item (step, b);
}

/* Gate @k: from the gradient by its result to that by its argument; the peephole passes on to @dcell. */
static void
close_gate (const PareStep *step, guint k, const float *row, const float *cell, float *gradient, float *dcell)
{
  gint64 n = step->net->hidden;

  pare_step_slope (step, 0, n, row + k * n, gradient);
  for (gint64 j = 0; step->peephole && j < n; j++)
    {
      dcell[j] += gradient[j] * step->peephole[k * n + j];
      if (step->dpeephole)
        step->dpeephole[k * n + j] += gradient[j] * cell[j];
    }
}

static void
backward_item (const PareStep *step, gint64 b)
{
  gint64 n = step->net->hidden;
  const float *row = step->state + b * SAVED * n, *before = pare_step_cell (step, b), *c = row + C * n;
  const float *dh = step->dh + b * n;
  float *by = step->by_x + b * 4 * n, *dc = step->dc + b * n, *dc_before = step->dc_before + b * n;
  float *squashed = step->spare, *inner = step->spare + n;

  memcpy (squashed, c, n * sizeof *c);
  pare_step_activate (step, 2, n, squashed);
  for (gint64 j = 0; j < n; j++)
    {
      by[O * n + j] = dh[j] * squashed[j];
      inner[j] = dh[j] * row[O * n + j];
    }
  pare_step_slope (step, 2, n, squashed, inner);
  for (gint64 j = 0; j < n; j++)
    dc[j] += inner[j];
  close_gate (step, O, row, c, by + O * n, dc);
  for (gint64 j = 0; j < n; j++)
    {
      float df = dc[j] * before[j];
      by[I * n + j] = dc[j] * row[G * n + j] - (step->net->coupled ? df : 0);
      by[F * n + j] = step->net->coupled ? 0 : df;
      by[G * n + j] = dc[j] * row[I * n + j];
      dc_before[j] = dc[j] * row[F * n + j];
    }
  close_gate (step, I, row, before, by + I * n, dc_before);
  if (!step->net->coupled)
    close_gate (step, F, row, before, by + F * n, dc_before);
  pare_step_slope (step, 1, n, row + G * n, by + G * n);
  memcpy (step->by_h + b * 4 * n, by, 4 * n * sizeof (float));
}

static void
lstm_step_back (const PareStep *step)
{
  for (gint64 b = 0; b < step->net->batch; b++)
    backward_item (step, b);
}

static const PareCell lstm = {
  .gradient = "LSTMGrad",
  .gates = 4,
  .saved = SAVED,
  .functions = 3,
  .has_cell_state = TRUE,
  .defaults = { "Sigmoid", "Tanh", "Tanh" },
  .forward = lstm_step,
  .backward = lstm_step_back,
};

PARE_RECURRENT_OPERATORS (lstm, "LSTM")
