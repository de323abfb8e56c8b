/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Col2Im (ONNX operator of that name): blocks of an image, one column each, are added up where they overlap. The
 * transpose of cutting an image into blocks. */
#include "ops/infer.h"
#include "ops/window.h"
#include <string.h>

/* Two lists of one number per spatial axis: the sizes of the image and of a block. */
static gboolean
read_sizes (const PareInfer *infer, guint index, gint64 sizes[PARE_MAX_RANK], guint *n, GError **error)
{
  g_autofree gint64 *list = NULL;

  if (!pare_infer_require_rank (infer, index, 1, error) || !pare_infer_ints (infer, index, NULL, &list, n, error))
    return FALSE;
  for (guint i = 0; i < *n && i < PARE_MAX_RANK; i++)
    if ((sizes[i] = list[i]) < 1)
      {
        pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                         "input %u holds the impossible size %" G_GINT64_FORMAT ".", index, list[i]);
        return FALSE;
      }
  if (*n >= 1 && *n + 2 <= PARE_MAX_RANK)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "input %u has %u sizes.", index, *n);
  return FALSE;
}

/* Positions of a block along each axis, and their number. */
static gboolean
count_positions (const PareNode *node, const PareShape *image, const gint64 *block, PareWindow *window,
                 gint64 positions[PARE_MAX_RANK], gint64 *n, GError **error)
{
  PareShape total = { .rank = image->rank - 2 };

  if (!pare_window_read (node, image, block, window, error))
    return FALSE;
  for (guint i = 0; i < window->n; i++)
    total.dims[i] = positions[i] = pare_window_output (window, i, image->dims[2 + i], FALSE);
  *n = pare_shape_elements (&total);
  return TRUE;
}

static gboolean
col2im_infer (PareInfer *infer, GError **error)
{
  gint64 sizes[PARE_MAX_RANK], block[PARE_MAX_RANK], positions[PARE_MAX_RANK], n, volume;
  const PareShape *x = &infer->inputs[0].shape;
  PareShape image, one = { 0 };
  PareWindow window;
  guint n_sizes, n_block;

  if (!pare_infer_counts (infer, 3, 3, error) || !pare_infer_require (infer, 0, pare_types_widened, error)
      || !pare_infer_require_rank (infer, 0, 3, error) || !read_sizes (infer, 1, sizes, &n_sizes, error)
      || !read_sizes (infer, 2, block, &n_block, error))
    return FALSE;
  one = pare_shape (n_block, block);
  volume = pare_shape_elements (&one);
  if (n_sizes != n_block || volume < 1 || x->dims[1] % volume)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its blocks do not fit its image or its columns.");
      return FALSE;
    }
  image = (PareShape){ .rank = 2 + n_sizes, .dims = { x->dims[0], x->dims[1] / volume } };
  memcpy (image.dims + 2, sizes, n_sizes * sizeof *sizes);
  if (!count_positions (infer->node, &image, block, &window, positions, &n, error))
    return FALSE;
  if (n != x->dims[2] || pare_shape_elements (&image) < 0)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "it has %" G_GINT64_FORMAT " columns for %" G_GINT64_FORMAT " positions of a block.", x->dims[2],
                       n);
      return FALSE;
    }
  infer->outputs[0] = (PareSpec){ infer->inputs[0].type, image };
  return TRUE;
}

/* Adds row @element of the columns, which is one element of the block at all positions, to a plane. */
static void
add_element (const PareWindow *window, const gint64 *sizes, const gint64 *positions, gint64 element, const float *row,
             gint64 n, float *plane)
{
  gint64 offset[PARE_MAX_RANK];

  for (guint i = window->n; i-- > 0; element /= window->kernel[i])
    offset[i] = element % window->kernel[i] * window->dilations[i] - window->pads_begin[i];
  for (gint64 k = 0; k < n; k++)
    {
      gint64 at = 0, rest = k, stride = 1;
      gboolean inside = TRUE;
      for (guint i = window->n; i-- > 0; rest /= positions[i], stride *= sizes[i])
        {
          gint64 place = rest % positions[i] * window->strides[i] + offset[i];
          inside &= place >= 0 && place < sizes[i];
          at += place * stride;
        }
      if (inside)
        plane[at] += row[k];
    }
}

static gboolean
col2im_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  gint64 block[PARE_MAX_RANK], positions[PARE_MAX_RANK], n, volume,
      size = pare_shape_span (&y->shape, 2, y->shape.rank);
  PareShape one;
  PareWindow window;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, col2im_forward, error);
  pare_convert (kernel->inputs[2].type, kernel->inputs[2].data, PARE_INT64, block, y->shape.rank - 2);
  if (!count_positions (kernel->node, &y->shape, block, &window, positions, &n, error))
    return FALSE;
  one = pare_shape (window.n, block);
  volume = pare_shape_elements (&one);
  memset (y->data, 0, pare_view_elements (y) * sizeof (float));
  for (gint64 row = 0; row < x->shape.dims[0] * x->shape.dims[1]; row++)
    add_element (&window, y->shape.dims + 2, positions, row % volume, (const float *)x->data + row * n, n,
                 (float *)y->data + row / volume * size);
  return TRUE;
}

PARE_OPERATORS (col2im) = {
  { .name = "Col2Im", .since = 18, .infer = col2im_infer, .forward = col2im_forward },
  { NULL },
};
