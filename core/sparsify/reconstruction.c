/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Channels by output reconstruction: always the one goes without which the layers that read it can still compute
 * what they do most closely. */
#include "sparsify/elimination.h"
#include "sparsify/survey.h"

/* Nobody reads the channels directly: the share of the weights that compute them. */
static void
score_by_weights (const PareChannelGroup *group, double *scores)
{
  g_autoptr (PareChannelCurve) curve = NULL;
  g_autofree double *shares = g_new0 (double, group->n);
  double sum = 0;

  for (guint s = 0; s < group->slices->len; s++)
    {
      const PareChannelSlice *slice = group->slices->pdata[s];
      const PareTensor *tensor = pare_channel_slice_tensor (slice);
      gint64 inner = pare_shape_span (&tensor->shape, slice->axis + 1, tensor->shape.rank);
      for (gint64 i = 0; slice->role == PARE_CHANNELS_PRODUCED && i < pare_tensor_elements (tensor); i++)
        {
          gint channel = pare_channel_group_channel (group, slice, i / inner % slice->n);
          double weight = channel >= 0 ? pare_tensor_get_double (tensor, i) : 0;
          sum += weight * weight;
          if (channel >= 0)
            shares[channel] += weight * weight;
        }
    }
  for (guint i = 0; i < group->n; i++)
    shares[i] /= sum > 0 ? sum : 1;
  curve = pare_channel_curve_from_scores (group->n, shares, FALSE);
  pare_channel_curve_to_scores (curve, scores);
}

static gboolean
rank (guint index, GPtrArray *readers, gpointer data, GError **error)
{
  const PareRankingInput *input = data;
  const PareChannelGroup *group = pare_channel_groups_get (input->groups, index);
  g_autoptr (PareChannelCurve) curve = NULL;

  if (!readers->len)
    {
      score_by_weights (group, input->scores[index]);
      return TRUE;
    }
  curve = pare_eliminate (group->n, readers, PARE_ELIMINATION_RIDGE, NULL, NULL, NULL, error);
  if (curve)
    pare_channel_curve_to_scores (curve, input->scores[index]);
  return curve != NULL;
}

static gboolean
score (const PareRankingInput *input, GError **error)
{
  return pare_channel_survey (input->groups, input->samples, rank, (gpointer)input, error);
}

PARE_RANKING (reconstruction) = {
  .name = "reconstruction",
  .description = "Channels that the layers behind can best do without go first, by backward elimination",
  .needs_samples = TRUE,
  .cumulative = TRUE,
  .score = score,
};
