/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Which entries of the input meet which entries of the kernel, of Conv and ConvTranspose. */
#include "ops/conv.h"

/* The input's index on one axis where output @o meets the kernel's entry @k, or -1. */
static gint64
meet (const PareConvolution *convolution, guint axis, gint64 input, gint64 o, gint64 k)
{
  const PareWindow *window = &convolution->window;
  gint64 i;

  if (convolution->transposed)
    {
      i = o + window->pads_begin[axis] - k * window->dilations[axis];
      if (i % window->strides[axis])
        return -1;
      i /= window->strides[axis];
    }
  else
    i = o * window->strides[axis] - window->pads_begin[axis] + k * window->dilations[axis];
  return i >= 0 && i < input ? i : -1;
}

/* Counts through @sizes; FALSE behind the last one. */
static gboolean
next (gint64 *index, const gint64 *sizes, guint n)
{
  for (guint i = n; i-- > 0;)
    {
      if (++index[i] < sizes[i])
        return TRUE;
      index[i] = 0;
    }
  return FALSE;
}

gboolean
pare_convolution_taps (const PareNode *node, const PareShape *x, const PareShape *w, const PareShape *y,
                       gint64 *indices, GError **error)
{
  PareSpec x_spec = { PARE_FLOAT32, *x }, w_spec = { PARE_FLOAT32, *w };
  g_auto (PareConvolution) convolution = { 0 };
  gint64 o[PARE_MAX_RANK] = { 0 };
  guint n;

  if (!pare_convolution_describe (node, &x_spec, &w_spec, &convolution, error))
    return FALSE;
  n = convolution.window.n;
  do
    {
      gint64 k[PARE_MAX_RANK] = { 0 };
      do
        {
          gint64 index = 0;
          for (guint i = 0; i < n && index >= 0; i++)
            {
              gint64 position = meet (&convolution, i, x->dims[2 + i], o[i], k[i]);
              index = position < 0 ? -1 : index * x->dims[2 + i] + position;
            }
          *indices++ = index;
        }
      while (next (k, convolution.window.kernel, n));
    }
  while (next (o, y->dims + 2, n));
  return TRUE;
}
