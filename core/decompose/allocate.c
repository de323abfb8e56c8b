/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Shares a budget of multiply-accumulates out over layers. */
#include "decompose/choice.h"
#include <math.h>

/* From the costly to the cheap, of equally costly ones the better first. */
static gint
compare_options (gconstpointer a, gconstpointer b)
{
  const PareOption *left = a, *right = b;

  if (left->macs != right->macs)
    return left->macs > right->macs ? -1 : 1;
  return (left->error > right->error) - (left->error < right->error);
}

/* What counts of an error: the network keeps the product of what its layers keep (rank selection in Zhang et al. 2015).
 */
static double
loss (const PareOption *option)
{
  return -log (MAX (1 - option->error, 1e-9));
}

/* Loss per multiply-accumulate saved on the way from @from to @to. */
static double
slope (const PareOption *from, const PareOption *to)
{
  return (loss (to) - loss (from)) / (from->macs - to->macs);
}

/* The lower convex hull of @options and the whole layer, from there on. */
static GArray *
hull_new (GArray *options, double macs)
{
  GArray *hull = g_array_new (FALSE, FALSE, sizeof (PareOption));
  PareOption whole = { NULL, 0, macs, 0 };

  g_array_sort (options, compare_options);
  g_array_append_val (hull, whole);
  for (guint i = 0; i < options->len; i++)
    {
      PareOption *option = &g_array_index (options, PareOption, i);
      PareOption *last = &g_array_index (hull, PareOption, hull->len - 1);
      if (option->macs >= last->macs)
        continue;
      while (hull->len > 1 && slope (&g_array_index (hull, PareOption, hull->len - 2), last) >= slope (last, option))
        {
          g_array_set_size (hull, hull->len - 1);
          last = &g_array_index (hull, PareOption, hull->len - 1);
        }
      g_array_append_val (hull, *option);
    }
  return hull;
}

/* The layer whose next step is the cheapest; -1 when all are at their ends. */
static gint
find_step (GPtrArray *hulls, const guint *position)
{
  gint best = -1;
  double least = 0;

  for (guint i = 0; i < hulls->len; i++)
    {
      const GArray *hull = hulls->pdata[i];
      double next;
      if (position[i] + 1 >= hull->len)
        continue;
      next = slope (&g_array_index (hull, PareOption, position[i]), &g_array_index (hull, PareOption, position[i] + 1));
      if (best < 0 || next < least)
        {
          best = (gint)i;
          least = next;
        }
    }
  return best;
}

/* The last step may save more than is asked for: of all options of its layer the best that is still within @limit. */
static PareOption
ease (const GArray *options, PareOption chosen, double limit)
{
  for (guint i = 0; i < options->len; i++)
    {
      const PareOption *option = &g_array_index (options, PareOption, i);
      if (option->macs <= limit && option->error < chosen.error)
        chosen = *option;
    }
  return chosen;
}

gboolean
pare_allocate (GPtrArray *options, const double *macs, double budget, PareOption *choice)
{
  g_autoptr (GPtrArray) hulls = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);
  g_autofree guint *position = g_new0 (guint, options->len);
  double total = 0;
  gint step = -1;

  for (guint i = 0; i < options->len; i++)
    {
      g_ptr_array_add (hulls, hull_new (options->pdata[i], macs[i]));
      choice[i] = g_array_index ((GArray *)hulls->pdata[i], PareOption, 0);
      total += macs[i];
    }
  while (total > budget && (step = find_step (hulls, position)) >= 0)
    {
      PareOption next = g_array_index ((GArray *)hulls->pdata[step], PareOption, ++position[step]);
      total -= choice[step].macs - next.macs;
      choice[step] = next;
    }
  if (total > budget)
    return FALSE;
  if (step >= 0)
    choice[step] = ease (options->pdata[step], choice[step], choice[step].macs + budget - total);
  return TRUE;
}
