/* SPDX-License-Identifier: LGPL-2.1-or-later
 * DFT and STFT, by definition: y[k] = sum over t of x[t] exp (-2 pi i k t / n) (ONNX operators, DFT and STFT). */
#include "ops/infer.h"
#include <math.h>
#include <string.h>

#define LONGEST (1 << 20)

/* cos and sin of 2 pi i / n. */
static double *
circle (gint64 n)
{
  double *points = g_new (double, 2 * n + 2);

  for (gint64 i = 0; i < n; i++)
    {
      points[2 * i] = cos (2 * G_PI * i / n);
      points[2 * i + 1] = sin (2 * G_PI * i / n);
    }
  return points;
}

/* A signal of @parts numbers (1: real, 2: complex) per point, each @step after the other. */
typedef struct
{
  const float *data;
  gint64 length, step;
  guint parts;
  const float *window; /* NULL: none */
} Signal;

/* Frequency @k of @n; @sign is -1 for the inverse, which is not divided by n yet. */
static void
transform (const Signal *signal, const double *points, gint64 n, gint64 k, int sign, double y[2])
{
  gint64 at = 0;

  y[0] = y[1] = 0;
  for (gint64 t = 0; t < MIN (signal->length, n); t++)
    {
      const float *x = signal->data + t * signal->step;
      double weight = signal->window ? signal->window[t] : 1, real = weight * x[0];
      double imaginary = signal->parts == 2 ? weight * x[1] : 0;
      double c = points[2 * at], s = -sign * points[2 * at + 1];
      y[0] += real * c - imaginary * s;
      y[1] += real * s + imaginary * c;
      at = (at + k) % n;
    }
}

/* Optional input @index as a length, @fallback without it. */
static gboolean
read_length (const PareInfer *infer, guint index, gint64 fallback, gint64 *length, GError **error)
{
  *length = fallback;
  if (pare_infer_has (infer, index))
    {
      if (!pare_infer_require (infer, index, pare_types_index, error)
          || !pare_infer_require_constant (infer, index, error))
        return FALSE;
      *length
          = pare_tensor_elements (infer->constants[index]) == 1 ? pare_tensor_get_int (infer->constants[index], 0) : 0;
    }
  if (*length >= 1 && *length <= LONGEST)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "a length of %" G_GINT64_FORMAT " is not between 1 and %d.",
                   *length, LONGEST);
  return FALSE;
}

static gint64
frequencies (const PareNode *node, gint64 n, gint64 onesided)
{
  return pare_node_get_int (node, "onesided", onesided) ? n / 2 + 1 : n;
}

/* The last axis of a signal is 1 (real) or 2 (complex). */
static gboolean
require_signal (const PareInfer *infer, GError **error)
{
  const PareShape *x = &infer->inputs[0].shape;

  if (!pare_infer_require_float32 (infer, 0, error))
    return FALSE;
  if (x->rank >= 2 && (x->dims[x->rank - 1] == 1 || x->dims[x->rank - 1] == 2))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "the last axis of its signal is not 1 (real) or 2 (complex).");
  return FALSE;
}

/* An attribute up to version 19, an input since; without it the second axis, or the last of the signal. */
static gboolean
read_dft_axis (const PareInfer *infer, guint *axis, GError **error)
{
  gint64 wanted = pare_node_get_int (infer->node, "axis", 1);

  if (infer->opset >= 20)
    {
      wanted = -2;
      if (pare_infer_has (infer, 2))
        {
          if (!pare_infer_require (infer, 2, pare_types_index, error) || !pare_infer_require_constant (infer, 2, error))
            return FALSE;
          if (pare_tensor_elements (infer->constants[2]) != 1)
            {
              pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its axis is not one number.");
              return FALSE;
            }
          wanted = pare_tensor_get_int (infer->constants[2], 0);
        }
    }
  return pare_infer_axis (infer, wanted, infer->inputs[0].shape.rank, axis, error);
}

/* The same at execution. */
static guint
dft_axis (const PareKernel *kernel)
{
  gint64 wanted = kernel->opset < 20 ? pare_node_get_int (kernel->node, "axis", 1) : -2;
  guint axis = 0;

  if (kernel->opset >= 20 && pare_kernel_has (kernel, 2))
    pare_convert (kernel->inputs[2].type, kernel->inputs[2].data, PARE_INT64, &wanted, 1);
  pare_axis_normalize (wanted, kernel->inputs[0].shape.rank, &axis);
  return axis;
}

static gboolean
dft_infer (PareInfer *infer, GError **error)
{
  PareSpec *y = &infer->outputs[0];
  gint64 n;
  guint axis;

  if (!pare_infer_counts (infer, 1, infer->opset < 20 ? 2 : 3, error) || !require_signal (infer, error)
      || !read_dft_axis (infer, &axis, error))
    return FALSE;
  *y = infer->inputs[0];
  if (axis + 1 == y->shape.rank)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "axis %u is that of real and imaginary parts.", axis);
      return FALSE;
    }
  if (!read_length (infer, 1, y->shape.dims[axis], &n, error))
    return FALSE;
  y->shape.dims[axis] = frequencies (infer->node, n, 0);
  y->shape.dims[y->shape.rank - 1] = 2;
  return TRUE;
}

static gboolean
dft_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *x = &kernel->inputs[0].shape, *y = &kernel->outputs[0].shape;
  gboolean inverse = pare_node_get_int (kernel->node, "inverse", 0) != 0;
  gint64 n, outer, inner, bins;
  g_autofree double *points = NULL;
  guint axis = dft_axis (kernel), parts = x->dims[x->rank - 1];

  n = x->dims[axis];
  if (pare_kernel_has (kernel, 1))
    pare_convert (kernel->inputs[1].type, kernel->inputs[1].data, PARE_INT64, &n, 1);
  points = circle (n);
  bins = y->dims[axis];
  outer = pare_shape_span (x, 0, axis);
  inner = pare_shape_span (x, axis + 1, x->rank - 1);
#pragma omp parallel for collapse(2) schedule(static) if (outer * inner * bins * n > 65536)
  for (gint64 o = 0; o < outer; o++)
    for (gint64 k = 0; k < bins; k++)
      for (gint64 i = 0; i < inner; i++)
        {
          Signal signal = { (const float *)kernel->inputs[0].data + (o * x->dims[axis] * inner + i) * parts,
                            x->dims[axis], inner * parts, parts, NULL };
          float *target = (float *)kernel->outputs[0].data + ((o * bins + k) * inner + i) * 2;
          double sum[2];
          transform (&signal, points, n, k, inverse ? -1 : 1, sum);
          target[0] = inverse ? sum[0] / n : sum[0];
          target[1] = inverse ? sum[1] / n : sum[1];
        }
  return TRUE;
}

/* Inputs: signal [batch,length,parts], step, window (optional), frame length (that of the window without it). */
static gboolean
stft_infer (PareInfer *infer, GError **error)
{
  const PareShape *x = &infer->inputs[0].shape;
  gint64 step, frame, fallback = 0;

  if (!pare_infer_counts (infer, 2, 4, error) || !require_signal (infer, error)
      || !pare_infer_require_rank (infer, 0, 3, error) || !pare_infer_require (infer, 1, pare_types_index, error)
      || !read_length (infer, 1, 1, &step, error))
    return FALSE;
  if (pare_infer_has (infer, 2))
    {
      if (!pare_infer_require_float32 (infer, 2, error) || !pare_infer_require_rank (infer, 2, 1, error))
        return FALSE;
      fallback = infer->inputs[2].shape.dims[0];
    }
  if (!read_length (infer, 3, fallback, &frame, error))
    return FALSE;
  if (frame > x->dims[1] || (fallback && fallback != frame))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "frames of %" G_GINT64_FORMAT " do not fit the signal or the window.", frame);
      return FALSE;
    }
  infer->outputs[0] = (PareSpec){ PARE_FLOAT32, pare_shape (4, (gint64[]){ x->dims[0], (x->dims[1] - frame) / step + 1,
                                                                           frequencies (infer->node, frame, 1), 2 }) };
  return TRUE;
}

static gboolean
stft_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *x = &kernel->inputs[0].shape, *y = &kernel->outputs[0].shape;
  const float *window = pare_kernel_has (kernel, 2) ? kernel->inputs[2].data : NULL;
  gint64 step, n = window ? kernel->inputs[2].shape.dims[0] : 0, frames = y->dims[1], bins = y->dims[2];
  g_autofree double *points = NULL;

  pare_convert (kernel->inputs[1].type, kernel->inputs[1].data, PARE_INT64, &step, 1);
  if (pare_kernel_has (kernel, 3))
    pare_convert (kernel->inputs[3].type, kernel->inputs[3].data, PARE_INT64, &n, 1);
  points = circle (n);
#pragma omp parallel for schedule(static) if (frames * bins * n > 65536)
  for (gint64 row = 0; row < x->dims[0] * frames; row++)
    for (gint64 k = 0; k < bins; k++)
      {
        gint64 start = row / frames * x->dims[1] + row % frames * step;
        Signal signal
            = { (const float *)kernel->inputs[0].data + start * x->dims[2], n, x->dims[2], x->dims[2], window };
        double sum[2];
        transform (&signal, points, n, k, 1, sum);
        ((float *)kernel->outputs[0].data)[(row * bins + k) * 2] = sum[0];
        ((float *)kernel->outputs[0].data)[(row * bins + k) * 2 + 1] = sum[1];
      }
  return TRUE;
}

PARE_OPERATORS (dft) = {
  { .name = "DFT", .since = 17, .infer = dft_infer, .forward = dft_forward },
  { .name = "STFT", .since = 17, .infer = stft_infer, .forward = stft_forward },
  { NULL },
};
