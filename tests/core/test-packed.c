/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Integers of 4 bits: how they lie in memory and in files, and pairs that are made of them. */
#include "graph/packed.h"
#include "onnx/onnx.h"
#include "onnx.pb-c.h"
#include "quantize/pair.h"
#include "quantize/trainable.h"
#include <string.h>

/* The example of ONNX, "4 bit integer types": the first element is in the low half of the byte. */
static void
test_the_first_of_two_is_the_low_half (void)
{
  static const gint8 numbers[] = { -8, 7, -1, 0, 5 };
  static const guint8 bytes[] = { 0x78, 0x0f, 0x05 };
  PareShape shape = pare_shape_of (1, 5);
  g_autoptr (PareTensor) wide = pare_tensor_new_copy (PARE_INT8, &shape, numbers);
  g_autoptr (PareTensor) packed = pare_tensor_cast (wide, PARE_INT4);
  g_autoptr (PareTensor) back = pare_tensor_cast (packed, PARE_INT8);

  g_assert_cmpmem (pare_tensor_data (packed), pare_tensor_size (packed), bytes, sizeof bytes);
  g_assert_true (pare_tensor_equal (back, wide));
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint (pare_tensor_get_int (packed, i), ==, numbers[i]);
}

static void
test_every_length_survives_packing (void)
{
  for (int n = 0; n < 600; n += 1 + n / 7)
    {
      PareShape shape = pare_shape_of (1, n);
      g_autofree float *numbers = g_new (float, n + 1);
      g_autoptr (PareTensor) floats = NULL, packed = NULL, back = NULL;
      for (int i = 0; i < n; i++)
        numbers[i] = (i * 5 + n) % 16;
      floats = pare_tensor_new_floats (&shape, numbers);
      packed = pare_tensor_cast (floats, PARE_UINT4);
      back = pare_tensor_cast (packed, PARE_FLOAT32);
      g_assert_cmpuint (pare_tensor_size (packed), ==, (n + 1) / 2);
      g_assert_true (pare_tensor_equal (back, floats));
    }
}

static GBytes *
pack (Onnx__TensorProto *proto)
{
  gsize size = onnx__tensor_proto__get_packed_size (proto);
  guint8 *data = g_malloc (size);

  onnx__tensor_proto__pack (proto, data);
  return g_bytes_new_take (data, size);
}

static void
test_files_keep_them_as_bytes_or_as_numbers (void)
{
  static const int64_t dims[] = { 3 };
  static const gint64 wanted[] = { -7, 2, -1 };
  guint8 raw[] = { 0x29, 0x0f };
  int32_t numbers[] = { 0x29, 0x0f };
  Onnx__TensorProto as_raw = ONNX__TENSOR_PROTO__INIT, as_numbers = ONNX__TENSOR_PROTO__INIT;
  Onnx__TensorProto *protos[] = { &as_raw, &as_numbers };

  as_raw.has_raw_data = TRUE;
  as_raw.raw_data = (ProtobufCBinaryData){ sizeof raw, raw };
  as_numbers.n_int32_data = G_N_ELEMENTS (numbers);
  as_numbers.int32_data = numbers;
  for (guint i = 0; i < G_N_ELEMENTS (protos); i++)
    {
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (PareTensor) tensor = NULL;
      g_autoptr (GError) error = NULL;
      protos[i]->n_dims = 1;
      protos[i]->dims = (int64_t *)dims;
      protos[i]->has_data_type = TRUE;
      protos[i]->data_type = 22;
      bytes = pack (protos[i]);
      tensor = pare_onnx_load_tensor_bytes (bytes, "x.pb", &error);
      g_assert_no_error (error);
      g_assert_cmpint (tensor->type, ==, PARE_INT4);
      for (guint k = 0; k < 3; k++)
        g_assert_cmpint (pare_tensor_get_int (tensor, k), ==, wanted[k]);
    }
}

/* A MatMul whose 3x5 weight is stored as packed integers with a scale per block of 2 rows. */
static PareGraph *
blocked_graph (PareNode **dequantize)
{
  static const gint8 numbers[15] = { -8, 7, -1, 0, 5, 1, 2, 3, 4, 5, -1, -2, -3, -4, -5 };
  static const float scales[10] = { 1, 2, 3, 4, 5, .5f, .25f, .125f, 8, 16 };
  PareGraph *graph = pare_graph_new ();
  PareShape shape = pare_shape_of (2, 3, 5), blocks = pare_shape_of (2, 2, 5);
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (2, 4, 3) };
  g_autoptr (PareTensor) wide = pare_tensor_new_copy (PARE_INT8, &shape, numbers);
  g_autoptr (PareTensor) packed = pare_tensor_cast (wide, PARE_INT4);
  g_autoptr (PareTensor) scale = pare_tensor_new_floats (&blocks, scales);
  PareValue *x = pare_graph_add_value (graph, "x"), *w = pare_graph_add_value (graph, "w_float");
  PareNode *product;

  pare_graph_set_opset (graph, "", 21);
  graph->ir_version = 10;
  pare_value_set_spec (x, &spec);
  g_ptr_array_add (graph->inputs, x);
  product = pare_graph_add_node (graph, "", "MatMul", "product", NULL);
  pare_pair_insert_stored (
      graph, pare_graph_add_constant (graph, "w", packed), product,
      &(ParePairGrid){
          .scale = pare_graph_add_constant (graph, "s", scale), .lowest = -8, .highest = 7, .axis = 0, .block_size = 2 },
      w);
  *dequantize = w->producer;
  pare_node_add_input (product, x);
  pare_node_add_input (product, w);
  pare_node_add_output (product, pare_graph_add_value (graph, "y"));
  g_ptr_array_add (graph->outputs, pare_node_output (product, 0));
  return graph;
}

static void
test_a_blocked_pair_is_read_and_survives_a_file (void)
{
  PareNode *dequantize;
  g_autoptr (PareGraph) graph = blocked_graph (&dequantize), again = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  ParePair pair;

  bytes = pare_onnx_to_bytes (graph, &error);
  g_assert_no_error (error);
  again = pare_onnx_load_bytes (bytes, "blocks.onnx", &error);
  g_assert_no_error (error);
  g_assert_true (pare_pair_read (again->nodes->pdata[0], &pair));
  g_assert_cmpint (pair.type, ==, PARE_INT4);
  g_assert_cmpint (pair.axis, ==, 0);
  g_assert_cmpint (pair.block_size, ==, 2);
  g_assert_cmpint (pair.lowest, ==, -8);
  g_assert_cmpint (pair.highest, ==, 7);
  g_assert_true (pare_tensor_equal (pair.input->constant, pare_node_constant (dequantize, 0)));
}

/* Lifted, the weight is rounded by a pair that gives the same numbers: 2 rows by the first scales, then the last one.
 */
static void
test_a_lifted_blocked_weight_keeps_its_numbers (void)
{
  static const float wanted[15] = { -8, 14, -3, 0, 25, 1, 4, 9, 16, 25, -.5f, -.5f, -.375f, -32, -80 };
  PareNode *dequantize, *quantize;
  g_autoptr (PareGraph) graph = blocked_graph (&dequantize);
  g_autoptr (GError) error = NULL;
  const PareTensor *floats;
  ParePair pair;

  g_assert_true (pare_graph_lift_integers (graph, &error));
  g_assert_no_error (error);
  g_assert_true (pare_pair_read (pare_graph_find_value (graph, "w_float")->producer, &pair));
  quantize = pair.quantize;
  g_assert_nonnull (quantize);
  g_assert_cmpint (pair.block_size, ==, 2);
  floats = pair.input->constant;
  g_assert_cmpmem (pare_tensor_data (floats), pare_tensor_size (floats), wanted, sizeof wanted);
  g_assert_cmpint (pare_node_get_int (quantize, "block_size", 0), ==, 2);
}

static void
test_blocks_are_not_trained (void)
{
  PareNode *dequantize;
  g_autoptr (PareGraph) graph = blocked_graph (&dequantize);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (pare_graph_open_quantizers (graph, PARE_TRAINABLE_LSQ, &error), ==, -1);
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "per block"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/packed/the-first-of-two-is-the-low-half", test_the_first_of_two_is_the_low_half);
  g_test_add_func ("/packed/every-length-survives-packing", test_every_length_survives_packing);
  g_test_add_func ("/packed/files-keep-them-as-bytes-or-as-numbers", test_files_keep_them_as_bytes_or_as_numbers);
  g_test_add_func ("/packed/a-blocked-pair-is-read-and-survives-a-file",
                   test_a_blocked_pair_is_read_and_survives_a_file);
  g_test_add_func ("/packed/a-lifted-blocked-weight-keeps-its-numbers", test_a_lifted_blocked_weight_keeps_its_numbers);
  g_test_add_func ("/packed/blocks-are-not-trained", test_blocks_are_not_trained);
  return g_test_run ();
}
