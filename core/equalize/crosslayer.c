/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Cross-layer range equalization (Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction,
 * 2019, section 4.1): with r1_c the largest weight that computes channel c, and r2_c the largest that reads it,
 *
 *   s_c = sqrt (r1_c r2_c) / r2_c,   W1_c / s_c,   W2_c s_c
 *
 * makes both equal, which is the best for weights with one scale per tensor. A layer belongs to the channels that it
 * reads and to those that it computes, so all are gone through until nothing changes. Where layers' results are added,
 * they share s, and r1 is the largest of all. */
#include "equalize/work.h"
#include "reconstruct/layermatrix.h"
#include <math.h>

#define NAME "cross-layer"
#define MOST_SWEEPS 200
#define STILL 1e-4  /* the largest change of a logarithm in a sweep that ends it */
#define LARGEST 1e9 /* factors are kept between this and its inverse */

/* A layer's largest weights, and the factors of its rows and columns so far. */
typedef struct
{
  gint64 outputs, inputs; /* of a group of the layer's channels */
  float *largest;         /* [groups * outputs][inputs] */
  double *rows;           /* groups * outputs */
  double *columns;        /* groups * inputs */
} Layer;

static void
layer_free (gpointer data)
{
  Layer *layer = data;

  g_free (layer->largest);
  g_free (layer->rows);
  g_free (layer->columns);
  g_free (layer);
}

static double *
ones (gint64 n)
{
  double *numbers = g_new (double, MAX (n, 1));

  for (gint64 i = 0; i < n; i++)
    numbers[i] = 1;
  return numbers;
}

static Layer *
layer_new (const PareNode *node)
{
  Layer *layer;
  PareLayerMatrix matrix;
  g_autofree double *weights = NULL;

  if (!pare_layer_matrix_init (&matrix, node))
    return NULL;
  weights = pare_layer_matrix_read (&matrix, node);
  for (gint64 i = 0; i < matrix.groups * matrix.outputs * matrix.columns; i++)
    if (!isfinite (weights[i]))
      return NULL;
  layer = g_new (Layer, 1);
  *layer = (Layer){ matrix.outputs, matrix.inputs, g_new0 (float, matrix.groups *matrix.outputs *matrix.inputs),
                    ones (matrix.groups * matrix.outputs), ones (matrix.groups * matrix.inputs) };
  for (gint64 i = 0; i < matrix.groups * matrix.outputs * matrix.columns; i++)
    layer->largest[i / matrix.taps] = MAX (layer->largest[i / matrix.taps], fabsf ((float)weights[i]));
  return layer;
}

/* Raises ranges[c] to the largest weight of channel c, of the outputs or of the inputs. */
static void
layer_ranges (const Layer *layer, gint64 groups, const PareScaledPart *part, double *ranges)
{
  gboolean output = part->role == PARE_SCALED_OUTPUT;

  for (gint64 row = 0; row < groups * layer->outputs; row++)
    {
      gint64 first = row / layer->outputs * layer->inputs;
      const float *largest = layer->largest + row * layer->inputs;
      for (gint64 i = 0; i < layer->inputs; i++)
        {
          double weight = largest[i] * layer->rows[row] * layer->columns[first + i];
          guint channel = part->at->channels[output ? row : first + i];
          ranges[channel] = MAX (ranges[channel], weight);
        }
    }
}

/* Groups at work, and the layers that they meet in. */
typedef struct
{
  GHashTable *layers; /* PareNode -> Layer */
  GPtrArray *groups;  /* of PareScaleGroup */
  GPtrArray *factors; /* of double *: of each group so far */
  GArray *before;     /* of double: precision of each group at first */
} Sweep;

static gint64
layer_groups (const Layer *layer, const PareScaledPart *part)
{
  return part->at->n / (part->role == PARE_SCALED_OUTPUT ? layer->outputs : layer->inputs);
}

/* r1 and r2 of all channels, as the factors are now. */
static void
group_ranges (const Sweep *sweep, const PareScaleGroup *group, double *computing, double *reading)
{
  for (guint c = 0; c < group->n; c++)
    computing[c] = reading[c] = 0;
  for (guint i = 0; i < group->parts->len; i++)
    {
      const PareScaledPart *part = group->parts->pdata[i];
      const Layer *layer = g_hash_table_lookup (sweep->layers, part->node);
      if (part->role == PARE_SCALED_OUTPUT || part->role == PARE_SCALED_INPUT)
        layer_ranges (layer, layer_groups (layer, part), part, part->role == PARE_SCALED_OUTPUT ? computing : reading);
    }
}

static void
scale_layers (const Sweep *sweep, const PareScaleGroup *group, const double *steps)
{
  for (guint i = 0; i < group->parts->len; i++)
    {
      const PareScaledPart *part = group->parts->pdata[i];
      Layer *layer = g_hash_table_lookup (sweep->layers, part->node);
      for (guint k = 0; part->role == PARE_SCALED_OUTPUT && k < part->at->n; k++)
        layer->rows[k] /= steps[part->at->channels[k]];
      for (guint k = 0; part->role == PARE_SCALED_INPUT && k < part->at->n; k++)
        layer->columns[k] *= steps[part->at->channels[k]];
    }
}

/* Makes the ranges of @group equal; returns the largest change. A channel without weights stays as it is. */
static double
equalize_group (const Sweep *sweep, const PareScaleGroup *group, double *factors)
{
  g_autofree double *computing = g_new (double, group->n), *reading = g_new (double, group->n);
  g_autofree double *steps = g_new (double, group->n);
  double change = 0;

  group_ranges (sweep, group, computing, reading);
  for (guint c = 0; c < group->n; c++)
    {
      gboolean both = computing[c] > 0 && reading[c] > 0;
      double factor = CLAMP (factors[c] * (both ? sqrt (computing[c] / reading[c]) : 1), 1 / LARGEST, LARGEST);
      steps[c] = factor / factors[c];
      factors[c] = factor;
      change = MAX (change, fabs (log (steps[c])));
    }
  scale_layers (sweep, group, steps);
  return change;
}

/* Mean over channels of the share of both ranges that they use, p1 p2 (equation 8 there): 1 when all are alike. */
static double
precision (const Sweep *sweep, const PareScaleGroup *group)
{
  g_autofree double *computing = g_new (double, group->n), *reading = g_new (double, group->n);
  double most_computing = 0, most_reading = 0, sum = 0;

  group_ranges (sweep, group, computing, reading);
  for (guint c = 0; c < group->n; c++)
    {
      most_computing = MAX (most_computing, computing[c]);
      most_reading = MAX (most_reading, reading[c]);
      sum += computing[c] * reading[c];
    }
  return sum > 0 ? sum / (group->n * most_computing * most_reading) : 1;
}

/* Why the weights on both sides of a group cannot be compared; NULL when they can, and are in the table then. */
static const char *
take_layers (Sweep *sweep, const PareScaleGroup *group)
{
  for (guint i = 0; i < group->parts->len; i++)
    {
      const PareScaledPart *part = group->parts->pdata[i];
      PareWeightTrait trait;
      if (part->role != PARE_SCALED_OUTPUT && part->role != PARE_SCALED_INPUT)
        continue;
      if (!pare_node_weight (part->node, &trait))
        return "a normalization computes them, which has no weights to equalize";
      if (!g_hash_table_contains (sweep->layers, part->node))
        {
          Layer *layer = layer_new (part->node);
          if (!layer)
            return "the weights of one of their layers are no finite numbers of float32";
          g_hash_table_insert (sweep->layers, part->node, layer);
        }
    }
  return NULL;
}

static void
take_groups (Sweep *sweep, const PareEqualizing *work, const GPtrArray *groups)
{
  for (guint i = 0; i < groups->len; i++)
    {
      PareScaleGroup *group = groups->pdata[i];
      const char *reason = group->reason;
      if (!pare_scale_group_has (group, PARE_SCALED_INPUT))
        reason = reason ? reason : "no layer reads them";
      if (!reason)
        reason = take_layers (sweep, group);
      if (reason)
        pare_equalizing_leave (work, group, NAME, reason);
      else
        {
          double before = precision (sweep, group);
          g_ptr_array_add (sweep->groups, group);
          g_ptr_array_add (sweep->factors, ones (group->n));
          g_array_append_val (sweep->before, before);
        }
    }
}

static gboolean
finish_group (const Sweep *sweep, guint index, const PareEqualizing *work, guint sweeps, GError **error)
{
  PareScaleGroup *group = sweep->groups->pdata[index];
  const double *factors = sweep->factors->pdata[index];
  double least = INFINITY, most = 0;

  for (guint c = 0; c < group->n; c++)
    {
      least = MIN (least, factors[c]);
      most = MAX (most, factors[c]);
    }
  pare_record_add (work->graph->record, PARE_EQUALIZE_STAGE, pare_scale_group_name (group), "equalized", NAME,
                   "channels", (double)group->n, "factor_least", least, "factor_most", most, "precision_before",
                   g_array_index (sweep->before, double, index), "precision_after", precision (sweep, group), "sweeps",
                   (double)sweeps, NULL);
  return pare_scale_group_apply (group, factors, error);
}

static gboolean
run (PareEqualizing *work, GError **error)
{
  g_autoptr (GPtrArray) groups = pare_equalizing_groups (work, error);
  g_autoptr (GHashTable) layers = g_hash_table_new_full (NULL, NULL, NULL, layer_free);
  g_autoptr (GPtrArray) taken = g_ptr_array_new (), factors = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GArray) before = g_array_new (FALSE, FALSE, sizeof (double));
  Sweep sweep = { layers, taken, factors, before };
  double change = INFINITY;
  guint sweeps = 0;

  if (!groups)
    return FALSE;
  take_groups (&sweep, work, groups);
  for (; taken->len && change > STILL && sweeps < MOST_SWEEPS; sweeps++)
    {
      change = 0;
      for (guint i = 0; i < taken->len; i++)
        {
          double moved = equalize_group (&sweep, taken->pdata[i], factors->pdata[i]);
          change = MAX (change, moved);
        }
      if (!pare_equalizing_report (work, sweeps, MOST_SWEEPS, error))
        return FALSE;
    }
  for (guint i = 0; i < taken->len; i++)
    if (!finish_group (&sweep, i, work, sweeps, error))
      return FALSE;
  return pare_equalizing_report (work, MOST_SWEEPS, MOST_SWEEPS, error);
}

PARE_EQUALIZER (crosslayer) = {
  .name = "cross-layer",
  .description
  = "the weights that compute a channel and those that read it get equal ranges (Nagel 2019); needs no samples",
  .run = run,
};
