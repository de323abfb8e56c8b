/* SPDX-License-Identifier: LGPL-2.1-or-later
 * ConvInteger and QLinearConv: convolutions of 8-bit integers in 32 bits; the latter rounds them to 8 bits again. */
#include "ops/integer.h"
#include "ops/window.h"
#include "ops/zeropoint.h"
#include <math.h>
#include <string.h>

static const PareDataType sum_types[] = { PARE_INT32, 0 };

/* Where the weight and the zero points are. */
typedef struct
{
  guint w, x_zero, w_zero;
} Places;

static Places
places_of (const PareNode *node)
{
  return pare_node_is (node, "ConvInteger") ? (Places){ 1, 2, 3 } : (Places){ 3, 2, 5 };
}

static gboolean
infer_shape (PareInfer *infer, PareDataType type, GError **error)
{
  Places at = places_of (infer->node);
  gint64 groups = pare_node_get_int (infer->node, "group", 1);
  const PareShape *x = &infer->inputs[0].shape, *w = &infer->inputs[at.w].shape;
  PareShape y = *x;
  PareWindow window;

  if (!pare_infer_require (infer, 0, pare_types_byte, error)
      || !pare_infer_require (infer, at.w, pare_types_byte, error))
    return FALSE;
  if (x->rank < 3 || w->rank != x->rank || groups < 1 || groups > x->dims[1] || w->dims[1] * groups != x->dims[1]
      || w->dims[0] % groups)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its weight does not fit its input.");
      return FALSE;
    }
  if (!pare_infer_one_or (infer, at.x_zero, 1, pare_types_byte, error)
      || !pare_infer_one_or (infer, at.w_zero, w->dims[0], pare_types_byte, error)
      || !pare_window_read (infer->node, x, w->dims + 2, &window, error))
    return FALSE;
  y.dims[1] = w->dims[0];
  for (guint i = 0; i < window.n; i++)
    y.dims[2 + i] = pare_window_output (&window, i, x->dims[2 + i], FALSE);
  infer->outputs[0] = (PareSpec){ type, y };
  return TRUE;
}

static gboolean
convinteger_infer (PareInfer *infer, GError **error)
{
  return pare_infer_counts (infer, 2, 4, error) && infer_shape (infer, PARE_INT32, error);
}

static gboolean
qlinearconv_infer (PareInfer *infer, GError **error)
{
  gint64 channels;

  if (!pare_infer_counts (infer, 8, 9, error) || !pare_infer_require (infer, 7, pare_types_byte, error)
      || !infer_shape (infer, infer->inputs[7].type, error))
    return FALSE;
  channels = infer->inputs[3].shape.dims[0];
  return pare_infer_require_float32 (infer, 1, error) && pare_infer_require_float32 (infer, 4, error)
         && pare_infer_require_float32 (infer, 6, error) && pare_infer_one_or (infer, 1, 1, pare_types_float32, error)
         && pare_infer_one_or (infer, 4, channels, pare_types_float32, error)
         && pare_infer_one_or (infer, 6, 1, pare_types_float32, error)
         && pare_infer_one_or (infer, 7, 1, pare_types_byte, error)
         && (!pare_infer_has (infer, 8)
             || (pare_infer_require (infer, 8, sum_types, error)
                 && pare_infer_one_or (infer, 8, channels, sum_types, error)));
}

/* A tensor without its zero point, which is one per @inner elements or one for all. */
static gint32 *
centred (const PareKernel *kernel, guint input, guint zero, gint64 inner)
{
  const PareView *view = &kernel->inputs[input];
  gint64 n = pare_view_elements (view);
  gint32 *values = g_new (gint32, MAX (n, 1));

  pare_convert (view->type, view->data, PARE_INT32, values, n);
  for (gint64 i = 0; i < n; i++)
    values[i] -= pare_kernel_zero_point (kernel, zero, i / inner);
  return values;
}

/* One output: the sum over one group's channels of @x and the kernel's taps. @place is the output's spatial index. */
static gint32
sum_at (const PareShape *x_shape, const PareWindow *window, const PareShape *y, gint64 channels, gint64 place,
        const gint32 *x, const gint32 *w)
{
  gint64 taps = 1, plane = pare_shape_span (x_shape, 2, x_shape->rank);
  gint32 sum = 0;

  for (guint i = 0; i < window->n; i++)
    taps *= window->kernel[i];
  for (gint64 tap = 0; tap < taps; tap++)
    {
      gint64 at = 0, step = 1, rest_tap = tap, rest_place = place;
      for (guint i = window->n; i-- > 0 && at >= 0;)
        {
          gint64 k = rest_place % y->dims[2 + i] * window->strides[i] - window->pads_begin[i]
                     + rest_tap % window->kernel[i] * window->dilations[i];
          at = k < 0 || k >= x_shape->dims[2 + i] ? -1 : at + k * step;
          step *= x_shape->dims[2 + i];
          rest_tap /= window->kernel[i];
          rest_place /= y->dims[2 + i];
        }
      for (gint64 c = 0; at >= 0 && c < channels; c++)
        sum += x[c * plane + at] * w[c * taps + tap];
    }
  return sum;
}

static gint32 *
convolve (const PareKernel *kernel, GError **error)
{
  Places at = places_of (kernel->node);
  const PareShape *x = &kernel->inputs[0].shape, *w = &kernel->inputs[at.w].shape, *y = &kernel->outputs[0].shape;
  gint64 plane = pare_shape_span (y, 2, y->rank), channels = w->dims[1], outs = w->dims[0], n = pare_shape_elements (y);
  gint64 per_group = outs / pare_node_get_int (kernel->node, "group", 1);
  gint64 x_plane = pare_shape_span (x, 2, x->rank), kernel_size = pare_shape_span (w, 1, w->rank);
  g_autofree gint32 *values = NULL, *weights = NULL;
  PareWindow window;
  gint32 *sums;

  if (!pare_window_read (kernel->node, x, w->dims + 2, &window, error))
    return NULL;
  values = centred (kernel, 0, at.x_zero, MAX (pare_shape_elements (x), 1));
  weights = centred (kernel, at.w, at.w_zero, MAX (kernel_size, 1));
  sums = g_new (gint32, MAX (n, 1));
  for (gint64 i = 0; i < n; i++)
    {
      gint64 image = i / plane / outs, out = i / plane % outs;
      const gint32 *group = values + (image * x->dims[1] + out / per_group * channels) * x_plane;
      sums[i] = sum_at (x, &window, y, channels, i % plane, group, weights + out * kernel_size);
    }
  return sums;
}

static gboolean
convinteger_forward (const PareKernel *kernel, GError **error)
{
  g_autofree gint32 *sums = convolve (kernel, error);

  if (sums)
    memcpy (kernel->outputs[0].data, sums, pare_view_elements (&kernel->outputs[0]) * sizeof *sums);
  return sums != NULL;
}

static gboolean
qlinearconv_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *y = &kernel->outputs[0].shape;
  g_autofree gint32 *sums = convolve (kernel, error);
  const float *w_scale = kernel->inputs[4].data;
  const gint32 *bias = pare_kernel_has (kernel, 8) ? kernel->inputs[8].data : NULL;
  gboolean single_scale = pare_view_elements (&kernel->inputs[4]) == 1;
  gboolean single_bias = bias && pare_view_elements (&kernel->inputs[8]) == 1;
  float factor = *(const float *)kernel->inputs[1].data / *(const float *)kernel->inputs[6].data;
  gint64 lowest, highest, plane = pare_shape_span (y, 2, y->rank);

  if (!sums)
    return FALSE;
  pare_data_type_limits (kernel->outputs[0].type, &lowest, &highest);
  for (gint64 i = 0; i < pare_shape_elements (y); i++)
    {
      gint64 out = i / plane % y->dims[1];
      gint64 sum = (gint64)sums[i] + (bias ? bias[single_bias ? 0 : out] : 0);
      float value
          = nearbyintf (sum * (factor * w_scale[single_scale ? 0 : out])) + pare_kernel_zero_point (kernel, 7, 0);
      ((guint8 *)kernel->outputs[0].data)[i] = (guint8)(gint32)CLAMP (value, lowest, highest);
    }
  return TRUE;
}

PARE_OPERATORS (convinteger) = {
  { .name = "ConvInteger", .since = 10, .infer = convinteger_infer, .forward = convinteger_forward },
  { .name = "QLinearConv", .since = 10, .infer = qlinearconv_infer, .forward = qlinearconv_forward },
  { NULL },
};
