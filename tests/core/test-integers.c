/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Execution on integers: small networks between QuantizeLinear and DequantizeLinear, and the operators that have
 * integers in the file, against sums written out here. */
#include "exec/executor.h"
#include "integer/integer.h"
#include "pairs.h"
#include <math.h>

/* One layer of a network. Data is [2, in, size, size] for a convolution, [6, in] for a product. */
typedef struct
{
  const char *name;
  int in, out, groups, size, kernel, stride, pad;
  PareDataType type;
  int x_zero, y_zero;
  gboolean per_channel, bias;
  float low, high; /* limits behind it; equal: none */
} Layer;

static const Layer layers[] = {
  { "plain", 16, 32, 1, 9, 3, 1, 1, PARE_UINT8, 0, 0, TRUE, TRUE, 0, 0 },
  { "first", 3, 16, 1, 12, 5, 2, 2, PARE_UINT8, 117, 0, TRUE, TRUE, 0, 1e9 },
  { "zero-points", 16, 24, 1, 7, 3, 1, 1, PARE_UINT8, 131, 140, TRUE, TRUE, 0, 0 },
  { "pointwise", 24, 40, 1, 7, 1, 1, 0, PARE_UINT8, 121, 129, FALSE, TRUE, 0, 0 },
  { "signed", 8, 8, 1, 6, 3, 1, 1, PARE_INT8, 0, 0, TRUE, TRUE, 0, 0 },
  { "signed-zero-points", 8, 8, 1, 6, 3, 2, 1, PARE_INT8, -7, 9, TRUE, FALSE, 0, 0 },
  { "depthwise", 32, 32, 32, 8, 3, 1, 1, PARE_UINT8, 0, 0, TRUE, TRUE, 0, 1 },
  { "depthwise-zero-points", 20, 20, 20, 8, 3, 2, 1, PARE_UINT8, 66, 120, TRUE, TRUE, -1, 1.5 },
  { "grouped", 12, 8, 4, 6, 3, 1, 0, PARE_UINT8, 3, 0, TRUE, TRUE, 0, 1e9 },
  { "one-channel", 1, 5, 1, 10, 3, 1, 1, PARE_UINT8, 73, 0, TRUE, TRUE, 0, 6 },
};

static const Layer products[] = {
  { "plain", 40, 10, 1, 0, 0, 0, 0, PARE_UINT8, 0, 0, TRUE, TRUE, 0, 0 },
  { "zero-points", 33, 17, 1, 0, 0, 0, 0, PARE_UINT8, 101, 55, TRUE, TRUE, 0, 0 },
  { "signed", 64, 32, 1, 0, 0, 0, 0, PARE_INT8, 5, -3, FALSE, FALSE, 0, 1e9 },
};

#define X_SCALE 0.02f
#define Y_SCALE 0.031f

typedef struct
{
  PareTensor *x, *w, *bias, *w_scale;
} Data;

static void
data_clear (Data *data)
{
  g_clear_pointer (&data->x, pare_tensor_unref);
  g_clear_pointer (&data->w, pare_tensor_unref);
  g_clear_pointer (&data->bias, pare_tensor_unref);
  g_clear_pointer (&data->w_scale, pare_tensor_unref);
}

static Data
data_new (const Layer *layer, GRand *random)
{
  PareShape x = pare_shape_of (4, 2, layer->in, layer->size, layer->size), channels = pare_shape_of (1, layer->out);
  PareShape w = pare_shape_of (4, layer->out, layer->in / layer->groups, layer->kernel, layer->kernel), one = { 0 };
  gint32 *bias = g_new (gint32, layer->out);
  float *scales = g_new (float, layer->out);
  Data data;

  if (!layer->kernel)
    {
      x = pare_shape_of (2, 6, layer->in);
      w = pare_shape_of (2, layer->in, layer->out);
    }
  for (int i = 0; i < layer->out; i++)
    {
      bias[i] = g_rand_int_range (random, -20000, 20000);
      scales[i] = g_rand_double_range (random, 0.001, 0.01);
    }
  data.x = net_random_bytes (random, layer->type, &x);
  data.w = net_random_bytes (random, PARE_INT8, &w);
  data.bias = layer->bias ? pare_tensor_new_copy (PARE_INT32, &channels, bias) : NULL;
  data.w_scale = pare_tensor_new_floats (layer->per_channel ? &channels : &one, scales);
  g_free (bias);
  g_free (scales);
  return data;
}

/* Sum of (x - zero) w over what output @i of the convolution sees, counted out. */
static gint64
convolved (const Layer *layer, const Data *data, const PareShape *y, gint64 i)
{
  int column = i % y->dims[3], row = i / y->dims[3] % y->dims[2], out = i / (y->dims[3] * y->dims[2]) % layer->out;
  int image = i / (y->dims[3] * y->dims[2]) / layer->out, inputs = layer->in / layer->groups;
  int first = out / (layer->out / layer->groups) * inputs;
  gint64 sum = 0;

  for (int c = 0; c < inputs; c++)
    for (int v = 0; v < layer->kernel; v++)
      for (int h = 0; h < layer->kernel; h++)
        {
          int r = row * layer->stride - layer->pad + v, s = column * layer->stride - layer->pad + h;
          if (r >= 0 && r < layer->size && s >= 0 && s < layer->size)
            sum += (pare_tensor_get_int (data->x, ((image * layer->in + first + c) * layer->size + r) * layer->size + s)
                    - layer->x_zero)
                   * pare_tensor_get_int (data->w, ((out * inputs + c) * layer->kernel + v) * layer->kernel + h);
        }
  return sum;
}

static gint64
multiplied (const Layer *layer, const Data *data, gint64 i)
{
  gint64 sum = 0;

  for (int k = 0; k < layer->in; k++)
    sum += (pare_tensor_get_int (data->x, i / layer->out * layer->in + k) - layer->x_zero)
           * pare_tensor_get_int (data->w, k * layer->out + i % layer->out);
  return sum;
}

static gint64
sum_of (const Layer *layer, const Data *data, const PareShape *y, gint64 i)
{
  return layer->kernel ? convolved (layer, data, y, i) : multiplied (layer, data, i);
}

/* The integer that output @i has to be. */
static int
expected (const Layer *layer, const Data *data, const PareShape *y, gint64 i)
{
  gint64 out = layer->kernel ? i / (y->dims[2] * y->dims[3]) % layer->out : i % layer->out;
  float scale = X_SCALE * (float)pare_tensor_get_double (data->w_scale, layer->per_channel ? out : 0) / Y_SCALE;
  gint64 sum = sum_of (layer, data, y, i) + (layer->bias ? pare_tensor_get_int (data->bias, out) : 0);
  float number = nearbyintf (sum * scale);

  if (layer->low < layer->high)
    number = CLAMP (number, nearbyintf (layer->low / Y_SCALE), nearbyintf (layer->high / Y_SCALE));
  return layer->type == PARE_INT8 ? CLAMP (number + layer->y_zero, -128, 127) : CLAMP (number + layer->y_zero, 0, 255);
}

/* Networks */

static void
describe_window (PareValue *y, const Layer *layer)
{
  if (!layer->kernel)
    return;
  net_set_ints (y, "pads", 4, (gint64[]){ layer->pad, layer->pad, layer->pad, layer->pad });
  net_set_ints (y, "strides", 2, (gint64[]){ layer->stride, layer->stride });
  pare_node_set_attribute (y->producer, pare_attribute_new_int ("group", layer->groups));
}

/* The layer between conversions. */
static void
build_pairs (Net *net, const Layer *layer, const Data *data)
{
  PareValue *x, *w, *y;

  net->type = layer->type;
  x = net_input (net, "x", data->x->shape);
  net->type = PARE_FLOAT32;
  x = net_dequantized (net, "xd", x, X_SCALE, layer->type, layer->x_zero);
  w = net_stored (net, "wd", data->w, data->w_scale, 1, layer->kernel ? 0 : 1);
  if (layer->bias)
    y = OP (net, layer->kernel ? "Conv" : "Gemm", "layer", x, w,
            net_stored (net, "bd", data->bias, data->w_scale, X_SCALE, 0));
  else
    y = OP (net, layer->kernel ? "Conv" : "MatMul", "layer", x, w);
  describe_window (y, layer);
  if (layer->high >= 1e9f)
    y = OP (net, "Relu", "relu", y);
  else if (layer->low < layer->high)
    y = OP (net, "Clip", "clip", y, net_number (net, layer->low), net_number (net, layer->high));
  net->type = layer->type;
  net_output (net, net_quantized (net, "y", y, Y_SCALE, layer->type, layer->y_zero));
}

/* The layer as one operator. */
static void
build_operator (Net *net, const Layer *layer, const Data *data)
{
  PareValue *x, *y;

  net->type = layer->type;
  x = net_input (net, "x", data->x->shape);
  y = OP (net, layer->kernel ? "QLinearConv" : "QLinearMatMul", "y", x, net_number (net, X_SCALE),
          net_byte (net, layer->type, layer->x_zero), net_constant (net, "w", data->w),
          net_constant (net, "ws", data->w_scale), net_byte (net, PARE_INT8, 0), net_number (net, Y_SCALE),
          net_byte (net, layer->type, layer->y_zero));
  if (layer->bias && layer->kernel)
    pare_node_add_input (y->producer, net_constant (net, "b", data->bias));
  describe_window (y, layer);
  net_output (net, y);
}

static PareTensor *
run (PareGraph *graph, PareTensor *const *inputs, guint n)
{
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  g_autoptr (GError) error = NULL;
  PareTensor *output = NULL;

  pare_executor_run (executor, inputs, n, &output, &error);
  g_assert_no_error (error);
  return output;
}

static PareGraph *
lower (PareGraph *graph)
{
  g_autoptr (GError) error = NULL;
  PareGraph *integers = pare_graph_to_integers (graph, &error);

  g_assert_no_error (error);
  pare_graph_assert_consistent (integers);
  return integers;
}

static void
check_layer (const Layer *layer, gboolean pairs)
{
  g_auto (Net) net = net_new ();
  Data data = data_new (layer, net.random);
  g_autoptr (PareGraph) integers = NULL;
  g_autoptr (PareTensor) y = NULL;
  guint nodes;

  (pairs ? build_pairs : build_operator) (&net, layer, &data);
  nodes = net.graph->nodes->len;
  integers = lower (net.graph);
  g_assert_cmpuint (net.graph->nodes->len, ==, nodes); /* the network itself stays what it is */
  g_assert_cmpuint (integers->nodes->len, ==, 1);
  y = run (integers, &data.x, 1);
  g_assert_cmpint (y->type, ==, layer->type);
  for (gint64 i = 0; i < pare_tensor_elements (y); i++)
    g_assert_cmpint (pare_tensor_get_int (y, i), ==, expected (layer, &data, &y->shape, i));
  data_clear (&data);
}

static void
test_layer_between_pairs_is_exact (gconstpointer layer)
{
  check_layer (layer, TRUE);
}

static void
test_operator_on_integers_is_exact (gconstpointer layer)
{
  Layer plain = *(const Layer *)layer;

  plain.low = plain.high = 0;
  plain.bias = plain.bias && plain.kernel;
  check_layer (&plain, FALSE);
}

static void
test_sums_stay_sums (void)
{
  for (guint form = 0; form < 2; form++)
    {
      Layer layer = form ? products[1] : layers[2];
      g_auto (Net) net = net_new ();
      g_autoptr (PareGraph) integers = NULL;
      g_autoptr (PareTensor) y = NULL;
      Data data = data_new (&layer, net.random);
      PareValue *value;
      net.type = PARE_UINT8;
      value = net_input (&net, "x", data.x->shape);
      net.type = PARE_INT32;
      value = OP (&net, form ? "MatMulInteger" : "ConvInteger", "y", value, net_constant (&net, "w", data.w),
                  net_byte (&net, PARE_UINT8, layer.x_zero));
      describe_window (value, &layer);
      net_output (&net, value);
      integers = lower (net.graph);
      g_assert_cmpuint (net_count (integers, form ? "IntegerMatMul" : "IntegerConv"), ==, 1);
      y = run (integers, &data.x, 1);
      g_assert_cmpint (y->type, ==, PARE_INT32);
      for (gint64 i = 0; i < pare_tensor_elements (y); i++)
        g_assert_cmpint (pare_tensor_get_int (y, i), ==, sum_of (&layer, &data, &y->shape, i));
      data_clear (&data);
    }
}

/* Without a QuantizeLinear behind it a product gives floats, and the Add that follows goes in. */
static void
test_product_gives_floats (void)
{
  const Layer *layer = &products[1];
  g_auto (Net) net = net_new ();
  g_autoptr (PareGraph) integers = NULL;
  g_autoptr (PareTensor) y = NULL;
  Data data = data_new (layer, net.random);
  PareValue *x, *product, *bias;

  net.type = PARE_UINT8;
  x = net_input (&net, "x", data.x->shape);
  net.type = PARE_FLOAT32;
  bias = net_random (&net, "bias", pare_shape_of (1, layer->out), -1, 1);
  product = OP (&net, "MatMul", "product", net_dequantized (&net, "xd", x, X_SCALE, PARE_UINT8, layer->x_zero),
                net_stored (&net, "wd", data.w, data.w_scale, 1, 1));
  net_output (&net, OP (&net, "Add", "y", bias, product));
  integers = lower (net.graph);
  g_assert_cmpuint (net_count (integers, "IntegerMatMul"), ==, 1);
  g_assert_cmpuint (net_count (integers, "DequantizeLinear"), ==, 0);
  y = run (integers, &data.x, 1);
  for (gint64 i = 0; i < pare_tensor_elements (y); i++)
    {
      int column = i % layer->out;
      double real = (double)X_SCALE * pare_tensor_get_double (data.w_scale, column) * multiplied (layer, &data, i)
                    + pare_tensor_get_double (bias->constant, column);
      g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (y, i), real, 1e-5);
    }
  data_clear (&data);
}

/* Networks of one input without weights, x -> DequantizeLinear -> @body -> QuantizeLinear, against their own simulation
 * in floats: that rounds once, too, and only ties may go to the other side. */
typedef struct
{
  const char *name;
  PareValue *(*body) (Net *net, PareValue *x);
  const char *becomes;
  guint n; /* how many nodes there are then */
  float scale;
  int zero;
} Body;

static PareValue *
body_add (Net *net, PareValue *x)
{
  PareValue *other = net_quantized (net, "other_q", OP (net, "Neg", "neg", x), 0.011f, PARE_INT8, -4);

  return OP (net, "Relu", "relu",
             OP (net, "Add", "sum", x, net_dequantized (net, "other", other, 0.011f, PARE_INT8, -4)));
}

static PareValue *
body_mean (Net *net, PareValue *x)
{
  return OP (net, "GlobalAveragePool", "mean", x);
}

static PareValue *
body_pool (Net *net, PareValue *x)
{
  PareValue *y = OP (net, "MaxPool", "pool", x);

  net_set_ints (y, "kernel_shape", 2, (gint64[]){ 3, 3 });
  net_set_ints (y, "strides", 2, (gint64[]){ 2, 2 });
  net_set_ints (y, "pads", 4, (gint64[]){ 1, 1, 1, 1 });
  return y;
}

static PareValue *
body_concat (Net *net, PareValue *x)
{
  PareValue *other = net_quantized (net, "other_q", OP (net, "Neg", "neg", x), 0.011f, PARE_UINT8, 200);
  PareValue *y = OP (net, "Concat", "joined", x, net_dequantized (net, "other", other, 0.011f, PARE_UINT8, 200));

  pare_node_set_attribute (y->producer, pare_attribute_new_int ("axis", 1));
  return y;
}

static PareValue *
body_functions (Net *net, PareValue *x)
{
  return OP (net, "Sigmoid", "sigmoid", OP (net, "LeakyRelu", "leaky", x));
}

static PareValue *
body_moves (Net *net, PareValue *x)
{
  PareValue *y = OP (net, "Transpose", "transposed", x);

  net_set_ints (y, "perm", 4, (gint64[]){ 0, 2, 3, 1 });
  return OP (net, "Flatten", "flat", y);
}

static const Body bodies[] = {
  { "add", body_add, "IntegerAdd", 4, 0.013f, 20 }, /* the two conversions of Neg stay: it is no function of ours */
  { "mean", body_mean, "IntegerMean", 1, 0.009f, 100 }, { "pool", body_pool, "MaxPool", 1, 0.02f, 90 },
  { "concat", body_concat, "Concat", 6, 0.014f, 120 },  { "functions", body_functions, "IntegerTable", 1, 0.004f, 0 },
  { "moves", body_moves, "Transpose", 2, 0.02f, 90 },
};

static void
test_body_equals_its_simulation (gconstpointer user_data)
{
  const Body *body = user_data;
  g_auto (Net) net = net_new ();
  PareShape shape = pare_shape_of (4, 2, 20, 7, 6);
  g_autoptr (PareTensor) x = net_random_bytes (net.random, PARE_UINT8, &shape), y = NULL, simulated = NULL;
  g_autoptr (PareGraph) integers = NULL;
  guint apart = 0;
  PareValue *value;

  net.type = PARE_UINT8;
  value = net_input (&net, "x", shape);
  net.type = PARE_FLOAT32;
  value = body->body (&net, net_dequantized (&net, "xd", value, 0.02f, PARE_UINT8, 90));
  net.type = PARE_UINT8;
  net_output (&net, net_quantized (&net, "y", value, body->scale, PARE_UINT8, body->zero));
  integers = lower (net.graph);
  g_assert_cmpuint (net_count (integers, body->becomes), ==, 1);
  g_assert_cmpuint (integers->nodes->len, ==, body->n);
  simulated = run (net.graph, &x, 1);
  y = run (integers, &x, 1);
  g_assert_true (pare_shape_equal (&y->shape, &simulated->shape));
  for (gint64 i = 0; i < pare_tensor_elements (y); i++)
    {
      gint64 difference = ABS (pare_tensor_get_int (y, i) - pare_tensor_get_int (simulated, i));
      g_assert_cmpint (difference, <=, 1);
      apart += difference;
    }
  g_assert_cmpuint (apart, <=, pare_tensor_elements (y) / 100);
}

/* Layers that follow each other meet in integers: no conversion is left. */
static void
test_network_has_no_conversion_left (void)
{
  g_auto (Net) net = net_new ();
  g_autoptr (PareGraph) integers = NULL;
  Data data = data_new (&layers[0], net.random);
  Layer second = { "second", 32, 16, 1, 9, 1, 1, 0, PARE_UINT8, 0, 0, TRUE, TRUE, 0, 0 };
  Data more = data_new (&second, net.random);
  PareValue *value;

  net.type = PARE_UINT8;
  value = net_input (&net, "x", data.x->shape);
  net.type = PARE_FLOAT32;
  value = net_dequantized (&net, "xd", value, X_SCALE, PARE_UINT8, 0);
  value = OP (&net, "Conv", "first", value, net_stored (&net, "w1", data.w, data.w_scale, 1, 0));
  describe_window (value, &layers[0]);
  value = net_quantized (&net, "q1", value, Y_SCALE, PARE_UINT8, 0);
  value = net_dequantized (&net, "d1", value, Y_SCALE, PARE_UINT8, 0);
  value = OP (&net, "Conv", "second", value, net_stored (&net, "w2", more.w, more.w_scale, 1, 0));
  net.type = PARE_UINT8;
  net_output (&net, net_quantized (&net, "y", value, Y_SCALE, PARE_UINT8, 100));
  integers = lower (net.graph);
  g_assert_cmpuint (integers->nodes->len, ==, 2);
  g_assert_cmpuint (net_count (integers, "IntegerConv"), ==, 2);
  data_clear (&data);
  data_clear (&more);
}

static void
test_float_network_is_refused (void)
{
  g_auto (Net) net = net_new ();
  g_autoptr (GError) error = NULL;

  net_output (&net, OP (&net, "Relu", "y", net_input (&net, "x", pare_shape_of (2, 2, 3))));
  g_assert_null (pare_graph_to_integers (net.graph, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (layers) + G_N_ELEMENTS (products); i++)
    {
      gboolean product = i >= G_N_ELEMENTS (layers);
      const Layer *layer = product ? &products[i - G_N_ELEMENTS (layers)] : &layers[i];
      g_autofree char *pairs = g_strdup_printf ("/integers/pairs/%s/%s", product ? "product" : "conv", layer->name);
      g_autofree char *alone = g_strdup_printf ("/integers/operator/%s/%s", product ? "product" : "conv", layer->name);
      g_test_add_data_func (pairs, layer, test_layer_between_pairs_is_exact);
      g_test_add_data_func (alone, layer, test_operator_on_integers_is_exact);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      g_autofree char *path = g_strdup_printf ("/integers/body/%s", bodies[i].name);
      g_test_add_data_func (path, &bodies[i], test_body_equals_its_simulation);
    }
  g_test_add_func ("/integers/sums", test_sums_stay_sums);
  g_test_add_func ("/integers/floats", test_product_gives_floats);
  g_test_add_func ("/integers/network", test_network_has_no_conversion_left);
  g_test_add_func ("/integers/refused", test_float_network_is_refused);
  return g_test_run ();
}
