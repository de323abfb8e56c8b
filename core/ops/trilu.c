/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Trilu: the upper or lower triangle of the matrices in the last two axes, the rest 0. EyeLike: ones on a diagonal. */
#include "ops/infer.h"
#include <string.h>

static gboolean
trilu_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 1, 2, error) || !pare_infer_require (infer, 0, pare_types_plain, error))
    return FALSE;
  if (infer->inputs[0].shape.rank < 2
      || (pare_infer_has (infer, 1)
          && (infer->inputs[1].type != PARE_INT64 || pare_shape_elements (&infer->inputs[1].shape) != 1)))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "it takes matrices and one int64 as the diagonal.");
      return FALSE;
    }
  return pare_infer_same (infer, error);
}

static gboolean
trilu_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  gboolean upper = pare_node_get_int (kernel->node, "upper", 1);
  gint64 k = pare_kernel_has (kernel, 1) ? *(gint64 *)kernel->inputs[1].data : 0;
  gint64 columns = x->shape.dims[x->shape.rank - 1], rows = x->shape.dims[x->shape.rank - 2];
  gsize size = pare_data_type_bits (x->type) / 8;

  pare_forward_copy (kernel, error);
  k = CLAMP (k, -rows, columns);
  for (gint64 i = 0; i < pare_view_elements (x); i++)
    {
      gint64 column = i % columns, diagonal = i / columns % rows + k;
      if (upper ? column < diagonal : column > diagonal)
        memset ((guint8 *)kernel->outputs[0].data + i * size, 0, size);
    }
  return TRUE;
}

static gboolean
eye_infer (PareInfer *infer, GError **error)
{
  gint64 type;

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_require_rank (infer, 0, 2, error))
    return FALSE;
  type = pare_node_get_int (infer->node, "dtype", infer->inputs[0].type);
  for (const PareDataType *known = pare_types_plain; *known; known++)
    if (*known == type)
      {
        infer->outputs[0] = (PareSpec){ *known, infer->inputs[0].shape };
        return TRUE;
      }
  pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node, "its dtype cannot be executed here.");
  return FALSE;
}

static gboolean
eye_forward (const PareKernel *kernel, GError **error)
{
  const PareView *y = &kernel->outputs[0];
  gint64 rows = y->shape.dims[0], columns = y->shape.dims[1];
  gint64 k = CLAMP (pare_node_get_int (kernel->node, "k", 0), -rows, columns);
  gsize size = pare_data_type_bits (y->type) / 8;
  const guint8 one = 1;

  memset (y->data, 0, pare_data_size (y->type, pare_view_elements (y)));
  for (gint64 row = 0; row < rows; row++)
    if (row + k >= 0 && row + k < columns)
      pare_convert (PARE_UINT8, &one, y->type, (guint8 *)y->data + (row * columns + row + k) * size, 1);
  return TRUE;
}

PARE_OPERATORS (trilu) = {
  { .name = "Trilu", .since = 14, .infer = trilu_infer, .forward = trilu_forward },
  { .name = "EyeLike", .since = 9, .infer = eye_infer, .forward = eye_forward },
  { NULL },
};
