/* SPDX-License-Identifier: LGPL-2.1-or-later
 * QuantizeLinear y = saturate (round (x / scale) + zero point) and DequantizeLinear y = (x - zero point) scale, per
 * tensor, per slice along an axis, or per block of such slices; rounding is half to even. Every simulated network runs
 * them on all its values. ONNX, operators QuantizeLinear and DequantizeLinear. */
#include "exec/compile.h"
#include "graph/packed.h"
#include "ops/parallel.h"
#include "ops/quantizerows.h"
#include "ops/vector.h"

static const PareDataType quantized_types[]
    = { PARE_UINT8, PARE_INT8, PARE_UINT16, PARE_INT16, PARE_UINT4, PARE_INT4, 0 };
static const PareDataType dequantized_types[]
    = { PARE_UINT8, PARE_INT8, PARE_UINT16, PARE_INT16, PARE_UINT4, PARE_INT4, PARE_INT32, 0 };
static const PareDataType data_types[] = { PARE_FLOAT32, PARE_TYPES_HALF, PARE_INT32, 0 };

/* Blocked: the scales have the data's shape, except that the axis counts its blocks. */
static gboolean
check_blocks (const PareInfer *infer, gint64 block, GError **error)
{
  const PareShape *x = &infer->inputs[0].shape, *scale = &infer->inputs[1].shape;
  PareShape wanted = *x;
  g_autofree char *text = NULL;
  guint axis;

  if (!pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", 1), x->rank, &axis, error))
    return FALSE;
  if (block > 0)
    wanted.dims[axis] = x->dims[axis] / block + (x->dims[axis] % block != 0);
  if (block > 0 && pare_shape_equal (scale, &wanted))
    return TRUE;
  text = pare_shape_to_string (scale);
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "scales of shape %s do not fit blocks of %" G_GINT64_FORMAT " along axis %u.", text, block, axis);
  return FALSE;
}

/* A scale that is one number is for the whole tensor; a list is for slices along the axis. */
static gboolean
check_slices (const PareInfer *infer, GError **error)
{
  const PareShape *x = &infer->inputs[0].shape, *scale = &infer->inputs[1].shape;
  guint axis;

  if (pare_shape_elements (scale) == 1)
    return TRUE;
  if (!pare_infer_require_rank (infer, 1, 1, error)
      || !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", 1), x->rank, &axis, error))
    return FALSE;
  if (x->dims[axis] == scale->dims[0])
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "there are %" G_GINT64_FORMAT " scales for axis %u of size %" G_GINT64_FORMAT ".", scale->dims[0],
                   axis, x->dims[axis]);
  return FALSE;
}

static gboolean
check_parameters (const PareInfer *infer, GError **error)
{
  gint64 block = pare_node_get_int (infer->node, "block_size", 0);

  if (pare_infer_has (infer, 2)
      && pare_shape_elements (&infer->inputs[2].shape) != pare_shape_elements (&infer->inputs[1].shape))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "it has not as many zero points as scales.");
      return FALSE;
    }
  return block ? check_blocks (infer, block, error) : check_slices (infer, error);
}

/* The type that attribute output_dtype asks for, else @usual. */
static gboolean
read_output_type (const PareInfer *infer, PareDataType usual, gboolean fixed, PareDataType *type, GError **error)
{
  gint64 wanted = pare_node_get_int (infer->node, "output_dtype", 0);

  *type = usual;
  if (wanted == PARE_UNDEFINED || wanted == usual)
    return TRUE;
  if (wanted < 0 || wanted >= PARE_DATA_TYPES)
    pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "%" G_GINT64_FORMAT " is no element type.", wanted);
  else if (fixed)
    pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "output_dtype is %s, but the zero point is %s.",
                     pare_data_type_name (wanted), pare_data_type_name (usual));
  else
    *type = wanted;
  return *type != usual;
}

static gboolean
quantize_infer (PareInfer *infer, GError **error)
{
  PareDataType type;

  if (!pare_infer_counts (infer, 2, 3, error) || !pare_infer_require (infer, 0, data_types, error)
      || !pare_infer_require (infer, 1, pare_types_widened, error)
      || (pare_infer_has (infer, 2) && !pare_infer_require (infer, 2, quantized_types, error))
      || !check_parameters (infer, error)
      || !read_output_type (infer, pare_infer_has (infer, 2) ? infer->inputs[2].type : PARE_UINT8,
                            pare_infer_has (infer, 2), &type, error))
    return FALSE;
  if (!pare_quantize_row (type))
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
  PareSpec *y = &infer->outputs[0];

  if (!pare_infer_counts (infer, 2, 3, error) || !pare_infer_require (infer, 0, dequantized_types, error)
      || !pare_infer_require (infer, 1, pare_types_widened, error)
      || (pare_infer_has (infer, 2) && !pare_infer_require (infer, 2, dequantized_types, error))
      || !check_parameters (infer, error) || !read_output_type (infer, infer->inputs[1].type, FALSE, &y->type, error))
    return FALSE;
  if (pare_infer_has (infer, 2) && infer->inputs[2].type != infer->inputs[0].type)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the zero point has not the type of the data.");
      return FALSE;
    }
  if (y->type != PARE_FLOAT32 && y->type != PARE_FLOAT16 && y->type != PARE_BFLOAT16)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node, "dequantizing to %s is not possible here.",
                       pare_data_type_name (y->type));
      return FALSE;
    }
  y->shape = infer->inputs[0].shape;
  return TRUE;
}

/* Both directions, between elements of whole bytes. The scale is float32 by now, and so is all that is not quantized.
 * @type: of the integers. */
static void
run (const PareKernel *kernel, PareDataType type, PareQuantizeRow row, gconstpointer x, gsize x_size, gpointer y,
     gsize y_size)
{
  const PareShape *shape = &kernel->inputs[0].shape, *scales = &kernel->inputs[1].shape;
  gint64 n = pare_shape_elements (scales);
  g_autofree gint32 *zero_points = g_new0 (gint32, MAX (n, 1));
  PareQuantizeGrid grid = pare_quantize_grid (type, kernel->inputs[1].data, zero_points);
  PareQuantizeRows rows;
  guint axis = 0;

  if (pare_kernel_has (kernel, 2))
    pare_convert (kernel->inputs[2].type, kernel->inputs[2].data, PARE_INT32, zero_points, n);
  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", 1), shape->rank, &axis);
  rows = pare_quantize_rows (shape, scales, axis, pare_node_get_int (kernel->node, "block_size", 0));
  pare_quantize_run (&rows, row, &grid, x, x_size, y, y_size);
}

static gboolean
quantize_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  gint64 n = pare_view_elements (x);
  gboolean packed = pare_data_type_is_packed (y->type);
  g_autofree float *data = NULL;
  g_autofree guint8 *unpacked = packed ? g_malloc (MAX (n, 1)) : NULL;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, quantize_forward, error);
  if (x->type == PARE_INT32)
    {
      data = g_new (float, MAX (n, 1));
      pare_convert (x->type, x->data, PARE_FLOAT32, data, n);
    }
  run (kernel, y->type, pare_quantize_row (y->type), data ? data : x->data, sizeof (float), packed ? unpacked : y->data,
       packed ? 1 : pare_data_type_bits (y->type) / 8);
  if (packed)
    pare_pack (unpacked, y->data, n);
  return TRUE;
}

static gboolean
dequantize_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  gint64 n = pare_view_elements (x);
  gboolean packed = pare_data_type_is_packed (x->type);
  g_autofree guint8 *unpacked = packed ? g_malloc (MAX (n, 1)) : NULL;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, dequantize_forward, error);
  if (packed)
    pare_unpack (x->type, x->data, unpacked, n);
  run (kernel, x->type, pare_dequantize_row (x->type), packed ? unpacked : x->data,
       packed ? 1 : pare_data_type_bits (x->type) / 8, kernel->outputs[0].data, sizeof (float));
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

/* One scale for all, between float32 and 8 bits: it does not matter how the numbers lie. */
typedef struct
{
  gint64 n;
  gsize x_size, y_size;
  PareQuantizeRow row;
  PareDataType integers;
  float scale;
  gint32 zero_point;
  const guint8 *x;
  guint8 *y;
} Conversion;

static void
convert_piece (gint64 from, gint64 to, gconstpointer data)
{
  const Conversion *job = data;
  PareQuantizeGrid grid = pare_quantize_grid (job->integers, &job->scale, &job->zero_point);

  job->row (to - from, job->x + from * job->x_size, job->y + from * job->y_size, &grid);
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
compile_conversion (PareCompile *compile, PareQuantizeRow row, PareDataType integers, GError **error)
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
  job->row = row;
  job->integers = integers;
  job->scale = pare_tensor_get_double (infer->constants[1], 0);
  job->zero_point = pare_infer_has (infer, 2) ? pare_tensor_get_int (infer->constants[2], 0) : 0;
  pare_compile_step (compile, run_conversion, job, g_free, 2, slots);
  return TRUE;
}

static gboolean
dequantize_compile (PareCompile *compile, GError **error)
{
  PareDataType integers = pare_compile_infer (compile)->inputs[0].type;

  return compile_conversion (compile, pare_dequantize_row (integers), integers, error);
}

static gboolean
quantize_compile (PareCompile *compile, GError **error)
{
  const PareChain *chain = pare_compile_chain (compile);
  const PareInfer *infer = pare_compile_infer (compile);
  PareDataType type = infer->outputs[0].type;
  PareSlot *slots[2];
  Rounding *rounding;
  gint64 zero_point, lowest, highest;

  if (!chain || !chain->dequantized)
    return compile_conversion (compile, pare_quantize_row (type), type, error);
  slots[0] = pare_compile_input_as_is (compile, 0);
  slots[1] = pare_compile_output_over (compile, 0, slots[0]);
  zero_point = pare_infer_has (infer, 2) ? pare_tensor_get_int (infer->constants[2], 0) : 0;
  pare_data_type_limits (type, &lowest, &highest);
  rounding = g_new0 (Rounding, 1);
  rounding->n = slots[0]->layout ? pare_layout_size (slots[0]->layout) / sizeof (float) : 0;
  rounding->scale = pare_tensor_get_double (infer->constants[1], 0);
  rounding->low = lowest - zero_point;
  rounding->high = highest - zero_point;
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
