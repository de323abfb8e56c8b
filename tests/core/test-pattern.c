/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Patterns of n:m sparsity are read, drawn along any axis, and recognised. */
#include "graph/error.h"
#include "graph/pattern.h"
#include <string.h>

static void
test_patterns_are_read (void)
{
  static const struct
  {
    const char *text;
    guint n, m;
  } good[] = { { "2:4", 2, 4 }, { "1:4", 1, 4 }, { "4:8", 4, 8 }, { "1:2", 1, 2 }, { "63:64", 63, 64 } };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (GError) error = NULL;
      guint n, m;
      g_assert_true (pare_pattern_parse (good[i].text, &n, &m, &error));
      g_assert_cmpuint (n, ==, good[i].n);
      g_assert_cmpuint (m, ==, good[i].m);
    }
}

static void
test_impossible_patterns_are_errors (void)
{
  static const char *const bad[] = { "",     "2",     "2:",   ":4",     "4:4",      "5:4",           "0:4",
                                     "2:65", "2:4:8", "-2:4", "2 of 4", "two:four", "2:99999999999", NULL };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      guint n, m;
      g_assert_false (pare_pattern_parse (bad[i], &n, &m, &error));
      g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
      g_assert_nonnull (strstr (error->message, "2:4"));
    }
}

/* Numbers by hand: 0.9 and 0.5 are the highest of the first four; the last group is the two that are left. */
static void
test_the_highest_stay (void)
{
  const float scores[] = { 0.5, 0.1, 0.9, 0.2, 0.3, 0.4 }, want[] = { 1, 0, 1, 0, 1, 1 };
  PareShape shape = pare_shape_of (2, 1, 6);
  float mask[6];

  pare_pattern_mask (scores, &shape, 1, 2, 4, mask);
  g_assert_cmpmem (mask, sizeof mask, want, sizeof want);
}

static void
test_equal_scores_keep_the_first (void)
{
  const float scores[] = { 1, 1, 1, 1 }, want[] = { 1, 1, 0, 0 };
  PareShape shape = pare_shape_of (1, 4);
  float mask[4];

  pare_pattern_mask (scores, &shape, 0, 2, 4, mask);
  g_assert_cmpmem (mask, sizeof mask, want, sizeof want);
}

/* For every axis of a rank-3 tensor and a width that 4 does not divide: each group keeps as many as it can, and none
 * that went is above one that stayed. The index arithmetic is by coordinates. */
static void
test_every_axis_is_grouped (gconstpointer data)
{
  guint axis = GPOINTER_TO_UINT (data);
  const gint64 dims[] = { 5, 6, 7 }, strides[] = { 42, 7, 1 };
  PareShape shape = pare_shape (3, dims);
  g_autoptr (GRand) random = g_rand_new_with_seed (axis);
  float scores[210], mask[210];
  gint64 at[3];

  for (guint i = 0; i < G_N_ELEMENTS (scores); i++)
    scores[i] = g_rand_double (random);
  pare_pattern_mask (scores, &shape, axis, 2, 4, mask);
  for (at[0] = 0; at[0] < dims[0]; at[0]++)
    for (at[1] = 0; at[1] < dims[1]; at[1]++)
      for (at[2] = 0; at[2] < dims[2]; at[2]++)
        {
          gint64 here = at[0] * 42 + at[1] * 7 + at[2], first = at[axis] / 4 * 4;
          gint64 start = here - (at[axis] - first) * strides[axis], width = MIN (4, dims[axis] - first);
          guint kept = 0;
          for (gint64 j = 0; j < width; j++)
            {
              gint64 other = start + j * strides[axis];
              kept += mask[other] == 1;
              if (mask[here] == 1 && mask[other] == 0)
                g_assert_cmpfloat (scores[here], >=, scores[other]);
            }
          g_assert_cmpuint (kept, ==, MIN (2, width));
        }
}

static PareTensor *
masked_ones (guint axis, guint n, guint m)
{
  PareShape shape = pare_shape_of (3, 8, 12, 3);
  g_autoptr (GRand) random = g_rand_new_with_seed (m);
  float scores[288], mask[288];

  for (guint i = 0; i < G_N_ELEMENTS (scores); i++)
    scores[i] = g_rand_double (random);
  pare_pattern_mask (scores, &shape, axis, n, m, mask);
  return pare_tensor_new_floats (&shape, mask);
}

static void
test_patterns_are_recognised (void)
{
  static const guint patterns[][2] = { { 2, 4 }, { 1, 4 }, { 4, 8 }, { 3, 4 }, { 1, 2 } };

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    {
      g_autoptr (PareTensor) tensor = masked_ones (1, patterns[i][0], patterns[i][1]);
      guint n, m;
      g_assert_true (pare_pattern_find (tensor, 1, 0, &n, &m));
      g_assert_cmpuint (n, ==, patterns[i][0]);
      g_assert_cmpuint (m, ==, patterns[i][1]);
      g_assert_true (pare_pattern_holds (tensor, 1, n, m, 0));
      g_assert_false (pare_pattern_holds (tensor, 1, n - 1, m, 0));
      /* It is a pattern of that axis alone. */
      g_assert_false (pare_pattern_holds (tensor, 2, 1, 2, 0));
    }
}

static void
test_one_weight_too_many_breaks_a_pattern (void)
{
  g_autoptr (PareTensor) tensor = masked_ones (1, 2, 4);
  float *numbers = (float *)pare_tensor_data (tensor);
  guint i = 0, n, m;

  while (numbers[i] != 0)
    i++;
  numbers[i] = 1e-30;
  g_assert_false (pare_pattern_holds (tensor, 1, 2, 4, 0));
  g_assert_true (!pare_pattern_find (tensor, 1, 0, &n, &m) || n * 2 > m);
}

/* Stored integers may have another zero. */
static void
test_zero_may_be_another_number (void)
{
  const guint8 numbers[] = { 128, 7, 128, 200, 3, 4, 128, 128 };
  PareShape shape = pare_shape_of (2, 2, 4);
  g_autoptr (PareTensor) tensor = pare_tensor_new_copy (PARE_UINT8, &shape, numbers);

  g_assert_true (pare_pattern_holds (tensor, 1, 2, 4, 128));
  g_assert_false (pare_pattern_holds (tensor, 1, 2, 4, 0));
}

static void
test_narrow_and_empty_weights_have_no_pattern (void)
{
  PareShape narrow = pare_shape_of (2, 2, 2), empty = pare_shape_of (2, 0, 8), zero = pare_shape_of (2, 1, 4);
  g_autoptr (PareTensor) two = pare_tensor_new_floats (&narrow, (float[]){ 1, 2, 3, 4 });
  g_autoptr (PareTensor) none = pare_tensor_new_floats (&empty, NULL);
  g_autoptr (PareTensor) zeros = pare_tensor_new_floats (&zero, (float[]){ 0, 0, 0, 0 });
  guint n, m;

  g_assert_false (pare_pattern_find (two, 1, 0, &n, &m));
  g_assert_false (pare_pattern_find (none, 1, 0, &n, &m));
  g_assert_false (pare_pattern_find (zeros, 1, 0, &n, &m));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pattern/read", test_patterns_are_read);
  g_test_add_func ("/pattern/impossible", test_impossible_patterns_are_errors);
  g_test_add_func ("/pattern/highest", test_the_highest_stay);
  g_test_add_func ("/pattern/equal", test_equal_scores_keep_the_first);
  g_test_add_data_func ("/pattern/axis-0", GUINT_TO_POINTER (0), test_every_axis_is_grouped);
  g_test_add_data_func ("/pattern/axis-1", GUINT_TO_POINTER (1), test_every_axis_is_grouped);
  g_test_add_data_func ("/pattern/axis-2", GUINT_TO_POINTER (2), test_every_axis_is_grouped);
  g_test_add_func ("/pattern/recognised", test_patterns_are_recognised);
  g_test_add_func ("/pattern/broken", test_one_weight_too_many_breaks_a_pattern);
  g_test_add_func ("/pattern/other-zero", test_zero_may_be_another_number);
  g_test_add_func ("/pattern/narrow", test_narrow_and_empty_weights_have_no_pattern);
  return g_test_run ();
}
