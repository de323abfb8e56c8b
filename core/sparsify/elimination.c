/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Backward elimination of channels from the layers that read them. */
#include "sparsify/elimination.h"
#include "ops/compute.h"
#include "linalg/linalg.h"
#include <math.h>
#include <string.h>

PareChannelCurve *
pare_channel_curve_new (guint n)
{
  PareChannelCurve *curve = g_new (PareChannelCurve, 1);

  curve->n = n;
  curve->order = g_new0 (guint, n);
  curve->loss = g_new0 (double, n);
  return curve;
}

void
pare_channel_curve_free (PareChannelCurve *curve)
{
  g_free (curve->order);
  g_free (curve->loss);
  g_free (curve);
}

/* Stable, so that equal channels go from the first on. */
static int
compare_scores (gconstpointer a, gconstpointer b, gpointer scores)
{
  double first = ((const double *)scores)[*(const guint *)a], second = ((const double *)scores)[*(const guint *)b];

  return (first > second) - (first < second);
}

PareChannelCurve *
pare_channel_curve_from_scores (guint n, const double *scores, gboolean cumulative)
{
  PareChannelCurve *curve = pare_channel_curve_new (n);

  for (guint i = 0; i < n; i++)
    curve->order[i] = i;
  g_qsort_with_data (curve->order, n, sizeof (guint), compare_scores, (gpointer)scores);
  for (guint i = 1; i < n; i++)
    curve->loss[i] = (cumulative ? 0 : curve->loss[i - 1]) + scores[curve->order[i - 1]];
  return curve;
}

/* The last one goes with infinite loss: there must be one. */
void
pare_channel_curve_to_scores (const PareChannelCurve *curve, double *scores)
{
  for (guint i = 0; i < curve->n; i++)
    scores[curve->order[i]] = i + 1 < curve->n ? curve->loss[i + 1] : G_MAXDOUBLE;
}

/* A reader's side of the elimination: its columns by channel, and the inverse of xx. */
typedef struct
{
  PareChannelReader *reader;
  GArray **columns; /* of gint64, by channel */
  guint n;
  double *inverse;
} Problem;

static void
problem_free (gpointer data)
{
  Problem *problem = data;

  for (guint i = 0; i < problem->n; i++)
    g_array_unref (problem->columns[i]);
  g_free (problem->columns);
  g_free (problem->inverse);
  g_free (problem);
}

static Problem *
problem_new (PareChannelReader *reader, guint n, double ridge, GError **error)
{
  Problem *problem = g_new0 (Problem, 1);
  gint64 k = reader->columns;

  problem->reader = reader;
  problem->n = n;
  problem->columns = g_new (GArray *, n);
  for (guint i = 0; i < n; i++)
    problem->columns[i] = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (gint64 c = 0; c < k; c++)
    if (reader->channels[c] >= 0)
      g_array_append_val (problem->columns[reader->channels[c]], c);
  problem->inverse = g_new0 (double, k *k);
  for (gint64 c = 0; c < k; c++)
    problem->inverse[c * k + c] = 1;
  if (pare_linalg_solve (k, reader->xx, ridge, k, problem->inverse, error))
    return problem;
  problem_free (problem);
  return NULL;
}

/* W_c (P_cc)^-1 for the columns c of @channel, [outputs][t]. */
static double *
solve_block (const Problem *problem, const GArray *columns, GError **error)
{
  const PareChannelReader *reader = problem->reader;
  gint64 k = reader->columns, t = columns->len;
  g_autofree double *block = g_new (double, t *t), *rows = g_new (double, reader->outputs *t);

  for (gint64 i = 0; i < t; i++)
    for (gint64 j = 0; j < t; j++)
      block[i * t + j] = problem->inverse[g_array_index (columns, gint64, i) * k + g_array_index (columns, gint64, j)];
  for (gint64 o = 0; o < reader->outputs; o++)
    for (gint64 i = 0; i < t; i++)
      rows[o * t + i] = reader->weights[o * k + g_array_index (columns, gint64, i)];
  return pare_linalg_solve (t, block, 0, reader->outputs, rows, error) ? g_steal_pointer (&rows) : NULL;
}

/* What the error of this reader grows by, relative to the output's energy. */
static gboolean
add_cost (const Problem *problem, guint channel, double *cost, GError **error)
{
  const PareChannelReader *reader = problem->reader;
  const GArray *columns = problem->columns[channel];
  gint64 t = columns->len;
  g_autofree double *solved = t ? solve_block (problem, columns, error) : NULL;

  if (t && !solved)
    return FALSE;
  for (gint64 o = 0; o < reader->outputs && t && reader->energy > 0; o++)
    for (gint64 i = 0; i < t; i++)
      *cost += solved[o * t + i] * reader->weights[o * reader->columns + g_array_index (columns, gint64, i)]
               / reader->energy;
  return TRUE;
}

static double *
gather_rows (const double *matrix, gint64 k, const GArray *rows)
{
  double *gathered = g_new (double, rows->len *k);

  for (guint i = 0; i < rows->len; i++)
    memcpy (gathered + i * k, matrix + g_array_index (rows, gint64, i) * k, k * sizeof *gathered);
  return gathered;
}

/* Rows and columns of what is gone are zero from then on; its own block is one, so that it stays regular. */
static void
blank (Problem *problem, const GArray *columns)
{
  PareChannelReader *reader = problem->reader;
  gint64 k = reader->columns;

  for (guint i = 0; i < columns->len; i++)
    {
      gint64 c = g_array_index (columns, gint64, i);
      for (gint64 j = 0; j < k; j++)
        problem->inverse[c * k + j] = problem->inverse[j * k + c] = 0;
      problem->inverse[c * k + c] = 1;
      for (gint64 o = 0; o < reader->outputs; o++)
        reader->weights[o * k + c] = 0;
    }
}

static gboolean
take_away (Problem *problem, guint channel, GError **error)
{
  PareChannelReader *reader = problem->reader;
  const GArray *columns = problem->columns[channel];
  gint64 k = reader->columns, t = columns->len;
  g_autofree double *rows = NULL, *solved = NULL, *block = NULL, *scaled = NULL;

  if (!t)
    return TRUE;
  solved = solve_block (problem, columns, error);
  if (!solved)
    return FALSE;
  rows = gather_rows (problem->inverse, k, columns);
  pare_linalg_gemm (FALSE, FALSE, reader->outputs, k, t, -1, solved, rows, 1, reader->weights);
  /* (P_cc)^-1 P_c: as right-hand sides in rows, so transposed. */
  block = g_new (double, t *t);
  scaled = g_new (double, k *t);
  for (gint64 i = 0; i < t; i++)
    {
      for (gint64 j = 0; j < t; j++)
        block[i * t + j] = rows[i * k + g_array_index (columns, gint64, j)];
      for (gint64 c = 0; c < k; c++)
        scaled[c * t + i] = rows[i * k + c];
    }
  if (!pare_linalg_solve (t, block, 0, k, scaled, error))
    return FALSE;
  pare_linalg_gemm (FALSE, FALSE, k, k, t, -1, scaled, rows, 1, problem->inverse);
  blank (problem, columns);
  return TRUE;
}

typedef struct
{
  guint n;
  GPtrArray *readers;
  double ridge;
  const guint *order;
  PareEliminationSeen seen;
  gpointer user_data;
  GPtrArray *problems;
  gboolean *gone;
  PareChannelCurve *curve;
} Elimination;

static gboolean
cost_of (const Elimination *e, guint channel, double *cost, GError **error)
{
  *cost = 0;
  for (guint i = 0; i < e->problems->len; i++)
    if (!add_cost (e->problems->pdata[i], channel, cost, error))
      return FALSE;
  return TRUE;
}

static gboolean
choose (const Elimination *e, guint step, guint *channel, double *cost, GError **error)
{
  gboolean found = FALSE;

  *cost = INFINITY;
  if (e->order)
    return cost_of (e, *channel = e->order[step], cost, error);
  for (guint i = 0; i < e->n; i++)
    {
      double own;
      if (e->gone[i])
        continue;
      if (!cost_of (e, i, &own, error))
        return FALSE;
      if (!found || own < *cost)
        {
          found = TRUE;
          *cost = own;
          *channel = i;
        }
    }
  return TRUE;
}

static gboolean
step_on (Elimination *e, guint step, GError **error)
{
  guint channel = 0;
  double cost;

  if (!choose (e, step, &channel, &cost, error))
    return FALSE;
  e->gone[channel] = TRUE;
  e->curve->order[step] = channel;
  if (step + 1 == e->n)
    return TRUE;
  e->curve->loss[step + 1] = e->curve->loss[step] + MAX (cost, 0);
  for (guint i = 0; i < e->problems->len; i++)
    if (!take_away (e->problems->pdata[i], channel, error))
      return FALSE;
  return !e->seen || e->seen (e->readers, step + 1, e->user_data, error);
}

static gboolean
run (gpointer data, GError **error)
{
  Elimination *e = data;

  for (guint i = 0; i < e->readers->len; i++)
    {
      Problem *problem = problem_new (e->readers->pdata[i], e->n, e->ridge, error);
      if (!problem)
        return FALSE;
      g_ptr_array_add (e->problems, problem);
    }
  for (guint step = 0; step < e->n; step++)
    if (!step_on (e, step, error))
      return FALSE;
  return TRUE;
}

PareChannelCurve *
pare_eliminate (guint n, GPtrArray *readers, double ridge, const guint *order, PareEliminationSeen seen,
                gpointer user_data, GError **error)
{
  g_autoptr (PareChannelCurve) curve = pare_channel_curve_new (n);
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (problem_free);
  g_autofree gboolean *gone = g_new0 (gboolean, n);
  Elimination e = { n, readers, ridge, order, seen, user_data, problems, gone, curve };

  return pare_compute (run, &e, error) ? g_steal_pointer (&curve) : NULL;
}
