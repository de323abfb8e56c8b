/* SPDX-License-Identifier: LGPL-2.1-or-later
 * From the settings and the ranking to the channels that stay. */
#include "sparsify/filter-choice.h"
#include "graph/overrides.h"
#include "sparsify/channel-allocation.h"
#include "sparsify/ranking.h"
#include <math.h>

/* What a user says of one layer; negative: nothing. */
typedef struct
{
  double ratio;
  gint enable;
} LayerSettings;

static const PareOverrideField fields[] = {
  { "enable", PARE_OVERRIDE_BOOLEAN, G_STRUCT_OFFSET (LayerSettings, enable) },
  { "ratio", PARE_OVERRIDE_NUMBER, G_STRUCT_OFFSET (LayerSettings, ratio), .minimum = 0, .maximum = 1 },
};

static GHashTable *
parse_layers (const char *text, GError **error)
{
  static const LayerSettings unset = { -1, -1 };

  return pare_overrides_parse (text, fields, G_N_ELEMENTS (fields), &unset, sizeof unset, error);
}

typedef struct
{
  const PareChannelGroups *groups;
  const PareFilterSettings *settings;
  GHashTable *layers; /* label -> LayerSettings */
  guint *left;        /* by group: how many channels stay */
} Choice;

static gboolean
check_settings (const PareGraph *graph, const PareFilterSettings *settings, GHashTable *layers, GError **error)
{
  if (!(settings->ratio > 0 && settings->ratio < 1))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "The ratio %g is not between 0 and 1: it is the share that goes.", settings->ratio);
      return FALSE;
    }
  return pare_graph_find_layers (graph, settings->skip_layers, error)
         && pare_overrides_check_layers (layers, graph, error);
}

/* A group in which one layer is to be left alone stays whole. */
static void
apply_skips (const Choice *choice, PareChannelGroup *group)
{
  const PareFilterSettings *settings = choice->settings;

  for (guint s = 0; s < group->slices->len && !group->reason; s++)
    {
      const PareChannelSlice *slice = group->slices->pdata[s];
      const char *label = pare_node_label (slice->node);
      const LayerSettings *layer = pare_overrides_find (choice->layers, label);
      if (slice->role == PARE_CHANNELS_PRODUCED
          && ((layer && layer->enable == FALSE)
              || (settings->skip_layers && g_strv_contains (settings->skip_layers, label))))
        group->reason = g_strdup_printf ("the settings skip '%s'", label);
    }
}

/* A pattern of n of every m inputs or outputs does not outlive the loss of some. */
static gboolean
check_modes (const PareChannelGroup *group, GError **error)
{
  for (guint s = 0; s < group->slices->len; s++)
    {
      const PareChannelSlice *slice = group->slices->pdata[s];
      const PareSparsity *sparsity = &pare_node_input (slice->node, slice->input)->sparsity;
      if (sparsity->mode != PARE_SPARSITY_N_OF_M)
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "Layer '%s' is %u:%u sparse already, and a layer has one sparsity mode: name '%s' in skip-layers.",
                   pare_node_label (slice->node), sparsity->n, sparsity->m, group->name);
      return FALSE;
    }
  return TRUE;
}

/* Layers that share their channels also share what is said of one of them. */
static gboolean
find_ratio (const Choice *choice, const PareChannelGroup *group, double *ratio, gboolean *said, GError **error)
{
  const char *said_of = NULL;

  *ratio = choice->settings->ratio;
  for (guint s = 0; s < group->slices->len; s++)
    {
      const PareChannelSlice *slice = group->slices->pdata[s];
      const char *label = pare_node_label (slice->node);
      const LayerSettings *layer = pare_overrides_find (choice->layers, label);
      if (slice->role != PARE_CHANNELS_PRODUCED || !layer || layer->ratio < 0)
        continue;
      if (said_of && layer->ratio != *ratio)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                       "Layers '%s' and '%s' share their channels, so they cannot have different ratios.", said_of,
                       label);
          return FALSE;
        }
      said_of = label;
      *ratio = layer->ratio;
    }
  *said = said_of != NULL;
  return TRUE;
}

/* Rounded to whole channels, then up to a multiple. */
static guint
count_left (guint n, double ratio, guint align)
{
  guint left = n - MIN (n, (guint)floor (n * ratio + 0.5));

  align = MAX (align, 1);
  return CLAMP ((left + align - 1) / align * align, 1, n);
}

/* The count of every group by its ratio; @open receives the groups that a budget still decides on. */
static gboolean
count_all (const Choice *choice, gboolean *open, GError **error)
{
  for (guint g = 0; g < pare_channel_groups_length (choice->groups); g++)
    {
      const PareChannelGroup *group = pare_channel_groups_get (choice->groups, g);
      double ratio;
      gboolean said;
      choice->left[g] = group->n;
      open[g] = FALSE;
      if (group->reason)
        continue;
      if (!find_ratio (choice, group, &ratio, &said, error) || !check_modes (group, error))
        return FALSE;
      open[g] = !said && choice->settings->budget != PARE_BUDGET_CHANNELS;
      if (!open[g])
        choice->left[g] = count_left (group->n, ratio, choice->settings->align);
    }
  return TRUE;
}

static void
curve_free (gpointer curve)
{
  if (curve)
    pare_channel_curve_free (curve);
}

static const PareCostKind costs[] = {
  [PARE_BUDGET_MACS] = PARE_COST_MACS,
  [PARE_BUDGET_PARAMETERS] = PARE_COST_PARAMETERS,
  [PARE_BUDGET_LATENCY] = PARE_COST_LATENCY,
};

/* Shares the budget out over the groups in @open. */
static gboolean
share_out (const Choice *choice, const gboolean *open, GPtrArray *scores, gboolean cumulative, GError **error)
{
  guint n = pare_channel_groups_length (choice->groups);
  g_autoptr (GPtrArray) curves = g_ptr_array_new_with_free_func (curve_free);
  g_autoptr (PareCost) cost = pare_cost_new (choice->groups, costs[choice->settings->budget], error);
  g_autofree guint *whole = g_new (guint, n);
  PareChannelAllocation allocation = { choice->groups, NULL, MAX (choice->settings->align, 1), choice->left };

  if (!cost)
    return FALSE;
  for (guint g = 0; g < n; g++)
    {
      whole[g] = pare_channel_groups_get (choice->groups, g)->n;
      g_ptr_array_add (curves,
                       open[g] ? pare_channel_curve_from_scores (whole[g], scores->pdata[g], cumulative) : NULL);
    }
  allocation.curves = (PareChannelCurve *const *)curves->pdata;
  return pare_channel_allocate (&allocation, cost, (1 - choice->settings->ratio) * pare_cost_of (cost, whole), error);
}

static gboolean
count (const Choice *choice, GPtrArray *scores, gboolean cumulative, GError **error)
{
  guint n = pare_channel_groups_length (choice->groups);
  g_autofree gboolean *open = g_new (gboolean, n + 1);
  gboolean any = FALSE;

  if (!count_all (choice, open, error))
    return FALSE;
  for (guint g = 0; g < n; g++)
    any |= open[g];
  return !any || share_out (choice, open, scores, cumulative, error);
}

static GPtrArray *
choose (const Choice *choice, PareSamples *samples, GError **error)
{
  const char *wanted = choice->settings->algorithm;
  const char *best = choice->settings->budget == PARE_BUDGET_CHANNELS ? "reconstruction" : "output";
  const char *name = wanted && *wanted ? wanted : samples ? best : "bcp";
  const PareRanking *ranking = pare_ranking_find (name, samples != NULL, error);
  g_autoptr (GPtrArray) masks = g_ptr_array_new_with_free_func (g_free), scores = NULL;

  if (!ranking || !(scores = pare_ranking_score (ranking, choice->groups, samples, error))
      || !count (choice, scores, ranking->cumulative, error))
    return NULL;
  for (guint g = 0; g < pare_channel_groups_length (choice->groups); g++)
    {
      const PareChannelGroup *group = pare_channel_groups_get (choice->groups, g);
      g_ptr_array_add (masks, group->reason
                                  ? NULL
                                  : pare_channels_select (choice->groups, group, scores->pdata[g], choice->left[g]));
    }
  return g_steal_pointer (&masks);
}

GPtrArray *
pare_filter_choose (PareChannelGroups *groups, PareGraph *graph, PareSamples *samples,
                    const PareFilterSettings *settings, GError **error)
{
  g_autoptr (GHashTable) layers = parse_layers (settings->layers, error);
  g_autofree guint *left = g_new (guint, pare_channel_groups_length (groups) + 1);
  Choice choice = { groups, settings, layers, left };

  if (!layers || !check_settings (graph, settings, layers, error))
    return NULL;
  for (guint g = 0; g < pare_channel_groups_length (groups); g++)
    apply_skips (&choice, pare_channel_groups_get (groups, g));
  return choose (&choice, samples, error);
}
