/* SPDX-License-Identifier: LGPL-2.1-or-later
 * IntegerAdd (a, b, factors): Add between quantized values of one shape, y = saturate (clip (round (factors[0] a +
 * factors[1] b + factors[2]))), where the factors hold scales and zero points of all three. */
#include "ops/infer.h"
#include "ops/integer.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include "train/gradient.h"
#include <math.h>
#include <string.h>

typedef struct
{
  gint64 n;
  float factors[5]; /* of a, of b, added; then the limits */
  void (*row) (gint64 n, gconstpointer a, gconstpointer b, gpointer y, const float *f);
  const guint8 *a, *b;
  guint8 *y;
} Sum;

/* One build per signedness of a, b and y. Rounded once each: so does ONNX Runtime, and ties come out the same. */
#define SUM(name, a_type, b_type, y_type)                                                                              \
  static PARE_VECTOR void name (gint64 n, gconstpointer a_data, gconstpointer b_data, gpointer y_data, const float *f) \
  {                                                                                                                    \
    const a_type *a = a_data;                                                                                          \
    const b_type *b = b_data;                                                                                          \
    y_type *y = y_data;                                                                                                \
    const float a_factor = f[0], b_factor = f[1], offset = f[2], low = f[3], high = f[4];                              \
    PARE_INDEPENDENT for (gint64 i = 0; i < n; i++)                                                                    \
    {                                                                                                                  \
      float value = fmaf (a[i], a_factor, fmaf (b[i], b_factor, offset));                                              \
      value = value > low ? value : low;                                                                               \
      value = value < high ? value : high;                                                                             \
      y[i] = (y_type)(gint32)pare_round_small (value);                                                                 \
    }                                                                                                                  \
  }
SUM (sum_uuu, guint8, guint8, guint8)
SUM (sum_uus, guint8, guint8, gint8)
SUM (sum_usu, guint8, gint8, guint8)
SUM (sum_uss, guint8, gint8, gint8)
SUM (sum_suu, gint8, guint8, guint8)
SUM (sum_sus, gint8, guint8, gint8)
SUM (sum_ssu, gint8, gint8, guint8)
SUM (sum_sss, gint8, gint8, gint8)

/* By whether a, b and y are signed. */
static void (*const rows[2][2][2]) (gint64, gconstpointer, gconstpointer, gpointer, const float *)
    = { { { sum_uuu, sum_uus }, { sum_usu, sum_uss } }, { { sum_suu, sum_sus }, { sum_ssu, sum_sss } } };

static gboolean
integeradd_infer (PareInfer *infer, GError **error)
{
  PareDataType type;

  if (!pare_infer_counts (infer, 3, 3, error) || !pare_infer_require (infer, 0, pare_types_byte, error)
      || !pare_infer_require (infer, 1, pare_types_byte, error)
      || !pare_infer_require (infer, 2, pare_types_float32, error) || !pare_infer_require_constant (infer, 2, error)
      || !pare_integer_byte_type (infer, &type, error))
    return FALSE;
  if (pare_shape_elements (&infer->inputs[2].shape) != 3)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "it needs three factors.");
      return FALSE;
    }
  infer->outputs[0].type = type;
  if (pare_shape_broadcast (&infer->inputs[0].shape, &infer->inputs[1].shape, &infer->outputs[0].shape))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its operands do not fit each other.");
  return FALSE;
}

static void
add_piece (gint64 from, gint64 to, gconstpointer data)
{
  const Sum *sum = data;

  sum->row (to - from, sum->a + from, sum->b + from, sum->y + from, sum->factors);
}

static gboolean
run_add (gpointer state, PareSlot *const *slots, GError **error)
{
  Sum *sum = state;

  sum->a = slots[0]->data;
  sum->b = slots[1]->data;
  sum->y = slots[2]->data;
  pare_parallel (sum->n, PARE_GRAIN, add_piece, sum);
  return TRUE;
}

static void
sum_init (Sum *sum, const PareNode *node, const PareDataType types[3], const float *factors)
{
  gint64 lowest, highest;

  pare_data_type_limits (types[2], &lowest, &highest);
  memcpy (sum->factors, factors, 3 * sizeof *factors);
  sum->factors[3] = pare_node_get_int (node, "lowest", lowest);
  sum->factors[4] = pare_node_get_int (node, "highest", highest);
  sum->row = rows[types[0] == PARE_INT8][types[1] == PARE_INT8][types[2] == PARE_INT8];
}

/* Operands of different shapes: one element at a time. */
static gboolean
integeradd_forward (const PareKernel *kernel, GError **error)
{
  const PareView *y = &kernel->outputs[0];
  gint64 offsets[2], n = pare_view_elements (y);
  Sum sum;

  sum_init (&sum, kernel->node, (PareDataType[]){ kernel->inputs[0].type, kernel->inputs[1].type, y->type },
            kernel->inputs[2].data);
  for (gint64 i = 0; i < n; i++)
    {
      for (guint side = 0; side < 2; side++)
        {
          const PareShape *x = &kernel->inputs[side].shape;
          gint64 rest = i, step = 1;
          offsets[side] = 0;
          for (guint axis = y->shape.rank, at = x->rank; at-- > 0; step *= x->dims[at])
            {
              axis--;
              offsets[side] += x->dims[at] == 1 ? 0 : rest % y->shape.dims[axis] * step;
              rest /= y->shape.dims[axis];
            }
        }
      sum.row (1, (const guint8 *)kernel->inputs[0].data + offsets[0],
               (const guint8 *)kernel->inputs[1].data + offsets[1], (guint8 *)y->data + i, sum.factors);
    }
  return TRUE;
}

static gboolean
integeradd_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  g_autoptr (PareLayout) a_layout = NULL, b_layout = NULL, y_layout = NULL;
  PareSlot *slots[3];
  Sum *sum;

  if (!pare_shape_equal (&infer->inputs[0].shape, &infer->inputs[1].shape))
    return pare_compile_forward (compile, error);
  slots[0] = pare_compile_input_as_is (compile, 0);
  /* What fills up a layout would not stay zero. */
  a_layout = pare_layout_is_dense (slots[0]->layout) ? pare_layout_copy (slots[0]->layout)
                                                     : pare_layout_new_plain (&infer->inputs[0]);
  b_layout = pare_layout_with_type (a_layout, infer->inputs[1].type);
  y_layout = pare_layout_with_type (a_layout, infer->outputs[0].type);
  if (!(slots[0] = pare_compile_input (compile, 0, a_layout, error))
      || !(slots[1] = pare_compile_input (compile, 1, b_layout, error)))
    return FALSE;
  slots[2] = infer->inputs[0].type == infer->outputs[0].type ? pare_compile_output_over (compile, 0, slots[0])
                                                             : pare_compile_output (compile, 0, y_layout, error);
  sum = g_new0 (Sum, 1);
  sum->n = pare_shape_elements (&infer->outputs[0].shape);
  sum_init (sum, infer->node, (PareDataType[]){ infer->inputs[0].type, infer->inputs[1].type, infer->outputs[0].type },
            pare_tensor_data (infer->constants[2]));
  pare_compile_step (compile, run_add, sum, g_free, 3, slots);
  return TRUE;
}

PARE_OPERATORS (integeradd) = {
  { .name = "IntegerAdd",
    .domain = PARE_DOMAIN,
    .infer = integeradd_infer,
    .forward = integeradd_forward,
    .compile = integeradd_compile },
  { NULL },
};
