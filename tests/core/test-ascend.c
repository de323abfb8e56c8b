/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The form ascend: what it is made of, and what it computes once its operators are written out in float arithmetic
 * here, from their attributes and packed words alone. */
#include "amct/layers.h"
#include "exec/executor.h"
#include "net.h"
#include "quantize/accumulator.h"
#include "quantize/quantize.h"
#include "quantize/shift.h"
#include <math.h>
#include <string.h>

#define SAMPLES 2
#define SIDE 8

/* Convolutions with padding, a residual sum, pooling and a product. */
static PareGraph *
network (gboolean symmetric, gboolean huge_bias)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, SAMPLES, 3, SIDE, SIDE));
  PareValue *a = OP (&net, "Conv", "a", x, net_random (&net, "aw", pare_shape_of (4, 6, 3, 3, 3), -1, 1),
                     net_random (&net, "ab", pare_shape_of (1, 6), -1, 1));
  PareValue *ra = OP (&net, "Relu", "ra", a);
  PareValue *b = OP (&net, "Conv", "b", ra, net_random (&net, "bw", pare_shape_of (4, 6, 6, 1, 1), -1, 1),
                     net_random (&net, "bb", pare_shape_of (1, 6), -1, 1));
  PareValue *sum = OP (&net, "Add", "sum", b, ra), *pooled = OP (&net, "MaxPool", "pooled", sum);
  PareValue *c = OP (&net, "Conv", "c", pooled, net_random (&net, "cw", pare_shape_of (4, 5, 6, 1, 1), -1, 1));
  PareValue *flat = OP (&net, "Flatten", "flat", c);
  PareValue *y = OP (&net, "Gemm", "y", flat, net_random (&net, "yw", pare_shape_of (2, 4, 80), -1, 1),
                     net_random (&net, "yb", pare_shape_of (1, 4), -1, 1));
  PareQuantizeSettings settings;
  g_autoptr (GError) error = NULL;

  net_set_ints (a, "pads", 4, (gint64[]){ 1, 1, 1, 1 });
  net_set_ints (pooled, "kernel_shape", 2, (gint64[]){ 2, 2 });
  net_set_ints (pooled, "strides", 2, (gint64[]){ 2, 2 });
  pare_node_set_attribute (y->producer, pare_attribute_new_int ("transB", 1));
  net_output (&net, y);
  for (guint i = 0; i < net.graph->values->len; i++)
    {
      PareValue *value = net.graph->values->pdata[i];
      if (!value->constant)
        value->range = (PareRange){ value == ra ? 0 : -2.5f, 3.1f };
    }
  pare_quantize_settings_init (&settings);
  settings.symmetric = symmetric;
  pare_graph_quantize (net.graph, &settings, &error);
  g_assert_no_error (error);
  if (huge_bias)
    pare_node_set_input (b->producer, 2, net_random (&net, "huge", pare_shape_of (1, 6), 1e9, 2e9));
  return g_object_ref (net.graph);
}

static gboolean
lower (PareGraph *graph, const char *form, GError **error)
{
  gboolean lowered = pare_form_find (form, NULL)->lower (graph, error);

  pare_graph_assert_consistent (graph);
  return lowered;
}

static PareGraph *
lowered (const PareGraph *graph, const char *form)
{
  g_autoptr (GError) error = NULL;
  PareGraph *copy = pare_graph_copy (graph);

  lower (copy, form, &error);
  g_assert_no_error (error);
  return copy;
}

static guint
count (const PareGraph *graph, const char *op_type)
{
  guint n = 0;

  for (guint i = 0; i < graph->nodes->len; i++)
    n += g_str_equal (((PareNode *)graph->nodes->pdata[i])->op_type, op_type);
  return n;
}

static PareNode *
node_of (PareGraph *graph, const char *label)
{
  g_autoptr (GError) error = NULL;
  PareNode *node = pare_graph_find_layer (graph, label, &error);

  g_assert_no_error (error);
  return node;
}

static PareTensor *
run (PareGraph *graph)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  g_autoptr (PareTensor) input = NULL;
  g_autoptr (GError) error = NULL;
  PareShape shape = pare_shape_of (4, SAMPLES, 3, SIDE, SIDE);
  float data[SAMPLES * 3 * SIDE * SIDE];
  PareTensor *output = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    data[i] = g_rand_double_range (random, -3, 3);
  input = pare_tensor_new_floats (&shape, data);
  pare_executor_run (executor, &input, 1, &output, &error);
  g_assert_no_error (error);
  return output;
}

/* Ascend's operators in float arithmetic: integers of up to 24 bits are exact in it. */

static PareValue *
number (PareGraph *graph, float value)
{
  g_autoptr (PareTensor) tensor = pare_tensor_new_scalar_float (value);

  return pare_graph_add_constant (graph, "number", tensor);
}

/* @op_type (@x, @a, @b) before @before. */
static PareValue *
put (PareNode *before, const char *op_type, PareValue *x, PareValue *a, PareValue *b)
{
  PareNode *node = pare_graph_add_node (before->graph, "", op_type, "", before);

  pare_node_add_input (node, x);
  if (a)
    pare_node_add_input (node, a);
  if (b)
    pare_node_add_input (node, b);
  pare_node_add_output (node, pare_graph_add_value_near (before->graph, "put"));
  return node->outputs->pdata[0];
}

static void
substitute (PareNode *node, PareValue *value)
{
  PareGraph *graph = node->graph;

  g_assert_true (pare_graph_replace_value (graph, node->outputs->pdata[0], value));
  pare_graph_remove_node (graph, node);
}

/* One number per word, as a shape of @rank axes with the channels first. */
static PareValue *
unpack (PareGraph *graph, const PareTensor *words, guint rank, gboolean shift)
{
  PareShape shape = { .rank = rank };
  gint64 n = pare_tensor_elements (words);
  g_autofree float *numbers = g_new (float, n);
  g_autoptr (PareTensor) tensor = NULL;

  g_assert_cmpint (words->type, ==, PARE_UINT64);
  for (gint64 i = 0; i < n; i++)
    {
      guint64 word = ((const guint64 *)pare_tensor_data (words))[i];
      guint32 low = word & 0xffffffff;
      g_assert_cmphex (word >> 40, ==, 0); /* weights have no offset */
      memcpy (&numbers[i], &low, sizeof low);
      if (shift)
        numbers[i] = 1 << ((word >> 32) & 0xff);
    }
  for (guint i = 0; i < rank; i++)
    shape.dims[i] = i ? 1 : n;
  tensor = pare_tensor_new_floats (&shape, numbers);
  return pare_graph_add_constant (graph, "unpacked", tensor);
}

static gboolean
is_shifted (const PareTensor *words)
{
  return *(const guint64 *)pare_tensor_data (words) >> 32;
}

static void
interpret_dequant (PareNode *node)
{
  PareTensor *words = pare_node_constant (node, 1);
  guint rank = pare_node_is (pare_node_input (node, 0)->producer, "Conv") ? 3 : 1;
  PareValue *value = pare_node_input (node, 0);

  if (is_shifted (words))
    {
      PareValue *powers = unpack (node->graph, words, rank, TRUE);
      value = put (node, "Floor", put (node, "Div", value, powers, NULL), NULL, NULL);
      value = put (node, "Clip", value, number (node->graph, -32768), number (node->graph, 32767));
      value = put (node, "Mul", value, powers, NULL);
    }
  substitute (node, put (node, "Mul", value, unpack (node->graph, words, rank, FALSE), NULL));
}

static void
interpret_quant (PareNode *node)
{
  PareGraph *graph = node->graph;
  g_autofree char *type = pare_node_get_string (node, "dst_type");
  float scale = pare_node_get_float (node, "scale", 0), offset = pare_node_get_float (node, "offset", 0);
  PareValue *value = put (node, "Mul", pare_node_input (node, 0), number (graph, scale), NULL);

  g_assert_cmpstr (type, ==, "INT8");
  g_assert_cmpfloat (offset, ==, rintf (offset));
  value = put (node, "Add", put (node, "Round", value, NULL, NULL), number (graph, offset), NULL);
  substitute (node, put (node, "Clip", value, number (graph, -128), number (graph, 127)));
}

static PareValue *
as_floats (PareGraph *graph, PareTensor *integers, PareDataType type)
{
  g_autoptr (PareTensor) tensor = pare_tensor_cast (integers, PARE_FLOAT32);

  g_assert_cmpint (integers->type, ==, type);
  return pare_graph_add_constant (graph, "floats", tensor);
}

/* Sums of (q - offset) w + bias. */
static void
interpret_layer (PareNode *node)
{
  PareNode *quant = pare_node_input (node, 0)->producer;
  PareTensor *bias = pare_node_constant (node, 2);

  g_assert_cmpstr (quant->op_type, ==, "AscendQuant");
  pare_node_set_input (node, 0,
                       put (node, "Sub", pare_node_input (node, 0),
                            number (node->graph, pare_node_get_float (quant, "offset", 0)), NULL));
  pare_node_set_input (node, 1, as_floats (node->graph, pare_node_constant (node, 1), PARE_INT8));
  if (bias)
    pare_node_set_input (node, 2, as_floats (node->graph, bias, PARE_INT32));
}

static void
interpret_antiquant (PareNode *node)
{
  PareValue *value = put (node, "Add", pare_node_input (node, 0),
                          number (node->graph, pare_node_get_float (node, "offset", 0)), NULL);

  substitute (node, put (node, "Mul", value, number (node->graph, pare_node_get_float (node, "scale", 0)), NULL));
}

static void
interpret (PareGraph *graph)
{
  static const struct
  {
    const char *op_type;
    void (*interpret) (PareNode *node);
  } steps[] = { /* layers ask the quantizers before them for their offsets */
                { "Conv", interpret_layer },
                { "Gemm", interpret_layer },
                { "AscendDequant", interpret_dequant },
                { "AscendAntiQuant", interpret_antiquant },
                { "AscendQuant", interpret_quant }
  };

  for (guint s = 0; s < G_N_ELEMENTS (steps); s++)
    {
      g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
      g_ptr_array_extend (nodes, graph->nodes, NULL, NULL);
      for (guint i = 0; i < nodes->len; i++)
        if (g_str_equal (((PareNode *)nodes->pdata[i])->op_type, steps[s].op_type))
          steps[s].interpret (nodes->pdata[i]);
    }
  pare_graph_assert_consistent (graph);
}

static void
assert_close (const PareTensor *a, const PareTensor *b, double epsilon)
{
  g_assert_true (pare_shape_equal (&a->shape, &b->shape));
  for (gint64 i = 0; i < pare_tensor_elements (a); i++)
    g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (a, i), pare_tensor_get_double (b, i), epsilon);
}

static void
test_operators_are_ascends (void)
{
  g_autoptr (PareGraph) graph = network (FALSE, FALSE), ascend = lowered (graph, "ascend");
  PareNode *conv = node_of (ascend, "a"), *dequant = node_of (ascend, "a.dequant");

  /* x, the first convolution's result (for b and the sum), b's, the pool's and the last data; MaxPool picks from what
   * is rounded behind it. */
  g_assert_cmpuint (count (ascend, "AscendQuant"), ==, 5);
  g_assert_cmpuint (count (ascend, "AscendDequant"), ==, 4);
  g_assert_cmpuint (count (ascend, "AscendAntiQuant"), ==, 2);
  g_assert_cmpuint (count (ascend, "QuantizeLinear") + count (ascend, "DequantizeLinear"), ==, 0);
  g_assert_cmpint (pare_node_constant (conv, 1)->type, ==, PARE_INT8);
  g_assert_cmpint (pare_node_constant (conv, 2)->type, ==, PARE_INT32);
  g_assert_true (pare_node_input (dequant, 0) == pare_node_output (conv, 0));
  g_assert_cmpstr (pare_node_input (dequant, 1)->name, ==, "a.dequant.param");
  g_assert_cmpint (pare_tensor_elements (pare_node_constant (dequant, 1)), ==, 6);
}

static void
test_form_computes_what_pairs_do (gconstpointer symmetric)
{
  g_autoptr (PareGraph) graph = network (GPOINTER_TO_INT (symmetric), FALSE), ascend = lowered (graph, "ascend");
  g_autoptr (PareTensor) expected = run (graph), y = NULL;

  interpret (ascend);
  y = run (ascend);
  assert_close (y, expected, 1e-4);
}

static void
test_huge_bias_is_added_in_float (void)
{
  g_autoptr (PareGraph) graph = network (FALSE, TRUE), ascend = lowered (graph, "ascend");
  PareNode *conv = node_of (ascend, "b");

  g_assert_null (pare_node_input (conv, 2));
  g_assert_true (pare_node_is (node_of (ascend, "b.bias"), "Add"));
  g_assert_true (node_of (ascend, "b.bias")->outputs->pdata[0] == pare_graph_find_value (ascend, "b"));
}

/* Shifts of all layers, as the graphshifter finds them. */
static void
insert_shifts (PareGraph *graph)
{
  static const gint64 shifts[] = { 1, 2, 3, 4, 5, 6 };
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  g_ptr_array_extend (nodes, graph->nodes, NULL, NULL);
  for (guint i = 0; i < nodes->len; i++)
    {
      PareAccumulator accumulator;
      const char *reason;
      if (pare_accumulator_read (nodes->pdata[i], &accumulator, &reason))
        pare_shift_insert (graph, &accumulator, shifts);
    }
}

static void
test_shifts_are_packed (void)
{
  g_autoptr (PareGraph) graph = network (FALSE, FALSE), ascend = NULL, expected_graph = NULL;
  g_autoptr (PareTensor) expected = NULL, y = NULL;

  insert_shifts (graph);
  ascend = lowered (graph, "ascend");
  expected_graph = lowered (graph, "fakequant");
  interpret (ascend);
  expected = run (expected_graph);
  y = run (ascend);
  assert_close (y, expected, 1e-4);
}

static void
test_record_is_protobuf_text (void)
{
  g_autoptr (PareGraph) graph = network (FALSE, FALSE);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) layers = NULL;
  g_autofree char *text = NULL;
  const PareAmctLayer *first;

  insert_shifts (graph);
  layers = pare_amct_layers (graph, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (layers->len, ==, 4);
  first = layers->pdata[0];
  g_assert_cmpstr (first->key, ==, "a");
  /* The range [-2.5, 3.1] in 255 steps; its zero is 114 of 255, less 128. */
  g_assert_cmpfloat_with_epsilon (first->scale_d, 5.6 / 255, 1e-7);
  g_assert_cmpint (first->offset_d, ==, -14);
  g_assert_cmpuint (first->scale_w->len, ==, 6);
  g_assert_cmpuint (first->offset_w->len, ==, 6);
  g_assert_cmpuint (g_array_index (first->shift_bit, guint32, 5), ==, 6);
  g_ptr_array_set_size (layers, 1);
  text = pare_amct_record_print (layers);
  g_assert_true (g_str_has_prefix (text, "record {\n  key: \"a\"\n  value {\n    scale_d: 0.021960"));
  g_assert_nonnull (strstr (text, "    offset_d: -14\n    scale_w: "));
  g_assert_true (g_str_has_suffix (text, "    shift_bit: 5\n    shift_bit: 6\n    dst_type: \"INT8\"\n  }\n}\n"));
}

/* What the form cannot hold is refused by name. */
static void
assert_refused (guint activation_bits, gboolean without_data, const char *layer, const char *why)
{
  g_auto (Net) net = net_new ();
  g_autoptr (GError) error = NULL;
  PareQuantizeSettings settings;
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 2, 4));
  PareValue *y = OP (&net, "MatMul", "y", x, net_random (&net, "w", pare_shape_of (2, 4, 4), -1, 1));
  PareNode *producer;

  net_output (&net, y);
  x->range = y->range = (PareRange){ -1, 1 };
  pare_quantize_settings_init (&settings);
  settings.activation_bits = settings.edge_bits = activation_bits;
  pare_graph_quantize (net.graph, &settings, &error);
  g_assert_no_error (error);
  producer = pare_graph_find_value (net.graph, "y")->producer;
  if (without_data)
    pare_node_set_input (producer, 0, x);
  g_assert_false (lower (net.graph, "ascend", &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_true (g_str_has_prefix (error->message, layer));
  g_assert_nonnull (strstr (error->message, why));
}

static void
test_what_it_cannot_hold_is_refused (void)
{
  assert_refused (6, FALSE, "'y'", "8 bits");
  assert_refused (8, TRUE, "'y'", "its data is not on one grid");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ascend/operators", test_operators_are_ascends);
  g_test_add_data_func ("/ascend/computes/unsigned", GINT_TO_POINTER (FALSE), test_form_computes_what_pairs_do);
  g_test_add_data_func ("/ascend/computes/signed", GINT_TO_POINTER (TRUE), test_form_computes_what_pairs_do);
  g_test_add_func ("/ascend/huge-bias", test_huge_bias_is_added_in_float);
  g_test_add_func ("/ascend/shifts", test_shifts_are_packed);
  g_test_add_func ("/ascend/record", test_record_is_protobuf_text);
  g_test_add_func ("/ascend/refused", test_what_it_cannot_hold_is_refused);
  return g_test_run ();
}
