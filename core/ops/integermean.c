/* SPDX-License-Identifier: LGPL-2.1-or-later
 * IntegerMean (x, factor): GlobalAveragePool between quantized values, y = saturate (clip (round (factor / n sum (x -
 * x_zero_point)) + y_zero_point)) over the n positions of a channel, where factor is x's scale over y's. */
#include "ops/infer.h"
#include "ops/integer.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include "train/gradient.h"
#include <math.h>

#define CHANNELS_AT_ONCE 256

typedef struct
{
  gint64 channels, positions, pieces;
  gboolean x_signed;
  gint32 x_zero_point, y_zero_point;
  float factor, low, high;
  const guint8 *x;
  guint8 *y;
} Mean;

static gboolean
integermean_infer (PareInfer *infer, GError **error)
{
  PareDataType type;
  PareShape y;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require (infer, 0, pare_types_byte, error)
      || !pare_infer_require (infer, 1, pare_types_float32, error) || !pare_infer_require_constant (infer, 1, error)
      || !pare_integer_byte_type (infer, &type, error))
    return FALSE;
  y = infer->inputs[0].shape;
  if (y.rank < 3 || !pare_shape_span (&y, 2, y.rank) || pare_shape_elements (&infer->inputs[1].shape) != 1)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "there is nothing to average, or more than one factor.");
      return FALSE;
    }
  for (guint i = 2; i < y.rank; i++)
    y.dims[i] = 1;
  infer->outputs[0] = (PareSpec){ type, y };
  return TRUE;
}

static PARE_VECTOR void
add_unsigned (gint64 n, const guint8 *x, gint32 *sums)
{
  for (gint64 i = 0; i < n; i++)
    sums[i] += x[i];
}

static PARE_VECTOR void
add_signed (gint64 n, const gint8 *x, gint32 *sums)
{
  for (gint64 i = 0; i < n; i++)
    sums[i] += x[i];
}

/* Items are pieces of one sample's channels, which lie side by side. */
static void
average (gint64 from, gint64 to, gconstpointer data)
{
  const Mean *mean = data;
  gint32 sums[CHANNELS_AT_ONCE];
  float factor = mean->factor / mean->positions;

  for (gint64 item = from; item < to; item++)
    {
      gint64 first = item % mean->pieces * CHANNELS_AT_ONCE, n = MIN (mean->channels - first, CHANNELS_AT_ONCE);
      const guint8 *x = mean->x + item / mean->pieces * mean->positions * mean->channels + first;
      guint8 *y = mean->y + item / mean->pieces * mean->channels + first;
      for (gint64 c = 0; c < n; c++)
        sums[c] = -mean->x_zero_point * mean->positions;
      for (gint64 p = 0; p < mean->positions; p++, x += mean->channels)
        if (mean->x_signed)
          add_signed (n, (const gint8 *)x, sums);
        else
          add_unsigned (n, x, sums);
      for (gint64 c = 0; c < n; c++)
        y[c] = (guint8)(gint32)CLAMP (nearbyintf (sums[c] * factor) + mean->y_zero_point, mean->low, mean->high);
    }
}

static gboolean
run_mean (gpointer state, PareSlot *const *slots, GError **error)
{
  Mean *mean = state;

  mean->x = slots[0]->data;
  mean->y = slots[1]->data;
  pare_parallel (slots[0]->spec.shape.dims[0] * mean->pieces,
                 MAX (PARE_GRAIN / (mean->positions * CHANNELS_AT_ONCE), 1), average, mean);
  return TRUE;
}

static gboolean
integermean_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  const PareShape *x = &infer->inputs[0].shape;
  g_autoptr (PareLayout) x_layout = pare_layout_new_channels_last (&infer->inputs[0]);
  g_autoptr (PareLayout) y_layout = pare_layout_new_channels_last (&infer->outputs[0]);
  gint64 lowest, highest;
  PareSlot *slots[2];
  Mean *mean;

  if (pare_shape_span (x, 2, x->rank) > G_MAXINT32 / 256)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node, "32 bits do not hold sums over so many places.");
      return FALSE;
    }
  if (!(slots[0] = pare_compile_input (compile, 0, x_layout, error))
      || !(slots[1] = pare_compile_output (compile, 0, y_layout, error)))
    return FALSE;
  pare_data_type_limits (infer->outputs[0].type, &lowest, &highest);
  mean = g_new0 (Mean, 1);
  mean->channels = x->dims[1];
  mean->positions = pare_shape_span (x, 2, x->rank);
  mean->pieces = (mean->channels + CHANNELS_AT_ONCE - 1) / CHANNELS_AT_ONCE;
  mean->x_signed = infer->inputs[0].type == PARE_INT8;
  mean->x_zero_point = pare_node_get_int (infer->node, "x_zero_point", 0);
  mean->y_zero_point = pare_node_get_int (infer->node, "y_zero_point", 0);
  mean->factor = *(const float *)pare_tensor_data (infer->constants[1]);
  mean->low = pare_node_get_int (infer->node, "lowest", lowest);
  mean->high = pare_node_get_int (infer->node, "highest", highest);
  pare_compile_step (compile, run_mean, mean, g_free, 2, slots);
  return TRUE;
}

PARE_OPERATORS (integermean) = {
  { .name = "IntegerMean", .domain = PARE_DOMAIN, .infer = integermean_infer, .compile = integermean_compile },
  { NULL },
};
