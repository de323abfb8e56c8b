/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Identity, and Dropout as it is outside training: the data passes unchanged, and nothing is masked out. */
#include "ops/infer.h"
#include <string.h>

static gboolean
identity_infer (PareInfer *infer, GError **error)
{
  return pare_infer_counts (infer, 1, 1, error) && pare_infer_require (infer, 0, pare_types_plain, error)
         && pare_infer_same (infer, error);
}

static gboolean
dropout_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 1, 3, error) || !pare_infer_require (infer, 0, pare_types_float, error)
      || !pare_infer_same (infer, error))
    return FALSE;
  if (pare_infer_has (infer, 2) && !pare_infer_require_constant (infer, 2, error))
    return FALSE;
  if (pare_infer_has (infer, 2)
      && (pare_tensor_elements (infer->constants[2]) != 1 || pare_tensor_get_int (infer->constants[2], 0)))
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node,
                       "it is in training mode: export the model for inference.");
      return FALSE;
    }
  /* Before opset 10 the mask had the data's type. */
  if (pare_infer_wants (infer, 1))
    infer->outputs[1] = (PareSpec){ infer->opset < 10 ? infer->inputs[0].type : PARE_BOOL, infer->inputs[0].shape };
  return TRUE;
}

static gboolean
dropout_forward (const PareKernel *kernel, GError **error)
{
  static const guint8 kept = TRUE;

  if (pare_kernel_wants (kernel, 1))
    {
      const PareView *mask = &kernel->outputs[1];
      gsize size = pare_data_type_bits (mask->type) / 8;
      for (gint64 i = 0; i < pare_view_elements (mask); i++)
        pare_convert (PARE_BOOL, &kept, mask->type, (guint8 *)mask->data + i * size, 1);
    }
  return pare_forward_copy (kernel, error);
}

PARE_OPERATORS (identity) = {
  { .name = "Identity",
    .infer = identity_infer,
    .forward = pare_forward_copy,
    .alias = TRUE,
    .quantize = PARE_QUANTIZE_PASS },
  { .name = "Dropout", .infer = dropout_infer, .forward = dropout_forward, .quantize = PARE_QUANTIZE_PASS },
  { NULL },
};
