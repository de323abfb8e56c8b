/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The reference models, fused: what is left of them, and that the executor computes the same. */
#include "exec/executor.h"
#include "fuse/fuse.h"
#include "onnx/onnx.h"
#include <math.h>

/* How many nodes there are before and after, and how many of each kind are left. */
typedef struct
{
  const char *file;
  guint before, after;
  struct
  {
    const char *op_type;
    guint n;
  } left[8];
} Model;

static const Model models[] = {
  /* 13 of 13 BatchNormalization and 2 Identity of a constant go. */
  { "fashion-resnet.onnx",
    47,
    32,
    { { "Conv", 13 }, { "Relu", 11 }, { "Add", 5 }, { "Gemm", 1 }, { "BatchNormalization", 0 }, { "Identity", 0 } } },
  { "fashion-mobilenet.onnx",
    75,
    34,
    { { "Conv", 17 }, { "Clip", 12 }, { "Add", 2 }, { "BatchNormalization", 0 }, { "Constant", 0 } } },
  /* 16 Transpose of weights and 62 Constant go, and three nodes that compute a shape; GELU and LayerNormalization stay
   * whole. */
  { "fashion-vit.onnx",
    280,
    199,
    { { "MatMul", 24 }, { "Transpose", 13 }, { "Erf", 4 }, { "Mul", 21 }, { "Constant", 0 } } },
};

static PareTensor *
run (PareGraph *graph, PareTensor *input)
{
  PareExecutor *executor = pare_executor_new (graph);
  g_autoptr (GError) error = NULL;
  PareTensor *output = NULL;

  g_assert_true (pare_executor_run (executor, &input, 1, &output, &error));
  g_assert_no_error (error);
  pare_executor_free (executor);
  return output;
}

static PareTensor *
random_input (PareGraph *graph)
{
  g_autoptr (GArray) specs = NULL;
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  PareShape shape;
  float *data;

  g_assert_true (pare_graph_default_specs (graph, 2, 28, &specs, NULL));
  shape = g_array_index (specs, PareSpec, 0).shape;
  data = g_new (float, pare_shape_elements (&shape));
  for (gint64 i = 0; i < pare_shape_elements (&shape); i++)
    data[i] = g_rand_double_range (random, -1, 2);
  return pare_tensor_new_take (PARE_FLOAT32, &shape, data);
}

static void
assert_same (const PareTensor *a, const PareTensor *b)
{
  double largest = 0, worst = 0;

  g_assert_true (pare_shape_equal (&a->shape, &b->shape));
  for (gint64 i = 0; i < pare_tensor_elements (a); i++)
    {
      double x = pare_tensor_get_double (a, i), y = pare_tensor_get_double (b, i);
      largest = MAX (largest, fabs (x));
      worst = MAX (worst, fabs (x - y));
    }
  g_assert_cmpfloat (largest, >, 0.1);
  g_assert_cmpfloat (worst, <=, 1e-4 * largest);
}

static void
test_a_reference_model (gconstpointer data)
{
  const Model *model = data;
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "models", model->file, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = pare_onnx_load (path, &error), fused = NULL;
  g_autoptr (PareTensor) input = NULL, before = NULL, after = NULL;

  g_assert_no_error (error);
  fused = pare_graph_copy (graph);
  g_assert_true (pare_graph_fuse (fused, NULL, NULL, &error));
  g_assert_no_error (error);
  pare_graph_assert_consistent (fused);
  g_assert_cmpuint (graph->nodes->len, ==, model->before);
  g_assert_cmpuint (fused->nodes->len, ==, model->after);
  for (guint i = 0; i < G_N_ELEMENTS (model->left) && model->left[i].op_type; i++)
    {
      guint n = 0;
      for (guint j = 0; j < fused->nodes->len; j++)
        n += pare_node_is (fused->nodes->pdata[j], model->left[i].op_type);
      g_test_message ("%s", model->left[i].op_type);
      g_assert_cmpuint (n, ==, model->left[i].n);
    }
  input = random_input (graph);
  before = run (graph, input);
  after = run (fused, input);
  assert_same (before, after);
}

/* The result of fusing is a fixed point. */
static void
test_fusing_twice_changes_nothing (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "models", "fashion-mobilenet.onnx", NULL);
  g_autoptr (PareGraph) graph = pare_onnx_load (path, NULL);
  g_autoptr (GBytes) once = NULL, twice = NULL;

  g_assert_true (pare_graph_fuse (graph, NULL, NULL, NULL));
  once = pare_onnx_to_bytes (graph, NULL);
  g_assert_true (pare_graph_fuse (graph, NULL, NULL, NULL));
  twice = pare_onnx_to_bytes (graph, NULL);
  g_assert_true (g_bytes_equal (once, twice));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autofree char *name = g_strdup_printf ("/models/%s", models[i].file);
      g_test_add_data_func (name, &models[i], test_a_reference_model);
    }
  g_test_add_func ("/models/twice", test_fusing_twice_changes_nothing);
  return g_test_run ();
}
