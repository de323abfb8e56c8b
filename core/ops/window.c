/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Sliding windows: the attributes that convolutions and poolings share (ONNX operators Conv, MaxPool, section
 * "Attributes"). */
#include "ops/window.h"
#include <string.h>

/* Sizes above this are no window but an attack on the arithmetic. */
#define LIMIT (G_GINT64_CONSTANT (1) << 31)

static gboolean
read_list (const PareNode *node, const char *name, guint n, gint64 fallback, gint64 least, gint64 *values,
           GError **error)
{
  guint length;
  const gint64 *list = pare_node_get_ints (node, name, &length);

  if (list && length != n)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, node, "%s has %u entries where %u are needed.", name, length, n);
      return FALSE;
    }
  for (guint i = 0; i < n; i++)
    {
      values[i] = list ? list[i] : fallback;
      if (values[i] < least || values[i] > LIMIT)
        {
          pare_node_error (error, PARE_ERROR_FORMAT, node, "%s has the impossible entry %" G_GINT64_FORMAT ".", name,
                           values[i]);
          return FALSE;
        }
    }
  return TRUE;
}

static gint64
extent (const PareWindow *window, guint axis)
{
  return (window->kernel[axis] - 1) * window->dilations[axis] + 1;
}

/* SAME_UPPER and SAME_LOWER: as many outputs as strides fit, the odd pad at the end or the beginning. */
static void
pad_same (PareWindow *window, const gint64 *sizes, gboolean lower)
{
  for (guint i = 0; i < window->n; i++)
    {
      gint64 outputs = (sizes[i] + window->strides[i] - 1) / window->strides[i];
      gint64 total = MAX ((outputs - 1) * window->strides[i] + extent (window, i) - sizes[i], 0);
      window->pads_begin[i] = lower ? total - total / 2 : total / 2;
      window->pads_end[i] = total - window->pads_begin[i];
    }
}

gboolean
pare_window_read (const PareNode *node, const PareShape *input, const gint64 *kernel, PareWindow *window,
                  GError **error)
{
  gint64 pads[2 * PARE_MAX_RANK] = { 0 };
  g_autofree char *auto_pad = pare_node_get_string (node, "auto_pad");
  guint n;

  if (input->rank < 3)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, node, "the input has rank %u where at least 3 is needed.",
                       input->rank);
      return FALSE;
    }
  window->n = input->rank - 2;
  if (!kernel && !pare_node_get_ints (node, "kernel_shape", &n))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, node, "kernel_shape is missing.");
      return FALSE;
    }
  if (!read_list (node, "kernel_shape", window->n, 1, 1, window->kernel, error)
      || !read_list (node, "strides", window->n, 1, 1, window->strides, error)
      || !read_list (node, "dilations", window->n, 1, 1, window->dilations, error)
      || !read_list (node, "pads", 2 * window->n, 0, 0, pads, error))
    return FALSE;
  if (kernel)
    memcpy (window->kernel, kernel, window->n * sizeof *kernel);
  for (guint i = 0; i < window->n; i++)
    if (window->kernel[i] < 1 || window->kernel[i] > LIMIT)
      {
        pare_node_error (error, PARE_ERROR_FORMAT, node, "the kernel has the impossible size %" G_GINT64_FORMAT ".",
                         window->kernel[i]);
        return FALSE;
      }
  memcpy (window->pads_begin, pads, window->n * sizeof *pads);
  memcpy (window->pads_end, pads + window->n, window->n * sizeof *pads);
  if (auto_pad && g_str_has_prefix (auto_pad, "SAME_"))
    pad_same (window, input->dims + 2, strcmp (auto_pad, "SAME_LOWER") == 0);
  return TRUE;
}

gint64
pare_window_output (const PareWindow *window, guint axis, gint64 input, gboolean ceil)
{
  gint64 padded = input + window->pads_begin[axis] + window->pads_end[axis];
  gint64 room = padded - extent (window, axis);
  gint64 stride = window->strides[axis];
  gint64 outputs;

  if (room < 0)
    return 0;
  outputs = (room + (ceil ? stride - 1 : 0)) / stride + 1;
  /* A window may not start in the padding at the end. */
  if (ceil && (outputs - 1) * stride >= input + window->pads_begin[axis])
    outputs--;
  return outputs;
}
