/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The forms with operators on integers: what each pattern becomes, and that it computes what the pairs do. Standard
 * operators are run as the specification defines them, by kernels that know nothing of pairs. */
#include "exec/executor.h"
#include "integer/integer.h"
#include "pairs.h"
#include "quantize/quantize.h"
#include <math.h>
#include <string.h>

#define X_SCALE 0.02f
#define Y_SCALE 0.031f
#define CHANNELS 8
#define OUTPUTS 5

/* A network of one input on integers. */
typedef struct
{
  const char *name;
  PareValue *(*body) (Net *net, PareValue *x);
  PareDataType type;
  int x_zero, y_zero;
  gboolean matrix;                  /* of the input; else an image */
  gboolean rounded;                 /* the result is integers */
  const char *standard, *microsoft; /* the operators that the forms have */
} Case;

static PareTensor *
scales (Net *net, gint64 n)
{
  PareShape shape = pare_shape_of (1, n);
  g_autofree float *numbers = g_new (float, n);

  for (gint64 i = 0; i < n; i++)
    numbers[i] = g_rand_double_range (net->random, 0.001, 0.01);
  return pare_tensor_new_floats (&shape, numbers);
}

static PareValue *
weights (Net *net, PareShape shape, guint axis, PareTensor *w_scale)
{
  g_autoptr (PareTensor) integers = net_random_bytes (net->random, PARE_INT8, &shape);

  return net_stored (net, "wd", integers, w_scale, 1, axis);
}

static PareValue *
bias (Net *net, PareTensor *w_scale)
{
  gint32 numbers[OUTPUTS] = { 900, -15000, 7, 20000, 0 };
  g_autoptr (PareTensor) integers = pare_tensor_new_copy (PARE_INT32, &w_scale->shape, numbers);

  return net_stored (net, "bd", integers, w_scale, X_SCALE, 0);
}

static PareValue *
body_conv (Net *net, PareValue *x)
{
  g_autoptr (PareTensor) w_scale = scales (net, OUTPUTS);
  PareValue *y = OP (net, "Conv", "conv", x, weights (net, pare_shape_of (4, OUTPUTS, CHANNELS, 3, 3), 0, w_scale),
                     bias (net, w_scale));

  net_set_ints (y, "pads", 4, (gint64[]){ 1, 1, 1, 1 });
  net_set_ints (y, "strides", 2, (gint64[]){ 2, 1 });
  return y;
}

static PareValue *
body_conv_relu (Net *net, PareValue *x)
{
  return OP (net, "Relu", "relu", body_conv (net, x));
}

static PareValue *
body_conv_clip (Net *net, PareValue *x)
{
  return OP (net, "Clip", "clip", body_conv (net, x), net_number (net, -1), net_number (net, 1.5f));
}

/* A bias that 32 bits do not hold in steps of the sums. */
static PareValue *
body_conv_float_bias (Net *net, PareValue *x)
{
  g_autoptr (PareTensor) w_scale = scales (net, OUTPUTS);

  return OP (net, "Conv", "conv", x, weights (net, pare_shape_of (4, OUTPUTS, CHANNELS, 1, 1), 0, w_scale),
             net_random (net, "bias", pare_shape_of (1, OUTPUTS), 1e6, 2e6));
}

static PareValue *
body_gemm (Net *net, PareValue *x)
{
  g_autoptr (PareTensor) w_scale = scales (net, OUTPUTS);
  PareValue *y = OP (net, "Gemm", "gemm", x, weights (net, pare_shape_of (2, OUTPUTS, CHANNELS), 0, w_scale),
                     bias (net, w_scale));

  pare_node_set_attribute (y->producer, pare_attribute_new_int ("transB", 1));
  return y;
}

static PareValue *
body_matmul (Net *net, PareValue *x)
{
  g_autoptr (PareTensor) w_scale = scales (net, OUTPUTS);

  return OP (net, "MatMul", "matmul", x, weights (net, pare_shape_of (2, CHANNELS, OUTPUTS), 1, w_scale));
}

/* Of the same numbers with another grid, too. */
static PareValue *
rescaled (Net *net, PareValue *x, float scale, int zero)
{
  PareDataType type = x->producer ? pare_node_constant (x->producer, 2)->type : PARE_UINT8;

  return net_dequantized (net, "other", net_quantized (net, "other_q", x, scale, type, zero), scale, type, zero);
}

static PareValue *
body_add (Net *net, PareValue *x)
{
  return OP (net, "Relu", "relu", OP (net, "Add", "sum", x, rescaled (net, x, 0.011f, 100)));
}

static PareValue *
body_concat (Net *net, PareValue *x)
{
  PareValue *y = OP (net, "Concat", "joined", x, rescaled (net, x, 0.011f, 100));

  pare_node_set_attribute (y->producer, pare_attribute_new_int ("axis", 1));
  return y;
}

static PareValue *
body_mean (Net *net, PareValue *x)
{
  return OP (net, "GlobalAveragePool", "mean", x);
}

static PareValue *
body_sigmoid (Net *net, PareValue *x)
{
  return OP (net, "Sigmoid", "sigmoid", x);
}

/* Moved integers lie on the grid that they came from. */
static PareValue *
body_moves (Net *net, PareValue *x)
{
  PareValue *y = OP (net, "MaxPool", "pool", x);

  net_set_ints (y, "kernel_shape", 2, (gint64[]){ 2, 3 });
  y = net_quantized (net, "pool_q", y, X_SCALE, PARE_UINT8, 90);
  y = OP (net, "Flatten", "flat", net_dequantized (net, "pool_d", y, X_SCALE, PARE_UINT8, 90));
  y = net_quantized (net, "flat_q", y, X_SCALE, PARE_UINT8, 90);
  return net_dequantized (net, "flat_d", y, X_SCALE, PARE_UINT8, 90);
}

#define SUMS "Add Cast Mul"
#define CONV_SUMS "ConvInteger " SUMS

static const Case cases[] = {
  { "conv", body_conv, PARE_UINT8, 0, 100, FALSE, TRUE, "QLinearConv", "QLinearConv" },
  { "zero-points", body_conv, PARE_UINT8, 131, 128, FALSE, TRUE, "QLinearConv", "QLinearConv" },
  { "signed", body_conv, PARE_INT8, -7, 9, FALSE, TRUE, "QLinearConv", "QLinearConv" },
  { "relu", body_conv_relu, PARE_UINT8, 131, 0, FALSE, TRUE, "QLinearConv", "QLinearConv" },
  { "relu-signed", body_conv_relu, PARE_INT8, 0, 0, FALSE, TRUE, "QLinearConv Clip", "QLinearConv Clip" },
  { "clip", body_conv_clip, PARE_UINT8, 3, 100, FALSE, TRUE, "QLinearConv Clip", "QLinearConv Clip" },
  { "sums", body_conv, PARE_UINT8, 131, 0, FALSE, FALSE, CONV_SUMS, CONV_SUMS },
  { "float-bias", body_conv_float_bias, PARE_UINT8, 131, 0, FALSE, FALSE, "ConvInteger Cast Mul Add",
    "ConvInteger Cast Mul Add" },
  { "gemm", body_gemm, PARE_UINT8, 90, 120, TRUE, TRUE, "MatMulInteger " SUMS " QuantizeLinear", "QGemm" },
  { "gemm-signed", body_gemm, PARE_INT8, 0, 20, TRUE, TRUE, "MatMulInteger " SUMS " QuantizeLinear", "QGemm" },
  { "gemm-float", body_gemm, PARE_UINT8, 90, 0, TRUE, FALSE, "MatMulInteger " SUMS, "MatMulIntegerToFloat" },
  { "matmul", body_matmul, PARE_UINT8, 90, 120, TRUE, TRUE, "QLinearMatMul", "QLinearMatMul" },
  { "matmul-float", body_matmul, PARE_INT8, -3, 0, TRUE, FALSE, "MatMulInteger Cast Mul", "MatMulIntegerToFloat" },
  { "add", body_add, PARE_UINT8, 90, 0, FALSE, TRUE,
    "DequantizeLinear QuantizeLinear DequantizeLinear Add Relu QuantizeLinear",
    "DequantizeLinear QuantizeLinear QLinearAdd" },
  { "concat", body_concat, PARE_UINT8, 90, 77, FALSE, TRUE,
    "DequantizeLinear QuantizeLinear DequantizeLinear Concat QuantizeLinear",
    "DequantizeLinear QuantizeLinear QLinearConcat" },
  { "mean", body_mean, PARE_UINT8, 90, 100, FALSE, TRUE, "DequantizeLinear GlobalAveragePool QuantizeLinear",
    "QLinearGlobalAveragePool" },
  { "sigmoid", body_sigmoid, PARE_UINT8, 90, 0, FALSE, TRUE, "DequantizeLinear Sigmoid QuantizeLinear",
    "QLinearSigmoid" },
  { "moves", body_moves, PARE_UINT8, 90, 0, FALSE, FALSE, "MaxPool Flatten DequantizeLinear",
    "MaxPool Flatten DequantizeLinear" },
};

static PareGraph *
build (const Case *c, PareTensor **data)
{
  g_auto (Net) net = net_new ();
  PareShape shape = c->matrix ? pare_shape_of (2, 6, CHANNELS) : pare_shape_of (4, 2, CHANNELS, 7, 6);
  PareValue *x, *y;

  net.type = c->type;
  x = net_input (&net, "x", shape);
  *data = net_random_bytes (net.random, c->type, &shape);
  net.type = PARE_FLOAT32;
  y = c->body (&net, net_dequantized (&net, "xd", x, X_SCALE, c->type, c->x_zero));
  if (c->rounded)
    y = net_quantized (&net, "y", y, Y_SCALE, c->type, c->y_zero);
  net_output (&net, y);
  return g_object_ref (net.graph);
}

static PareGraph *
lowered (const PareGraph *graph, const char *name)
{
  g_autoptr (GError) error = NULL;
  const PareForm *form = pare_form_find (name, &error);
  PareGraph *copy = pare_graph_copy (graph);

  g_assert_no_error (error);
  form->lower (copy, &error);
  g_assert_no_error (error);
  pare_graph_assert_consistent (copy);
  return copy;
}

static char *
operators (const PareGraph *graph)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < graph->nodes->len; i++)
    g_string_append_printf (text, "%s%s", i ? " " : "", ((PareNode *)graph->nodes->pdata[i])->op_type);
  return g_strdup (text->str);
}

static PareTensor *
run (PareExecutor *given, PareTensor *x)
{
  g_autoptr (PareExecutor) executor = given;
  g_autoptr (GError) error = NULL;
  PareTensor *y = NULL;

  g_assert_nonnull (executor);
  pare_executor_run (executor, &x, 1, &y, &error);
  g_assert_no_error (error);
  return y;
}

/* One quantum apart at most, and that rarely; floats are the same but for their last digits. */
static void
assert_agree (const Case *c, const PareTensor *a, const PareTensor *b)
{
  guint apart = 0;

  g_assert_cmpint (a->type, ==, b->type);
  g_assert_true (pare_shape_equal (&a->shape, &b->shape));
  for (gint64 i = 0; i < pare_tensor_elements (a); i++)
    {
      double p = pare_tensor_get_double (a, i), q = pare_tensor_get_double (b, i);
      if (c->rounded)
        apart += fabs (p - q);
      g_assert_cmpfloat_with_epsilon (p, q, c->rounded ? 1 : 1e-5 * MAX (1, fabs (q)));
    }
  g_assert_cmpuint (apart, <=, pare_tensor_elements (a) / 50);
}

static void
test_pattern_becomes_operator (gconstpointer user_data)
{
  const Case *c = user_data;
  g_autoptr (PareTensor) x = NULL;
  g_autoptr (PareGraph) graph = build (c, &x), standard = lowered (graph, "qoperator");
  g_autoptr (PareGraph) microsoft = lowered (graph, "qoperator-microsoft");
  g_autofree char *is = operators (standard), *is_microsoft = operators (microsoft);
  g_autoptr (PareTensor) expected = run (pare_executor_new (graph), x), y = NULL;
  PareGraph *executed[] = { standard, microsoft };

  g_assert_cmpstr (is, ==, c->standard);
  g_assert_cmpstr (is_microsoft, ==, c->microsoft);
  y = run (pare_executor_new (standard), x); /* as it is written */
  assert_agree (c, y, expected);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (PareTensor) other = run (pare_graph_executor (executed[i / 2], i % 2, NULL), x);
      assert_agree (c, other, expected);
    }
}

/* Training and the form fakequant take integers of any form back. */
static void
test_operators_come_back_as_pairs (gconstpointer user_data)
{
  const Case *c = user_data;
  g_autoptr (PareTensor) x = NULL;
  g_autoptr (PareGraph) graph = build (c, &x), microsoft = lowered (graph, "qoperator-microsoft");
  g_autoptr (PareGraph) back = lowered (microsoft, "fakequant");
  g_autoptr (PareTensor) expected = run (pare_executor_new (graph), x), y = run (pare_executor_new (back), x);

  for (guint i = 0; i < back->nodes->len; i++)
    g_assert_cmpstr (((PareNode *)back->nodes->pdata[i])->domain, ==, "");
  assert_agree (c, y, expected);
}

static const PareRecordEntry *
entry_of (const PareGraph *graph, const char *layer)
{
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    if (strcmp (pare_record_entry_layer (pare_record_get (graph->record, i)), layer) == 0)
      return pare_record_get (graph->record, i);
  g_assert_not_reached ();
}

static void
test_record_says_what_each_layer_became (void)
{
  g_autoptr (PareTensor) x = NULL, more = NULL, most = NULL;
  g_autoptr (PareGraph) conv = build (&cases[0], &x), bias_graph = build (&cases[7], &more);
  g_autoptr (PareGraph) add = build (&cases[13], &most), lowered_conv = lowered (conv, "qoperator");
  g_autoptr (PareGraph) lowered_bias = lowered (bias_graph, "qoperator"), lowered_add = lowered (add, "qoperator");

  g_assert_cmpstr (pare_record_entry_action (entry_of (lowered_conv, "conv")), ==, "written as QLinearConv");
  g_assert_nonnull (strstr (pare_record_entry_reason (entry_of (lowered_bias, "conv")), "32 bits"));
  g_assert_cmpstr (pare_record_entry_action (entry_of (lowered_add, "sum")), ==, "left between conversions");
  g_assert_nonnull (strstr (pare_record_entry_reason (entry_of (lowered_add, "sum")), "qoperator-microsoft"));
}

/* Processors without VNNI add two products of uint8 x int8 in 16 bits that saturate. With 7 bits none can: the
 * integers of weights end at -64 and 63. */
static void
test_seven_bits_do_not_saturate_pairs (void)
{
  static const char *const forms[] = { "qdq", "qoperator", "qoperator-microsoft" };
  g_auto (Net) net = net_new ();
  g_autoptr (GError) error = NULL;
  PareQuantizeSettings settings;
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 1, 3, 6, 6));
  PareValue *a = OP (&net, "Conv", "a", x, net_random (&net, "aw", pare_shape_of (4, 4, 3, 3, 3), -1, 1));
  PareValue *y = OP (&net, "Conv", "y", a, net_random (&net, "yw", pare_shape_of (4, 4, 4, 3, 3), -1, 1));

  net_output (&net, y);
  x->range = a->range = y->range = (PareRange){ -2, 3 };
  pare_quantize_settings_init (&settings);
  settings.bits = settings.edge_bits = 7;
  pare_graph_quantize (net.graph, &settings, &error);
  g_assert_no_error (error);
  for (guint form = 0; form < G_N_ELEMENTS (forms); form++)
    {
      g_autoptr (PareGraph) graph = lowered (net.graph, forms[form]);
      gint64 lowest = 0, highest = 0;
      for (guint i = 0; i < graph->values->len; i++)
        {
          const PareTensor *tensor = ((PareValue *)graph->values->pdata[i])->constant;
          for (gint64 k = 0; tensor && tensor->type == PARE_INT8 && k < pare_tensor_elements (tensor); k++)
            {
              lowest = MIN (lowest, pare_tensor_get_int (tensor, k));
              highest = MAX (highest, pare_tensor_get_int (tensor, k));
            }
        }
      g_assert_cmpint (highest, ==, 63); /* the largest weight of a channel, or its opposite */
      g_assert_cmpint (2 * 255 * highest, <=, G_MAXINT16);
      g_assert_cmpint (2 * 255 * lowest, >=, G_MININT16);
    }
}

static void
test_wider_integers_are_refused (void)
{
  g_auto (Net) net = net_new ();
  g_autoptr (GError) error = NULL;
  PareShape scalar = { 0 };
  gint16 zero = 0;
  g_autoptr (PareTensor) tensor = pare_tensor_new_copy (PARE_INT16, &scalar, &zero);
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 2, 3)), *zeros = net_constant (&net, "zero", tensor);
  PareValue *q = OP (&net, "QuantizeLinear", "q", x, net_number (&net, 0.1f), zeros);
  PareValue *d = OP (&net, "DequantizeLinear", "d", q, net_number (&net, 0.1f), zeros);

  net_output (&net, OP (&net, "Relu", "layer", d));
  g_assert_false (pare_form_find ("qoperator", NULL)->lower (net.graph, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "16 bits"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *there = g_strconcat ("/qoperator/pattern/", cases[i].name, NULL);
      g_autofree char *back = g_strconcat ("/qoperator/back/", cases[i].name, NULL);
      g_test_add_data_func (there, &cases[i], test_pattern_becomes_operator);
      g_test_add_data_func (back, &cases[i], test_operators_come_back_as_pairs);
    }
  g_test_add_func ("/qoperator/record", test_record_says_what_each_layer_became);
  g_test_add_func ("/qoperator/seven-bits", test_seven_bits_do_not_saturate_pairs);
  g_test_add_func ("/qoperator/refused", test_wider_integers_are_refused);
  return g_test_run ();
}
