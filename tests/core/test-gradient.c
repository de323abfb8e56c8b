/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The backward function of every operator against central differences: for a random linear functional of the outputs,
 * the gradient that the extended graph computes and (f (x + h) - f (x - h)) / 2h agree. A case is one line below. */
#include "exec/executor.h"
#include "train/gradient.h"
#include <math.h>
#include <string.h>

#define STEP 1e-2
/* Of the largest derivative by an input, or of 1: float32 forward, and the third derivative. */
#define TOLERANCE 1e-2
/* So many entries of each input are moved; all of a small one. */
#define PROBES 12

/**
 * Case:
 * @op_type: with "pare:" before it for internal operators
 * @attributes: "axis=1 mode=linear alpha=0.5 pads=1,1,0,0 axes=1,": a trailing comma makes a list of one
 * @inputs: separated by spaces, see below
 * @outputs: their number, 1 unless said
 *
 * Inputs to differentiate by: "2x3" is a tensor of numbers in [-1, 1], "s" a scalar, and with a kind "2x3:positive" in
 * [0.5, 1.5], ":above" in [1.5, 2.5], ":small" in [-0.7, 0.7], ":far" not within 0.2 of zero, ":distinct" no two within
 * 0.05, ":wide" in [-4, 4] and none near a multiple of 1/2.
 * Constants: "2x3:fixed" numbers, "2x3:bool", "[1,-1]" an int64 vector, "{3x2:0,1,2,2,1,0}" int64 of that shape,
 * "(0.5)" a float scalar, "(1,2)" a float vector. "-" is an omitted input.
 */
typedef struct
{
  const char *op_type, *attributes, *inputs;
  guint outputs;
} Case;

/* clang-format off */
static const Case cases[] = {
  { "Add", "", "2x3x4 2x3x4" },
  { "Add", "", "2x3x4 4" },
  { "Add", "", "3x1 2x1x4" },
  { "Add", "", "2x3x4x5 3x1x1" },
  { "Add", "", "2x3 s" },
  { "Add", "", "2x1x3x1x2 1x4x1x2x2" },
  { "Sub", "", "2x3 3" },
  { "Sub", "", "3 2x3" },
  { "Mul", "", "2x3x4 3x1" },
  { "Mul", "", "1x5 4x1" },
  { "Div", "", "2x3:far 3:positive" },
  { "Div", "", "3 2x3:positive" },
  { "PRelu", "", "2x3x4:far 3x1" },
  { "Max", "", "2x3:distinct 2x3:distinct 3:distinct" },
  { "Min", "", "2x3:distinct 2x1:distinct" },
  { "Sum", "", "2x3 3 2x1 s" },
  { "Mean", "", "2x3 3 2x1" },
  { "ReduceSum", "keepdims=0", "2x3x4 [1]" },
  { "ReduceSum", "keepdims=1", "2x3x4 [0,-1]" },
  { "ReduceSum", "keepdims=0", "2x3x4" },
  { "ReduceMean", "axes=2,3", "2x3x4x5" },
  { "ReduceMean", "keepdims=0 axes=1,", "2x3x4" },
  { "ReduceMax", "keepdims=0 axes=1,", "2x5x3:distinct" },
  { "ReduceMin", "", "2x5x3:distinct" },
  { "ReduceProd", "axes=1, keepdims=0", "2x4:positive" },
  { "ReduceL1", "axes=1,", "2x4:far" },
  { "ReduceL2", "axes=-1, keepdims=0", "2x4:far" },
  { "ReduceSumSquare", "axes=0,", "2x4" },
  { "ReduceLogSum", "axes=1,", "2x4:positive" },
  { "ReduceLogSumExp", "axes=1, keepdims=0", "2x4" },
  { "Conv", "pads=1,1,1,1", "2x3x5x6 4x3x3x3 4" },
  { "Conv", "strides=2,2 pads=1,0,0,1", "2x3x7x6 4x3x3x2 4" },
  { "Conv", "group=2 dilations=2,1", "2x4x7x5 6x2x3x2" },
  { "Conv", "group=3 auto_pad=SAME_LOWER strides=2,3", "2x3x7x8 3x1x3x3 3" },
  { "Conv", "strides=2, pads=1,2", "2x3x9 4x3x4 4" },
  { "Conv", "pads=1,1,1,0,1,1 strides=1,2,1", "1x2x4x5x4 3x2x2x3x3 3" },
  { "Conv", "", "3x16x6x6 32x16x1x1 32" },
  { "Conv", "pads=1,1,1,1 strides=2,2", "2x32x6x6 16x32x3x3" },
  { "Conv", "group=32 pads=1,1,1,1", "2x32x5x5 32x1x3x3 32" },
  { "Conv", "pads=1,1,1,1", "2x64x6x5 64x64x3x3 64" },
  { "Conv", "pads=1,1,1,1", "2x16x4x9 48x16x3x3 48" },
  { "Conv", "pads=0,2,1,0", "1x32x9x6 16x32x3x3" },
  { "Conv", "", "3x16x3x3 16x16x3x3 16" },
  { "ConvTranspose", "strides=2,2 pads=1,0,0,1", "2x3x4x5 3x4x3x3 4" },
  { "ConvTranspose", "group=2 output_padding=1,0 strides=2,1 dilations=1,2", "2x4x4x5 4x3x3x2 6" },
  { "ConvTranspose", "strides=3, auto_pad=SAME_UPPER", "2x3x5 3x2x4" },
  { "ConvTranspose", "strides=2,2", "2x16x4x4 16x16x2x2 16" },
  { "MatMul", "", "4x5 5x3" },
  { "MatMul", "", "2x3x4x5 5x3" },
  { "MatMul", "", "2x3x4x5 2x3x5x6" },
  { "MatMul", "", "2x1x4x5 3x5x6" },
  { "MatMul", "", "4x5 2x5x3" },
  { "MatMul", "", "5 5x3" },
  { "MatMul", "", "4x5 5" },
  { "MatMul", "", "5 5" },
  { "MatMul", "", "5 2x3x5x4" },
  { "MatMul", "", "2x3x4x5 5" },
  { "Gemm", "", "4x5 5x3" },
  { "Gemm", "transB=1", "4x5 3x5 3" },
  { "Gemm", "transA=1 alpha=0.5 beta=2.0", "5x4 5x3 4x1" },
  { "Gemm", "transA=1 transB=1 alpha=0.5", "5x4 3x5 4x3" },
  { "Gemm", "", "4x5 5x3 s" },
  { "BatchNormalization", "", "4x3x5 3:positive 3 3:fixed (1.5,0.5,1.0)" },
  { "BatchNormalization", "", "2x16x3x3 16:positive 16 16:fixed "
                              "(1.5,0.5,1,1,2,1,1,1,1,1,1,1,1,1,1,0.3)" },
  { "BatchNormalization", "training_mode=1", "8x3 3:positive 3 3:fixed 3:fixed" },
  { "BatchNormalization", "training_mode=1", "3x4x3x3 4:positive 4 4:fixed 4:fixed" },
  { "BatchNormalization", "training_mode=1", "3x2x2x2x2x2 2:positive 2 2:fixed 2:fixed" },
  { "MaxPool", "kernel_shape=2,2 strides=2,2", "2x3x6x4:distinct" },
  { "MaxPool", "kernel_shape=3,3 strides=2,1 pads=1,0,1,1", "1x2x5x5:distinct" },
  { "MaxPool", "kernel_shape=2,2 dilations=2,2", "1x2x5x5:distinct" },
  { "MaxPool", "kernel_shape=3, strides=2, ceil_mode=1", "1x3x8:distinct" },
  { "AveragePool", "kernel_shape=3,2 strides=2,2 pads=1,0,1,1", "2x3x6x5" },
  { "AveragePool", "kernel_shape=3,2 strides=2,2 pads=1,0,1,1 count_include_pad=1", "2x3x6x5" },
  { "AveragePool", "kernel_shape=3,3 strides=2,2 ceil_mode=1", "2x3x6x5" },
  { "GlobalAveragePool", "", "2x3x4x5" },
  { "GlobalMaxPool", "", "1x2x4x5:distinct" },
  { "RNN", "hidden_size=3", "3x2x4 1x3x4 1x3x3 1x6 - 1x2x3", 2 },
  { "RNN", "hidden_size=3 direction=reverse layout=1", "2x4x3 1x3x3 1x3x3" },
  { "LSTM", "hidden_size=3", "3x2x4 1x12x4 1x12x3 1x24 - 1x2x3 1x2x3 1x9", 3 },
  { "LSTM", "hidden_size=2 direction=bidirectional", "3x2x3 2x8x3 2x8x2 2x16", 3 },
  { "LSTM", "hidden_size=2 input_forget=1 layout=1", "2x3x3 1x8x3 1x8x2 1x16 - 2x1x2 2x1x2 1x6", 3 },
  { "LSTM", "hidden_size=2 direction=bidirectional", "4x3x2 2x8x2 2x8x2 2x16 <4,1,2> 2x3x2 2x3x2 2x6", 3 },
  { "GRU", "hidden_size=3", "3x2x4 1x9x4 1x9x3 1x18 - 1x2x3", 2 },
  { "GRU", "hidden_size=3 linear_before_reset=1", "3x2x4 1x9x4 1x9x3 1x18 - 1x2x3", 2 },
  { "GRU", "hidden_size=2 direction=bidirectional", "4x3x2 2x6x2 2x6x2 2x12 <4,1,2> 2x3x2", 2 },
  { "pare:ReduceToShape", "", "2x3x4x5 1x3x1x1:fixed" },
  { "pare:AdaptiveRound", "", "3x7:wide 3x7:fixed 3x7:fixed" },
  { "pare:ReduceToShape", "", "2x3x4x5 2x1x4x1:fixed" },
  { "Neg", "", "2x3" },
  { "Abs", "", "9:far" },
  { "Sqrt", "", "9:positive" },
  { "Exp", "", "9" },
  { "Log", "", "9:positive" },
  { "Reciprocal", "", "9:positive" },
  { "Erf", "", "19" },
  { "Sin", "", "9" },
  { "Cos", "", "9" },
  { "Tan", "", "9" },
  { "Asin", "", "9:small" },
  { "Acos", "", "9:small" },
  { "Atan", "", "9" },
  { "Sinh", "", "9" },
  { "Cosh", "", "9" },
  { "Asinh", "", "9" },
  { "Acosh", "", "9:above" },
  { "Atanh", "", "9:small" },
  { "Tanh", "", "19:wide" },
  { "Sigmoid", "", "19:wide" },
  { "Relu", "", "2x3x5:far" },
  { "LeakyRelu", "alpha=0.2", "19:far" },
  { "LeakyRelu", "alpha=-0.2", "19:far" },
  { "Elu", "alpha=0.7", "19:far" },
  { "Selu", "", "19:far" },
  { "Celu", "alpha=0.7", "19:far" },
  { "Softplus", "", "19:wide" },
  { "Softsign", "", "19:far" },
  { "HardSigmoid", "alpha=0.25 beta=0.4", "19:wide" },
  { "HardSwish", "", "39:wide" },
  { "ThresholdedRelu", "alpha=0.5", "19:wide" },
  { "Shrink", "lambd=0.5 bias=0.2", "19:wide" },
  { "Mish", "", "19:wide" },
  { "Gelu", "", "19:wide" },
  { "Gelu", "approximate=tanh", "19:wide" },
  { "Clip", "", "29:wide (-1) (2.5)" },
  { "Clip", "", "29:wide - (2.5)" },
  { "Floor", "", "9:wide" },
  { "Where", "", "2x3:bool 2x3 3" },
  { "Where", "", "2x1:bool s 2x3" },
  { "Pow", "", "2x3 (2)" },
  { "Pow", "", "9:positive (0.5)" },
  { "Pow", "", "2x3:positive (3)" },
  { "Pow", "", "2x3:positive (-1.5)" },
  { "Pow", "", "2x3:positive 3" },
  { "Identity", "", "2x3" },
  { "Dropout", "", "2x3" },
  { "Cast", "to=1", "2x3" },
  { "Reshape", "", "2x3x4 [4,-1]" },
  { "Flatten", "axis=2", "2x3x4" },
  { "Squeeze", "", "2x1x4 [1]" },
  { "Unsqueeze", "", "2x4 [0,-1]" },
  { "Transpose", "", "2x3x4" },
  { "Transpose", "perm=2,0,1", "2x3x4" },
  { "Concat", "axis=1", "2x3x2 2x1x2 2x2x2" },
  { "Concat", "axis=-1", "2x3 2x1:fixed 2x2" },
  { "Split", "axis=1", "2x6x2 [1,3,2]", 3 },
  { "Split", "", "6x2", 2 },
  { "Softmax", "", "3x37" },
  { "Softmax", "axis=1", "2x5x3" },
  { "LogSoftmax", "axis=-1", "3x20" },
  { "LogSoftmax", "axis=0", "5x3" },
  { "LayerNormalization", "", "3x19 19 19" },
  { "LayerNormalization", "axis=1 epsilon=0.01", "70x2x3 2x3" },
  { "InstanceNormalization", "epsilon=0.01", "2x3x4x5 3 3" },
  { "Gather", "axis=1", "2x5x3 {2x2:0,4,-1,4}" },
  { "Gather", "", "5x3 [1,1,3]" },
  { "GatherElements", "axis=1", "2x4 {2x3:0,1,1,-1,2,2}" },
  { "GatherND", "", "3x4x2 {2x2:0,1,2,3}" },
  { "ScatterElements", "axis=1", "2x4 {2x2:0,3,1,2} 2x2" },
  { "ScatterElements", "axis=1 reduction=add", "2x4 {2x2:0,0,1,2} 2x2" },
  { "ScatterND", "", "4x3 {2x1:1,3} 2x3" },
  { "ScatterND", "reduction=add", "4x3 {2x1:1,1} 2x3" },
  { "Expand", "", "3x1 [2,3,4]" },
  { "Tile", "", "2x3 [2,3]" },
  { "CumSum", "", "2x5 {1:1}" },
  { "CumSum", "exclusive=1 reverse=1", "2x5 {1:1}" },
  { "Slice", "", "4x6 [1,0] [4,6] [0,1] [2,3]" },
  { "Slice", "", "4x6 [-1] [-7] [1] [-2]" },
  { "Slice", "", "4x6 [1] [3]" },
  { "Pad", "", "2x3 [1,0,0,2]" },
  { "Pad", "mode=reflect", "3x4 [1,2,0,3]" },
  { "Pad", "mode=edge", "3x4 [1,2,0,1]" },
  { "Pad", "", "3x4 [-1,1,1,-2]" },
  { "DepthToSpace", "blocksize=2", "1x8x2x3" },
  { "Resize", "", "1x2x3x4 - (1,1,2,2)" },
  { "Resize", "mode=linear", "1x2x3x4 - (1,1,2,1.5)" },
  { "Resize", "mode=linear coordinate_transformation_mode=align_corners", "1x2x3x4 - - [1,2,7,5]" },
  { "Resize", "mode=cubic", "1x1x5x4 - (1,1,0.6,2)" },
  { "Einsum", "equation=ij,jk->ik", "3x4 4x2" },
  { "Einsum", "equation=bhid,bhjd->bhij", "2x2x3x4 2x2x5x4" },
  { "Einsum", "equation=ii->i", "3x3" },
  { "Einsum", "equation=...j,j->...", "2x3x4 4" },
  { "DepthToSpace", "blocksize=2 mode=CRD", "1x8x2x3" },
  { "SpaceToDepth", "blocksize=2", "1x2x4x6" },
};
/* clang-format on */

/* Deterministic numbers. */
static double
next_uniform (guint32 *state)
{
  *state = *state * 1664525u + 1013904223u;
  return (*state >> 8) / 16777216.0;
}

typedef struct
{
  PareTensor *tensor;
  gboolean differentiated;
} Input;

static float
number_of_kind (const char *kind, gint64 index, guint32 *state)
{
  double u = next_uniform (state);

  if (g_str_equal (kind, "positive"))
    return 0.5 + u;
  if (g_str_equal (kind, "above"))
    return 1.5 + u;
  if (g_str_equal (kind, "small"))
    return 1.4 * u - 0.7;
  if (g_str_equal (kind, "far"))
    return u < 0.5 ? -0.2 - 1.6 * u : 0.2 + 1.6 * (u - 0.5);
  /* Steps of 0.06 in an order that jumps about, each disturbed by far less: 37 and 101 have no common divisor. */
  if (g_str_equal (kind, "distinct"))
    return ((index * 37 + (*state >> 20)) % 101 - 50) * 0.06 + 0.01 * (u - 0.5);
  if (g_str_equal (kind, "wide"))
    return floor (u * 16 - 8) / 2 + 0.1 + 0.3 * next_uniform (state);
  return 2 * u - 1;
}

static PareShape
parse_shape (const char *text)
{
  g_auto (GStrv) dims = g_strsplit (text, "x", -1);
  PareShape shape = { 0 };

  for (guint i = 0; !g_str_equal (text, "s") && dims[i]; i++)
    shape.dims[shape.rank++] = g_ascii_strtoll (dims[i], NULL, 10);
  return shape;
}

static PareTensor *
parse_list (const char *text, PareDataType type, const char *shape_text)
{
  g_auto (GStrv) items = g_strsplit (text, ",", -1);
  guint n = *text ? g_strv_length (items) : 0;
  PareShape shape = shape_text ? parse_shape (shape_text) : pare_shape_of (1, (int)n);
  gint64 *ints = g_new (gint64, n + 1);
  float *floats = g_new (float, n + 1);

  if (type == PARE_FLOAT32 && n == 1)
    shape.rank = 0;
  for (guint i = 0; i < n; i++)
    {
      ints[i] = g_ascii_strtoll (items[i], NULL, 10);
      floats[i] = g_ascii_strtod (items[i], NULL);
    }
  g_free (type == PARE_INT64 ? (gpointer)floats : ints);
  return pare_tensor_new_take (type, &shape, type == PARE_INT64 ? (gpointer)ints : floats);
}

static Input
parse_input (const char *text, guint32 *state)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", 2);
  g_autofree char *inner = strlen (text) > 1 ? g_strndup (text + 1, strlen (text) - 2) : NULL;
  const char *kind = parts[1] ? parts[1] : "plain";
  gboolean is_bool = g_str_equal (kind, "bool");
  PareShape shape;
  gint64 n;

  if (*text == '-')
    return (Input){ NULL, FALSE };
  if (*text == '[')
    return (Input){ parse_list (inner, PARE_INT64, NULL), FALSE };
  if (*text == '<')
    {
      g_autoptr (PareTensor) list = parse_list (inner, PARE_INT64, NULL);
      return (Input){ pare_tensor_cast (list, PARE_INT32), FALSE };
    }
  if (*text == '(')
    return (Input){ parse_list (inner, PARE_FLOAT32, NULL), FALSE };
  if (*text == '{')
    {
      g_auto (GStrv) halves = g_strsplit (inner, ":", 2);
      return (Input){ parse_list (halves[1], PARE_INT64, halves[0]), FALSE };
    }
  shape = parse_shape (parts[0]);
  n = pare_shape_elements (&shape);
  g_autofree float *data = g_new (float, n);
  g_autofree guint8 *bools = g_new (guint8, n);
  next_uniform (state);
  guint32 start = *state;
  for (gint64 i = 0; i < n; i++)
    {
      guint32 fixed = start;
      data[i] = number_of_kind (kind, i, g_str_equal (kind, "distinct") ? &fixed : state);
      bools[i] = data[i] > 0;
    }
  return (Input){ is_bool ? pare_tensor_new_copy (PARE_BOOL, &shape, bools) : pare_tensor_new_floats (&shape, data),
                  !is_bool && !g_str_equal (kind, "fixed") };
}

static PareAttribute *
parse_attribute (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "=", 2);
  const char *name = parts[0], *value = parts[1];

  if (strchr (value, ',') && (g_ascii_isdigit (*value) || *value == '-'))
    {
      g_autofree char *list = g_strndup (value, strlen (value) - g_str_has_suffix (value, ","));
      g_autoptr (PareTensor) tensor = parse_list (list, PARE_INT64, NULL);
      return pare_attribute_new_ints (name, pare_tensor_elements (tensor), pare_tensor_data (tensor));
    }
  if (!g_ascii_isdigit (*value) && *value != '-')
    return pare_attribute_new_string (name, value);
  if (strchr (value, '.'))
    return pare_attribute_new_float (name, g_ascii_strtod (value, NULL));
  return pare_attribute_new_int (name, g_ascii_strtoll (value, NULL, 10));
}

/* The graph of one case, and its free inputs. */
typedef struct
{
  PareGraph *graph;
  PareNode *node;
  GPtrArray *tensors; /* of the graph's inputs, all differentiated */
} Net;

static void
net_clear (Net *net)
{
  g_clear_object (&net->graph);
  g_clear_pointer (&net->tensors, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Net, net_clear)

static void
add_input (Net *net, const char *text, guint32 *state)
{
  Input input = parse_input (text, state);
  PareValue *value = input.tensor ? pare_graph_add_value_near (net->graph, "x") : NULL;
  PareSpec spec;

  pare_node_add_input (net->node, value);
  if (!value)
    return;
  if (!input.differentiated)
    {
      pare_value_set_constant (value, input.tensor);
      pare_tensor_unref (input.tensor);
      return;
    }
  spec = (PareSpec){ PARE_FLOAT32, input.tensor->shape };
  pare_value_set_spec (value, &spec);
  g_ptr_array_add (net->graph->inputs, value);
  g_ptr_array_add (net->tensors, input.tensor);
}

static void
build (Net *net, const Case *c)
{
  g_auto (GStrv) inputs = g_strsplit (c->inputs, " ", -1);
  g_auto (GStrv) attributes = g_strsplit (c->attributes, " ", -1);
  gboolean internal = g_str_has_prefix (c->op_type, "pare:");
  guint32 state = g_str_hash (c->inputs);

  net->graph = pare_graph_new ();
  net->tensors = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  pare_graph_set_opset (net->graph, "", 17);
  pare_graph_set_opset (net->graph, PARE_DOMAIN, 1);
  net->node
      = pare_graph_add_node (net->graph, internal ? PARE_DOMAIN : "", c->op_type + (internal ? 5 : 0), "node", NULL);
  for (guint i = 0; inputs[i]; i++)
    add_input (net, inputs[i], &state);
  for (guint i = 0; attributes[i] && *attributes[i]; i++)
    pare_node_set_attribute (net->node, parse_attribute (attributes[i]));
  for (guint i = 0; i < MAX (c->outputs, 1); i++)
    {
      PareValue *value = pare_graph_add_value_near (net->graph, "y");
      pare_node_add_output (net->node, value);
      g_ptr_array_add (net->graph->outputs, value);
    }
}

static GPtrArray *
run (PareExecutor *executor, GPtrArray *inputs, guint n_outputs)
{
  GPtrArray *outputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  g_autoptr (GError) error = NULL;

  g_ptr_array_set_size (outputs, n_outputs);
  pare_executor_run (executor, (PareTensor **)inputs->pdata, inputs->len, (PareTensor **)outputs->pdata, &error);
  g_assert_no_error (error);
  return outputs;
}

/* The random functional: a tensor of factors per output. */
static GPtrArray *
make_factors (GPtrArray *outputs)
{
  GPtrArray *factors = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  guint32 state = 5;

  for (guint i = 0; i < outputs->len; i++)
    {
      const PareTensor *output = outputs->pdata[i];
      gint64 n = pare_tensor_elements (output);
      g_autofree float *data = g_new (float, n + 1);
      for (gint64 k = 0; k < n; k++)
        data[k] = number_of_kind ("far", k, &state);
      g_ptr_array_add (factors, pare_tensor_new_floats (&output->shape, data));
    }
  return factors;
}

static double
functional (PareExecutor *executor, GPtrArray *inputs, GPtrArray *factors)
{
  g_autoptr (GPtrArray) outputs = run (executor, inputs, factors->len);
  double sum = 0;

  for (guint i = 0; i < factors->len; i++)
    for (gint64 k = 0; k < pare_tensor_elements (factors->pdata[i]); k++)
      sum += pare_tensor_get_double (outputs->pdata[i], k) * pare_tensor_get_double (factors->pdata[i], k);
  return sum;
}

static double
central_difference (PareExecutor *executor, GPtrArray *inputs, guint input, gint64 element, GPtrArray *factors)
{
  PareTensor *tensor = inputs->pdata[input];
  double values[2], moved[2];

  for (guint side = 0; side < 2; side++)
    {
      g_autofree float *data = g_memdup2 (pare_tensor_data (tensor), pare_tensor_size (tensor));
      g_autoptr (PareTensor) other = NULL;
      data[element] += side ? STEP : -STEP;
      moved[side] = data[element];
      other = pare_tensor_new_floats (&tensor->shape, data);
      inputs->pdata[input] = other;
      values[side] = functional (executor, inputs, factors);
      inputs->pdata[input] = tensor;
    }
  return (values[1] - values[0]) / (moved[1] - moved[0]);
}

/* sum over outputs of sum (output * factors), in the graph. */
static PareValue *
add_loss (Net *net, GPtrArray *factors)
{
  PareValue *loss = NULL;

  for (guint i = 0; i < factors->len; i++)
    {
      PareNode *mul = pare_graph_add_node (net->graph, "", "Mul", "weigh", NULL);
      PareNode *sum = pare_graph_add_node (net->graph, "", "ReduceSum", "total", NULL), *add;
      pare_node_add_input (mul, net->node->outputs->pdata[i]);
      pare_node_add_input (mul, pare_graph_add_constant (net->graph, "factors", factors->pdata[i]));
      pare_node_add_output (mul, pare_graph_add_value_near (net->graph, "weighed"));
      pare_node_add_input (sum, mul->outputs->pdata[0]);
      pare_node_add_output (sum, pare_graph_add_value_near (net->graph, "sum"));
      pare_node_set_attribute (sum, pare_attribute_new_int ("keepdims", 0));
      if (!loss)
        {
          loss = sum->outputs->pdata[0];
          continue;
        }
      add = pare_graph_add_node (net->graph, "", "Add", "losses", NULL);
      pare_node_add_input (add, loss);
      pare_node_add_input (add, sum->outputs->pdata[0]);
      pare_node_add_output (add, pare_graph_add_value_near (net->graph, "loss"));
      loss = add->outputs->pdata[0];
    }
  return loss;
}

static GPtrArray *
compute_gradients (Net *net, GPtrArray *factors)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareExecutor) executor = NULL;
  guint n = net->tensors->len;
  g_autofree PareValue **gradients = g_new0 (PareValue *, n + 1);

  pare_graph_add_gradients (net->graph, add_loss (net, factors), n, (PareValue **)net->graph->inputs->pdata, gradients,
                            &error);
  g_assert_no_error (error);
  pare_graph_assert_consistent (net->graph);
  g_ptr_array_set_size (net->graph->outputs, 0);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (net->graph->outputs, gradients[i]);
  executor = pare_executor_new (net->graph);
  return run (executor, net->tensors, n);
}

/* Entries with an even distance between them, so that long inputs are probed all over. */
static void
compare (PareExecutor *executor, GPtrArray *inputs, guint input, GPtrArray *factors, const PareTensor *gradient,
         const Case *c)
{
  gint64 n = pare_tensor_elements (inputs->pdata[input]), probes = MIN (n, PROBES);
  double largest = 1;

  g_assert_true (pare_shape_equal (&gradient->shape, &((PareTensor *)inputs->pdata[input])->shape));
  for (gint64 i = 0; i < n; i++)
    largest = MAX (largest, fabs (pare_tensor_get_double (gradient, i)));
  for (gint64 i = 0; i < probes; i++)
    {
      gint64 at = i * n / probes;
      double want = central_difference (executor, inputs, input, at, factors);
      double have = pare_tensor_get_double (gradient, at);
      if (!(fabs (have - want) <= TOLERANCE * largest))
        g_error ("%s (%s) of %s: the derivative by entry %d of differentiated input %u is %g instead of %g", c->op_type,
                 c->attributes, c->inputs, (int)at, input, have, want);
    }
}

static void
test_backward_matches_differences (gconstpointer data)
{
  const Case *c = data;
  g_auto (Net) net = { 0 };
  g_autoptr (PareGraph) plain = NULL;
  g_autoptr (PareExecutor) executor = NULL;
  g_autoptr (GPtrArray) outputs = NULL;
  g_autoptr (GPtrArray) factors = NULL;
  g_autoptr (GPtrArray) gradients = NULL;

  build (&net, c);
  plain = pare_graph_copy (net.graph);
  executor = pare_executor_new (plain);
  outputs = run (executor, net.tensors, plain->outputs->len);
  factors = make_factors (outputs);
  gradients = compute_gradients (&net, factors);
  for (guint i = 0; i < net.tensors->len; i++)
    compare (executor, net.tensors, i, factors, gradients->pdata[i], c);
}

static void
test_error_names_node_and_operator (void)
{
  const Case undifferentiable = { "NonZero", "", "3:far" };
  g_auto (Net) net = { 0 };
  g_autoptr (GError) error = NULL;
  PareValue *gradient;

  build (&net, &undifferentiable);
  g_assert_false (pare_graph_add_gradients (net.graph, net.node->outputs->pdata[0], 1,
                                            (PareValue **)net.graph->inputs->pdata, &gradient, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_NOT_IMPLEMENTED);
  g_assert_nonnull (strstr (error->message, "'node' (NonZero)"));
}

/* A file may name the internal operators, too, with inputs that no backward function would give them. */
static const Case refused[] = {
  { "pare:ConvGradInput", "", "1x2x4x4 3x2x2x2 1x2x4x4" },
  { "pare:ConvGradWeight", "group=0", "1x3x3x3 1x2x4x4 3x2x2x2" },
  { "pare:ConvGradInput", "", "1x2x1x1x1x1x1 2x2x1x1x1x1x1 1x2x1x1x1x1x1" },
  { "pare:MatMulGradA", "", "4x3 4x3 4x5" },
  { "pare:MaxPoolGrad", "kernel_shape=2,2", "1x2x4x4 1x2x4x4" },
  { "pare:BatchNormalizationGrad", "", "2x3x4 2x3x4 3 4 3" },
  { "pare:ReduceToShape", "", "2x3 2x2" },
  { "pare:ReluGrad", "", "2x3 6" },
  { "pare:SoftmaxGrad", "axis=2", "2x3 2x3" },
  { "pare:LayerNormalizationGrad", "", "2x3 2x3 4", 3 },
  { "pare:InstanceNormalizationGrad", "", "2x3x4 2x3x4 4", 3 },
  { "pare:GatherGrad", "", "9x3 [0,1] 5x3" },
  { "pare:TileGrad", "", "4x3 3x3" },
  { "pare:SliceGrad", "", "4x3 6x3 [0] [3]" },
  { "pare:PadGrad", "", "4x3 4x3 [1,1,1,1] -" },
  { "pare:ResizeGrad", "", "1x1x2x2 - (1,1,2,2) - 1x1x2x2" },
  { "pare:EinsumGrad", "equation=ij,jk->ik index=2", "2x3 3x4 2x4" },
  { "pare:EinsumGrad", "equation=ij,jk->ik", "2x3 3x4 2x5" },
  { "pare:SpaceToDepth", "blocksize=2", "1x1x3x2" },
};

static void
test_internal_operator_refuses_what_does_not_fit (gconstpointer data)
{
  g_auto (Net) net = { 0 };
  g_autoptr (PareExecutor) executor = NULL;
  g_autoptr (GError) error = NULL;
  PareTensor *outputs[3] = { NULL };

  build (&net, data);
  executor = pare_executor_new (net.graph);
  g_assert_false (pare_executor_run (executor, (PareTensor **)net.tensors->pdata, net.tensors->len, outputs, &error));
  g_assert_nonnull (strstr (error->message, "'node'"));
}

static void
test_gradient_is_zero_where_nothing_depends (void)
{
  const Case two = { "Add", "", "2x3 2x3" };
  g_auto (Net) net = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (PareExecutor) executor = NULL;
  g_autoptr (GPtrArray) outputs = NULL;
  PareValue *gradients[2], *stranger, *inputs[2];
  const PareSpec spec = { PARE_FLOAT32, pare_shape_of (2, 2, 3) };

  build (&net, &two);
  stranger = pare_graph_add_value (net.graph, "stranger");
  pare_value_set_spec (stranger, &spec);
  g_ptr_array_add (net.graph->inputs, stranger);
  g_ptr_array_add (net.tensors, pare_tensor_ref (net.tensors->pdata[0]));
  inputs[0] = net.graph->inputs->pdata[0];
  inputs[1] = stranger;
  pare_graph_add_gradients (net.graph, net.node->outputs->pdata[0], 2, inputs, gradients, &error);
  g_assert_no_error (error);
  g_ptr_array_set_size (net.graph->outputs, 0);
  g_ptr_array_add (net.graph->outputs, gradients[0]);
  g_ptr_array_add (net.graph->outputs, gradients[1]);
  executor = pare_executor_new (net.graph);
  outputs = run (executor, net.tensors, 2);
  for (guint i = 0; i < 6; i++)
    {
      g_assert_cmpfloat (pare_tensor_get_double (outputs->pdata[0], i), ==, 1);
      g_assert_cmpfloat (pare_tensor_get_double (outputs->pdata[1], i), ==, 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/gradient/%s/%u", cases[i].op_type, i);
      g_test_add_data_func (path, &cases[i], test_backward_matches_differences);
    }
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autofree char *path = g_strdup_printf ("/gradient/refused/%s/%u", refused[i].op_type, i);
      g_test_add_data_func (path, &refused[i], test_internal_operator_refuses_what_does_not_fit);
    }
  g_test_add_func ("/gradient/error", test_error_names_node_and_operator);
  g_test_add_func ("/gradient/zero", test_gradient_is_zero_where_nothing_depends);
  return g_test_run ();
}
