/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The multiple-choice knapsack: least[i][w] = min over options o of layer i of least[i - 1][w - price (o)] +
 * sensitivity (o); see Kellerer, Pferschy & Pisinger 2004, chapter 11. */
#include "tune/budget.h"
#include <math.h>

#define SHARES 10000
#define SLACK (1 + 1e-12) /* for sums of prices */

static const PareTuneOption *
option_of (GPtrArray *layers, guint layer, guint option)
{
  return &g_array_index (((PareTuneLayer *)layers->pdata[layer])->options, PareTuneOption, option);
}

double
pare_tune_price (GPtrArray *layers, const guint8 *choice)
{
  double sum = 0;

  for (guint i = 0; i < layers->len; i++)
    sum += option_of (layers, i, choice[i])->price;
  return sum;
}

double
pare_tune_sensitivity (GPtrArray *layers, const guint8 *choice)
{
  double sum = 0;

  for (guint i = 0; i < layers->len; i++)
    sum += option_of (layers, i, choice[i])->sensitivity;
  return sum;
}

/* The best that is known for a share of the limit. Its price is exact: shares only tell what is compared. */
typedef struct
{
  double price, sensitivity; /* INFINITY: nothing is known */
} State;

/* How a state came about. */
typedef struct
{
  guint16 before;
  guint8 option;
} Origin;

static void
clear_states (State *states)
{
  for (guint i = 0; i <= SHARES; i++)
    states[i] = (State){ 0, INFINITY };
}

static void
improve (State *states, Origin *origins, double limit, const State *state, const Origin *origin)
{
  guint share = MIN (SHARES, (guint)(state->price / limit * SHARES));
  State *known = &states[share];

  if (state->sensitivity < known->sensitivity
      || (state->sensitivity == known->sensitivity && state->price < known->price))
    {
      *known = *state;
      origins[share] = *origin;
    }
}

/* One layer more: @states go from those without it to those with it. */
static void
add_layer (GPtrArray *layers, guint layer, double limit, State *states, Origin *origins)
{
  guint n = ((PareTuneLayer *)layers->pdata[layer])->options->len;
  g_autofree State *before = g_memdup2 (states, (SHARES + 1) * sizeof *states);

  clear_states (states);
  for (guint w = 0; w <= SHARES; w++)
    for (guint o = 0; o < n && isfinite (before[w].sensitivity); o++)
      {
        const PareTuneOption *option = option_of (layers, layer, o);
        const State state = { before[w].price + option->price, before[w].sensitivity + option->sensitivity };
        if (state.price <= limit * SLACK)
          improve (states, origins, limit, &state, &(Origin){ w, o });
      }
}

static gboolean
take_cheapest (GPtrArray *layers, double limit, guint8 *choice)
{
  for (guint i = 0; i < layers->len; i++)
    {
      choice[i] = 0;
      for (guint o = 1; o < ((PareTuneLayer *)layers->pdata[i])->options->len; o++)
        if (option_of (layers, i, o)->price < option_of (layers, i, choice[i])->price)
          choice[i] = o;
    }
  return pare_tune_price (layers, choice) <= limit * SLACK;
}

static void
trace (guint n, const State *states, const Origin *origins, guint8 *choice)
{
  guint share = 0;

  for (guint w = 1; w <= SHARES; w++)
    if (states[w].sensitivity < states[share].sensitivity)
      share = w;
  /* None: where there is just enough, the cheapest choice may have been dropped for a better one of the same share. */
  if (!isfinite (states[share].sensitivity))
    return;
  for (guint i = n; i-- > 0;)
    {
      const Origin *origin = &origins[i * (SHARES + 1) + share];
      choice[i] = origin->option;
      share = origin->before;
    }
}

gboolean
pare_tune_allocate (GPtrArray *layers, double limit, guint8 *choice)
{
  g_autofree State *states = g_new (State, SHARES + 1);
  g_autofree Origin *origins = g_new (Origin, MAX (layers->len, 1) * (SHARES + 1));

  if (!(limit > 0) || !take_cheapest (layers, limit, choice))
    return FALSE;
  clear_states (states);
  states[0] = (State){ 0, 0 };
  for (guint i = 0; i < layers->len; i++)
    add_layer (layers, i, limit, states, origins + i * (SHARES + 1));
  trace (layers->len, states, origins, choice);
  return TRUE;
}
