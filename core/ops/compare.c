/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Comparisons: Equal, Less, LessOrEqual, Greater, GreaterOrEqual, with NumPy broadcasting; the result is bool. */
#include "ops/rows.h"
#include "ops/stringpairs.h"

PARE_TRUTH_ROWS (equal, x == z)
PARE_TRUTH_ROWS (less, x < z)
PARE_TRUTH_ROWS (less_equal, x <= z)
PARE_TRUTH_ROWS (greater, x > z)
PARE_TRUTH_ROWS (greater_equal, x >= z)

static const struct
{
  const char *name;
  PareRow rows[PARE_DATA_TYPES];
} functions[] = {
  { "Equal", { PARE_NUMBER_TABLE (equal), [PARE_BOOL] = equal_u8 } },
  { "Less", { PARE_NUMBER_TABLE (less) } },
  { "LessOrEqual", { PARE_NUMBER_TABLE (less_equal) } },
  { "Greater", { PARE_NUMBER_TABLE (greater) } },
  { "GreaterOrEqual", { PARE_NUMBER_TABLE (greater_equal) } },
};

static gboolean
compare_infer (PareInfer *infer, GError **error)
{
  const PareDataType *types = pare_node_is (infer->node, "Equal") ? pare_types_plain : pare_types_number;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, types, error)
      || !pare_infer_require (infer, 1, types, error))
    return FALSE;
  if (infer->inputs[0].type != infer->inputs[1].type)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its inputs have different types, %s and %s.",
                       pare_data_type_name (infer->inputs[0].type), pare_data_type_name (infer->inputs[1].type));
      return FALSE;
    }
  infer->outputs[0].type = PARE_BOOL;
  return pare_infer_broadcast (infer, 0, &infer->outputs[0].shape, error);
}

static gboolean
compare_forward (const PareKernel *kernel, GError **error)
{
  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, compare_forward, error);
  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    if (pare_node_is (kernel->node, functions[i].name))
      pare_broadcast (2, kernel->inputs, &kernel->outputs[0], functions[i].rows[kernel->inputs[0].type]);
  return TRUE;
}

static void
equal_strings (GBytes *a, GBytes *b, gint64 at, gpointer result)
{
  ((guint8 *)result)[at] = g_bytes_equal (a, b);
}

/* Strings, since version 19. */
static gboolean
equal_run (const PareRun *run, GError **error)
{
  g_autofree guint8 *results = NULL;
  PareShape shape;

  if (!pare_string_pairs_check (run, &shape, error))
    return FALSE;
  results = g_new (guint8, MAX (pare_shape_elements (&shape), 1));
  pare_string_pairs (run, &shape, equal_strings, results);
  run->outputs[0] = pare_tensor_new_copy (PARE_BOOL, &shape, results);
  return TRUE;
}

PARE_OPERATORS (compare) = {
  { .name = "Equal", .infer = compare_infer, .forward = compare_forward, .run = equal_run },
  { .name = "Less", .infer = compare_infer, .forward = compare_forward },
  { .name = "LessOrEqual", .infer = compare_infer, .forward = compare_forward },
  { .name = "Greater", .infer = compare_infer, .forward = compare_forward },
  { .name = "GreaterOrEqual", .infer = compare_infer, .forward = compare_forward },
  { NULL },
};
