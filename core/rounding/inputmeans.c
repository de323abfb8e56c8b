/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What a layer's input is on average (Nagel et al., Data-Free Quantization Through Weight Equalization and Bias
 * Correction, 2019, section 4.2): behind a BatchNormalization a channel is taken for normal with mean beta and
 * deviation |gamma|, of which an activation cuts off what is below a and above b:
 *
 *     E = a P(a) + b (1 - P(b)) + beta (P(b) - P(a)) + gamma (p(a) - p(b))
 *
 * with the normal density p and distribution P at (a - beta) / gamma and (b - beta) / gamma. */
#include "rounding/inputmeans.h"
#include "rounding/outputs.h"
#include <math.h>

static double
density (double z)
{
  return isfinite (z) ? exp (-z * z / 2) / sqrt (2 * G_PI) : 0;
}

static double
distribution (double z)
{
  return erfc (-z / G_SQRT2) / 2;
}

static double
clipped_mean (double mean, double deviation, double low, double high)
{
  double a = (low - mean) / deviation, b = (high - mean) / deviation;

  if (!(deviation > 0))
    return CLAMP (mean, low, high);
  return (isfinite (low) ? low * distribution (a) : 0) + (isfinite (high) ? high * (1 - distribution (b)) : 0)
         + mean * (distribution (b) - distribution (a)) + deviation * (density (a) - density (b));
}

/* Looks through an activation that cuts off; *@low and *@high are where. */
static const PareNode *
in_front_of_clamp (const PareNode *node, double *low, double *high)
{
  const PareOperator *op = node ? pare_operator_of (node) : NULL;
  PareEltwise eltwise;

  *low = -INFINITY;
  *high = INFINITY;
  if (!op || op->quantize != PARE_QUANTIZE_CLAMP || !op->eltwise || !op->eltwise (node, &eltwise))
    return node;
  if (eltwise.kind == PARE_ELTWISE_RELU && eltwise.alpha == 0)
    *low = 0;
  else if (eltwise.kind == PARE_ELTWISE_CLIP)
    {
      *low = eltwise.alpha;
      *high = eltwise.beta;
    }
  else
    return NULL;
  return pare_node_input (node, 0)->producer;
}

static double *
normalized_means (const PareNode *node, gint64 channels, double low, double high)
{
  const PareTensor *gamma = pare_node_constant (node, 1), *beta = pare_node_constant (node, 2);
  double *means;

  if (!gamma || !beta || pare_tensor_elements (gamma) != channels || pare_tensor_elements (beta) != channels)
    return NULL;
  means = g_new (double, channels);
  for (gint64 c = 0; c < channels; c++)
    means[c] = clipped_mean (pare_tensor_get_double (beta, c), fabs (pare_tensor_get_double (gamma, c)), low, high);
  return means;
}

double *
pare_rounding_input_means (PareRoundingWork *work, const PareRoundingLayer *layer, GError **error)
{
  PareValue *input = pare_node_input (layer->counterpart, 0);
  gint64 channels = layer->matrix.groups * layer->matrix.inputs, n;
  double low, high;
  const PareNode *normal = in_front_of_clamp (input->producer, &low, &high);
  const PareOperator *op = normal ? pare_operator_of (normal) : NULL;
  g_autofree double *means = NULL;

  if (op && op->quantize == PARE_QUANTIZE_NORMALIZE)
    means = normalized_means (normal, channels, low, high);
  if (means || !work->samples)
    return g_steal_pointer (&means);
  means = pare_rounding_channel_means (work->student, layer, pare_node_input (layer->node, 0), &n, error);
  return means && n == channels ? g_steal_pointer (&means) : NULL;
}
