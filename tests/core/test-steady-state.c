/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A network that has run takes no more memory when it runs again: what is allocated per run, but for the results, does
 * not grow with the tensors. */
#include "integer/integer.h"
#include "network.h"
#include "onnx/onnx.h"
#include <stdlib.h>

/* The sanitizers have an allocator of their own. */
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define COUNTS_ALLOCATIONS 1

/* The names by which the C library keeps its own functions for programs that replace them. */
void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *old, size_t size);
void *__libc_memalign (size_t alignment, size_t size);

static gint64 allocated; /* bytes, atomic */

static void
count (size_t size)
{
  __atomic_add_fetch (&allocated, (gint64)size, __ATOMIC_RELAXED);
}

void *
malloc (size_t size)
{
  count (size);
  return __libc_malloc (size);
}

void *
calloc (size_t n, size_t size)
{
  count (n * size);
  return __libc_calloc (n, size);
}

void *
realloc (void *old, size_t size)
{
  count (size);
  return __libc_realloc (old, size);
}

void *
memalign (size_t alignment, size_t size)
{
  count (size);
  return __libc_memalign (alignment, size);
}

void *
aligned_alloc (size_t alignment, size_t size)
{
  count (size);
  return __libc_memalign (alignment, size);
}

int
posix_memalign (void **memory, size_t alignment, size_t size)
{
  count (size);
  *memory = __libc_memalign (alignment, size);
  return *memory ? 0 : 12;
}
#else
#define COUNTS_ALLOCATIONS 0
static gint64 allocated;
#endif

/* Bytes that one run allocates beside its results, which are few, after three others; the least of three, since other
 * threads may allocate, too. */
static gint64
steady_bytes (PareExecutor *executor, PareGraph *graph, GPtrArray *inputs)
{
  gint64 least = G_MAXINT64;

  for (guint i = 0; i < 6; i++)
    {
      g_autofree PareTensor **outputs = g_new0 (PareTensor *, graph->outputs->len);
      g_autoptr (GError) error = NULL;
      gint64 before = __atomic_load_n (&allocated, __ATOMIC_RELAXED), bytes, results = 0;
      g_assert_true (pare_executor_run (executor, (PareTensor *const *)inputs->pdata, inputs->len, outputs, &error));
      bytes = __atomic_load_n (&allocated, __ATOMIC_RELAXED) - before;
      for (guint k = 0; k < graph->outputs->len; k++)
        {
          results += pare_tensor_size (outputs[k]);
          pare_tensor_unref (outputs[k]);
        }
      if (i >= 3)
        least = MIN (least, bytes - results);
    }
  return least;
}

/* Little is allocated for a large batch as for a small one. */
static void
check_executor (PareExecutor *executor, PareGraph *graph, GPtrArray *small, GPtrArray *large)
{
  gint64 few, many;

  if (!COUNTS_ALLOCATIONS)
    {
      g_test_skip ("allocations cannot be counted here");
      return;
    }
  few = steady_bytes (executor, graph, small);
  many = steady_bytes (executor, graph, large);
  g_test_message ("%" G_GINT64_FORMAT " and %" G_GINT64_FORMAT " bytes", few, many);
  /* oneDNN makes tables of the arguments of each step, OpenMP teams where a loop becomes worth threads; the tensors
   * grow by far more. */
  g_assert_cmpint (many, <, few + 32768);
  g_assert_cmpint (many, <, 65536);
}

static GPtrArray *
pictures (gint64 batch)
{
  GPtrArray *inputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  PareShape shape = pare_shape_of (4, (int)batch, 1, 28, 28);
  g_autofree float *data = g_new (float, pare_shape_elements (&shape));

  for (gint64 i = 0; i < pare_shape_elements (&shape); i++)
    data[i] = i % 11 * 0.1f;
  g_ptr_array_add (inputs, pare_tensor_new_floats (&shape, data));
  return inputs;
}

static void
test_a_reference_model (gconstpointer file)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "models", file, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = pare_onnx_load (path, &error);
  g_autoptr (PareExecutor) executor = graph ? pare_graph_executor (graph, FALSE, &error) : NULL;
  g_autoptr (GPtrArray) small = pictures (8), large = pictures (40);

  g_assert_no_error (error);
  check_executor (executor, graph, small, large);
}

static void
check_net (Net *net)
{
  g_autoptr (GPtrArray) small = network_inputs (net, 8), large = network_inputs (net, 40);
  g_autoptr (PareExecutor) executor = pare_executor_new (net->graph);

  check_executor (executor, net->graph, small, large);
}

/* The open size is that of the batch and of the steps at once. */
static void
test_a_recurrent_network (gconstpointer data)
{
  const char *op_type = data;
  int gates = g_str_equal (op_type, "LSTM") ? 4 : g_str_equal (op_type, "GRU") ? 3 : 1;
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (3, -1, -1, 24));
  PareValue *y = OP (&net, op_type, "y", x, net_random (&net, "w", pare_shape_of (3, 2, gates * 40, 24), -1, 1),
                     net_random (&net, "r", pare_shape_of (3, 2, gates * 40, 40), -1, 1),
                     net_random (&net, "b", pare_shape_of (2, 2, gates * 80), -1, 1));

  pare_node_set_attribute (y->producer, pare_attribute_new_int ("hidden_size", 40));
  pare_node_set_attribute (y->producer, pare_attribute_new_string ("direction", "bidirectional"));
  net_output (&net, OP (&net, "ReduceSum", "sum", y));
  check_net (&net);
}

static void
test_softmax_over_channels (void)
{
  g_auto (Net) net = net_new ();
  PareValue *y = OP (&net, "Softmax", "y", net_input (&net, "x", pare_shape_of (4, 2, 5, -1, -1)));

  pare_node_set_attribute (y->producer, pare_attribute_new_int ("axis", 1));
  net_output (&net, OP (&net, "ReduceSum", "sum", y));
  check_net (&net);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/steady-state/resnet", "fashion-resnet.onnx", test_a_reference_model);
  g_test_add_data_func ("/steady-state/mobilenet", "fashion-mobilenet.onnx", test_a_reference_model);
  g_test_add_data_func ("/steady-state/vit", "fashion-vit.onnx", test_a_reference_model);
  g_test_add_data_func ("/steady-state/lstm", "LSTM", test_a_recurrent_network);
  g_test_add_data_func ("/steady-state/gru", "GRU", test_a_recurrent_network);
  g_test_add_data_func ("/steady-state/rnn", "RNN", test_a_recurrent_network);
  g_test_add_func ("/steady-state/softmax-over-channels", test_softmax_over_channels);
  return g_test_run ();
}
