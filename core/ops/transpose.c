/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Transpose: any permutation of the axes; without one they are reversed. */
#include "ops/infer.h"
#include "ops/strided.h"
#include "sparsify/channels.h"
#include "train/gradient.h"

static gboolean
transpose_infer (PareInfer *infer, GError **error)
{
  const gint64 *permutation;
  gboolean marks[PARE_MAX_RANK];
  const PareShape *from;
  PareShape *to = &infer->outputs[0].shape;
  guint n;

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_stored, error))
    return FALSE;
  from = &infer->inputs[0].shape;
  permutation = pare_node_get_ints (infer->node, "perm", &n);
  if (permutation && n != from->rank)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "it permutes %u axes, but the input has %u.", n,
                       from->rank);
      return FALSE;
    }
  if (!pare_infer_axes (infer, permutation, n, from->rank, marks, error))
    return FALSE;
  infer->outputs[0].type = infer->inputs[0].type;
  to->rank = from->rank;
  for (guint i = 0; i < from->rank; i++)
    to->dims[i] = from->dims[!permutation         ? from->rank - 1 - i
                             : permutation[i] < 0 ? permutation[i] + from->rank
                                                  : permutation[i]];
  return TRUE;
}

static gboolean
transpose_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  PareBox box = { .size = pare_data_type_bits (x->type) / 8 };
  gint64 strides[PARE_MAX_RANK];
  guint n;
  const gint64 *permutation = pare_node_get_ints (kernel->node, "perm", &n);

  if (pare_kernel_is_packed (kernel))
    return pare_forward_unpacked (kernel, transpose_forward, error);
  pare_shape_strides (&x->shape, strides);
  for (guint i = 0; i < y->shape.rank; i++)
    {
      gint64 axis = permutation ? permutation[i] : (gint64)(x->shape.rank - 1 - i);
      pare_box_add (&box, y->shape.dims[i], strides[axis < 0 ? axis + x->shape.rank : axis], 0);
    }
  pare_box_pack_target (&box);
  pare_box_copy (&box, x->data, y->data);
  return TRUE;
}

static gboolean
transpose_view (const PareInfer *infer, guint output, const PareStrided *input, PareStrided *strided)
{
  guint rank = input->shape.rank, n;
  const gint64 *permutation = pare_node_get_ints (infer->node, "perm", &n);

  strided->offset = input->offset;
  for (guint i = 0; i < rank; i++)
    {
      gint64 axis = permutation ? permutation[i] : (gint64)(rank - 1 - i);
      strided->strides[i] = input->strides[axis < 0 ? axis + rank : axis];
    }
  return TRUE;
}

static gboolean
transpose_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *dy = pare_gradient_of_output (gradient, 0);
  gint64 inverse[PARE_MAX_RANK];
  guint n;
  const gint64 *permutation = pare_node_get_ints (node, "perm", &n);
  PareAttribute *attribute = NULL;

  for (guint i = 0; i < MIN (n, PARE_MAX_RANK); i++)
    inverse[permutation[i] < 0 ? permutation[i] + n : permutation[i]] = i;
  if (permutation)
    attribute = pare_attribute_new_ints ("perm", n, inverse);
  pare_gradient_add (gradient, 0, pare_gradient_node (gradient, "", "Transpose", 1, &dy, attribute, NULL));
  return TRUE;
}

static void
transpose_channels (PareChannelWalk *channels)
{
  const PareInfer *infer = pare_channels_infer (channels);
  guint rank = infer->inputs[0].shape.rank, n;
  const gint64 *permutation = pare_node_get_ints (infer->node, "perm", &n);

  for (guint i = 0; i < rank; i++)
    {
      gint64 axis = permutation ? permutation[i] : (gint64)(rank - 1 - i);
      pare_channels_give (channels, 0, i, pare_channels_along (channels, 0, axis < 0 ? axis + rank : axis));
    }
}

PARE_OPERATORS (transpose) = {
  { .name = "Transpose",
    .infer = transpose_infer,
    .forward = transpose_forward,
    .view = transpose_view,
    .backward = transpose_backward,
    .factors = PARE_FACTORS_MOVE,
    .channels = transpose_channels,
    .quantize = PARE_QUANTIZE_PASS },
  { NULL },
};
