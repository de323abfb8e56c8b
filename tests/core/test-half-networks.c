/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Trained networks converted to float16 and bfloat16: they load, run close to the original, and keep their type through
 * fusing and saving. */
#include "fuse/fuse.h"
#include "integer/integer.h"
#include "onnx/onnx.h"
#include <math.h>

static const char *const models[] = { "fashion-resnet.onnx", "fashion-mobilenet.onnx", "fashion-vit.onnx" };

/* Every float in the graph, as converters write it. */
static void
narrow (PareGraph *graph, PareDataType type)
{
  for (guint i = 0; i < graph->values->len; i++)
    {
      PareValue *value = graph->values->pdata[i];
      if (value->constant && value->constant->type == PARE_FLOAT32)
        {
          g_autoptr (PareTensor) half = pare_tensor_cast (value->constant, type);
          pare_value_set_constant (value, half);
        }
      if (value->type == PARE_FLOAT32)
        value->type = type;
      g_clear_pointer (&value->info, g_bytes_unref);
    }
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const PareAttribute *attribute = pare_node_attribute (graph->nodes->pdata[i], "value");
      if (attribute && attribute->type == PARE_ATTRIBUTE_TENSOR && attribute->u.tensor->type == PARE_FLOAT32)
        {
          g_autoptr (PareTensor) half = pare_tensor_cast (attribute->u.tensor, type);
          pare_node_set_attribute (graph->nodes->pdata[i], pare_attribute_new_tensor ("value", half));
        }
    }
}

static PareTensor *
run (PareGraph *graph, PareTensor *input)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareExecutor) executor = pare_graph_executor (graph, FALSE, &error);
  PareTensor *output = NULL;

  pare_executor_run (executor, &input, 1, &output, &error);
  g_assert_no_error (error);
  return output;
}

static PareTensor *
image (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  PareShape shape = pare_shape_of (4, 2, 1, 28, 28);
  float data[2 * 28 * 28];

  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    data[i] = g_rand_double_range (random, -1, 2);
  return pare_tensor_new_floats (&shape, data);
}

static void
assert_near (const PareTensor *found, const PareTensor *expected, double tolerance)
{
  double worst = 0, largest = 0;

  g_assert_true (pare_shape_equal (&found->shape, &expected->shape));
  for (gint64 i = 0; i < pare_tensor_elements (expected); i++)
    {
      double x = pare_tensor_get_double (expected, i);
      largest = MAX (largest, fabs (x));
      worst = MAX (worst, fabs (x - pare_tensor_get_double (found, i)));
    }
  g_assert_cmpfloat (largest, >, 1);
  g_assert_cmpfloat (worst, <=, tolerance * largest);
}

static void
assert_all_of_type (const PareGraph *graph, PareDataType type)
{
  for (guint i = 0; i < graph->values->len; i++)
    {
      const PareValue *value = graph->values->pdata[i];
      g_assert_cmpint (value->type, !=, PARE_FLOAT32);
      g_assert_true (!value->constant || value->constant->type != PARE_FLOAT32);
    }
  g_assert_cmpint (((PareValue *)graph->inputs->pdata[0])->type, ==, type);
  g_assert_cmpint (((PareValue *)graph->outputs->pdata[0])->type, ==, type);
}

/* @tolerance: some dozen roundings of the type, relative to the largest output. */
static void
check (PareDataType type, double tolerance)
{
  g_autoptr (PareTensor) input = image (), half = pare_tensor_cast (input, type);

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autofree char *path = g_test_build_filename (G_TEST_DIST, "models", models[i], NULL);
      g_autoptr (PareGraph) graph = pare_onnx_load (path, NULL), loaded = NULL;
      g_autoptr (PareTensor) expected = run (graph, input), plain = NULL, fused = NULL;
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GError) error = NULL;

      narrow (graph, type);
      bytes = pare_onnx_to_bytes (graph, &error);
      loaded = bytes ? pare_onnx_load_bytes (bytes, NULL, &error) : NULL;
      g_assert_no_error (error);
      assert_all_of_type (loaded, type);
      plain = run (loaded, half);
      g_assert_cmpint (plain->type, ==, type);
      assert_near (plain, expected, tolerance);
      g_assert_true (pare_graph_fuse (loaded, NULL, NULL, &error));
      assert_all_of_type (loaded, type);
      fused = run (loaded, half);
      assert_near (fused, expected, tolerance);
    }
}

static void
test_float16_networks (void)
{
  check (PARE_FLOAT16, 0.01);
}

static void
test_bfloat16_networks (void)
{
  check (PARE_BFLOAT16, 0.08);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/half/float16-networks", test_float16_networks);
  g_test_add_func ("/half/bfloat16-networks", test_bfloat16_networks);
  return g_test_run ();
}
