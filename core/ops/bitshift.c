/* SPDX-License-Identifier: LGPL-2.1-or-later
 * BitShift: unsigned integers shifted left or right; by their width or more, nothing is left. */
#include "ops/infer.h"
#include "ops/rows.h"
#include <string.h>

static const PareDataType unsigned_types[] = { PARE_UINT8, PARE_UINT16, PARE_UINT32, PARE_UINT64, 0 };

static gboolean
bitshift_infer (PareInfer *infer, GError **error)
{
  g_autofree char *direction = pare_node_get_string (infer->node, "direction");

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, unsigned_types, error)
      || !pare_infer_require (infer, 1, unsigned_types, error) || !pare_infer_require_one_type (infer, 1, error))
    return FALSE;
  if (!direction || (strcmp (direction, "LEFT") && strcmp (direction, "RIGHT")))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its direction is neither LEFT nor RIGHT.");
      return FALSE;
    }
  infer->outputs[0].type = infer->inputs[0].type;
  return pare_infer_broadcast (infer, 0, &infer->outputs[0].shape, error);
}

#define SHIFT_ROWS(type, bits)                                                                                         \
  PARE_ROW (, left_##type, type, type, z >= bits ? 0 : (type)(x << z))                                                 \
  PARE_ROW (, right_##type, type, type, z >= bits ? 0 : x >> z)
SHIFT_ROWS (guint8, 8)
SHIFT_ROWS (guint16, 16)
SHIFT_ROWS (guint32, 32)
SHIFT_ROWS (guint64, 64)

static gboolean
bitshift_forward (const PareKernel *kernel, GError **error)
{
  g_autofree char *direction = pare_node_get_string (kernel->node, "direction");
  static const PareRow rows[2][PARE_DATA_TYPES] = {
    { [PARE_UINT8] = right_guint8,
      [PARE_UINT16] = right_guint16,
      [PARE_UINT32] = right_guint32,
      [PARE_UINT64] = right_guint64 },
    { [PARE_UINT8] = left_guint8,
      [PARE_UINT16] = left_guint16,
      [PARE_UINT32] = left_guint32,
      [PARE_UINT64] = left_guint64 },
  };

  pare_broadcast (2, kernel->inputs, &kernel->outputs[0], rows[!strcmp (direction, "LEFT")][kernel->inputs[0].type]);
  return TRUE;
}

PARE_OPERATORS (bitshift) = {
  { .name = "BitShift", .since = 11, .infer = bitshift_infer, .forward = bitshift_forward },
  { NULL },
};
