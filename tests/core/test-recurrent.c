/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the backend test data leaves out of LSTM, GRU and RNN: directions, lengths and layouts, each against the plain
 * forward pass on data that was turned around beforehand. */
#include "evaluate-node.h"
#include <math.h>
#include <string.h>

enum
{
  STEPS = 5,
  BATCH = 2,
  INPUT = 3,
  HIDDEN = 4,
};

static const struct
{
  const char *name;
  int gates;
} kinds[] = { { "LSTM", 4 }, { "GRU", 3 }, { "RNN", 1 } };

static PareTensor *
random_tensor (guint32 seed, PareShape shape)
{
  gint64 n = pare_shape_elements (&shape);
  g_autofree float *data = g_new (float, n);

  for (gint64 i = 0; i < n; i++)
    {
      seed = seed * 1664525u + 1013904223u;
      data[i] = (seed >> 8) / 8388608.0f - 1;
    }
  return pare_tensor_new_floats (&shape, data);
}

/* [outer, inner, row] to [inner, outer, row]. */
static PareTensor *
swap_axes (const PareTensor *tensor)
{
  gint64 outer = tensor->shape.dims[0], inner = tensor->shape.dims[1];
  gint64 row = pare_shape_span (&tensor->shape, 2, tensor->shape.rank);
  g_autofree float *data = g_new (float, outer *inner *row);
  PareShape shape = tensor->shape;

  shape.dims[0] = inner;
  shape.dims[1] = outer;
  for (gint64 i = 0; i < outer; i++)
    for (gint64 j = 0; j < inner; j++)
      memcpy (data + (j * outer + i) * row, (const float *)pare_tensor_data (tensor) + (i * inner + j) * row,
              row * sizeof (float));
  return pare_tensor_new_floats (&shape, data);
}

/* The first @n of the first axis in reverse order; the rest as it was. */
static PareTensor *
reverse (const PareTensor *tensor, gint64 n)
{
  gint64 row = pare_shape_span (&tensor->shape, 1, tensor->shape.rank);
  g_autofree float *data = g_memdup2 (pare_tensor_data (tensor), pare_tensor_size (tensor));

  for (gint64 i = 0; i < n; i++)
    memcpy (data + i * row, (const float *)pare_tensor_data (tensor) + (n - 1 - i) * row, row * sizeof (float));
  return pare_tensor_new_floats (&tensor->shape, data);
}

/* The first steps of all items. */
static PareTensor *
first_steps (const PareTensor *tensor, int steps)
{
  PareShape shape = tensor->shape;

  shape.dims[0] = steps;
  return pare_tensor_new_floats (&shape, pare_tensor_data (tensor));
}

/* Y of kind @k, or NULL and an error; weights are the same for every call. @lengths may be NULL. */
static PareTensor *
try (guint k, PareTensor *x, const char *direction, gboolean batch_first, PareTensor *lengths, GError **error)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (PareTensor) w = random_tensor (1, pare_shape_of (3, 1, kinds[k].gates * HIDDEN, INPUT));
  g_autoptr (PareTensor) r = random_tensor (2, pare_shape_of (3, 1, kinds[k].gates * HIDDEN, HIDDEN));
  g_autoptr (PareTensor) b = random_tensor (3, pare_shape_of (2, 1, 2 * kinds[k].gates * HIDDEN));
  PareNode *node = make_node (graph, kinds[k].name, 5, 1);

  pare_graph_set_opset (graph, "", 14);
  pare_node_set_attribute (node, pare_attribute_new_int ("hidden_size", HIDDEN));
  pare_node_set_attribute (node, pare_attribute_new_int ("layout", batch_first));
  pare_node_set_attribute (node, pare_attribute_new_string ("direction", direction));
  return evaluate (node, (PareTensor *[]){ x, w, r, b, lengths }, error);
}

static PareTensor *
run (guint k, PareTensor *x, const char *direction, gboolean batch_first, PareTensor *lengths)
{
  g_autoptr (GError) error = NULL;
  PareTensor *y = try (k, x, direction, batch_first, lengths, &error);

  g_assert_no_error (error);
  return y;
}

/* @n numbers of each, from @offset on. */
static void
assert_equal (const PareTensor *a, gint64 a_offset, const PareTensor *b, gint64 b_offset, gint64 n)
{
  for (gint64 i = 0; i < n; i++)
    g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (a, a_offset + i), pare_tensor_get_double (b, b_offset + i),
                                    1e-6);
}

static void
test_reverse_is_forward_on_reversed_steps (void)
{
  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    {
      g_autoptr (PareTensor) x = random_tensor (7, pare_shape_of (3, STEPS, BATCH, INPUT));
      g_autoptr (PareTensor) turned = reverse (x, STEPS);
      g_autoptr (PareTensor) have = run (k, x, "reverse", FALSE, NULL);
      g_autoptr (PareTensor) plain = run (k, turned, "forward", FALSE, NULL);
      g_autoptr (PareTensor) want = reverse (plain, STEPS);
      assert_equal (have, 0, want, 0, STEPS * BATCH * HIDDEN);
    }
}

static void
test_batch_first_is_the_same_with_axes_swapped (void)
{
  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    {
      g_autoptr (PareTensor) x = random_tensor (8, pare_shape_of (3, STEPS, BATCH, INPUT));
      g_autoptr (PareTensor) turned = swap_axes (x);
      g_autoptr (PareTensor) have = run (k, turned, "forward", TRUE, NULL);
      g_autoptr (PareTensor) back = NULL;
      g_autoptr (PareTensor) want = run (k, x, "forward", FALSE, NULL);
      PareShape three = pare_shape_of (3, BATCH, STEPS, HIDDEN);
      g_autoptr (PareTensor) flat = pare_tensor_reshape (have, &three);
      back = swap_axes (flat);
      assert_equal (back, 0, want, 0, STEPS * BATCH * HIDDEN);
    }
}

/* Item 0 has 3 steps, item 1 all; each is as it would be alone, and behind its end are zeros. */
static void
test_impossible_lengths_are_errors (void)
{
  static const gint32 cases[][BATCH] = { { 3, STEPS + 1 }, { -1, STEPS } };
  g_autoptr (PareTensor) x = random_tensor (4, pare_shape_of (3, STEPS, BATCH, INPUT));

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
      {
        PareShape shape = pare_shape_of (1, BATCH);
        g_autoptr (PareTensor) lengths = pare_tensor_new_copy (PARE_INT32, &shape, cases[i]);
        g_autoptr (GError) error = NULL;
        g_assert_null (try (k, x, "forward", FALSE, lengths, &error));
        g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
        g_assert_nonnull (strstr (error->message, "sequence_lens"));
      }
}

static void
test_items_end_at_their_lengths (void)
{
  static const gint32 lengths[BATCH] = { 3, STEPS };
  static const char *const directions[] = { "forward", "reverse" };
  PareShape shape = pare_shape_of (1, BATCH);
  g_autoptr (PareTensor) ends = pare_tensor_new_copy (PARE_INT32, &shape, lengths);

  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    for (guint d = 0; d < G_N_ELEMENTS (directions); d++)
      {
        g_autoptr (PareTensor) x = random_tensor (9, pare_shape_of (3, STEPS, BATCH, INPUT));
        g_autoptr (PareTensor) part = first_steps (x, 3);
        g_autoptr (PareTensor) have = run (k, x, directions[d], FALSE, ends);
        g_autoptr (PareTensor) whole = run (k, x, directions[d], FALSE, NULL);
        g_autoptr (PareTensor) shorter = run (k, part, directions[d], FALSE, NULL);
        for (gint64 t = 0; t < STEPS; t++)
          {
            gint64 item = t * BATCH * HIDDEN;
            assert_equal (have, item + HIDDEN, whole, item + HIDDEN, HIDDEN);
            if (t < 3)
              assert_equal (have, item, shorter, item, HIDDEN);
            for (gint64 j = 0; t >= 3 && j < HIDDEN; j++)
              g_assert_cmpfloat (pare_tensor_get_double (have, item + j), ==, 0);
          }
      }
}

static void
test_unknown_direction_is_refused (void)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (PareTensor) x = random_tensor (1, pare_shape_of (3, STEPS, BATCH, INPUT));
  g_autoptr (PareTensor) w = random_tensor (1, pare_shape_of (3, 1, HIDDEN, INPUT));
  g_autoptr (PareTensor) r = random_tensor (2, pare_shape_of (3, 1, HIDDEN, HIDDEN));
  PareNode *node = make_node (graph, "RNN", 3, 1);

  pare_node_set_attribute (node, pare_attribute_new_string ("direction", "sideways"));
  g_assert_null (evaluate (node, (PareTensor *[]){ x, w, r }, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "'sideways'"));
}

static void
test_weights_of_another_input_size_are_refused (void)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (PareTensor) x = random_tensor (1, pare_shape_of (3, STEPS, BATCH, INPUT));
  g_autoptr (PareTensor) w = random_tensor (1, pare_shape_of (3, 1, HIDDEN, INPUT + 1));
  g_autoptr (PareTensor) r = random_tensor (2, pare_shape_of (3, 1, HIDDEN, HIDDEN));
  PareNode *node = make_node (graph, "RNN", 3, 1);

  g_assert_null (evaluate (node, (PareTensor *[]){ x, w, r }, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "[1,4,4] instead of [1,4,3]"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recurrent/reverse", test_reverse_is_forward_on_reversed_steps);
  g_test_add_func ("/recurrent/batch-first", test_batch_first_is_the_same_with_axes_swapped);
  g_test_add_func ("/recurrent/lengths", test_items_end_at_their_lengths);
  g_test_add_func ("/recurrent/impossible-lengths", test_impossible_lengths_are_errors);
  g_test_add_func ("/recurrent/direction", test_unknown_direction_is_refused);
  g_test_add_func ("/recurrent/weights", test_weights_of_another_input_size_are_refused);
  return g_test_run ();
}
