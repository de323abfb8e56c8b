/* SPDX-License-Identifier: LGPL-2.1-or-later
 * IntegerTable (x, table): y = table[x] for every 8-bit integer of x, where the table's 256 entries are ordered by the
 * bits of x. Any function of one number between DequantizeLinear and QuantizeLinear is such a table. */
#include "ops/infer.h"
#include "ops/integer.h"
#include "ops/parallel.h"
#include "train/gradient.h"
#include <string.h>

typedef struct
{
  gint64 n;
  guint8 table[256];
  const guint8 *x;
  guint8 *y;
} Lookup;

static gboolean
integertable_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_byte, error)
      || !pare_infer_require (infer, 1, pare_types_byte, error) || !pare_infer_require_constant (infer, 1, error))
    return FALSE;
  if (pare_shape_elements (&infer->inputs[1].shape) != 256)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its table has not 256 entries.");
      return FALSE;
    }
  infer->outputs[0] = (PareSpec){ infer->inputs[1].type, infer->inputs[0].shape };
  return TRUE;
}

static void
look_up (gint64 from, gint64 to, gconstpointer data)
{
  const Lookup *lookup = data;

  for (gint64 i = from; i < to; i++)
    lookup->y[i] = lookup->table[lookup->x[i]];
}

static gboolean
run_lookup (gpointer state, PareSlot *const *slots, GError **error)
{
  Lookup *lookup = state;

  lookup->x = slots[0]->data;
  lookup->y = slots[1]->data;
  pare_parallel (lookup->n, PARE_GRAIN, look_up, lookup);
  return TRUE;
}

static gboolean
integertable_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  Lookup *lookup = g_new0 (Lookup, 1);
  g_autoptr (PareLayout) layout = NULL;
  PareSlot *slots[2] = { pare_compile_input_as_is (compile, 0) };

  layout = pare_layout_with_type (slots[0]->layout, infer->outputs[0].type);
  lookup->n = slots[0]->size;
  memcpy (lookup->table, pare_tensor_data (infer->constants[1]), 256);
  slots[1] = pare_compile_output (compile, 0, layout, error);
  pare_compile_step (compile, run_lookup, lookup, g_free, 2, slots);
  return slots[1] != NULL;
}

PARE_OPERATORS (integertable) = {
  { .name = "IntegerTable", .domain = PARE_DOMAIN, .infer = integertable_infer, .compile = integertable_compile },
  { NULL },
};
