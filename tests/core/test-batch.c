/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Stacking samples: which shapes fit, what a batch holds, where it ends. */
#include "data/batch.h"
#include <string.h>

/* A graph with the one input x of @shape. */
static PareBatcher *
batcher_new (PareShape shape, guint batch_size)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  PareSpec spec = { PARE_FLOAT32, shape };
  PareValue *x = pare_graph_add_value (graph, "x");

  pare_value_set_spec (x, &spec);
  g_ptr_array_add (graph->inputs, x);
  return pare_batcher_new (graph, batch_size, NULL);
}

static PareTensor *
counted (PareShape shape, float first)
{
  gint64 n = pare_shape_elements (&shape);
  float *data = g_new (float, n);

  for (gint64 i = 0; i < n; i++)
    data[i] = first + i;
  return pare_tensor_new_take (PARE_FLOAT32, &shape, data);
}

static int
add (PareBatcher *batcher, PareShape shape, float first, GError **error)
{
  g_autoptr (PareTensor) tensor = counted (shape, first);

  return pare_batcher_add (batcher, &tensor, 1, error);
}

static void
assert_batch (PareBatcher *batcher, const char *shape, guint valid, guint n, const float *data)
{
  guint found;
  g_autoptr (GPtrArray) batch = pare_batcher_take (batcher, &found);
  g_autofree char *text = pare_shape_to_string (&((PareTensor *)batch->pdata[0])->shape);

  g_assert_cmpstr (text, ==, shape);
  g_assert_cmpuint (found, ==, valid);
  g_assert_cmpmem (pare_tensor_data (batch->pdata[0]), pare_tensor_size (batch->pdata[0]), data, n * sizeof (float));
}

static void
test_leading_ones_do_not_matter (void)
{
  const PareShape shapes[]
      = { pare_shape_of (2, 1, 2), pare_shape_of (3, 1, 1, 2), pare_shape_of (4, 1, 1, 1, 2), pare_shape_of (1, 2) };
  g_autoptr (PareBatcher) batcher = batcher_new (pare_shape_of (4, -1, 1, 1, 2), 8);

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    g_assert_cmpint (add (batcher, shapes[i], 2 * i, NULL), ==, 1);
  assert_batch (batcher, "[4,1,1,2]", 4, 8, (float[]){ 0, 1, 2, 3, 4, 5, 6, 7 });
}

static void
test_other_sizes_are_refused (void)
{
  const PareShape shapes[] = { pare_shape_of (2, 2, 1), pare_shape_of (2, 2, 2), pare_shape_of (1, 1) };
  g_autoptr (PareBatcher) batcher = batcher_new (pare_shape_of (3, -1, 1, 2), 8);

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_cmpint (add (batcher, shapes[i], 0, &error), ==, -1);
      g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
      g_assert_nonnull (strstr (error->message, "'x'"));
      g_assert_nonnull (strstr (error->message, "[?,1,2]"));
    }
}

static void
test_fixed_batch_is_filled_up (void)
{
  g_autoptr (PareBatcher) batcher = batcher_new (pare_shape_of (2, 3, 1), 100);

  add (batcher, pare_shape_of (1, 1), 5, NULL);
  add (batcher, pare_shape_of (1, 1), 7, NULL);
  g_assert_false (pare_batcher_full (batcher));
  assert_batch (batcher, "[3,1]", 2, 3, (float[]){ 5, 7, 7 });
}

static void
test_full_batch_takes_no_more (void)
{
  g_autoptr (PareBatcher) batcher = batcher_new (pare_shape_of (2, -1, 1), 2);

  g_assert_cmpint (add (batcher, pare_shape_of (1, 1), 1, NULL), ==, 1);
  g_assert_cmpint (add (batcher, pare_shape_of (1, 1), 2, NULL), ==, 1);
  g_assert_true (pare_batcher_full (batcher));
  g_assert_cmpint (add (batcher, pare_shape_of (1, 1), 3, NULL), ==, 0);
  assert_batch (batcher, "[2,1]", 2, 2, (float[]){ 1, 2 });
}

static void
test_other_shape_begins_another_batch (void)
{
  g_autoptr (PareBatcher) batcher = batcher_new (pare_shape_of (2, -1, -1), 8);

  g_assert_cmpint (add (batcher, pare_shape_of (1, 2), 1, NULL), ==, 1);
  g_assert_cmpint (add (batcher, pare_shape_of (1, 3), 5, NULL), ==, 0);
  assert_batch (batcher, "[1,2]", 1, 2, (float[]){ 1, 2 });
  g_assert_cmpint (add (batcher, pare_shape_of (1, 3), 5, NULL), ==, 1);
  assert_batch (batcher, "[1,3]", 1, 3, (float[]){ 5, 6, 7 });
}

static void
test_integers_ask_for_a_tensorizer (void)
{
  g_autoptr (PareBatcher) batcher = batcher_new (pare_shape_of (2, -1, 1), 8);
  PareShape shape = pare_shape_of (1, 1);
  g_autoptr (PareTensor) tensor = pare_tensor_new_copy (PARE_UINT8, &shape, "x");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (pare_batcher_add (batcher, &tensor, 1, &error), ==, -1);
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "tensorizer"));
}

static void
test_missing_tensors_are_counted (void)
{
  g_autoptr (PareBatcher) batcher = batcher_new (pare_shape_of (2, -1, 1), 8);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (pare_batcher_add (batcher, NULL, 0, &error), ==, -1);
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
}

static void
test_impossible_batch_is_an_error (void)
{
  /* 2^16 samples of 2^45 bytes are more than any address space; the one sample is a stub without that memory. */
  g_autoptr (PareBatcher) batcher = batcher_new (pare_shape_of (1, -1), 65536);
  PareTensor *stub = counted (pare_shape_of (1, 1), 0);
  g_autoptr (GBytes) huge = g_bytes_new_static ("", (gsize)1 << 45);
  g_autoptr (GBytes) kept = stub->bytes;
  g_autoptr (GError) error = NULL;

  stub->bytes = huge;
  g_assert_cmpint (pare_batcher_add (batcher, &stub, 1, &error), ==, -1);
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "batch-size"));
  stub->bytes = g_steal_pointer (&kept);
  pare_tensor_unref (stub);
}

#define ADD(name) g_test_add_func ("/batch/" #name, test_##name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (leading_ones_do_not_matter);
  ADD (other_sizes_are_refused);
  ADD (fixed_batch_is_filled_up);
  ADD (full_batch_takes_no_more);
  ADD (other_shape_begins_another_batch);
  ADD (integers_ask_for_a_tensorizer);
  ADD (missing_tensors_are_counted);
  ADD (impossible_batch_is_an_error);
  return g_test_run ();
}
