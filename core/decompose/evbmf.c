/* SPDX-License-Identifier: LGPL-2.1-or-later
 * EVBMF (Nakajima, Sugiyama, Babacan, Tomioka: Global analytic solution of fully-observed variational Bayesian matrix
 * factorization, JMLR 14, 2013). With L <= M, a = L/M, t = 2.5129 sqrt(a) and x_h = g_h^2 / (M s^2), the noise's
 * variance s^2 minimizes sum_h f (x_h), where f (x) = x - log x below the threshold (1 + t) (1 + a / t) and above it x
 * - T + log ((T + 1) / x) + a log (T / a + 1) with T = (x - (1 + a) + sqrt ((x - (1 + a))^2 - 4 a)) / 2. Components
 * above the threshold are signal. */
#include "decompose/evbmf.h"
#include <math.h>

/* The sum may have several minima: look everywhere first, then close in on the best. */
#define GRID 256
#define ROUNDS 100

/* A share of the energy below which nothing is noise but rounding. */
#define NOTHING 1e-14

typedef struct
{
  int smaller, larger;
  double ratio, threshold;
  const double *energies;
  double floor; /* what stands for an energy of zero, whose logarithm there is not */
} Problem;

static double
term (const Problem *p, double x)
{
  double a = p->ratio, t;

  if (x <= p->threshold)
    return x - log (x);
  t = (x - (1 + a) + sqrt ((x - (1 + a)) * (x - (1 + a)) - 4 * a)) / 2;
  return x - t + log ((t + 1) / x) + a * log (t / a + 1);
}

static double
objective (const Problem *p, double log_variance)
{
  double scale = p->larger * exp (log_variance), sum = 0;

  for (int h = 0; h < p->smaller; h++)
    sum += term (p, MAX (p->energies[h], p->floor) / scale);
  return sum;
}

/* Golden section. */
static double
close_in (const Problem *p, double low, double high)
{
  double g = (sqrt (5) - 1) / 2, a = high - g * (high - low), b = low + g * (high - low);
  double at_a = objective (p, a), at_b = objective (p, b);

  for (int i = 0; i < ROUNDS && high - low > 1e-9; i++)
    if (at_a < at_b)
      {
        high = b;
        b = a;
        at_b = at_a;
        at_a = objective (p, a = high - g * (high - low));
      }
    else
      {
        low = a;
        a = b;
        at_a = at_b;
        at_b = objective (p, b = low + g * (high - low));
      }
  return (low + high) / 2;
}

static double
find_log_variance (const Problem *p, double low, double high)
{
  double step = (high - low) / GRID, best = low, least = INFINITY;

  for (int i = 0; i <= GRID; i++)
    {
      double value = objective (p, low + i * step);
      if (value < least)
        {
          least = value;
          best = low + i * step;
        }
    }
  return close_in (p, MAX (low, best - step), MIN (high, best + step));
}

/* The least variance that leaves so many components noise as must be; theorem 6 of the paper. */
static double
least_variance (const Problem *p)
{
  int first = MIN ((int)ceil (p->smaller / (1 + p->ratio)) - 1, p->smaller - 1);
  double rest = 0;

  first = MAX (first, 0);
  for (int h = first; h < p->smaller; h++)
    rest += MAX (p->energies[h], p->floor);
  return MAX (MAX (p->energies[first], p->floor) / (p->larger * p->threshold), rest / (p->smaller - first) / p->larger);
}

int
pare_evbmf_rank (int rows, int columns, const double *energies)
{
  Problem p = { MIN (rows, columns), MAX (rows, columns), .energies = energies };
  double t, total = 0, limit;
  int rank = 0;

  p.ratio = (double)p.smaller / p.larger;
  t = 2.5129 * sqrt (p.ratio);
  p.threshold = (1 + t) * (1 + p.ratio / t);
  for (int h = 0; h < p.smaller; h++)
    total += energies[h];
  if (!(total > 0))
    return 0;
  p.floor = total * NOTHING;
  limit = p.larger * p.threshold
          * exp (find_log_variance (&p, log (least_variance (&p)), log (total / ((double)p.smaller * p.larger))));
  while (rank < p.smaller && energies[rank] > limit)
    rank++;
  return rank;
}
