/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What operators refuse: a clear error that names the node, and never a crash. */
#include "evaluate-node.h"
#include <string.h>

/* A tensor argument in a case: shape "" is omitted. */
typedef struct
{
  PareDataType type;
  guint rank;
  gint64 dims[4];
  gint64 values[4]; /* repeated over the elements */
} Input;

typedef struct
{
  const char *name;
  const char *op_type;
  guint n_inputs;
  Input inputs[4];
  const char *attribute;
  gint64 value;
  PareError code;
  const char *part; /* of the message */
} Case;

#define FLOATS(...) PARE_FLOAT32, __VA_ARGS__
#define MISSING                                                                                                        \
  {                                                                                                                    \
    PARE_UNDEFINED                                                                                                     \
  }

static const Case cases[] = {
  { "shapes-that-do-not-broadcast",
    "Add",
    2,
    { { FLOATS (2, { 2, 3 }) }, { FLOATS (1, { 4 }) } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "[2,3] and [4]" },
  { "a-missing-input", "Add", 2, { { FLOATS (1, { 2 }) }, MISSING }, NULL, 0, PARE_ERROR_FORMAT, "input 1 is missing" },
  { "too-few-inputs", "Mul", 1, { { FLOATS (1, { 2 }) } }, NULL, 0, PARE_ERROR_FORMAT, "it has 1 inputs" },
  { "different-types",
    "Sub",
    2,
    { { FLOATS (1, { 2 }) }, { PARE_INT64, 1, { 2 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "float32 and int64" },
  { "a-type-without-a-kernel", "Erf", 1, { { PARE_INT32, 1, { 2 } } }, NULL, 0, PARE_ERROR_NOT_IMPLEMENTED, "int32" },
  { "an-integer-divided-by-zero",
    "Div",
    2,
    { { PARE_INT32, 1, { 2 }, { 1 } }, { PARE_INT32, 1, { 2 }, { 1, 0 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "divided by zero" },
  { "softmax-axis-out-of-range",
    "Softmax",
    1,
    { { FLOATS (2, { 2, 3 }) } },
    "axis",
    2,
    PARE_ERROR_FORMAT,
    "axis 2 is out of range for 2 dimensions" },
  { "softmax-of-a-scalar", "Softmax", 1, { { FLOATS (0, { 0 }) } }, NULL, 0, PARE_ERROR_FORMAT, "out of range" },
  { "concat-axis-out-of-range", "Concat", 1, { { FLOATS (1, { 2 }) } }, "axis", -2, PARE_ERROR_FORMAT, "axis -2" },
  { "concat-of-different-ranks",
    "Concat",
    2,
    { { FLOATS (1, { 2 }) }, { FLOATS (2, { 1, 2 }) } },
    "axis",
    0,
    PARE_ERROR_FORMAT,
    "cannot be joined" },
  { "reshape-that-does-not-fit",
    "Reshape",
    2,
    { { FLOATS (1, { 6 }) }, { PARE_INT64, 1, { 2 }, { 4, -1 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "[6] does not fit into [4,?]" },
  { "reshape-that-overflows",
    "Reshape",
    2,
    { { FLOATS (1, { 6 }) }, { PARE_INT64, 1, { 4 }, { G_MAXINT64, G_MAXINT64, 1, 1 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "does not fit" },
  { "reshape-to-too-many-axes",
    "Reshape",
    2,
    { { FLOATS (1, { 1 }) }, { PARE_INT64, 1, { 13 }, { 1, 1, 1, 1 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "13 dimensions" },
  { "squeeze-of-a-large-axis",
    "Squeeze",
    2,
    { { FLOATS (2, { 2, 1 }) }, { PARE_INT64, 1, { 1 }, { 0 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "cannot be squeezed" },
  { "squeeze-twice",
    "Squeeze",
    2,
    { { FLOATS (2, { 1, 1 }) }, { PARE_INT64, 1, { 2 }, { 0, -2 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "given twice" },
  { "gather-beyond-the-end",
    "Gather",
    2,
    { { FLOATS (1, { 3 }) }, { PARE_INT64, 1, { 1 }, { 3 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "index 3 is out of range for size 3" },
  { "gather-before-the-start",
    "Gather",
    2,
    { { FLOATS (1, { 3 }) }, { PARE_INT64, 1, { 1 }, { -4 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "index -4" },
  { "gather-elements-beyond-the-end",
    "GatherElements",
    2,
    { { FLOATS (1, { 3 }) }, { PARE_INT64, 1, { 1 }, { 9 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "index 9" },
  { "gather-of-a-scalar",
    "Gather",
    2,
    { { FLOATS (0, { 0 }) }, { PARE_INT64, 1, { 1 }, { 0 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "out of range" },
  { "slice-with-step-zero",
    "Slice",
    4,
    { { FLOATS (1, { 3 }) },
      { PARE_INT64, 1, { 1 }, { 0 } },
      { PARE_INT64, 1, { 1 }, { 3 } },
      { PARE_INT64, 1, { 2 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "do not fit each other" },
  { "split-that-does-not-add-up",
    "Split",
    2,
    { { FLOATS (1, { 3 }) }, { PARE_INT64, 1, { 1 }, { 2 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "do not make up axis 0" },
  { "expand-that-does-not-fit",
    "Expand",
    2,
    { { FLOATS (1, { 3 }) }, { PARE_INT64, 1, { 1 }, { 2 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "does not broadcast" },
  { "expand-to-a-negative-size",
    "Expand",
    2,
    { { FLOATS (1, { 1 }) }, { PARE_INT64, 1, { 1 }, { -2 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "does not broadcast" },
  { "an-output-larger-than-any-memory",
    "Expand",
    2,
    { { FLOATS (1, { 1 }) }, { PARE_INT64, 1, { 1 }, { G_MAXINT64 / 2 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "output 0" },
  { "tile-that-overflows",
    "Tile",
    2,
    { { FLOATS (1, { 4 }) }, { PARE_INT64, 1, { 1 }, { G_MAXINT64 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "repeats" },
  { "constant-of-an-impossible-shape",
    "ConstantOfShape",
    1,
    { { PARE_INT64, 1, { 1 }, { -1 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "impossible" },
  { "constant-without-a-value", "Constant", 0, { { 0 } }, NULL, 0, PARE_ERROR_NOT_IMPLEMENTED, "no value attribute" },
  { "cast-to-nothing", "Cast", 1, { { FLOATS (1, { 1 }) } }, "to", 14, PARE_ERROR_NOT_IMPLEMENTED, "complex64" },
  { "cast-to-an-absurd-type",
    "Cast",
    1,
    { { FLOATS (1, { 1 }) } },
    "to",
    G_MININT64,
    PARE_ERROR_NOT_IMPLEMENTED,
    "not possible" },
  { "scales-that-do-not-fit",
    "QuantizeLinear",
    2,
    { { FLOATS (2, { 2, 3 }) }, { FLOATS (1, { 2 }) } },
    "axis",
    1,
    PARE_ERROR_FORMAT,
    "2 scales for axis 1 of size 3" },
  { "zero-points-that-do-not-fit",
    "QuantizeLinear",
    3,
    { { FLOATS (1, { 2 }) }, { FLOATS (1, { 2 }) }, { PARE_UINT8, 1, { 1 } } },
    "axis",
    0,
    PARE_ERROR_FORMAT,
    "zero points" },
  { "a-zero-point-of-another-type",
    "DequantizeLinear",
    3,
    { { PARE_INT8, 1, { 2 } }, { FLOATS (0, { 0 }) }, { PARE_UINT8, 0, { 0 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "zero point" },
  { "reduced-axis-out-of-range",
    "ReduceSum",
    2,
    { { FLOATS (1, { 2 }) }, { PARE_INT64, 1, { 1 }, { 1 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "axis 1" },
  { "the-extreme-of-nothing", "ArgMax", 1, { { FLOATS (1, { 0 }) } }, NULL, 0, PARE_ERROR_FORMAT, "no extreme" },
  { "cropped-by-more-than-there-is",
    "Pad",
    2,
    { { FLOATS (1, { 2 }) }, { PARE_INT64, 1, { 2 }, { -9, 0 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "cannot be padded" },
  { "an-endless-range",
    "Range",
    3,
    { { PARE_INT64, 0, { 0 }, { 0 } }, { PARE_INT64, 0, { 0 }, { 5 } }, { PARE_INT64, 0, { 0 }, { 0 } } },
    NULL,
    0,
    PARE_ERROR_FORMAT,
    "not a sequence" },
};

static PareTensor *
make_input (const Input *input)
{
  PareShape shape = pare_shape (input->rank, input->dims);
  gint64 n = pare_shape_elements (&shape);
  g_autofree gint64 *values = g_new0 (gint64, MAX (n, 1));
  g_autoptr (PareTensor) tensor = NULL;

  if (input->type == PARE_UNDEFINED)
    return NULL;
  for (gint64 i = 0; i < n; i++)
    values[i] = input->values[i % 4];
  tensor = pare_tensor_new_copy (PARE_INT64, &shape, values);
  return pare_tensor_cast (tensor, input->type);
}

static void
test_refused (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GError) error = NULL;
  PareTensor *inputs[4] = { NULL };
  PareNode *node = make_node (graph, c->op_type, c->n_inputs, 1);

  if (c->attribute)
    pare_node_set_attribute (node, pare_attribute_new_int (c->attribute, c->value));
  for (guint i = 0; i < c->n_inputs; i++)
    inputs[i] = make_input (&c->inputs[i]);
  g_assert_null (evaluate (node, inputs, &error));
  g_assert_error (error, PARE_ERROR, (int)c->code);
  if (!strstr (error->message, c->part) || !strstr (error->message, "the node"))
    g_error ("'%s' does not say '%s'", error->message, c->part);
  for (guint i = 0; i < 4; i++)
    g_clear_pointer (&inputs[i], pare_tensor_unref);
}

/* Transpose with a permutation that names an axis twice. */
static void
test_permutation_refused (void)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GError) error = NULL;
  PareShape shape = pare_shape_of (2, 2, 3);
  g_autoptr (PareTensor) x = pare_tensor_new_floats (&shape, (float[6]){ 0 });
  PareNode *node = make_node (graph, "Transpose", 1, 1);

  pare_node_set_attribute (node, pare_attribute_new_ints ("perm", 2, (gint64[]){ 1, 1 }));
  g_assert_null (evaluate (node, &x, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
}

/* An output that the node does not have is not computed, and no memory is touched for it. */
static void
test_omitted_output_refused (void)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (PareTensor) x = pare_tensor_new_scalar_float (1);
  PareNode *node = make_node (graph, "Relu", 1, 0);

  pare_node_add_output (node, NULL);
  g_assert_null (evaluate (node, &x, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/operators/refuse/", cases[i].name, NULL);
      g_test_add_data_func (path, &cases[i], test_refused);
    }
  g_test_add_func ("/operators/refuse/a-permutation-that-repeats", test_permutation_refused);
  g_test_add_func ("/operators/refuse/an-omitted-output", test_omitted_output_refused);
  return g_test_run ();
}
