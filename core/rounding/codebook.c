/* SPDX-License-Identifier: LGPL-2.1-or-later
 * One-dimensional k-means whose centres are integers, exactly by dynamic programming (after Wang & Song,
 * Ckmeans.1d.dp, 2011):
 *
 *     D_l (b) = min over a < b of D_l-1 (a) + cost (a, b)
 *
 * is the least cost of all numbers below b with l entries, the last of them b; cost (a, b) that of the numbers between
 * two neighbours, each of which goes to the nearer one. */
#include "rounding/codebook.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  double x, weight;
} Point;

static int
compare_points (gconstpointer a, gconstpointer b)
{
  double x = ((const Point *)a)->x, y = ((const Point *)b)->x;

  return (x > y) - (x < y);
}

/* Sums over all numbers below a bound, counted from the lowest integer to keep digits. */
typedef struct
{
  double weight, first, second;
} Sums;

/* @below: the sums below lowest + h / 2, for h = 0 .. 2 (n - 1), then those of all numbers. */
typedef struct
{
  gint32 lowest, n;
  gboolean with_zero;
  Sums *below;
} Problem;

static Sums *
sum_up (gint64 n, Point *points, gint32 candidates)
{
  Sums *below = g_new (Sums, 2 * candidates), sums = { 0 };
  gint64 i = 0;

  qsort (points, n, sizeof *points, compare_points);
  for (gint32 h = 0; h < 2 * candidates; h++)
    {
      for (; i < n && (points[i].x < h / 2. || h == 2 * candidates - 1); i++)
        {
          double x = points[i].x, weight = points[i].weight;
          sums = (Sums){ sums.weight + weight, sums.first + weight * x, sums.second + weight * x * x };
        }
      below[h] = sums;
    }
  return below;
}

/* Of the numbers between two bounds for going to entry @to. */
static double
cost_of (const Sums *from, const Sums *until, double to)
{
  double cost
      = until->second - from->second - 2 * to * (until->first - from->first) + to * to * (until->weight - from->weight);

  return MAX (cost, 0);
}

static double
cost_between (const Problem *problem, gint32 a, gint32 b)
{
  const Sums *below = problem->below;

  if (problem->with_zero && a + problem->lowest < 0 && b + problem->lowest > 0)
    return INFINITY;
  return cost_of (&below[2 * a], &below[a + b], a) + cost_of (&below[a + b], &below[2 * b], b);
}

static double
cost_before (const Problem *problem, gint32 first)
{
  static const Sums none = { 0 };

  return problem->with_zero && first + problem->lowest > 0 ? INFINITY
                                                           : cost_of (&none, &problem->below[2 * first], first);
}

static double
cost_behind (const Problem *problem, gint32 last)
{
  return problem->with_zero && last + problem->lowest < 0
             ? INFINITY
             : cost_of (&problem->below[2 * last], &problem->below[2 * problem->n - 1], last);
}

/* One more entry: @costs of the present number of them become those of one more, and @from tells the entry before. */
static void
add_entry (const Problem *problem, double *costs, gint32 *from)
{
  /* From the last one down: what stands before it is still of one entry less. */
  for (gint32 b = problem->n - 1; b >= 0; b--)
    {
      double least = INFINITY;
      for (gint32 a = 0; a < b; a++)
        {
          double cost = costs[a] + cost_between (problem, a, b);
          if (cost < least)
            {
              least = cost;
              from[b] = a;
            }
        }
      costs[b] = least;
    }
}

static void
solve (const Problem *problem, PareCodebook *codebook)
{
  gint32 n = problem->n, last = -1;
  guint levels = codebook->n;
  g_autofree double *costs = g_new (double, n);
  g_autofree gint32 *from = g_new0 (gint32, (gsize)levels * n);
  double least = INFINITY;

  for (gint32 b = 0; b < n; b++)
    costs[b] = cost_before (problem, b);
  for (guint l = 1; l < levels; l++)
    add_entry (problem, costs, from + (gsize)l * n);
  for (gint32 b = 0; b < n; b++)
    if (costs[b] + cost_behind (problem, b) < least)
      {
        least = costs[b] + cost_behind (problem, b);
        last = b;
      }
  g_assert (last >= 0);
  for (guint l = levels; l-- > 0; last = from[(gsize)l * n + last])
    codebook->entries[l] = problem->lowest + last;
}

void
pare_codebook_init (PareCodebook *codebook, gint64 n, const double *numbers, const double *weights, gint32 lowest,
                    gint32 highest, guint levels, gboolean with_zero)
{
  gint32 candidates = highest - lowest + 1;
  g_autofree Point *points = g_new (Point, MAX (n, 1));
  g_autofree Sums *below = NULL;
  Problem problem = { lowest, candidates, with_zero, NULL };

  g_assert (levels > 0 && candidates > 0 && candidates <= 65536);
  *codebook = (PareCodebook){ MIN (levels, (guint)candidates), NULL };
  codebook->entries = g_new (gint32, codebook->n);
  for (gint64 i = 0; i < n; i++)
    points[i] = (Point){ numbers[i] - lowest, weights[i] };
  problem.below = below = sum_up (n, points, candidates);
  solve (&problem, codebook);
}

void
pare_codebook_clear (PareCodebook *codebook)
{
  g_clear_pointer (&codebook->entries, g_free);
}

gint32
pare_codebook_nearest (const PareCodebook *codebook, double number)
{
  guint low = 0, high = codebook->n - 1;

  while (low < high)
    {
      guint middle = (low + high) / 2;
      if (number <= (codebook->entries[middle] + (double)codebook->entries[middle + 1]) / 2)
        high = middle;
      else
        low = middle + 1;
    }
  return codebook->entries[low];
}
