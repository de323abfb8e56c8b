/* SPDX-License-Identifier: LGPL-2.1-or-later
 * GPTQ's order of work (Frantar et al., GPTQ, 2023): with U the upper Cholesky factor of (xx + ridge)^-1, columns in
 * order of falling xx_jj,
 *
 *     q_j = round (w_j),  w_k -= (w_j - q_j) / U_jj U_jk  for all k > j
 *
 * where the paper starts from the layer's weights, here the first w are those that compute the float network's output
 * best from what the quantized layers before this one give, so that it makes up for their errors too. Afterwards
 * weights are rounded anew one by one while that helps. */
#include "rounding/feedback.h"
#include "ops/compute.h"
#include "ops/parallel.h"
#include "reconstruct/hessian.h"
#include "reconstruct/leastsquares.h"
#include "rounding/descent.h"
#include "rounding/layerbias.h"
#include <string.h>

/* The damping that the paper recommends. */
#define RIDGE 1e-2

PareMoments *
pare_rounding_moments (PareRoundingWork *work, const PareRoundingLayer *layer, GError **error)
{
  PareOutputTarget target = { .teacher = work->original, .value = layer->target };

  return pare_moments_collect_for (&layer->matrix, layer->node, work->student, &target, work->settings->rows, error);
}

typedef struct
{
  const PareRoundingLayer *layer;
  const PareMoments *moments;
  PareIntegerChoice choose;
  gconstpointer data;
  gboolean centred; /* the bias takes care of the means */
  gboolean keep_zeros;
  PareWeightGrids grids;
  double *bias; /* that stays */
  double *weights;
} Feedback;

/* One group's rows are rounded in parallel. */
typedef struct
{
  const Feedback *feedback;
  PareHessian *hessian;
  gint64 first; /* index of the group's first weight */
  const double *xx;
  const double *best; /* its rows without rounding */
} Group;

static double
round_one (const Feedback *feedback, gint64 index, double weight)
{
  gint32 integer = 0;

  if (!feedback->keep_zeros || feedback->weights[index] != 0)
    integer = feedback->choose (&feedback->grids, index, weight, feedback->data);
  return pare_weight_grids_value (&feedback->grids, index, integer);
}

typedef struct
{
  const Feedback *feedback;
  gint64 first; /* index of the row's first weight */
} Row;

static double
round_in_row (gint64 column, double weight, gconstpointer data)
{
  const Row *row = data;

  return round_one (row->feedback, row->first + column, weight);
}

/* Row @o of the group, column by column, into @rounded. */
static void
round_row (const Group *group, gint64 o, double *rounded)
{
  PareHessian *hessian = group->hessian;
  const double *weights = hessian->weights + o * hessian->n;
  const Row row = { group->feedback, group->first + o * hessian->n };

  for (gint64 p = 0; p < hessian->n; p++)
    {
      double *weight = rounded + hessian->order[p];
      *weight = round_in_row (hessian->order[p], weights[p], &row);
      pare_hessian_change (hessian, o, p, p + 1, weight);
    }
  pare_coordinate_descent (hessian->n, group->xx, group->best + o * hessian->n, round_in_row, &row, rounded);
}

static void
round_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Group *group = data;
  gint64 n = group->hessian->n;
  g_autofree double *rounded = g_new (double, n);

  for (gint64 o = from; o < to; o++)
    {
      round_row (group, o, rounded);
      memcpy (group->feedback->weights + group->first + o * n, rounded, n * sizeof *rounded);
    }
}

typedef struct
{
  double weight;
  gint64 column;
} Ranked;

static int
by_falling_weight (gconstpointer a, gconstpointer b)
{
  const Ranked *x = a, *y = b;

  if (x->weight != y->weight)
    return x->weight > y->weight ? -1 : 1;
  return x->column < y->column ? -1 : 1;
}

/* Columns with the largest inputs first: while there are many left that make up for them. */
static gint64 *
order_columns (gint64 columns, const double *xx)
{
  g_autofree Ranked *ranked = g_new (Ranked, columns);
  gint64 *order = g_new (gint64, columns);

  for (gint64 j = 0; j < columns; j++)
    ranked[j] = (Ranked){ xx[j * (columns + 1)], j };
  qsort (ranked, columns, sizeof *ranked, by_falling_weight);
  for (gint64 j = 0; j < columns; j++)
    order[j] = ranked[j].column;
  return order;
}

/* A bias that stays is part of what the layer gives: the weights have to compute the rest. */
static void
take_off_bias (const Feedback *feedback, gint64 group, double *yx)
{
  const PareMoments *moments = feedback->moments;
  const double *x = moments->x + group * moments->columns;

  for (gint64 o = 0; o < moments->outputs; o++)
    for (gint64 j = 0; j < moments->columns; j++)
      yx[o * moments->columns + j] -= feedback->bias[group * moments->outputs + o] * x[j] / MAX (moments->rows, 1);
}

static gboolean
round_group (const Feedback *feedback, gint64 group, GError **error)
{
  gint64 columns = feedback->layer->matrix.columns, outputs = feedback->layer->matrix.outputs;
  gint64 first = group * outputs * columns;
  double *weights = feedback->weights + first;
  g_autofree double *xx = NULL, *yx = NULL;
  g_auto (PareHessian) hessian = { 0 };
  PareHessianProblem problem = { .outputs = outputs, .columns = columns };
  g_autofree double *best = g_new (double, outputs *columns);
  Group work = { feedback, &hessian, first, NULL, best };

  pare_moments_covariance (feedback->moments, group, feedback->centred, &xx, &yx);
  if (!feedback->centred)
    take_off_bias (feedback, group, yx);
  /* A group whose input never changes: any weights are as good. */
  if (!pare_hessian_regularize (outputs, columns, weights, RIDGE, xx, yx))
    {
      for (gint64 i = 0; i < outputs * columns; i++)
        weights[i] = round_one (feedback, first + i, weights[i]);
      return TRUE;
    }
  problem.xx = xx;
  problem.yx = yx;
  if (!pare_hessian_init (&hessian, &problem, order_columns (columns, xx), error))
    return FALSE;
  pare_hessian_read (&hessian, outputs, best);
  work.xx = xx;
  pare_parallel (outputs, 1, round_rows, &work);
  return TRUE;
}

static gboolean
round_groups (gpointer data, GError **error)
{
  const Feedback *feedback = data;

  for (gint64 g = 0; g < feedback->layer->matrix.groups; g++)
    if (!round_group (feedback, g, error))
      return FALSE;
  return TRUE;
}

gboolean
pare_rounding_feed_back (PareRoundingWork *work, const PareRoundingLayer *layer, const PareMoments *moments,
                         PareIntegerChoice choose, gconstpointer data, GError **error)
{
  g_autofree double *weights = pare_rounding_layer_read (layer);
  g_autofree double *bias = pare_layer_matrix_read_bias (&layer->matrix, layer->counterpart);
  PareLayerBias place;
  Feedback feedback
      = { .layer = layer,
          .moments = moments,
          .choose = choose,
          .data = data,
          .centred = work->correction == PARE_BIAS_CORRECTION_EMPIRICAL && pare_layer_bias_find (layer, &place),
          .keep_zeros = pare_node_input (layer->pair.quantize, 0)->sparsity.mode == PARE_SPARSITY_N_OF_M,
          .bias = bias,
          .weights = weights };
  gboolean done;

  pare_rounding_layer_grids (layer, &feedback.grids);
  done = pare_compute (round_groups, &feedback, error);
  pare_weight_grids_clear (&feedback.grids);
  if (!done)
    {
      g_prefix_error (error, "Layer '%s': ", pare_node_label (layer->node));
      return FALSE;
    }
  pare_rounding_layer_write (work->graph, layer, weights);
  return TRUE;
}
