/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Greedy allocation: always the step of the least loss per cost that it saves. With convex curves and a linear cost
 * this is the minimum of loss + mu cost for some mu (Shoham and Gersho, Efficient Bit Allocation, 1988). */
#include "sparsify/channel-allocation.h"
#include <math.h>

/* Sizes of steps that are tried, in multiples of the alignment. */
static const guint strides[] = { 1, 2, 3, 4, 6, 8, 12, 16, 32 };

/* The count @stride steps below @left; 0 when there is none. */
static guint
step_down (guint left, guint align, guint stride)
{
  guint aligned = (left - 1) / align * align, fewer = (stride - 1) * align;

  return aligned > fewer ? aligned - fewer : 0;
}

typedef struct
{
  guint group, left;
  double price;
} Step;

static void
find_step (const PareChannelAllocation *allocation, const PareCost *cost, guint group, Step *best)
{
  const PareChannelCurve *curve = allocation->curves[group];
  guint left = allocation->left[group];

  for (guint s = 0; s < G_N_ELEMENTS (strides); s++)
    {
      guint fewer = step_down (left, allocation->align, strides[s]);
      double saved, loss, price;
      if (!fewer)
        return;
      saved = pare_cost_saved (cost, allocation->left, group, fewer);
      loss = curve->loss[curve->n - fewer] - curve->loss[curve->n - left];
      price = saved > 0 ? loss / saved : INFINITY;
      if (price < best->price)
        *best = (Step){ group, fewer, price };
    }
}

gboolean
pare_channel_allocate (PareChannelAllocation *allocation, const PareCost *cost, double target, GError **error)
{
  guint n = pare_channel_groups_length (allocation->groups);
  double now = pare_cost_of (cost, allocation->left);

  while (now > target)
    {
      Step best = { .price = INFINITY };
      for (guint g = 0; g < n; g++)
        if (allocation->curves[g])
          find_step (allocation, cost, g, &best);
      if (!best.left)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                       "The network cannot become so small: with as few channels as possible it still costs %g where "
                       "%g are allowed. Ask for a smaller ratio.",
                       now, target);
          return FALSE;
        }
      allocation->left[best.group] = best.left;
      now = pare_cost_of (cost, allocation->left);
    }
  return TRUE;
}
