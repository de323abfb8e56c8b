/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How the rank of a layer is chosen. */
#include "decompose/choice.h"
#include "decompose/evbmf.h"
#include "graph/named.h"
#include <math.h>

static int
rank_by_energy (const PareCurve *curve, const PareDecomposable *layer, const PareDecomposeSettings *settings)
{
  double total = 0, kept = 0;
  int rank = 0;

  for (int i = 0; i < curve->n; i++)
    total += curve->energies[i];
  while (rank < curve->n && kept < settings->energy * total)
    kept += curve->energies[rank++];
  return rank;
}

static int
rank_by_noise (const PareCurve *curve, const PareDecomposable *layer, const PareDecomposeSettings *settings)
{
  int rows, columns;

  curve->how->sides (curve->how, &layer->shape, &rows, &columns);
  return pare_evbmf_rank (rows, columns, curve->energies);
}

/* The plain way to meet a ratio: every layer by itself. */
static int
rank_by_ratio (const PareCurve *curve, const PareDecomposable *layer, const PareDecomposeSettings *settings)
{
  int rank = curve->n;

  while (rank > 1 && pare_curve_option (curve, layer, rank).macs > settings->ratio * (double)layer->macs)
    rank--;
  return rank;
}

static const ParePolicy macs = { "macs", NULL };
static const ParePolicy energy = { "energy", rank_by_energy };
static const ParePolicy evbmf = { "evbmf", rank_by_noise };
static const ParePolicy uniform = { "uniform", rank_by_ratio };
static const ParePolicy *const policies[] = { &macs, &uniform, &energy, &evbmf, NULL };

const ParePolicy *
pare_policy_find (const char *name, GError **error)
{
  return pare_find_named ("policy", name, (const void *const *)policies, error);
}

/* Error for each multiply-accumulate saved; what saves nothing comes last. */
static double
price (const PareOption *option, const PareDecomposable *layer)
{
  double saved = (double)layer->macs - option->macs;

  return saved > 0 ? option->error / saved : INFINITY;
}

PareOption
pare_policy_choose (const ParePolicy *policy, GPtrArray *curves, const PareDecomposable *layer,
                    const PareDecomposeSettings *settings)
{
  PareOption best = { NULL, 0, (double)layer->macs, 0 };
  double least = INFINITY;

  for (guint i = 0; i < curves->len; i++)
    {
      const PareCurve *curve = curves->pdata[i];
      int align = (int)settings->align, rank = policy->rank (curve, layer, settings);
      PareOption option = pare_curve_option (curve, layer, MAX ((rank + align - 1) / align, 1) * align);
      if (option.rank > curve->n || !(price (&option, layer) < least))
        continue;
      least = price (&option, layer);
      best = option;
    }
  return best;
}

gboolean
pare_choose_rank (GPtrArray *curves, const PareDecomposable *layer, int rank, PareOption *option, GError **error)
{
  double least = INFINITY;
  int highest = 0;

  option->how = NULL;
  for (guint i = 0; i < curves->len; i++)
    {
      const PareCurve *curve = curves->pdata[i];
      PareOption candidate;
      highest = MAX (highest, curve->n);
      if (rank > curve->n)
        continue;
      candidate = pare_curve_option (curve, layer, rank);
      if (option->how && !(price (&candidate, layer) < least))
        continue;
      least = price (&candidate, layer);
      *option = candidate;
    }
  if (option->how)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               highest ? "Layer '%s' cannot have rank %d: its highest is %d."
                       : "Layer '%s' cannot have rank %d: the method does not apply to its kernel.",
               pare_node_label (layer->node), rank, highest);
  return FALSE;
}
