/* SPDX-License-Identifier: LGPL-2.1-or-later
 * ReverseSequence: of each item of a batch, the first so many steps in reverse order. */
#include "ops/infer.h"
#include <string.h>

static const PareDataType length_types[] = { PARE_INT64, 0 };

/* Batch and time are the first two axes, in either order. */
static gboolean
reversesequence_infer (PareInfer *infer, GError **error)
{
  gint64 batch = pare_node_get_int (infer->node, "batch_axis", 1),
         time = pare_node_get_int (infer->node, "time_axis", 0);

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_require (infer, 1, length_types, error) || !pare_infer_require_rank (infer, 1, 1, error))
    return FALSE;
  if (infer->inputs[0].shape.rank < 2 || (batch != 0 && batch != 1) || time != 1 - batch
      || infer->inputs[1].shape.dims[0] != infer->inputs[0].shape.dims[batch])
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its axes or lengths do not fit its input.");
      return FALSE;
    }
  return pare_infer_same (infer, error);
}

static gboolean
reversesequence_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  gboolean batch_first = pare_node_get_int (kernel->node, "batch_axis", 1) == 0;
  gint64 batch = x->shape.dims[!batch_first], steps = x->shape.dims[batch_first];
  gsize size = pare_data_size (x->type, pare_shape_span (&x->shape, 2, x->shape.rank));
  const gint64 *lengths = kernel->inputs[1].data;

  for (gint64 b = 0; b < batch; b++)
    {
      gint64 n = lengths[b];
      if (n < 0 || n > steps)
        {
          pare_node_error (error, PARE_ERROR_FORMAT, kernel->node,
                           "length %" G_GINT64_FORMAT " is not one of a sequence.", n);
          return FALSE;
        }
      for (gint64 t = 0; t < steps; t++)
        {
          gint64 from = t < n ? n - 1 - t : t;
          memcpy ((guint8 *)kernel->outputs[0].data + (batch_first ? b * steps + t : t * batch + b) * size,
                  (const guint8 *)x->data + (batch_first ? b * steps + from : from * batch + b) * size, size);
        }
    }
  return TRUE;
}

PARE_OPERATORS (reversesequence) = {
  { .name = "ReverseSequence", .since = 10, .infer = reversesequence_infer, .forward = reversesequence_forward },
  { NULL },
};
