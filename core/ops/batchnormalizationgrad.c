/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Gradients of BatchNormalization by input, scale and shift: pare.BatchNormalizationGrad (dy, x, scale, mean, variance,
 * shift), with the forward node's attributes. In training mode mean and variance are the batch's own and depend on x
 * (Ioffe and Szegedy, Batch Normalization, 2015, section 3). When shift is there, dy is the gradient behind a Relu that
 * follows. */
#include "ops/backward.h"
#include "ops/batchnormalization.h"
#include "ops/channelwise.h"
#include "ops/infer.h"
#include <math.h>
#include <string.h>

static gboolean
batchnormalizationgrad_infer (PareInfer *infer, GError **error)
{
  const PareShape *x = infer->n_inputs > 1 ? &infer->inputs[1].shape : NULL;
  guint n = infer->n_inputs > 5 ? 6 : 5;
  gboolean fits;

  if (!pare_backward_require (infer, n, error))
    return FALSE;
  fits = pare_shape_equal (&infer->inputs[0].shape, x);
  for (guint i = 2; i < n; i++)
    fits &= pare_shape_elements (&infer->inputs[i].shape) == (x->rank > 1 ? x->dims[1] : 1);
  if (!fits)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its inputs do not fit each other.");
      return FALSE;
    }
  infer->outputs[0] = infer->inputs[1];
  for (guint i = 1; i < 3; i++)
    if (pare_infer_wants (infer, i))
      infer->outputs[i] = infer->inputs[2];
  return TRUE;
}

/* By the formulas, for layouts that are no planes of channels, and the reference for those that are. */
static gboolean
batchnormalizationgrad_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[1];
  const float *dy = kernel->inputs[0].data, *in = x->data, *scale = kernel->inputs[2].data;
  const float *mean = kernel->inputs[3].data, *variance = kernel->inputs[4].data;
  float epsilon = pare_node_get_float (kernel->node, "epsilon", 1e-5f);
  gboolean training = pare_node_get_int (kernel->node, "training_mode", 0) != 0;
  gint64 channels = x->shape.rank > 1 ? x->shape.dims[1] : 1;
  gint64 inner = x->shape.rank > 2 ? pare_shape_span (&x->shape, 2, x->shape.rank) : 1;
  gint64 n = pare_view_elements (x) / MAX (channels, 1);
  const float *shift = kernel->n_inputs > 5 ? kernel->inputs[5].data : NULL;
  float *dx = kernel->outputs[0].data;

  for (gint64 c = 0; c < channels; c++)
    {
      double inverse = 1 / sqrt ((double)variance[c] + epsilon), by_scale = 0, by_shift = 0;
      for (gint64 i = 0; i < n; i++)
        {
          gint64 at = (i / inner * channels + c) * inner + i % inner;
          double normal = (in[at] - mean[c]) * inverse;
          dx[at] = shift && normal * scale[c] + shift[c] <= 0 ? 0 : dy[at];
          by_scale += dx[at] * normal;
          by_shift += dx[at];
        }
      for (gint64 i = 0; i < n; i++)
        {
          gint64 at = (i / inner * channels + c) * inner + i % inner;
          double centred = training ? dx[at] - (by_shift + (in[at] - mean[c]) * inverse * by_scale) / n : dx[at];
          dx[at] = scale[c] * inverse * centred;
        }
      if (pare_kernel_wants (kernel, 1))
        ((float *)kernel->outputs[1].data)[c] = by_scale;
      if (pare_kernel_wants (kernel, 2))
        ((float *)kernel->outputs[2].data)[c] = by_shift;
    }
  return TRUE;
}

typedef struct
{
  PareChannels channels;
  float epsilon;
  gboolean training, relu;
} Gradient;

/* dx = k g - (p (x - mean) + q): with r = 1 / sqrt (variance + epsilon), k = scale r, and in training, of n numbers,
 * p = k r^2 / n sum (g (x - mean)) and q = k / n sum (g). */
static void
coefficients (const Gradient *gradient, const float *scale, const float *variance, const float *by_g,
              const float *by_product, float *k, float *p, float *q)
{
  double n = (double)gradient->channels.batch * gradient->channels.inner;

  for (gint64 c = 0; c < gradient->channels.channels; c++)
    {
      double square = 1 / ((double)variance[c] + gradient->epsilon);
      k[c] = scale[c] * sqrt (square);
      p[c] = gradient->training ? k[c] * square * by_product[c] / n : 0;
      q[c] = gradient->training ? k[c] * by_g[c] / n : 0;
    }
}

/* Slots: dy, x, scale, mean, variance, dx, by scale, by shift, sums, shift. */
static gboolean
run_gradient (gpointer state, PareSlot *const *slots, GError **error)
{
  const Gradient *gradient = state;
  const PareChannels *channels = &gradient->channels;
  const float *dy = slots[0]->data, *x = slots[1]->data, *scale = slots[2]->data, *variance = slots[4]->data;
  gint64 padded = pare_channels_padded (channels), n = channels->channels;
  g_autofree float *memory = g_new0 (float, 6 * padded);
  float *factor = memory, *offset = memory + padded, *mean = memory + 2 * padded;
  float *k = memory + 3 * padded, *p = memory + 4 * padded, *q = memory + 5 * padded;
  float *by_scale = slots[6]->data, *by_shift = slots[7]->data;
  PareAffine affine = { factor, offset, gradient->relu };

  memcpy (mean, slots[3]->data, n * sizeof *mean);
  if (gradient->relu)
    pare_batchnormalization_affine (n, gradient->epsilon, scale, slots[9]->data, mean, variance, factor, offset);
  pare_channels_gradient_sums (channels, dy, x, mean, &affine, slots[8]->data, by_shift, by_scale);
  coefficients (gradient, scale, variance, by_shift, by_scale, k, p, q);
  pare_channels_gradient_apply (channels, dy, x, mean, &affine, k, p, q, slots[5]->data);
  for (gint64 c = 0; c < n; c++)
    by_scale[c] /= sqrtf (variance[c] + gradient->epsilon);
  return TRUE;
}

/* In whatever layout the forward's input lies. */
static gboolean
batchnormalizationgrad_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  Gradient gradient = { .epsilon = pare_node_get_float (infer->node, "epsilon", 1e-5f),
                        .training = pare_node_get_int (infer->node, "training_mode", 0) != 0,
                        .relu = infer->n_inputs > 5 };
  PareSlot *slots[10] = { NULL, pare_compile_input_as_is (compile, 1) };
  PareSpec sums = { PARE_FLOAT32, { 1 } };

  if (!slots[1]->layout || !pare_layout_channels (slots[1]->layout, &gradient.channels))
    return pare_compile_forward (compile, error);
  if (!(slots[0] = pare_compile_input (compile, 0, slots[1]->layout, error)))
    return FALSE;
  for (guint i = 2; i < infer->n_inputs; i++)
    if (!(slots[i < 5 ? i : 9] = pare_compile_input (compile, i, NULL, error)))
      return FALSE;
  slots[5] = pare_compile_output_over (compile, 0, slots[0]);
  for (guint i = 1; i < 3; i++)
    if (!(slots[5 + i] = pare_backward_output (compile, i, &infer->inputs[2], NULL, error)))
      return FALSE;
  sums.shape.dims[0] = pare_channels_planes (&gradient.channels) * PARE_CHANNEL_SUMS;
  slots[8] = pare_compile_temporary (compile, &sums, NULL);
  pare_compile_step (compile, run_gradient, g_memdup2 (&gradient, sizeof gradient), g_free,
                     infer->n_inputs > 5 ? 10 : 9, slots);
  return TRUE;
}

PARE_OPERATORS (batchnormalizationgrad) = {
  { .name = "BatchNormalizationGrad",
    .domain = PARE_DOMAIN,
    .infer = batchnormalizationgrad_infer,
    .forward = batchnormalizationgrad_forward,
    .compile = batchnormalizationgrad_compile },
  { NULL },
};
