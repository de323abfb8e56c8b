/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Brings weights and metric into the order of slices. */
#include "decompose/unfolding.h"

/* Columns of the target by slice: column [slice][row]. */
static int *
order_columns (const PareKernelShape *shape, int first_axis)
{
  int first = shape->kernel[first_axis], second = shape->kernel[1 - first_axis], n = 0;
  int *columns = g_new (int, shape->columns);

  for (int j = 0; j < second; j++)
    for (int c = 0; c < shape->inputs; c++)
      for (int i = 0; i < first; i++)
        columns[n++] = c * shape->taps + (first_axis == 0 ? i * second + j : j * first + i);
  return columns;
}

static void
gather_wanted (PareUnfolding *unfolding, const PareTarget *target, const int *columns)
{
  gsize o = unfolding->outputs, q = unfolding->rows, k = unfolding->slices;

  unfolding->wanted = g_new (double, k *o *q);
  for (gsize j = 0; j < k; j++)
    for (gsize y = 0; y < o; y++)
      for (gsize r = 0; r < q; r++)
        unfolding->wanted[(j * o + y) * q + r] = target->wanted[y * k * q + columns[j * q + r]];
}

static void
gather_metric (PareUnfolding *unfolding, const PareTarget *target, const int *columns)
{
  gsize q = unfolding->rows, k = unfolding->slices;

  unfolding->metric = g_new (double, k *k *q *q);
  unfolding->block = g_new0 (double, q *q);
  for (gsize j = 0; j < k; j++)
    for (gsize l = 0; l < k; l++)
      for (gsize r = 0; r < q; r++)
        for (gsize s = 0; s < q; s++)
          {
            double entry = target->metric[columns[j * q + r] * (k * q) + columns[l * q + s]];
            unfolding->metric[((j * k + l) * q + r) * q + s] = entry;
            if (j == l)
              unfolding->block[r * q + s] += entry / (double)k;
          }
}

PareUnfolding *
pare_unfolding_new (const PareTarget *target, int first_axis)
{
  const PareKernelShape *shape = &target->shape;
  PareUnfolding *unfolding = g_new0 (PareUnfolding, 1);
  g_autofree int *columns = order_columns (shape, first_axis);

  unfolding->outputs = shape->outputs;
  unfolding->rows = shape->inputs * shape->kernel[first_axis];
  unfolding->slices = shape->kernel[1 - first_axis];
  gather_wanted (unfolding, target, columns);
  if (target->metric)
    gather_metric (unfolding, target, columns);
  return unfolding;
}

void
pare_unfolding_free (PareUnfolding *unfolding)
{
  g_free (unfolding->wanted);
  g_free (unfolding->metric);
  g_free (unfolding->block);
  g_free (unfolding);
}
