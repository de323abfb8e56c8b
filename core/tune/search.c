/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Search over the steps of a path. Before any trial the answer k is taken to be the likelier the smaller it is, p ~
 * 1/k, since mostly a few layers are at fault; each trial is the one that tells most for its expected cost: with p the
 * probability of a hit, max of H(p) / (p + (1 - p) miss). For equal costs that is bisection of the probability.
 * Then halving of what may be taken back, as delta debugging does (Zeller & Hildebrandt 2002). */
#include "tune/search.h"
#include <math.h>
#include <string.h>

typedef struct
{
  GPtrArray *layers;
  PareTuneTrial trial;
  gpointer user_data;
  GArray *path; /* of guint: the layer that each step raises */
  guint8 *choice;
} Search;

static double
sensitivity (const PareTuneLayer *layer, guint option)
{
  return g_array_index (layer->options, PareTuneOption, option).sensitivity;
}

/* The layer whose next step rids the network of most; -1 when all are at their ends. */
static gint
next_step (GPtrArray *layers, const guint8 *choice)
{
  gint best = -1;
  double most = 0;

  for (guint i = 0; i < layers->len; i++)
    {
      const PareTuneLayer *layer = layers->pdata[i];
      double gain;
      if (choice[i] + 1u >= layer->options->len)
        continue;
      gain = sensitivity (layer, choice[i]) - sensitivity (layer, choice[i] + 1);
      if (best < 0 || gain > most)
        {
          best = (gint)i;
          most = gain;
        }
    }
  return best;
}

static GArray *
path_new (GPtrArray *layers)
{
  GArray *path = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autofree guint8 *choice = g_new0 (guint8, layers->len);
  gint layer;

  while ((layer = next_step (layers, choice)) >= 0)
    {
      choice[layer]++;
      g_array_append_val (path, layer);
    }
  return path;
}

/* The choice after the first @n steps. */
static void
walk (const Search *search, guint n, guint8 *choice)
{
  memset (choice, 0, search->layers->len);
  for (guint i = 0; i < n; i++)
    choice[g_array_index (search->path, guint, i)]++;
}

static gboolean
try_prefix (const Search *search, guint n, gboolean *met, GError **error)
{
  g_autofree guint8 *choice = g_new (guint8, search->layers->len);

  walk (search, n, choice);
  return search->trial (choice, "raised the most sensitive layers", met, search->user_data, error);
}

/* Bits that an event of probability @p tells. */
static double
information (double p)
{
  return p > 0 && p < 1 ? -p * log2 (p) - (1 - p) * log2 (1 - p) : 0;
}

/* Which of the places @low + 1 to @high - 1 to try when the answer is one of @low + 1 to @high. */
static guint
choose_place (guint low, guint high, double miss_cost)
{
  double total = 0, sum = 0, most = -1;
  guint best = low + 1;

  for (guint k = low + 1; k <= high; k++)
    total += 1.0 / k;
  for (guint k = low + 1; k < high; k++)
    {
      double p, gain;
      sum += 1.0 / k;
      p = sum / total;
      gain = information (p) / (p + (1 - p) * miss_cost);
      if (gain > most)
        {
          most = gain;
          best = k;
        }
    }
  return best;
}

/* The least prefix that meets the target, of at most @high steps, which do. */
static gboolean
find_least (const Search *search, guint high, double miss_cost, guint *least, GError **error)
{
  guint low = 0;

  while (high - low > 1)
    {
      guint place = choose_place (low, high, miss_cost);
      gboolean met;
      if (!try_prefix (search, place, &met, error))
        return FALSE;
      if (met)
        high = place;
      else
        low = place;
    }
  *least = high;
  return TRUE;
}

/* Lowers the layers of steps [@from, @to), and keeps that or halves it. */
static gboolean
take_back (Search *search, const GArray *steps, guint from, guint to, GError **error)
{
  guint n = search->layers->len, middle = from + (to - from) / 2;
  g_autofree guint8 *lower = g_memdup2 (search->choice, MAX (n, 1));
  gboolean met;

  if (from == to)
    return TRUE;
  for (guint i = from; i < to; i++)
    lower[g_array_index (steps, guint, i)]--;
  if (!search->trial (lower, "lowered layers again", &met, search->user_data, error))
    return FALSE;
  if (met)
    memcpy (search->choice, lower, n);
  else if (to - from > 1)
    return take_back (search, steps, from, middle, error) && take_back (search, steps, middle, to, error);
  return TRUE;
}

/* The first @n steps from the last to the first: what was raised late is the likeliest to be spared. The very last one
 * was needed. */
static gboolean
refine (Search *search, guint n, GError **error)
{
  g_autoptr (GArray) steps = g_array_new (FALSE, FALSE, sizeof (guint));
  guint last = g_array_index (search->path, guint, n - 1);

  for (guint i = n - 1; i-- > 0;)
    {
      guint layer = g_array_index (search->path, guint, i);
      if (layer != last)
        g_array_append_val (steps, layer);
    }
  return take_back (search, steps, 0, steps->len / 2, error)
         && take_back (search, steps, steps->len / 2, steps->len, error);
}

gboolean
pare_tune_search (GPtrArray *layers, gboolean safe, double miss_cost, PareTuneTrial trial, gpointer user_data,
                  guint8 *choice, gboolean *found, GError **error)
{
  g_autoptr (GArray) path = path_new (layers);
  Search search = { layers, trial, user_data, path, choice };
  guint n = path->len;

  *found = safe;
  if (!n || (!safe && !try_prefix (&search, n, found, error)))
    return !n;
  if (!*found)
    return TRUE;
  if (!find_least (&search, n, miss_cost, &n, error))
    return FALSE;
  walk (&search, n, choice);
  return refine (&search, n, error);
}
