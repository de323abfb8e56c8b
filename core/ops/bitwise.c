/* SPDX-License-Identifier: LGPL-2.1-or-later
 * BitwiseAnd, BitwiseOr, BitwiseXor and BitwiseNot on integers (ONNX operators of these names). */
#include "ops/rows.h"

PARE_INTEGER_ROWS (and, x &z, x &z)
PARE_INTEGER_ROWS (or, x | z, x | z)
PARE_INTEGER_ROWS (xor, x ^ z, x ^ z)
PARE_INTEGER_ROWS (complement, ~x, ~x)

static const PareDataType integers[] = { PARE_TYPES_INTEGER, 0 };

static const struct
{
  const char *name;
  PareRow rows[PARE_DATA_TYPES];
} functions[] = {
  { "BitwiseAnd", { PARE_INTEGER_TABLE (and) } },
  { "BitwiseOr", { PARE_INTEGER_TABLE (or) } },
  { "BitwiseXor", { PARE_INTEGER_TABLE (xor) } },
  { "BitwiseNot", { PARE_INTEGER_TABLE (complement) } },
};

static gboolean
bitwise_infer (PareInfer *infer, GError **error)
{
  guint n = pare_node_is (infer->node, "BitwiseNot") ? 1 : 2;

  if (!pare_infer_counts (infer, n, n, error) || !pare_infer_require (infer, 0, integers, error)
      || !pare_infer_require (infer, n - 1, integers, error) || !pare_infer_require_one_type (infer, 1, error))
    return FALSE;
  infer->outputs[0].type = infer->inputs[0].type;
  return pare_infer_broadcast (infer, 0, &infer->outputs[0].shape, error);
}

static gboolean
bitwise_forward (const PareKernel *kernel, GError **error)
{
  PareView views[] = { kernel->inputs[0], kernel->inputs[kernel->n_inputs - 1] };

  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    if (pare_node_is (kernel->node, functions[i].name))
      pare_broadcast (2, views, &kernel->outputs[0], functions[i].rows[views[0].type]);
  return TRUE;
}

PARE_OPERATORS (bitwise) = {
  { .name = "BitwiseAnd", .since = 18, .infer = bitwise_infer, .forward = bitwise_forward },
  { .name = "BitwiseOr", .since = 18, .infer = bitwise_infer, .forward = bitwise_forward },
  { .name = "BitwiseXor", .since = 18, .infer = bitwise_infer, .forward = bitwise_forward },
  { .name = "BitwiseNot", .since = 18, .infer = bitwise_infer, .forward = bitwise_forward },
  { NULL },
};
