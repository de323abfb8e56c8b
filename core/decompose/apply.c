/* SPDX-License-Identifier: LGPL-2.1-or-later
 * From a choice to nodes in the graph. */
#include "decompose/apply.h"
#include "decompose/rewrite.h"
#include <math.h>

/* The cascade of all groups, and the whole layer that it amounts to. */
typedef struct
{
  guint n;
  PareFactor factors[PARE_MAX_FACTORS];
  double *weights[PARE_MAX_FACTORS];
  double *whole, *bias;
} Cascade;

static void
cascade_clear (Cascade *cascade)
{
  for (guint f = 0; f < cascade->n; f++)
    g_free (cascade->weights[f]);
  g_free (cascade->whole);
  g_free (cascade->bias);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Cascade, cascade_clear)

static gsize
factor_size (const PareFactor *factor)
{
  return (gsize)factor->outputs * (gsize)factor->inputs * (gsize)factor->taps;
}

static gboolean
fit_group (Cascade *cascade, const PareOption *option, const PareTarget *target, PareSpectrum *spectrum, guint group,
           GError **error)
{
  const PareKernelShape *shape = &target->shape;
  gsize size = (gsize)shape->outputs * (gsize)shape->columns;
  double *weights[PARE_MAX_FACTORS];
  g_autofree double *whole = NULL;

  for (guint f = 0; f < cascade->n; f++)
    weights[f] = cascade->weights[f] + group * factor_size (&cascade->factors[f]);
  if (!option->how->fit (option->how, target, spectrum, option->rank, weights, error))
    return FALSE;
  whole = pare_factors_compose (shape, cascade->n, cascade->factors, weights);
  for (gsize i = 0; i < size; i++)
    cascade->whole[group * size + i] = whole[i];
  return TRUE;
}

static gboolean
fit (Cascade *cascade, const PareDecomposable *layer, const PareOption *option, GPtrArray *targets,
     const PareCurve *curve, GError **error)
{
  cascade->n = option->how->factors (option->how, &layer->shape, option->rank, cascade->factors);
  for (guint f = 0; f < cascade->n; f++)
    cascade->weights[f] = g_new (double, targets->len *factor_size (&cascade->factors[f]));
  cascade->whole = g_new (double, targets->len *(gsize)layer->shape.outputs *(gsize)layer->shape.columns);
  for (guint g = 0; g < targets->len; g++)
    if (!fit_group (cascade, option, targets->pdata[g], curve->spectra->pdata[g], g, error))
      return FALSE;
  return TRUE;
}

/* Relative to the result with samples, to the weights without. */
static double
find_error (const Cascade *cascade, GPtrArray *targets, const PareMoments *moments)
{
  double cost = 0, power = 0;

  if (moments)
    return pare_moments_error (moments, cascade->whole, cascade->bias);
  for (guint g = 0; g < targets->len; g++)
    {
      const PareTarget *target = targets->pdata[g];
      gsize size = (gsize)target->shape.outputs * (gsize)target->shape.columns;
      cost += pare_target_cost (target, cascade->whole + g * size);
      power += target->power;
    }
  return power > 0 ? cost / power : 0;
}

static gboolean
check_finite (const Cascade *cascade, const PareDecomposable *layer, GError **error)
{
  for (guint f = 0; f < cascade->n; f++)
    for (gsize i = 0; i < (gsize)layer->matrix.groups * factor_size (&cascade->factors[f]); i++)
      if (!isfinite ((float)cascade->weights[f][i]))
        {
          pare_node_error (error, PARE_ERROR_FORMAT, layer->node,
                           "its factors are not finite: look at its weights, or leave it whole with skip-layers.");
          return FALSE;
        }
  return TRUE;
}

static void
add_record (PareGraph *graph, const PareDecomposable *layer, const PareOption *option, guint n, const char *label,
            double error)
{
  g_autoptr (GString) into = g_string_new (option->how->name);

  for (guint f = 0; f < n; f++)
    g_string_append_printf (into, "%s'%s.%u'", f == 0 ? ": " : f + 1 < n ? ", " : " and ", label, f);
  pare_record_add (graph->record, PARE_DECOMPOSE_STAGE, label, "decomposed", into->str, "rank", (double)option->rank,
                   "error", error, "macs-before", (double)layer->macs, "macs-after", option->macs, NULL);
}

gboolean
pare_decompose_apply (PareGraph *graph, const PareDecomposable *layer, const PareOption *option, GPtrArray *targets,
                      PareCurve *curve, const PareMoments *moments, GError **error)
{
  g_auto (Cascade) cascade = { 0 };
  g_autofree char *label = g_strdup (pare_node_label (layer->node));

  if (!fit (&cascade, layer, option, targets, curve, error) || !check_finite (&cascade, layer, error))
    return FALSE;
  if (moments && layer->matrix.trait.has_bias)
    {
      cascade.bias = g_new (double, layer->matrix.groups * layer->matrix.outputs);
      pare_moments_fit_bias (moments, cascade.whole, cascade.bias);
    }
  pare_decompose_rewrite (graph, layer, cascade.n, cascade.factors, cascade.weights, cascade.bias);
  add_record (graph, layer, option, cascade.n, label, find_error (&cascade, targets, moments));
  return TRUE;
}
