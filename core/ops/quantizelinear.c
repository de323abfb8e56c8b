/* SPDX-License-Identifier: LGPL-2.1-or-later
 * QuantizeLinear y = saturate (round (x / scale) + zero point) and DequantizeLinear y = (x - zero point) scale, per
 * tensor or per slice along an axis; rounding is half to even. Every simulated network runs them on all its values. */
#include "exec/compile.h"
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/vector.h"

static const PareDataType quantized_types[] = { PARE_UINT8, PARE_INT8, PARE_UINT16, PARE_INT16, 0 };
static const PareDataType dequantized_types[] = { PARE_UINT8, PARE_INT8, PARE_UINT16, PARE_INT16, PARE_INT32, 0 };
static const PareDataType data_types[] = { PARE_FLOAT32, PARE_TYPES_HALF, PARE_INT32, 0 };

/* Slices [outer, channels, inner], with one scale and zero point per channel. */
typedef struct
{
  gint64 channels, inner;
  const float *scales;
  const gint32 *zero_points;
  const guint8 *x;
  guint8 *y;
  gsize x_size, y_size;
  void (*row) (gint64 n, gconstpointer x, gpointer y, float scale, gint32 zero_point);
} Job;

/* Clamping before rounding gives the same result, since the limits are whole, and keeps the rounding within its range.
 * A NaN becomes the lowest value. */
#define QUANTIZE(type, lowest, highest)                                                                                \
  static PARE_VECTOR void quantize_##type (gint64 n, gconstpointer input, gpointer output, float scale, gint32 zero)   \
  {                                                                                                                    \
    const float *restrict x = input;                                                                                   \
    type *restrict y = output;                                                                                         \
    const float low = (lowest)-zero, high = (highest)-zero;                                                            \
    for (gint64 i = 0; i < n; i++)                                                                                     \
      {                                                                                                                \
        float value = x[i] / scale;                                                                                    \
        value = value > low ? value : low;                                                                             \
        value = value < high ? value : high;                                                                           \
        y[i] = (type)((gint32)pare_round_small (value) + zero);                                                        \
      }                                                                                                                \
  }
QUANTIZE (guint8, 0, G_MAXUINT8)
QUANTIZE (gint8, G_MININT8, G_MAXINT8)
QUANTIZE (guint16, 0, G_MAXUINT16)
QUANTIZE (gint16, G_MININT16, G_MAXINT16)

#define DEQUANTIZE(type)                                                                                               \
  static PARE_VECTOR void dequantize_##type (gint64 n, gconstpointer input, gpointer output, float scale, gint32 zero) \
  {                                                                                                                    \
    const type *restrict x = input;                                                                                    \
    float *restrict y = output;                                                                                        \
    for (gint64 i = 0; i < n; i++)                                                                                     \
      y[i] = (float)((gint32)x[i] - zero) * scale;                                                                     \
  }
DEQUANTIZE (guint8)
DEQUANTIZE (gint8)
DEQUANTIZE (guint16)
DEQUANTIZE (gint16)

/* An int32 has no zero point (the specification wants 0): nothing can overflow. */
static PARE_VECTOR void
dequantize_gint32 (gint64 n, gconstpointer input, gpointer output, float scale, gint32 zero)
{
  const gint32 *restrict x = input;
  float *restrict y = output;

  for (gint64 i = 0; i < n; i++)
    y[i] = (float)x[i] * scale;
}

typedef void (*Row) (gint64 n, gconstpointer x, gpointer y, float scale, gint32 zero_point);
static const Row quantize_rows[PARE_DATA_TYPES] = {
  [PARE_UINT8] = quantize_guint8,
  [PARE_INT8] = quantize_gint8,
  [PARE_UINT16] = quantize_guint16,
  [PARE_INT16] = quantize_gint16,
};
static const Row dequantize_rows[PARE_DATA_TYPES] = {
  [PARE_UINT8] = dequantize_guint8, [PARE_INT8] = dequantize_gint8,   [PARE_UINT16] = dequantize_guint16,
  [PARE_INT16] = dequantize_gint16, [PARE_INT32] = dequantize_gint32,
};

/* A scale that is one number is for the whole tensor; a list is for slices along the axis. */
static gboolean
check_parameters (const PareInfer *infer, GError **error)
{
  const PareShape *x = &infer->inputs[0].shape, *scale = &infer->inputs[1].shape;
  guint axis;

  if (pare_node_get_int (infer->node, "block_size", 0) || scale->rank > 1)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node, "scales per block cannot be executed here.");
      return FALSE;
    }
  if (pare_infer_has (infer, 2) && pare_shape_elements (&infer->inputs[2].shape) != pare_shape_elements (scale))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "it has not as many zero points as scales.");
      return FALSE;
    }
  if (pare_shape_elements (scale) == 1)
    return TRUE;
  if (!pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", 1), x->rank, &axis, error))
    return FALSE;
  if (x->dims[axis] == scale->dims[0])
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "there are %" G_GINT64_FORMAT " scales for axis %u of size %" G_GINT64_FORMAT ".", scale->dims[0],
                   axis, x->dims[axis]);
  return FALSE;
}

static gboolean
quantize_infer (PareInfer *infer, GError **error)
{
  gint64 wanted = pare_node_get_int (infer->node, "output_dtype", 0);
  PareDataType type = PARE_UINT8;

  if (!pare_infer_counts (infer, 2, 3, error) || !pare_infer_require (infer, 0, data_types, error)
      || !pare_infer_require (infer, 1, pare_types_widened, error)
      || (pare_infer_has (infer, 2) && !pare_infer_require (infer, 2, quantized_types, error))
      || !check_parameters (infer, error))
    return FALSE;
  if (pare_infer_has (infer, 2))
    type = infer->inputs[2].type;
  else if (wanted > 0 && wanted < PARE_DATA_TYPES)
    type = wanted;
  if (!quantize_rows[type])
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node, "quantizing to %s is not possible here.",
                       pare_data_type_name (type));
      return FALSE;
    }
  infer->outputs[0] = (PareSpec){ type, infer->inputs[0].shape };
  return TRUE;
}

static gboolean
dequantize_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 2, 3, error) || !pare_infer_require (infer, 0, dequantized_types, error)
      || !pare_infer_require (infer, 1, pare_types_widened, error)
      || (pare_infer_has (infer, 2) && !pare_infer_require (infer, 2, dequantized_types, error))
      || !check_parameters (infer, error))
    return FALSE;
  if (pare_infer_has (infer, 2) && infer->inputs[2].type != infer->inputs[0].type)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the zero point has not the type of the data.");
      return FALSE;
    }
  infer->outputs[0] = (PareSpec){ infer->inputs[1].type, infer->inputs[0].shape };
  return TRUE;
}

/* Pieces of one row. */
static void
run_piece (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  job->row (to - from, job->x + from * job->x_size, job->y + from * job->y_size, job->scales[0], job->zero_points[0]);
}

static void
run_slices (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 i = from; i < to; i++)
    job->row (job->inner, job->x + i * job->inner * job->x_size, job->y + i * job->inner * job->y_size,
              job->scales[i % job->channels], job->zero_points[i % job->channels]);
}

/* Both directions. The scale is float32 by now, and so is all that is not quantized. */
static void
run (const PareKernel *kernel, gconstpointer x, Row row)
{
  const PareView *in = &kernel->inputs[0], *scale = &kernel->inputs[1], *out = &kernel->outputs[0];
  gint64 n = pare_view_elements (scale), elements = pare_view_elements (in);
  g_autofree gint32 *zero_points = g_new0 (gint32, MAX (n, 1));
  Job job = { 1,
              elements,
              scale->data,
              zero_points,
              x,
              out->data,
              pare_data_type_bits (in->type) / 8,
              pare_data_type_bits (out->type) / 8,
              row };
  guint axis = 0;

  if (elements == 0)
    return;
  if (pare_kernel_has (kernel, 2))
    pare_convert (kernel->inputs[2].type, kernel->inputs[2].data, PARE_INT32, zero_points, n);
  if (n == 1)
    {
      pare_parallel (elements, PARE_GRAIN, run_piece, &job);
      return;
    }
  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", 1), in->shape.rank, &axis);
  job.channels = n;
  job.inner = pare_shape_span (&in->shape, axis + 1, in->shape.rank);
  pare_parallel (elements / job.inner, PARE_GRAIN / job.inner, run_slices, &job);
}

static gboolean
quantize_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  g_autofree float *data = NULL;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, quantize_forward, error);
  if (x->type == PARE_INT32)
    {
      data = g_new (float, MAX (pare_view_elements (x), 1));
      pare_convert (x->type, x->data, PARE_FLOAT32, data, pare_view_elements (x));
    }
  run (kernel, data ? data : x->data, quantize_rows[kernel->outputs[0].type]);
  return TRUE;
}

static gboolean
dequantize_forward (const PareKernel *kernel, GError **error)
{
  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, dequantize_forward, error);
  run (kernel, kernel->inputs[0].data, dequantize_rows[kernel->inputs[0].type]);
  return TRUE;
}

/* A pair of QuantizeLinear and DequantizeLinear in one: x is rounded to a multiple of the scale and stays a float. */
typedef struct
{
  gint64 n;
  float scale, low, high;
  const float *x;
  float *y;
} Rounding;

/* The same operations on the same numbers as quantize_ and dequantize_; zero stays zero, as a layout's padding must. */
static PARE_VECTOR void
round_piece (gint64 from, gint64 to, gconstpointer data)
{
  const Rounding rounding = *(const Rounding *)data;
  const float *x = rounding.x;
  float *y = rounding.y;

  PARE_INDEPENDENT for (gint64 i = from; i < to; i++)
  {
    float value = x[i] / rounding.scale;
    value = value > rounding.low ? value : rounding.low;
    value = value < rounding.high ? value : rounding.high;
    y[i] = pare_round_small (value) * rounding.scale;
  }
}

static gboolean
run_rounding (gpointer state, PareSlot *const *slots, GError **error)
{
  Rounding rounding = *(Rounding *)state;

  rounding.x = slots[0]->data;
  rounding.y = slots[1]->data;
  pare_parallel (rounding.n, PARE_GRAIN, round_piece, &rounding);
  return TRUE;
}

static const struct
{
  float low, high;
} limits[PARE_DATA_TYPES] = {
  [PARE_UINT8] = { 0, G_MAXUINT8 },
  [PARE_INT8] = { G_MININT8, G_MAXINT8 },
  [PARE_UINT16] = { 0, G_MAXUINT16 },
  [PARE_INT16] = { G_MININT16, G_MAXINT16 },
};

/* One scale for all, between float32 and 8 bits: it does not matter how the numbers lie. */
typedef struct
{
  gint64 n;
  gsize x_size, y_size;
  Row row;
  float scale;
  gint32 zero_point;
  const guint8 *x;
  guint8 *y;
} Conversion;

static void
convert_piece (gint64 from, gint64 to, gconstpointer data)
{
  const Conversion *job = data;

  job->row (to - from, job->x + from * job->x_size, job->y + from * job->y_size, job->scale, job->zero_point);
}

static gboolean
run_conversion (gpointer state, PareSlot *const *slots, GError **error)
{
  Conversion *job = state;

  job->x = slots[0]->data;
  job->y = slots[1]->data;
  pare_parallel (job->n, PARE_GRAIN, convert_piece, job);
  return TRUE;
}

static gboolean
compile_conversion (PareCompile *compile, const Row *rows, PareDataType integers, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  PareDataType from = infer->inputs[0].type, to = infer->outputs[0].type;
  PareSlot *slots[2] = { pare_compile_input_as_is (compile, 0) };
  g_autoptr (PareLayout) layout = NULL;
  Conversion *job;

  if (!slots[0]->layout || pare_layout_is_plain (slots[0]->layout) || !pare_layout_is_dense (slots[0]->layout)
      || (from != PARE_FLOAT32 && to != PARE_FLOAT32) || pare_data_type_bits (integers) != 8 || !infer->constants[1]
      || infer->inputs[1].type != PARE_FLOAT32 || pare_shape_elements (&infer->inputs[1].shape) != 1
      || (pare_infer_has (infer, 2) && !infer->constants[2]))
    return pare_compile_forward (compile, error);
  layout = pare_layout_with_type (slots[0]->layout, to);
  if (!(slots[1] = pare_compile_output (compile, 0, layout, error)))
    return FALSE;
  job = g_new0 (Conversion, 1);
  job->n = pare_shape_elements (&infer->inputs[0].shape);
  job->x_size = pare_data_type_bits (from) / 8;
  job->y_size = pare_data_type_bits (to) / 8;
  job->row = rows[integers];
  job->scale = pare_tensor_get_double (infer->constants[1], 0);
  job->zero_point = pare_infer_has (infer, 2) ? pare_tensor_get_int (infer->constants[2], 0) : 0;
  pare_compile_step (compile, run_conversion, job, g_free, 2, slots);
  return TRUE;
}

static gboolean
dequantize_compile (PareCompile *compile, GError **error)
{
  return compile_conversion (compile, dequantize_rows, pare_compile_infer (compile)->inputs[0].type, error);
}

static gboolean
quantize_compile (PareCompile *compile, GError **error)
{
  const PareChain *chain = pare_compile_chain (compile);
  const PareInfer *infer = pare_compile_infer (compile);
  PareDataType type = infer->outputs[0].type;
  PareSlot *slots[2];
  Rounding *rounding;
  float zero_point;

  if (!chain || !chain->dequantized)
    return compile_conversion (compile, quantize_rows, type, error);
  slots[0] = pare_compile_input_as_is (compile, 0);
  slots[1] = pare_compile_output_over (compile, 0, slots[0]);
  zero_point = pare_infer_has (infer, 2) ? pare_tensor_get_int (infer->constants[2], 0) : 0;
  rounding = g_new0 (Rounding, 1);
  rounding->n = slots[0]->layout ? pare_layout_size (slots[0]->layout) / sizeof (float) : 0;
  rounding->scale = pare_tensor_get_double (infer->constants[1], 0);
  rounding->low = limits[type].low - zero_point;
  rounding->high = limits[type].high - zero_point;
  pare_compile_step (compile, run_rounding, rounding, g_free, 2, slots);
  return TRUE;
}

/* One constant scale for all. */
static gboolean
quantize_applies_chain (const PareInfer *infer)
{
  return infer->inputs[0].type == PARE_FLOAT32 && infer->inputs[1].type == PARE_FLOAT32 && infer->constants[1]
         && pare_shape_elements (&infer->inputs[1].shape) == 1 && (!pare_infer_has (infer, 2) || infer->constants[2]);
}

PARE_OPERATORS (quantizelinear) = {
  { .name = "QuantizeLinear",
    .since = 10,
    .infer = quantize_infer,
    .forward = quantize_forward,
    .compile = quantize_compile,
    .applies_chain = quantize_applies_chain },
  { .name = "DequantizeLinear",
    .since = 10,
    .infer = dequantize_infer,
    .forward = dequantize_forward,
    .compile = dequantize_compile },
  { NULL },
};
