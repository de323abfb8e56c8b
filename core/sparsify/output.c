/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Channels by output reconstruction, as in reconstruction.c, and what losing them does to the outputs of the network:
 * the losses of different groups can be compared with each other, which is what sharing out a budget asks for. */
#include "sparsify/channels-private.h"
#include "sparsify/effect.h"
#include "sparsify/elimination.h"
#include "sparsify/survey.h"

/* Where a curve is compared with the network's outputs: so many parts of the channels are gone. Between these the
 * factor between the two is interpolated. */
#define PARTS 4

typedef struct
{
  const PareRankingInput *input;
  PareEffect *effect;
  guint n;              /* channels of the group at hand */
  double change[PARTS]; /* of the network's outputs, by parts gone; 0: none */
} Measuring;

static guint
gone_at (guint n, guint part)
{
  return n * part / PARTS;
}

static gboolean
measure (GPtrArray *readers, guint gone, gpointer data, GError **error)
{
  Measuring *measuring = data;

  for (guint part = 1; part < PARTS; part++)
    if (gone == gone_at (measuring->n, part))
      return pare_effect_measure (measuring->effect, readers, &measuring->change[part], error);
  return TRUE;
}

/* The factor from the loss of the layers to that of the network after @gone channels. */
static double
factor_at (const Measuring *measuring, const PareChannelCurve *curve, guint gone)
{
  double factors[PARTS + 1] = { 0 };
  guint low = 0, last = 0;

  for (guint part = 1; part < PARTS; part++)
    {
      double loss = curve->loss[gone_at (curve->n, part)];
      factors[part] = loss > 0 ? measuring->change[part] / loss : factors[last];
      last = part;
    }
  factors[0] = factors[1];
  factors[PARTS] = factors[PARTS - 1];
  while (low + 1 < PARTS && gone >= gone_at (curve->n, low + 1))
    low++;
  {
    double from = gone_at (curve->n, low), to = gone_at (curve->n, low + 1);
    double share = to > from ? (gone - from) / (to - from) : 0;
    return factors[low] + share * (factors[low + 1] - factors[low]);
  }
}

static void
scale (const Measuring *measuring, PareChannelCurve *curve)
{
  g_autofree double *factors = g_new (double, curve->n);

  for (guint i = 0; i < curve->n; i++)
    factors[i] = factor_at (measuring, curve, i);
  for (guint i = 1; i < curve->n; i++)
    curve->loss[i] = MAX (curve->loss[i] * factors[i], curve->loss[i - 1]);
}

static gboolean
rank (guint index, GPtrArray *readers, gpointer data, GError **error)
{
  Measuring *measuring = data;
  const PareRankingInput *input = measuring->input;
  guint n = pare_channel_groups_get (input->groups, index)->n;
  g_autoptr (PareChannelCurve) curve = NULL;

  measuring->n = n;
  curve = pare_eliminate (n, readers, PARE_ELIMINATION_RIDGE, NULL, measure, measuring, error);
  if (!curve)
    return FALSE;
  scale (measuring, curve);
  pare_channel_curve_to_scores (curve, input->scores[index]);
  return TRUE;
}

static gboolean
score (const PareRankingInput *input, GError **error)
{
  g_autoptr (PareEffect) effect = pare_effect_new (input->groups->graph, input->samples, error);
  Measuring measuring = { .input = input, .effect = effect };

  return effect && pare_channel_survey (input->groups, input->samples, rank, &measuring, error);
}

PARE_RANKING (output) = {
  .name = "output",
  .description = "As reconstruction, with losses measured at the outputs of the network, to compare layers",
  .needs_samples = TRUE,
  .cumulative = TRUE,
  .score = score,
};
