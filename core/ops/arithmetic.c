/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Add, Sub, Mul, Div, Mod and PRelu of two inputs, Min, Max, Sum and Mean of any number, with NumPy broadcasting. */
#include "exec/compile.h"
#include "ops/rows.h"
#include "ops/samples.h"
#include "sparsify/channels.h"
#include "train/gradient.h"
#include <math.h>

/* Through uint64, since overflow of the signed types is to wrap around. */
#define WRAP(operation) ((guint64)x operation (guint64) z)

PARE_FLOAT_ROWS (add, x + z)
PARE_INTEGER_ROWS (add, WRAP (+), WRAP (+))
PARE_FLOAT_ROWS (sub, x - z)
PARE_INTEGER_ROWS (sub, WRAP (-), WRAP (-))
PARE_FLOAT_ROWS (mul, x *z)
PARE_INTEGER_ROWS (mul, WRAP (*), WRAP (*))
PARE_FLOAT_ROWS (div, x / z)
/* The lowest value divided by -1 traps on x86. */
PARE_INTEGER_ROWS (div, z == -1 ? (gint64)(0 - (guint64)x) : x / z, x / z)
/* The result has the divisor's sign. */
PARE_INTEGER_ROWS (mod, z == -1 ? 0 : x % z != 0 && (x % z < 0) != (z < 0) ? x % z + z : x % z, x % z)
PARE_ROW (, fmod_f32, float, float, fmodf (x, z))
PARE_ROW (, fmod_f64, double, double, fmod (x, z))
PARE_INTEGER_ROWS (fmod, z == -1 ? 0 : x % z, x % z)
PARE_FLOAT_ROWS (prelu, x < 0 ? x * z : x)
PARE_INTEGER_ROWS (prelu, x < 0 ? (gint64)WRAP (*) : x, x)
/* A NaN on either side is the result. */
PARE_FLOAT_ROWS (max, x > z || x != x ? x : z)
PARE_INTEGER_ROWS (max, x > z ? x : z, x > z ? x : z)
PARE_FLOAT_ROWS (min, x < z || x != x ? x : z)
PARE_INTEGER_ROWS (min, x < z ? x : z, x < z ? x : z)

static const struct
{
  const char *name;
  PareRow rows[PARE_DATA_TYPES];
} functions[] = {
  { "Add", { PARE_NUMBER_TABLE (add) } },  { "Sub", { PARE_NUMBER_TABLE (sub) } },
  { "Mul", { PARE_NUMBER_TABLE (mul) } },  { "Div", { PARE_NUMBER_TABLE (div) } },
  { "Mod", { PARE_INTEGER_TABLE (mod) } }, { "PRelu", { PARE_NUMBER_TABLE (prelu) } },
  { "Max", { PARE_NUMBER_TABLE (max) } },  { "Min", { PARE_NUMBER_TABLE (min) } },
  { "Sum", { PARE_NUMBER_TABLE (add) } },  { "Mean", { PARE_NUMBER_TABLE (add) } },
};
static const PareRow fmod_rows[PARE_DATA_TYPES] = { PARE_NUMBER_TABLE (fmod) };

static PareRow
row_of (const PareKernel *kernel)
{
  PareDataType type = kernel->inputs[0].type;

  if (pare_node_is (kernel->node, "Mod") && pare_node_get_int (kernel->node, "fmod", 0))
    return fmod_rows[type];
  for (guint i = 0; i < G_N_ELEMENTS (functions); i++)
    if (pare_node_is (kernel->node, functions[i].name))
      return functions[i].rows[type];
  return NULL;
}

static gboolean
check_types (PareInfer *infer, GError **error)
{
  for (guint i = 0; i < infer->n_inputs; i++)
    {
      if (!pare_infer_require (infer, i, pare_types_number, error))
        return FALSE;
      if (infer->inputs[i].type == infer->inputs[0].type)
        continue;
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its inputs have different types, %s and %s.",
                       pare_data_type_name (infer->inputs[0].type), pare_data_type_name (infer->inputs[i].type));
      return FALSE;
    }
  infer->outputs[0].type = infer->inputs[0].type;
  return TRUE;
}

/* The second operand's shape as NumPy broadcasts it. Before opset 7, it began at an axis of the first one's that an
 * attribute gave, and a slope of PRelu's at axis 1. */
static PareShape
second_shape (const PareNode *node, gint64 opset, const PareShape *a, const PareShape *b)
{
  gboolean is_slope = pare_node_is (node, "PRelu") && b->rank == 1 && a->rank > 1;
  PareShape shape = *b;
  guint axis;

  if (opset >= 7 || (!is_slope && !pare_node_attribute (node, "axis"))
      || !pare_axis_normalize (is_slope ? 1 : pare_node_get_int (node, "axis", 0), a->rank, &axis))
    return shape;
  while (axis + shape.rank < a->rank)
    shape.dims[shape.rank++] = 1;
  return shape;
}

static gboolean
binary_infer (PareInfer *infer, GError **error)
{
  PareInfer aligned = *infer;
  PareSpec inputs[2];

  if (!pare_infer_counts (infer, 2, 2, error) || !check_types (infer, error))
    return FALSE;
  inputs[0] = infer->inputs[0];
  inputs[1] = (PareSpec){ infer->inputs[1].type,
                          second_shape (infer->node, infer->opset, &infer->inputs[0].shape, &infer->inputs[1].shape) };
  aligned.inputs = inputs;
  return pare_infer_broadcast (&aligned, 0, &infer->outputs[0].shape, error);
}

static gboolean
mod_infer (PareInfer *infer, GError **error)
{
  if (!binary_infer (infer, error))
    return FALSE;
  if (!pare_data_type_is_float (infer->inputs[0].type) || pare_node_get_int (infer->node, "fmod", 0))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "floats need the attribute fmod=1.");
  return FALSE;
}

/* The slope broadcasts to the data, and not the other way round. */
static gboolean
prelu_infer (PareInfer *infer, GError **error)
{
  if (!binary_infer (infer, error))
    return FALSE;
  if (pare_shape_equal (&infer->outputs[0].shape, &infer->inputs[0].shape))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the slope does not broadcast to the data's shape.");
  return FALSE;
}

static gboolean
variadic_infer (PareInfer *infer, GError **error)
{
  return pare_infer_counts (infer, 1, G_MAXUINT, error) && check_types (infer, error)
         && pare_infer_broadcast (infer, 0, &infer->outputs[0].shape, error);
}

static gboolean
binary_forward (const PareKernel *kernel, GError **error)
{
  PareView inputs[2] = { kernel->inputs[0], kernel->inputs[1] };

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, binary_forward, error);
  inputs[1].shape = second_shape (kernel->node, kernel->opset, &inputs[0].shape, &inputs[1].shape);
  pare_broadcast (2, inputs, &kernel->outputs[0], row_of (kernel));
  return TRUE;
}

/* Equal shapes in a layout of oneDNN's. */
static PARE_VECTOR void
product (gint64 n, const float *a, const float *b, float *y, const float *arguments)
{
  PARE_INDEPENDENT for (gint64 i = 0; i < n; i++) y[i] = a[i] * b[i];
}

static PARE_VECTOR void
difference (gint64 n, const float *a, const float *b, float *y, const float *arguments)
{
  PARE_INDEPENDENT for (gint64 i = 0; i < n; i++) y[i] = a[i] - b[i];
}

static gboolean
mul_compile (PareCompile *compile, GError **error)
{
  return pare_compile_binary (compile, product, 0, 0, error);
}

static gboolean
sub_compile (PareCompile *compile, GError **error)
{
  return pare_compile_binary (compile, difference, 0, 0, error);
}

/* Integers divided by zero would kill the process. */
static gboolean
divide_forward (const PareKernel *kernel, GError **error)
{
  const PareView *divisor = &kernel->inputs[1];
  gint64 n = pare_view_elements (divisor);
  gsize size = pare_data_type_bits (divisor->type) / 8;

  for (gint64 i = 0; !pare_data_type_is_float (divisor->type) && i < n; i++)
    {
      gint64 value = 0;
      pare_convert (divisor->type, (guint8 *)divisor->data + i * size, PARE_INT64, &value, 1);
      if (value)
        continue;
      pare_node_error (error, PARE_ERROR_FORMAT, kernel->node, "an integer is divided by zero.");
      return FALSE;
    }
  return binary_forward (kernel, error);
}

/* Mean divides the sum by the number of inputs. */
static void
divide_by_count (const PareView *output, guint n)
{
  gint64 elements = pare_view_elements (output);
  float *y = output->data;
  double *wide = output->data;

  if (output->type == PARE_FLOAT32)
    for (gint64 i = 0; i < elements; i++)
      y[i] /= n;
  if (output->type == PARE_FLOAT64)
    for (gint64 i = 0; i < elements; i++)
      wide[i] /= n;
}

/* The output starts as the first input, broadcast, and takes in one input after the other. */
static gboolean
variadic_forward (const PareKernel *kernel, GError **error)
{
  static const PareRow first[PARE_DATA_TYPES] = { PARE_NUMBER_TABLE (max) };
  const PareView *y = &kernel->outputs[0];
  PareRow row = row_of (kernel);

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, variadic_forward, error);
  if (kernel->n_inputs == 1)
    return pare_forward_copy (kernel, error);
  pare_broadcast (2, (PareView[]){ kernel->inputs[0], kernel->inputs[0] }, y, first[y->type]);
  for (guint i = 1; i < kernel->n_inputs; i++)
    pare_broadcast (2, (PareView[]){ *y, kernel->inputs[i] }, y, row);
  if (pare_node_is (kernel->node, "Mean"))
    divide_by_count (y, kernel->n_inputs);
  return TRUE;
}

static gboolean
mean_infer (PareInfer *infer, GError **error)
{
  return pare_infer_counts (infer, 1, G_MAXUINT, error) && pare_infer_require (infer, 0, pare_types_float, error)
         && variadic_infer (infer, error);
}

static gboolean
add_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *dy = pare_gradient_of_output (gradient, 0);

  for (guint i = 0; i < node->inputs->len; i++)
    pare_gradient_add_reduced (gradient, i, dy);
  return TRUE;
}

static gboolean
sub_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *dy = pare_gradient_of_output (gradient, 0);

  pare_gradient_add_reduced (gradient, 0, dy);
  if (pare_gradient_wanted (gradient, 1))
    pare_gradient_add_reduced (gradient, 1, pare_gradient_call (gradient, "Neg", dy, NULL));
  return TRUE;
}

static gboolean
mul_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *dy = pare_gradient_of_output (gradient, 0);

  for (guint i = 0; i < 2; i++)
    if (pare_gradient_wanted (gradient, i))
      pare_gradient_add_reduced (gradient, i, pare_gradient_call (gradient, "Mul", dy, pare_node_input (node, !i)));
  return TRUE;
}

/* d (a / b) = da / b - y db / b. */
static gboolean
div_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *quotient
      = pare_gradient_call (gradient, "Div", pare_gradient_of_output (gradient, 0), pare_node_input (node, 1));

  pare_gradient_add_reduced (gradient, 0, quotient);
  if (pare_gradient_wanted (gradient, 1))
    {
      PareValue *product = pare_gradient_call (gradient, "Mul", quotient, pare_node_output (node, 0));
      pare_gradient_add_reduced (gradient, 1, pare_gradient_call (gradient, "Neg", product, NULL));
    }
  return TRUE;
}

static gboolean
prelu_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *dy = pare_gradient_of_output (gradient, 0), *x = pare_node_input (node, 0);
  PareValue *zero = pare_gradient_scalar (gradient, 0), *negative = pare_gradient_call (gradient, "Less", x, zero);

  if (pare_gradient_wanted (gradient, 0))
    {
      PareValue *scaled = pare_gradient_call (gradient, "Mul", dy, pare_node_input (node, 1));
      pare_gradient_add (gradient, 0,
                         pare_gradient_node (gradient, "", "Where", 3, (PareValue *[]){ negative, scaled, dy }, NULL));
    }
  if (pare_gradient_wanted (gradient, 1))
    {
      PareValue *product = pare_gradient_call (gradient, "Mul", dy, x);
      pare_gradient_add_reduced (
          gradient, 1, pare_gradient_node (gradient, "", "Where", 3, (PareValue *[]){ negative, product, zero }, NULL));
    }
  return TRUE;
}

/* Min and Max: to the inputs that equal the result. */
static gboolean
extreme_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *dy = pare_gradient_of_output (gradient, 0), *zero = pare_gradient_scalar (gradient, 0);

  for (guint i = 0; i < node->inputs->len; i++)
    if (pare_gradient_wanted (gradient, i))
      {
        PareValue *chosen
            = pare_gradient_call (gradient, "Equal", pare_node_input (node, i), pare_node_output (node, 0));
        pare_gradient_add_reduced (
            gradient, i, pare_gradient_node (gradient, "", "Where", 3, (PareValue *[]){ chosen, dy, zero }, NULL));
      }
  return TRUE;
}

static gboolean
mean_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *share = pare_gradient_call (gradient, "Mul", pare_gradient_of_output (gradient, 0),
                                         pare_gradient_scalar (gradient, 1.0f / node->inputs->len));

  for (guint i = 0; i < node->inputs->len; i++)
    pare_gradient_add_reduced (gradient, i, share);
  return TRUE;
}

/* A constant with one number per channel. */
static gboolean
mul_affine (const PareNode *node, PareAffineTrait *trait)
{
  guint input = pare_node_constant (node, 0) ? 0 : 1;
  const PareTensor *factor = pare_node_constant (node, input);

  *trait = (PareAffineTrait){ .scale = input, .shift = G_MAXUINT };
  if (!factor || pare_node_constant (node, !input) || pare_graph_opset (node->graph, node->domain) < 7)
    return FALSE;
  for (guint i = 0; i < factor->shape.rank; i++)
    if (factor->shape.dims[i] > 1 && factor->shape.dims[i] == pare_tensor_elements (factor))
      trait->axis = (gint)i - (gint)factor->shape.rank;
  return trait->axis < 0;
}

#define NOTE "runtimes have no fast int8 kernel for it"
#define BINARY(op, derivative)                                                                                         \
  .name = op, .infer = binary_infer, .forward = binary_forward, .backward = derivative, .in_place = TRUE,              \
  .by_sample = pare_samples_joined, .channels = pare_channels_join
#define VARIADIC(op, derivative)                                                                                       \
  .name = op, .infer = variadic_infer, .forward = variadic_forward, .backward = derivative,                            \
  .channels = pare_channels_join

PARE_OPERATORS (arithmetic) = {
  { BINARY ("Add", add_backward), .factors = PARE_FACTORS_JOIN, .compile = pare_compile_add,
    .quantize = PARE_QUANTIZE_JOIN },
  { BINARY ("Sub", sub_backward), .factors = PARE_FACTORS_JOIN, .compile = sub_compile, .quantize_note = NOTE },
  { BINARY ("Mul", mul_backward), .affine = mul_affine, .factors = PARE_FACTORS_PASS, .compile = mul_compile, .quantize_note = NOTE },
  { .name = "Div",
    .infer = binary_infer,
    .forward = divide_forward,
    .backward = div_backward,
    .factors = PARE_FACTORS_PASS,
    .in_place = TRUE,
    .channels = pare_channels_join,
    .quantize_note = NOTE },
  { .name = "Mod", .infer = mod_infer, .forward = divide_forward, .in_place = TRUE },
  { .name = "PRelu",
    .infer = prelu_infer,
    .forward = binary_forward,
    .backward = prelu_backward,
    .factors = PARE_FACTORS_PASS,
    .in_place = TRUE,
    .channels = pare_channels_join },
  { VARIADIC ("Max", extreme_backward), .factors = PARE_FACTORS_JOIN },
  { VARIADIC ("Min", extreme_backward), .factors = PARE_FACTORS_JOIN },
  { VARIADIC ("Sum", add_backward), .factors = PARE_FACTORS_JOIN },
  { .name = "Mean",
    .infer = mean_infer,
    .forward = variadic_forward,
    .backward = mean_backward,
    .channels = pare_channels_join },
  { NULL },
};
