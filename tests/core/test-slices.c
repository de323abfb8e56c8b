/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Batches whose values are larger than a cache are run in parts: every sample gets what it gets alone. */
#include "exec/executor.h"
#include <string.h>

#define CHANNELS 64
#define SIZE 80
#define OUT 8
/* 1.6 MB a sample: ten of them are cut in two. */
#define BATCH 10

static PareValue *
add_constant (PareGraph *graph, const char *name, PareShape shape, GRand *random)
{
  gint64 n = pare_shape_elements (&shape);
  g_autofree float *numbers = g_new (float, n);
  g_autoptr (PareTensor) tensor = NULL;
  PareValue *value = pare_graph_add_value (graph, name);

  for (gint64 i = 0; i < n; i++)
    numbers[i] = g_rand_double_range (random, -0.2, 0.2);
  tensor = pare_tensor_new_floats (&shape, numbers);
  pare_value_set_constant (value, tensor);
  return value;
}

static PareValue *
add_node (PareGraph *graph, const char *op_type, guint n, PareValue *const *inputs)
{
  PareNode *node = pare_graph_add_node (graph, "", op_type, op_type, NULL);
  PareValue *output = pare_graph_add_value_near (graph, op_type);

  for (guint i = 0; i < n; i++)
    pare_node_add_input (node, inputs[i]);
  pare_node_add_output (node, output);
  return output;
}

static PareGraph *
add_input (PareValue **x)
{
  PareGraph *graph = pare_graph_new ();

  pare_graph_set_opset (graph, "", 13);
  *x = pare_graph_add_value (graph, "x");
  g_ptr_array_add (graph->inputs, *x);
  return graph;
}

/* Conv, Relu, Add, GlobalAveragePool, Flatten, Gemm. */
static PareGraph *
network_new (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  PareValue *x, *y, *w, *v, *b;
  PareGraph *graph = add_input (&x);

  w = add_constant (graph, "w", pare_shape_of (4, CHANNELS, 3, 1, 1), random);
  v = add_constant (graph, "v", pare_shape_of (2, CHANNELS, OUT), random);
  b = add_constant (graph, "b", pare_shape_of (1, OUT), random);
  y = add_node (graph, "Conv", 2, (PareValue *[]){ x, w });
  y = add_node (graph, "Add", 2, (PareValue *[]){ y, add_node (graph, "Relu", 1, &y) });
  y = add_node (graph, "GlobalAveragePool", 1, &y);
  y = add_node (graph, "Flatten", 1, &y);
  g_ptr_array_add (graph->outputs, add_node (graph, "Gemm", 3, (PareValue *[]){ y, v, b }));
  return graph;
}

static PareTensor *
run (PareGraph *graph, guint samples, const float *data, gsize *memory)
{
  PareShape shape = pare_shape_of (4, samples, 3, SIZE, SIZE);
  g_autoptr (PareTensor) input = pare_tensor_new_floats (&shape, data);
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  g_autoptr (GError) error = NULL;
  PareTensor *output = NULL;

  pare_executor_run (executor, &input, 1, &output, &error);
  g_assert_no_error (error);
  *memory = pare_executor_memory (executor);
  return output;
}

static float *
random_samples (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (6);
  float *data = g_new (float, BATCH * 3 * SIZE * SIZE);

  for (guint i = 0; i < BATCH * 3 * SIZE * SIZE; i++)
    data[i] = g_rand_double_range (random, -1, 1);
  return data;
}

static void
test_parts_of_a_batch_give_what_samples_give_alone (void)
{
  g_autoptr (PareGraph) graph = network_new ();
  g_autofree float *data = random_samples ();
  gsize memory, memory_of_one;
  g_autoptr (PareTensor) all = run (graph, BATCH, data, &memory);

  g_assert_cmpint (all->shape.dims[0], ==, BATCH);
  for (guint i = 0; i < BATCH; i++)
    {
      g_autoptr (PareTensor) one = run (graph, 1, data + i * 3 * SIZE * SIZE, &memory_of_one);
      for (guint k = 0; k < OUT; k++)
        g_assert_cmpfloat_with_epsilon (((const float *)pare_tensor_data (all))[i * OUT + k],
                                        ((const float *)pare_tensor_data (one))[k], 1e-6);
    }
  /* Memory for half of the batch. */
  g_assert_cmpuint (memory, <, memory_of_one * (BATCH * 3 / 4));
}

/* The sum of all samples, which parts of the batch would not give. */
static void
test_samples_that_meet_are_run_together (void)
{
  g_autofree float *data = random_samples ();
  PareValue *x, *y;
  g_autoptr (PareGraph) graph = add_input (&x);
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  gint64 axes[] = { 0 };
  double expected = 0;
  gsize memory;
  g_autoptr (PareTensor) sum = NULL;

  y = add_node (graph, "Conv", 2,
                (PareValue *[]){ x, add_constant (graph, "w", pare_shape_of (4, CHANNELS, 3, 1, 1), random) });
  y = add_node (graph, "ReduceMean", 1, &y);
  pare_node_set_attribute (y->producer, pare_attribute_new_ints ("axes", 1, axes));
  g_ptr_array_add (graph->outputs, y);
  sum = run (graph, BATCH, data, &memory);
  g_assert_cmpint (sum->shape.dims[0], ==, 1);
  for (guint i = 0; i < BATCH; i++)
    {
      g_autoptr (PareTensor) one = run (graph, 1, data + i * 3 * SIZE * SIZE, &memory);
      expected += ((const float *)pare_tensor_data (one))[7] / BATCH;
    }
  g_assert_cmpfloat_with_epsilon (((const float *)pare_tensor_data (sum))[7], expected, 1e-6);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/slices/parts", test_parts_of_a_batch_give_what_samples_give_alone);
  g_test_add_func ("/slices/meeting", test_samples_that_meet_are_run_together);
  return g_test_run ();
}
