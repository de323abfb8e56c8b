/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Channels by LASSO: one factor per channel, and a growing price on factors that are not zero.
 *
 * min over beta of 1/2 |Y - sum_i beta_i X_i W_i^T|^2 + lambda |beta|_1, as in He et al., Channel Pruning for
 * Accelerating Very Deep Neural Networks, ICCV 2017. With Q_ij = tr (W_i xx_ij W_j^T) the problem is as small as the
 * group, and is solved by coordinate descent (Friedman et al., 2010) along the path of lambda. */
#include "linalg/linalg.h"
#include "sparsify/elimination.h"
#include "sparsify/survey.h"
#include <math.h>

#define STEPS 200    /* of lambda, from where nothing is priced out to where everything is */
#define LEAST 1e-5   /* the first lambda, relative to the last */
#define SWEEPS 100   /* of coordinate descent at each */
#define SETTLED 1e-7 /* factors that change by less have converged */

typedef struct
{
  guint n;
  GPtrArray *readers;
  double *q;    /* [n][n] */
  double *goal; /* Q 1: at beta = 1 nothing is lost */
} Quadratic;

static void
add_reader (const Quadratic *problem, const PareChannelReader *reader)
{
  gint64 k = reader->columns;
  g_autofree double *products = g_new (double, k *k);

  if (reader->energy <= 0)
    return;
  pare_linalg_gemm (TRUE, FALSE, k, k, reader->outputs, 1 / reader->energy, reader->weights, reader->weights, 0,
                    products);
  for (gint64 i = 0; i < k; i++)
    for (gint64 j = 0; j < k; j++)
      if (reader->channels[i] >= 0 && reader->channels[j] >= 0)
        problem->q[reader->channels[i] * problem->n + reader->channels[j]]
            += products[i * k + j] * reader->xx[i * k + j];
}

/* One round over all factors; the largest change. */
static double
sweep (const Quadratic *problem, double lambda, double *beta)
{
  double change = 0;

  for (guint i = 0; i < problem->n; i++)
    {
      const double *row = problem->q + i * problem->n;
      double rest = problem->goal[i], before = beta[i];
      for (guint j = 0; j < problem->n; j++)
        rest -= j == i ? 0 : row[j] * beta[j];
      beta[i] = row[i] > 0 ? copysign (MAX (fabs (rest) - lambda, 0), rest) / row[i] : 0;
      change = MAX (change, fabs (beta[i] - before));
    }
  return change;
}

/* For each channel the logarithm of the last lambda at which its factor was not zero; what stays equal is told apart by
 * the factor. */
static double *
follow_path (const Quadratic *problem)
{
  double *scores = g_new0 (double, problem->n), most = 0;
  g_autofree double *beta = g_new (double, problem->n);

  for (guint i = 0; i < problem->n; i++)
    {
      beta[i] = 1;
      most = MAX (most, fabs (problem->goal[i]));
    }
  for (guint step = 0; step <= STEPS; step++)
    {
      double lambda = most * pow (LEAST, 1 - (double)step / STEPS);
      for (guint s = 0; s < SWEEPS && sweep (problem, lambda, beta) > SETTLED; s++)
        continue;
      for (guint i = 0; i < problem->n; i++)
        if (beta[i] != 0)
          scores[i] = step + 1 + fabs (beta[i]) / (1 + fabs (beta[i]));
    }
  return scores;
}

static void
sum_up (const Quadratic *problem)
{
  for (guint i = 0; i < problem->readers->len; i++)
    add_reader (problem, problem->readers->pdata[i]);
  for (guint i = 0; i < problem->n; i++)
    for (guint j = 0; j < problem->n; j++)
      problem->goal[i] += problem->q[i * problem->n + j];
}

/* LASSO gives the order; what it costs when the rest makes up for it is the elimination's to say. */
static gboolean
rank (guint index, GPtrArray *readers, gpointer data, GError **error)
{
  const PareRankingInput *input = data;
  const PareChannelGroup *group = pare_channel_groups_get (input->groups, index);
  guint n = group->n;
  g_autofree double *q = g_new0 (double, n *n), *goal = g_new0 (double, n), *path = NULL;
  Quadratic problem = { n, readers, q, goal };
  g_autoptr (PareChannelCurve) order = NULL, curve = NULL;

  sum_up (&problem);
  path = follow_path (&problem);
  order = pare_channel_curve_from_scores (n, path, TRUE);
  curve = pare_eliminate (n, readers, PARE_ELIMINATION_RIDGE, order->order, NULL, NULL, error);
  if (curve)
    pare_channel_curve_to_scores (curve, input->scores[index]);
  return curve != NULL;
}

static gboolean
score (const PareRankingInput *input, GError **error)
{
  return pare_channel_survey (input->groups, input->samples, rank, (gpointer)input, error);
}

PARE_RANKING (lasso) = {
  .name = "lasso",
  .description = "Channels whose factors vanish first under a growing price go first",
  .needs_samples = TRUE,
  .cumulative = TRUE,
  .score = score,
};
