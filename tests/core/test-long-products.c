/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Products over a long inner axis, which are computed in parts, against loops in double precision. */
#include "exec/executor.h"
#include "train/gradient.h"
#include <math.h>

/* y [m, n] = a^T b with a [k, m], and b [k, n] or, transposed, [n, k]. */
typedef struct
{
  const char *name, *op_type;
  gint64 m, k, n;
  gboolean b_transposed;
} Case;

static const Case cases[] = {
  { "eight-parts", "Gemm", 5, 2048, 7, FALSE },
  { "five-parts", "Gemm", 33, 2065, 18, TRUE },
  { "one-part", "Gemm", 4, 1031, 3, FALSE }, /* a prime number */
  { "gradient-by-b", "MatMulGradB", 6, 1200, 10, FALSE },
};

static PareValue *
add_input (PareGraph *graph, GPtrArray *tensors, gint64 rows, gint64 columns)
{
  const PareSpec spec = { PARE_FLOAT32, { 2, { rows, columns } } };
  PareValue *value = pare_graph_add_value_near (graph, "x");
  g_autoptr (GRand) random = g_rand_new_with_seed (tensors->len + 1);
  g_autofree float *data = g_new (float, rows *columns);

  for (gint64 i = 0; i < rows * columns; i++)
    data[i] = g_rand_double_range (random, -1, 1);
  pare_value_set_spec (value, &spec);
  g_ptr_array_add (graph->inputs, value);
  g_ptr_array_add (tensors, pare_tensor_new_floats (&spec.shape, data));
  return value;
}

static void
build (const Case *at, PareGraph *graph, GPtrArray *tensors)
{
  gboolean gradient = g_str_equal (at->op_type, "MatMulGradB");
  PareNode *node = pare_graph_add_node (graph, gradient ? PARE_DOMAIN : "", at->op_type, "product", NULL);
  PareValue *a = add_input (graph, tensors, at->k, at->m);
  PareValue *b = add_input (graph, tensors, at->b_transposed ? at->n : at->k, at->b_transposed ? at->k : at->n);

  pare_graph_set_opset (graph, "", 17);
  if (gradient) /* (dy, a, b), where the last lends its shape */
    {
      pare_node_add_input (node, b);
      pare_node_add_input (node, a);
      pare_node_add_input (node, add_input (graph, tensors, at->m, at->n));
    }
  else
    {
      pare_node_add_input (node, a);
      pare_node_add_input (node, b);
      pare_node_set_attribute (node, pare_attribute_new_int ("transA", 1));
      pare_node_set_attribute (node, pare_attribute_new_int ("transB", at->b_transposed));
    }
  pare_node_add_output (node, pare_graph_add_value (graph, "y"));
  g_ptr_array_add (graph->outputs, node->outputs->pdata[0]);
}

static void
test_product_matches_loops (gconstpointer data)
{
  const Case *at = data;
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  g_autoptr (PareExecutor) executor = NULL;
  g_autoptr (PareTensor) y = NULL;
  g_autoptr (GError) error = NULL;
  const float *a, *b;

  build (at, graph, tensors);
  executor = pare_executor_new (graph);
  pare_executor_run (executor, (PareTensor **)tensors->pdata, tensors->len, &y, &error);
  g_assert_no_error (error);
  g_assert_cmpint (pare_tensor_elements (y), ==, at->m * at->n);
  a = pare_tensor_data (tensors->pdata[0]);
  b = pare_tensor_data (tensors->pdata[1]);
  for (gint64 i = 0; i < at->m; i++)
    for (gint64 j = 0; j < at->n; j++)
      {
        double sum = 0;
        for (gint64 k = 0; k < at->k; k++)
          sum += (double)a[k * at->m + i] * b[at->b_transposed ? j * at->k + k : k * at->n + j];
        g_assert_cmpfloat (fabs (pare_tensor_get_double (y, i * at->n + j) - sum), <, 1e-4);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/products/long/%s", cases[i].name);
      g_test_add_data_func (path, &cases[i], test_product_matches_loops);
    }
  return g_test_run ();
}
