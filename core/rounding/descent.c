/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Coordinate descent over rounded weights (Nair & Suggala, CDQuant, 2024, its cyclic kind): with all others as they
 * are, weight j is best at
 *
 *     w_j - r_j / xx_jj,  r = (w - best) xx
 *
 * and of the numbers that it may become, since the error is a parabola, at the one nearest to that. */
#include "rounding/descent.h"
#include <string.h>

#define SWEEPS 16

static void
add_scaled (gint64 n, double factor, const double *from, double *to)
{
  for (gint64 i = 0; i < n; i++)
    to[i] += factor * from[i];
}

void
pare_coordinate_descent (gint64 n, const double *xx, const double *best, PareRoundWeight round, gconstpointer data,
                         double *row)
{
  g_autofree double *gradient = g_new0 (double, n);
  gboolean changed = TRUE;

  for (gint64 j = 0; j < n; j++)
    add_scaled (n, row[j] - best[j], xx + j * n, gradient);
  for (guint sweep = 0; changed && sweep < SWEEPS; sweep++)
    {
      changed = FALSE;
      for (gint64 j = 0; j < n; j++)
        {
          double rounded = round (j, row[j] - gradient[j] / xx[j * (n + 1)], data);
          if (rounded == row[j])
            continue;
          add_scaled (n, rounded - row[j], xx + j * n, gradient);
          row[j] = rounded;
          changed = TRUE;
        }
    }
}
