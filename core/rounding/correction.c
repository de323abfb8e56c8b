/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Bias correction (Nagel et al. 2019, section 4.2): rounded weights W' shift the mean of what a layer computes by
 * (W' - W) E[x]. The analytic kind takes that off; the empirical kind takes off the mean difference from the wanted
 * output over the samples, and so what the layers in front shifted, too. */
#include "rounding/correction.h"
#include "rounding/inputmeans.h"
#include "rounding/layerbias.h"

/* (W - W') E[x]. */
static double *
expected_loss (const PareRoundingLayer *layer, const double *means)
{
  const PareLayerMatrix *matrix = &layer->matrix;
  gint64 n = matrix->groups * matrix->outputs;
  g_autofree double *old = pare_layer_matrix_read (matrix, layer->counterpart);
  g_autofree double *now = pare_rounding_layer_read (layer), *rounded = pare_rounding_layer_round (layer, now);
  double *loss = g_new0 (double, n);

  for (gint64 o = 0; o < n; o++)
    for (gint64 j = 0; j < matrix->columns; j++)
      loss[o] += (old[o * matrix->columns + j] - rounded[o * matrix->columns + j])
                 * means[o / matrix->outputs * matrix->inputs + j / matrix->taps];
  return loss;
}

/* The change of the bias; NULL with an error or a note. */
static double *
analytic_change (PareRoundingWork *work, const PareRoundingLayer *layer, const char **note, GError **error)
{
  g_autoptr (GError) problem = NULL;
  g_autofree double *means = pare_rounding_input_means (work, layer, &problem);

  if (means)
    return expected_loss (layer, means);
  if (problem)
    g_propagate_error (error, g_steal_pointer (&problem));
  else
    *note = "the bias stays, since nothing tells the mean of its input";
  return NULL;
}

gboolean
pare_rounding_correct_bias (PareRoundingWork *work, const PareRoundingLayer *layer, PareOutputError *output,
                            const char **note, GError **error)
{
  g_autofree double *change = NULL;
  PareLayerBias bias;

  *note = NULL;
  if (work->correction == PARE_BIAS_CORRECTION_NONE)
    return TRUE;
  if (!pare_layer_bias_find (layer, &bias))
    {
      *note = "it has no bias to correct";
      return TRUE;
    }
  change = work->correction == PARE_BIAS_CORRECTION_EMPIRICAL ? g_memdup2 (output->mean, output->n * sizeof (double))
                                                              : analytic_change (work, layer, note, error);
  if (!change)
    return *note != NULL;
  pare_layer_bias_add (work->graph, layer, &bias, change);
  pare_output_error_shift (output, change);
  return TRUE;
}
