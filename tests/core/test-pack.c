/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Integers of 4 bits in half the bytes: only what fits, and nothing computes differently, in memory and in a file. */
#include "network.h"
#include "onnx/onnx.h"
#include "quantize/pack.h"
#include "quantize/pair.h"
#include "quantize/quantize.h"

#define INPUTS 70

/* Two products in one row of an odd number of weights. */
static PareGraph *
network (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, 3, INPUTS));
  PareValue *h = OP (&net, "Gemm", "h", x, net_random (&net, "w1", pare_shape_of (2, INPUTS, 33), -1, 1),
                     net_random (&net, "b1", pare_shape_of (1, 33), -1, 1));

  net_output (&net, OP (&net, "MatMul", "y", h, net_random (&net, "w2", pare_shape_of (2, 33, 3), -1, 1)));
  return g_object_ref (net.graph);
}

/* Weights alone: w1 on @bits, w2 on 8. */
static PareGraph *
stored (guint bits, guint group_size)
{
  PareGraph *graph = network ();
  PareQuantizeLayer narrow = PARE_QUANTIZE_LAYER_UNSET;
  g_autoptr (GHashTable) layers = g_hash_table_new (g_str_hash, g_str_equal);
  PareQuantizeSettings settings;

  pare_quantize_settings_init (&settings);
  narrow.weight_bits = bits;
  narrow.group_size = group_size;
  g_hash_table_insert (layers, (gpointer) "h", &narrow);
  settings.layers = layers;
  settings.weights_only = TRUE;
  g_assert_true (pare_graph_quantize (graph, &settings, NULL));
  g_assert_true (pare_form_find ("qdq", NULL)->lower (graph, NULL));
  return graph;
}

static PareDataType
type_of_weight (PareGraph *graph, const char *layer)
{
  PareNode *node = pare_graph_find_value (graph, layer)->producer;
  ParePair pair;

  g_assert_true (pare_pair_read (pare_node_input (node, 1)->producer, &pair));
  return pair.input->constant->type;
}

static GPtrArray *
run (PareGraph *graph)
{
  PareShape shape = pare_shape_of (2, 3, INPUTS);
  g_autoptr (GRand) random = g_rand_new_with_seed (9);
  g_autoptr (PareTensor) input = NULL;
  g_autoptr (GPtrArray) inputs = g_ptr_array_new ();
  float data[3 * INPUTS];

  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    data[i] = g_rand_double_range (random, -1, 1);
  input = pare_tensor_new_floats (&shape, data);
  g_ptr_array_add (inputs, input);
  return network_run (graph, inputs);
}

static void
test_packed_weights_compute_the_same (void)
{
  static const struct
  {
    guint bits, group_size;
  } cases[] = { { 4, 0 }, { 4, 32 }, { 3, 0 }, { 2, 16 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (PareGraph) graph = stored (cases[i].bits, cases[i].group_size), again = NULL;
      g_autoptr (GPtrArray) before = run (graph), after = NULL, loaded = NULL;
      g_autoptr (GBytes) large = pare_onnx_to_bytes (graph, NULL), small = NULL;
      g_assert_true (pare_graph_pack_int4 (graph, NULL));
      pare_graph_assert_consistent (graph);
      g_assert_cmpint (type_of_weight (graph, "h"), ==, PARE_INT4);
      g_assert_cmpint (type_of_weight (graph, "y"), ==, PARE_INT8);
      g_assert_cmpint (pare_graph_opset (graph, ""), ==, 21);
      after = run (graph);
      g_assert_true (pare_tensor_equal (before->pdata[0], after->pdata[0]));
      small = pare_onnx_to_bytes (graph, NULL);
      g_assert_cmpuint (g_bytes_get_size (small), <, g_bytes_get_size (large) - INPUTS * 33 / 2);
      again = pare_onnx_load_bytes (small, NULL, NULL);
      loaded = run (again);
      g_assert_true (pare_tensor_equal (before->pdata[0], loaded->pdata[0]));
    }
}

static void
test_wider_weights_stay_as_they_are (void)
{
  g_autoptr (PareGraph) graph = stored (5, 0);

  g_assert_true (pare_graph_pack_int4 (graph, NULL));
  g_assert_cmpint (type_of_weight (graph, "h"), ==, PARE_INT8);
  g_assert_cmpint (pare_graph_opset (graph, ""), ==, 13);
}

/* Packed integers of a file can be edited as others: as floats between conversions. */
static void
test_packed_weights_become_floats_again (void)
{
  g_autoptr (PareGraph) graph = stored (4, 32);
  g_autoptr (GPtrArray) before = run (graph), after = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (pare_graph_pack_int4 (graph, NULL));
  g_assert_true (pare_graph_lift_integers (graph, &error));
  g_assert_no_error (error);
  pare_graph_assert_consistent (graph);
  after = run (graph);
  g_assert_true (pare_tensor_equal (before->pdata[0], after->pdata[0]));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pack/packed-weights-compute-the-same", test_packed_weights_compute_the_same);
  g_test_add_func ("/pack/wider-weights-stay-as-they-are", test_wider_weights_stay_as_they_are);
  g_test_add_func ("/pack/packed-weights-become-floats-again", test_packed_weights_become_floats_again);
  return g_test_run ();
}
