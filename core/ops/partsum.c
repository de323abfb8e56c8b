/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The sum of results for parts of a batch. */
#include "ops/partsum.h"
#include "ops/parallel.h"
#include <string.h>

/* Elements that stay in the first-level cache while one part after the other is added to them. */
#define GRAIN 2048

typedef struct
{
  const float *parts;
  guint n;
  gsize step;
  float *sum;
} Sum;

static void
add_parts (gint64 from, gint64 to, gconstpointer data)
{
  const Sum *sum = data;
  float *total = sum->sum;

  memcpy (total + from, sum->parts + from, (to - from) * sizeof (float));
  for (guint p = 1; p < sum->n; p++)
    {
      const float *part = sum->parts + p * sum->step;
      for (gint64 i = from; i < to; i++)
        total[i] += part[i];
    }
}

void
pare_sum_parts (const float *parts, guint n, gsize step, gint64 elements, float *sum)
{
  Sum job = { parts, n, step, sum };

  pare_parallel (elements, GRAIN, add_parts, &job);
}
