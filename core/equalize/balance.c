/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Balance of activations and weights (SmoothQuant, Xiao et al. 2023, equation 4; AMCT's DMQ): for every channel c that
 * layers read,
 *
 *   f_c = A_c^a / W_c^(1 - a),   x_c / f_c,   W_c f_c
 *
 * with A_c its largest activation over the samples, W_c the largest weight that reads it, and the strength a. At 0.5
 * both get the same range sqrt (A_c W_c). For each group the strength is taken that leaves the least error behind the
 * layers that read it. */
#include "equalize/balance.h"
#include "equalize/trial.h"
#include "reconstruct/layermatrix.h"
#include <math.h>

#define NAME "balance"
#define LARGEST 1e6 /* factors are kept between this and its inverse */

/* Those that are tried; 0: as it is. */
static const double strengths[] = { 0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8 };
#define N_STRENGTHS G_N_ELEMENTS (strengths)

void
pare_balance_factors (guint n, const double *activations, const double *weights, double strength, double *factors)
{
  double most_activation = 0, most_weight = 0; /* of what both sides have, balanced */

  for (guint c = 0; c < n; c++)
    {
      gboolean both = activations[c] > 0 && weights[c] > 0;
      factors[c] = both ? pow (activations[c], strength) / pow (weights[c], 1 - strength) : 1;
      if (both)
        {
          most_activation = MAX (most_activation, activations[c] / factors[c]);
          most_weight = MAX (most_weight, weights[c] * factors[c]);
        }
    }
  for (guint c = 0; c < n; c++)
    {
      if (activations[c] > 0 && !(weights[c] > 0) && most_activation > 0)
        factors[c] = activations[c] / most_activation;
      else if (weights[c] > 0 && !(activations[c] > 0) && most_weight > 0)
        factors[c] = most_weight / weights[c];
      factors[c] = CLAMP (factors[c], 1 / LARGEST, LARGEST);
    }
}

/* Raises @largest[c] to the largest weight of @part's layer that reads channel c. */
static gboolean
read_weights (const PareScaledPart *part, double *largest)
{
  PareLayerMatrix matrix;
  g_autofree double *weights = NULL;

  if (!pare_layer_matrix_init (&matrix, part->node))
    return FALSE;
  weights = pare_layer_matrix_read (&matrix, part->node);
  for (gint64 row = 0; row < matrix.groups * matrix.outputs; row++)
    for (gint64 k = 0; k < matrix.columns; k++)
      {
        guint channel = part->at->channels[row / matrix.outputs * matrix.inputs + k / matrix.taps];
        if (!isfinite (weights[row * matrix.columns + k]))
          return FALSE;
        largest[channel] = MAX (largest[channel], fabs (weights[row * matrix.columns + k]));
      }
  return TRUE;
}

static gboolean
group_weights (const PareScaleGroup *group, double *largest)
{
  for (guint c = 0; c < group->n; c++)
    largest[c] = 0;
  for (guint i = 0; i < group->parts->len; i++)
    {
      const PareScaledPart *part = group->parts->pdata[i];
      if (part->role == PARE_SCALED_INPUT && !read_weights (part, largest))
        return FALSE;
    }
  return TRUE;
}

/* One group at work: factors of each strength and what they leave. */
typedef struct
{
  const PareEqualizing *work;
  PareScaleGroup *group;
  PareTrial *trial;
  guint n;                       /* how many strengths */
  double strengths[N_STRENGTHS]; /* the first one is 0 */
  double *factors[N_STRENGTHS];  /* NULL: all 1 */
  double *errors;                /* [n][readers] */
} Search;

static void
search_clear (Search *search)
{
  for (guint i = 0; i < N_STRENGTHS; i++)
    g_free (search->factors[i]);
  g_free (search->errors);
  g_clear_pointer (&search->trial, pare_trial_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Search, search_clear)

/* What the settings say of the strength of this group, 0 when it is to be searched. */
static double
given_strength (const Search *search)
{
  for (guint i = 0; i < pare_trial_readers (search->trial)->len; i++)
    {
      const PareNode *reader = pare_trial_readers (search->trial)->pdata[i];
      const PareEqualizeLayer *layer = pare_equalizing_layer (search->work, pare_node_label (reader));
      if (layer && layer->strength > 0)
        return layer->strength;
    }
  return search->work->settings->strength;
}

static void
list_strengths (Search *search)
{
  double given = given_strength (search);

  search->n = given > 0 ? 2 : N_STRENGTHS;
  for (guint i = 0; i < search->n; i++)
    search->strengths[i] = i && given > 0 ? given : strengths[i];
}

static gboolean
measure (Search *search, GError **error)
{
  guint n = search->group->n;
  g_autofree double *activations = g_new (double, n), *weights = g_new (double, n);

  if (!pare_trial_activations (search->trial, activations, error))
    return FALSE;
  group_weights (search->group, weights);
  for (guint i = 1; i < search->n; i++)
    {
      search->factors[i] = g_new (double, n);
      pare_balance_factors (n, activations, weights, search->strengths[i], search->factors[i]);
    }
  search->errors = g_new (double, search->n *pare_trial_readers (search->trial)->len);
  return pare_trial_measure (search->trial, search->n, (const double *const *)search->factors, search->errors, error);
}

static double
total_error (const Search *search, guint index)
{
  guint readers = pare_trial_readers (search->trial)->len;
  double sum = 0;

  for (guint k = 0; k < readers; k++)
    sum += search->errors[index * readers + k];
  return sum;
}

/* The one of least error, the weakest of several; a given one without a question. */
static guint
choose (const Search *search)
{
  guint best = 0;

  if (given_strength (search) > 0)
    return 1;
  for (guint i = 1; i < search->n; i++)
    if (total_error (search, i) < total_error (search, best))
      best = i;
  return best;
}

static void
record (const Search *search, guint chosen)
{
  const GPtrArray *readers = pare_trial_readers (search->trial);

  for (guint k = 0; k < readers->len; k++)
    pare_record_add (search->work->graph->record, PARE_EQUALIZE_STAGE, pare_node_label (readers->pdata[k]),
                     chosen ? "balanced" : "left alone",
                     chosen ? NAME : NAME ": no strength leaves a smaller error than none", "channels",
                     (double)search->group->n, "strength", search->strengths[chosen], "error_before", search->errors[k],
                     "error_after", search->errors[chosen * readers->len + k], NULL);
}

static gboolean
balance_group (const PareEqualizing *work, PareWalk *walk, PareScaleGroup *group, GError **error)
{
  g_auto (Search) search = { .work = work, .group = group };
  g_autofree double *weights = g_new (double, group->n);
  const char *reason = group->reason;
  g_autoptr (GError) problem = NULL;
  guint chosen;

  if (!reason && !pare_scale_group_has (group, PARE_SCALED_INPUT))
    reason = "no layer reads them";
  if (!reason && !group_weights (group, weights))
    reason = "the weights of a layer that reads them are no finite numbers of float32";
  if (!reason)
    {
      search.trial = pare_trial_new (work, walk, group, &problem);
      reason = search.trial ? NULL : "what they depend on cannot be parted from the rest of the network";
    }
  if (problem)
    {
      g_propagate_error (error, g_steal_pointer (&problem));
      return FALSE;
    }
  if (reason)
    {
      pare_equalizing_leave (work, group, NAME, reason);
      return TRUE;
    }
  list_strengths (&search);
  if (!measure (&search, error))
    return FALSE;
  chosen = choose (&search);
  record (&search, chosen);
  return !chosen || pare_scale_group_apply (group, search.factors[chosen], error);
}

static gboolean
run (PareEqualizing *work, GError **error)
{
  g_autoptr (GPtrArray) groups = pare_equalizing_groups (work, error);
  g_autoptr (PareWalk) walk = NULL;

  if (!groups)
    return FALSE;
  walk = pare_walk_new (work->graph, work->samples, work->settings->memory_limit);
  for (guint i = 0; i < groups->len; i++)
    if (!pare_equalizing_report (work, i, groups->len, error) || !balance_group (work, walk, groups->pdata[i], error))
      return FALSE;
  return pare_equalizing_report (work, groups->len, groups->len, error);
}

PARE_EQUALIZER (balance) = {
  .name = NAME,
  .description = "large channels of activations become smaller and their weights larger (SmoothQuant, DMQ)",
  .needs_samples = TRUE,
  .run = run,
};
