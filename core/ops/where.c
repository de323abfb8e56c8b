/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Where: elements of X where the condition holds, else of Y, with NumPy broadcasting of all three. */
#include "ops/broadcast.h"
#include "sparsify/channels.h"
#include "train/gradient.h"

#define ROW(type)                                                                                                      \
  static void where_##type (gint64 n, const gconstpointer *inputs, const gint64 *steps, gpointer output)               \
  {                                                                                                                    \
    const guint8 *condition = inputs[0];                                                                               \
    const type *x = inputs[1], *z = inputs[2];                                                                         \
    type *y = output;                                                                                                  \
    for (gint64 i = 0; i < n; i++)                                                                                     \
      y[i] = condition[i * steps[0]] ? x[i * steps[1]] : z[i * steps[2]];                                              \
  }
ROW (guint8)
ROW (guint16)
ROW (guint32)
ROW (guint64)

static const PareRow by_size[] = { [1] = where_guint8, [2] = where_guint16, [4] = where_guint32, [8] = where_guint64 };

static gboolean
where_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 3, 3, error) || !pare_infer_require (infer, 0, pare_types_bool, error)
      || !pare_infer_require (infer, 1, pare_types_plain, error)
      || !pare_infer_require (infer, 2, pare_types_plain, error))
    return FALSE;
  if (infer->inputs[1].type != infer->inputs[2].type)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its two data inputs have different types.");
      return FALSE;
    }
  infer->outputs[0].type = infer->inputs[1].type;
  return pare_infer_broadcast (infer, 0, &infer->outputs[0].shape, error);
}

static gboolean
where_forward (const PareKernel *kernel, GError **error)
{
  pare_broadcast (3, kernel->inputs, &kernel->outputs[0], by_size[pare_data_type_bits (kernel->outputs[0].type) / 8]);
  return TRUE;
}

static gboolean
where_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *dy = pare_gradient_of_output (gradient, 0), *zero = pare_gradient_scalar (gradient, 0);

  for (guint i = 1; i <= 2; i++)
    if (pare_gradient_wanted (gradient, i))
      {
        PareValue *inputs[] = { pare_node_input (node, 0), i == 1 ? dy : zero, i == 1 ? zero : dy };
        pare_gradient_add_reduced (gradient, i, pare_gradient_node (gradient, "", "Where", 3, inputs, NULL));
      }
  return TRUE;
}

PARE_OPERATORS (where) = {
  { .name = "Where",
    .infer = where_infer,
    .forward = where_forward,
    .backward = where_backward,
    .channels = pare_channels_join },
  { NULL },
};
