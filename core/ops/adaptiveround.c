/* SPDX-License-Identifier: LGPL-2.1-or-later
 * AdaptiveRound (v, base, scale): weights between two neighbours on their grid, (base + h (v)) scale, where
 * h (v) = clip (1.2 sigmoid (v) - 0.1, 0, 1) says how far up; and AdaptiveRoundGradient (dy, v, scale) by v. All inputs
 * have one shape. (Nagel et al., Up or Down? Adaptive Rounding for Post-Training Quantization, 2020, (22) and (23).) */
#include "ops/adaptiveround.h"
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include "train/gradient.h"
#include <math.h>

#define STRETCH 1.2f
#define SHIFT 0.1f

PARE_INLINE float
share_of (float v)
{
  float h = STRETCH * pare_sigmoidf (v) - SHIFT;

  h = h < 0 ? 0 : h;
  return h > 1 ? 1 : h;
}

PARE_INLINE float
slope_of (float v)
{
  float s = pare_sigmoidf (v), h = STRETCH * s - SHIFT;

  return h > 0 && h < 1 ? STRETCH * s * (1 - s) : 0;
}

PARE_VECTOR void
pare_adaptive_round_shares (gint64 n, const float *v, float *h, float *slopes)
{
  PARE_INDEPENDENT for (gint64 i = 0; i < n; i++)
  {
    h[i] = share_of (v[i]);
    slopes[i] = slope_of (v[i]);
  }
}

float
pare_adaptive_round_start (float share)
{
  return -logf (STRETCH / (CLAMP (share, 0.001f, 0.999f) + SHIFT) - 1);
}

/* One row of three inputs and one result. */
typedef void (*Row) (gint64 n, const float *a, const float *b, const float *c, float *result);

static PARE_VECTOR void
weights_row (gint64 n, const float *v, const float *base, const float *scale, float *y)
{
  PARE_INDEPENDENT for (gint64 i = 0; i < n; i++) y[i] = (base[i] + share_of (v[i])) * scale[i];
}

static PARE_VECTOR void
gradient_row (gint64 n, const float *dy, const float *v, const float *scale, float *dv)
{
  PARE_INDEPENDENT for (gint64 i = 0; i < n; i++) dv[i] = dy[i] * scale[i] * slope_of (v[i]);
}

typedef struct
{
  const PareKernel *kernel;
  Row row;
} Job;

static void
run_piece (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  const PareView *inputs = job->kernel->inputs;

  job->row (to - from, (const float *)inputs[0].data + from, (const float *)inputs[1].data + from,
            (const float *)inputs[2].data + from, (float *)job->kernel->outputs[0].data + from);
}

static gboolean
weights_forward (const PareKernel *kernel, GError **error)
{
  Job job = { kernel, weights_row };

  pare_parallel (pare_view_elements (&kernel->inputs[0]), PARE_GRAIN / 4, run_piece, &job);
  return TRUE;
}

static gboolean
gradient_forward (const PareKernel *kernel, GError **error)
{
  Job job = { kernel, gradient_row };

  pare_parallel (pare_view_elements (&kernel->inputs[0]), PARE_GRAIN / 4, run_piece, &job);
  return TRUE;
}

static gboolean
three_alike (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 3, 3, error))
    return FALSE;
  for (guint i = 0; i < 3; i++)
    {
      if (!pare_infer_require_float32 (infer, i, error))
        return FALSE;
      if (!pare_shape_equal (&infer->inputs[i].shape, &infer->inputs[0].shape))
        {
          pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its inputs have different shapes.");
          return FALSE;
        }
    }
  return pare_infer_same (infer, error);
}

static gboolean
weights_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *inputs[] = { pare_gradient_of_output (gradient, 0), pare_node_input (node, 0), pare_node_input (node, 2) };

  if (pare_gradient_wanted (gradient, 1) || pare_gradient_wanted (gradient, 2))
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, node, "its grid cannot be learnt, only the direction.");
      return FALSE;
    }
  pare_gradient_add (gradient, 0, pare_gradient_node (gradient, PARE_DOMAIN, "AdaptiveRoundGradient", 3, inputs, NULL));
  return TRUE;
}

PARE_OPERATORS (adaptiveround) = {
  { .name = "AdaptiveRound",
    .domain = PARE_DOMAIN,
    .infer = three_alike,
    .forward = weights_forward,
    .backward = weights_backward },
  { .name = "AdaptiveRoundGradient", .domain = PARE_DOMAIN, .infer = three_alike, .forward = gradient_forward },
  { NULL },
};
