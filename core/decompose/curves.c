/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What ranks are worth for a layer: the spectra of its groups, added up. */
#include "decompose/choice.h"
#include "ops/parallel.h"
#include <string.h>

void
pare_curve_free (PareCurve *curve)
{
  g_free (curve->energies);
  g_clear_pointer (&curve->spectra, g_ptr_array_unref);
  g_free (curve);
}

static double
total_power (GPtrArray *targets)
{
  double power = 0;

  for (guint g = 0; g < targets->len; g++)
    power += ((PareTarget *)targets->pdata[g])->power;
  return power;
}

static void
add_spectrum (PareCurve *curve, PareSpectrum *spectrum, double power)
{
  if (!curve->energies)
    {
      curve->n = spectrum->n;
      curve->energies = g_new0 (double, spectrum->n);
    }
  for (int i = 0; i < curve->n && power > 0; i++)
    curve->energies[i] += spectrum->energies[i] / power;
  g_ptr_array_add (curve->spectra, spectrum);
}

static PareCurve *
curve_new (const PareFactorization *how, GPtrArray *targets, GError **error)
{
  g_autoptr (PareCurve) curve = g_new0 (PareCurve, 1);
  double power = total_power (targets);

  curve->how = how;
  curve->spectra = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_spectrum_free);
  for (guint g = 0; g < targets->len; g++)
    {
      PareSpectrum *spectrum = how->spectrum (how, targets->pdata[g], error);
      if (!spectrum)
        return NULL;
      add_spectrum (curve, spectrum, power);
    }
  return g_steal_pointer (&curve);
}

/* Curves that are found at the same time. */
typedef struct
{
  GPtrArray *targets, *ways; /* of PareFactorization */
  PareCurve **curves;
  GError **errors;
} Search;

static void
find_curves (gint64 from, gint64 to, gconstpointer data)
{
  const Search *search = data;

  for (gint64 i = from; i < to; i++)
    search->curves[i] = curve_new (search->ways->pdata[i], search->targets, &search->errors[i]);
}

GPtrArray *
pare_curves_new (const PareDecomposable *layer, GPtrArray *targets, const char *method, GError **error)
{
  g_autoptr (GPtrArray) curves = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_curve_free);
  g_autoptr (GPtrArray) ways = g_ptr_array_new ();
  g_autoptr (GError) first = NULL;
  Search search = { targets, ways };

  for (const PareFactorization *const *how = pare_factorization_table; *how; how++)
    if ((strcmp (method, "auto") == 0 || strcmp (method, (*how)->method) == 0) && (*how)->applies (&layer->shape))
      g_ptr_array_add (ways, (gpointer)*how);
  search.curves = g_new0 (PareCurve *, ways->len);
  search.errors = g_new0 (GError *, ways->len);
  pare_parallel (ways->len, 1, find_curves, &search);
  for (guint i = 0; i < ways->len; i++)
    {
      if (search.curves[i])
        g_ptr_array_add (curves, search.curves[i]);
      else if (!first)
        first = g_steal_pointer (&search.errors[i]);
      g_clear_error (&search.errors[i]);
    }
  g_free (search.curves);
  g_free (search.errors);
  if (!first)
    return g_steal_pointer (&curves);
  g_propagate_error (error, g_steal_pointer (&first));
  return NULL;
}

static double
macs_at (const PareCurve *curve, const PareDecomposable *layer, int rank)
{
  PareFactor factors[PARE_MAX_FACTORS];
  guint n = curve->how->factors (curve->how, &layer->shape, rank, factors);

  return (double)pare_decomposable_macs (layer, n, factors);
}

PareOption
pare_curve_option (const PareCurve *curve, const PareDecomposable *layer, int rank)
{
  PareOption option = { curve->how, rank, macs_at (curve, layer, rank), 0 };

  for (int i = curve->n; i-- > rank;)
    option.error += curve->energies[i];
  return option;
}

GArray *
pare_curves_options (GPtrArray *curves, const PareDecomposable *layer, guint align)
{
  GArray *options = g_array_new (FALSE, FALSE, sizeof (PareOption));

  for (guint c = 0; c < curves->len; c++)
    {
      const PareCurve *curve = curves->pdata[c];
      double error = 0;
      for (int rank = curve->n; rank > 0; rank--)
        {
          if (rank % (int)align == 0)
            {
              PareOption option = { curve->how, rank, macs_at (curve, layer, rank), error };
              if (option.macs < (double)layer->macs)
                g_array_append_val (options, option);
            }
          error += curve->energies[rank - 1];
        }
    }
  return options;
}
