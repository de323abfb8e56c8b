/* SPDX-License-Identifier: LGPL-2.1-or-later
 * GRU (Cho et al. 2014), and its gradient through time.
 *
 *   z = f (W_z x + R_z h + b_z)    r = f (W_r x + R_r h + b_r)    h' = (1 - z) c + z h
 *   c = g (W_h x + R_h (r h) + b_h), or with linear_before_reset g (W_h x + r (R_h h + b_R) + b_W) */
#include "ops/infer.h"
#include "ops/recurrent.h"
#include <string.h>

/* Rows of a saved state. U is what the candidate's recurrent product is, or what it is made from (r h). */
enum
{
  Z,
  R,
  G,
  U,
  H,
  SAVED,
};

static float *
row_of (const PareStep *step, gint64 b, guint k)
{
  return step->state + (b * SAVED + k) * step->net->hidden;
}

static void
candidate_after_product (const PareStep *step)
{
  gint64 n = step->net->hidden;

  for (gint64 b = 0; b < step->net->batch; b++)
    {
      float *u = row_of (step, b, U);
      if (step->bias)
        memcpy (u, step->bias + 5 * n, n * sizeof (float));
      else
        memset (u, 0, n * sizeof (float));
    }
  pare_step_add_recurrence (step, 2 * n, 3 * n, step->state + U * n, SAVED * n);
  for (gint64 b = 0; b < step->net->batch; b++)
    for (gint64 j = 0; j < n; j++)
      row_of (step, b, G)[j] += row_of (step, b, R)[j] * row_of (step, b, U)[j];
}

static void
candidate_before_product (const PareStep *step)
{
  gint64 n = step->net->hidden;
  PareMatrix u = { step->state + U * n, SAVED * n, 1 }, r = { step->turned + 2 * n, 3 * n, 1 };

  for (gint64 b = 0; b < step->net->batch; b++)
    for (gint64 j = 0; j < n; j++)
      row_of (step, b, U)[j] = row_of (step, b, R)[j] * pare_step_hidden (step, b)[j];
  pare_add_product (step->net->batch, n, n, &u, &r, step->state + G * n, SAVED * n);
}

static void
gru_step (const PareStep *step)
{
  gint64 n = step->net->hidden;

  for (gint64 b = 0; b < step->net->batch; b++)
    memcpy (row_of (step, b, Z), step->from_x + b * 3 * n, 3 * n * sizeof (float));
  pare_step_add_recurrence (step, 0, 2 * n, step->state, SAVED * n);
  for (gint64 b = 0; b < step->net->batch; b++)
    pare_step_activate (step, 0, 2 * n, row_of (step, b, Z));
  if (step->net->linear)
    candidate_after_product (step);
  else
    candidate_before_product (step);
  for (gint64 b = 0; b < step->net->batch; b++)
    {
      const float *z = row_of (step, b, Z), *c = row_of (step, b, G), *before = pare_step_hidden (step, b);
      pare_step_activate (step, 1, n, row_of (step, b, G));
      for (gint64 j = 0; j < n; j++)
        row_of (step, b, H)[j] = (1 - z[j]) * c[j] + z[j] * before[j];
    }
}

/* Update gate and candidate; what of h' is h itself. */
static void
close_candidate (const PareStep *step, gint64 b)
{
  gint64 n = step->net->hidden;
  const float *z = row_of (step, b, Z), *c = row_of (step, b, G), *before = pare_step_hidden (step, b);
  const float *dh = step->dh + b * n;
  float *by = step->by_x + b * 3 * n;

  for (gint64 j = 0; j < n; j++)
    {
      by[Z * n + j] = dh[j] * (before[j] - c[j]);
      by[G * n + j] = dh[j] * (1 - z[j]);
      step->dh_before[b * n + j] += dh[j] * z[j];
    }
  pare_step_slope (step, 0, n, z, by + Z * n);
  pare_step_slope (step, 1, n, c, by + G * n);
}

/* The gradients by r h, when the product comes after the reset. */
static const float *
reset_gradients (const PareStep *step)
{
  gint64 n = step->net->hidden;
  float *by = step->spare;
  PareMatrix candidate = { step->by_x + G * n, 3 * n, 1 }, r = { step->r + 2 * n * n, n, 1 };

  memset (by, 0, step->net->batch * n * sizeof *by);
  pare_add_product (step->net->batch, n, n, &candidate, &r, by, n);
  return by;
}

static void
close_reset (const PareStep *step, gint64 b, const float *by_reset)
{
  gint64 n = step->net->hidden;
  const float *r = row_of (step, b, R), *u = row_of (step, b, U), *before = pare_step_hidden (step, b);
  float *by_x = step->by_x + b * 3 * n, *by_h = step->by_h + b * 3 * n;

  for (gint64 j = 0; j < n; j++)
    {
      float candidate = by_x[G * n + j];
      by_x[R * n + j] = by_reset ? by_reset[b * n + j] * before[j] : candidate * u[j];
      by_h[G * n + j] = by_reset ? candidate : candidate * r[j];
      if (by_reset)
        step->dh_before[b * n + j] += by_reset[b * n + j] * r[j];
    }
  pare_step_slope (step, 0, n, r, by_x + R * n);
  memcpy (by_h, by_x, 2 * n * sizeof (float));
}

static void
gru_step_back (const PareStep *step)
{
  const float *by_reset;

  for (gint64 b = 0; b < step->net->batch; b++)
    close_candidate (step, b);
  by_reset = step->net->linear ? NULL : reset_gradients (step);
  for (gint64 b = 0; b < step->net->batch; b++)
    close_reset (step, b, by_reset);
}

static const PareCell gru = {
  .gradient = "GRUGrad",
  .gates = 3,
  .saved = SAVED,
  .functions = 2,
  .reset_product = 2,
  .reset_row = U,
  .defaults = { "Sigmoid", "Tanh" },
  .forward = gru_step,
  .backward = gru_step_back,
};

PARE_RECURRENT_OPERATORS (gru, "GRU")
