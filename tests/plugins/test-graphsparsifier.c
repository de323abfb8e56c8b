/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphsparsifier in a pipeline: with and without samples, one network after another, and its errors as messages. */
#include "stagetest.h"
#include <math.h>
#include <string.h>

#define ROWS 8
#define COLUMNS 3

static double
original_at (guint row, guint column)
{
  return 1 + (row * COLUMNS + column) * 7 % 24;
}

static void
setup (StageTest *test, gconstpointer settings)
{
  float numbers[ROWS * COLUMNS];

  for (guint i = 0; i < ROWS * COLUMNS; i++)
    numbers[i] = original_at (i / COLUMNS, i % COLUMNS);
  stage_test_setup (test, settings);
  test->graph = stage_test_product (ROWS, COLUMNS, numbers, "y");
}

/* Samples whose second half repeats the first: each weight has one that can do its work. */
static void
fill (GRand *random, float *numbers)
{
  for (guint k = 0; k < ROWS; k++)
    numbers[k] = k % 4 < 2 ? g_rand_double_range (random, -1, 1) : numbers[k - 2];
}

/* Entry [row][column] of the weight that came out. */
static double
weight_at (GstBuffer *buffer, guint row, guint column)
{
  return pare_tensor_get_double (pare_graph_find_value (gst_pare_buffer_get_graph (buffer), "w")->constant,
                                 row * COLUMNS + column);
}

static void
test_largest_weights_stay_without_samples (StageTest *test, gconstpointer data)
{
  g_autoptr (GstBuffer) buffer = NULL;

  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_OK);
  buffer = gst_harness_pull (test->graphs);
  for (guint c = 0; c < COLUMNS; c++)
    for (guint r = 0; r < ROWS; r++)
      {
        guint larger = 0;
        for (guint other = r / 4 * 4; other < r / 4 * 4 + 4; other++)
          larger += original_at (other, c) > original_at (r, c);
        g_assert_cmpfloat (weight_at (buffer, r, c), ==, larger < 2 ? original_at (r, c) : 0);
      }
}

/* Two inputs are two others: one weight of each pair is enough when it takes over the other's. */
static void
test_what_stays_does_the_work_of_what_went (StageTest *test, gconstpointer data)
{
  g_autoptr (GstBuffer) buffer = NULL;

  g_assert_cmpint (stage_test_run (test, 40, ROWS, fill), ==, GST_FLOW_OK);
  buffer = gst_harness_pull (test->graphs);
  for (guint c = 0; c < COLUMNS; c++)
    for (guint r = 0; r < ROWS; r += 4)
      for (guint k = r; k < r + 2; k++)
        {
          double first = weight_at (buffer, k, c), second = weight_at (buffer, k + 2, c);
          g_assert_true ((first == 0) != (second == 0));
          g_assert_cmpfloat_with_epsilon (first + second, original_at (k, c) + original_at (k + 2, c), 0.05);
        }
}

static void
test_networks_follow_each_other (StageTest *test, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GstBuffer) buffer = NULL;
      g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_OK);
      buffer = gst_harness_pull (test->graphs);
      g_assert_cmpuint (pare_graph_find_value (gst_pare_buffer_get_graph (buffer), "w")->sparsity.update_frequency, ==,
                        5);
    }
}

static void
test_impossible_modes_are_errors (StageTest *test, gconstpointer data)
{
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "n:m");
}

static void
test_samples_are_missed (StageTest *test, gconstpointer data)
{
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "tensors pad");
}

static void
test_nothing_to_do_is_an_error (StageTest *test, gconstpointer data)
{
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "allow-none");
}

static void
test_outputs_of_the_network_keep_their_filters (StageTest *test, gconstpointer data)
{
  g_autoptr (GstBuffer) buffer = NULL;

  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_OK);
  buffer = gst_harness_pull (test->graphs);
  for (guint c = 0; c < COLUMNS; c++)
    g_assert_cmpfloat (weight_at (buffer, 0, c), ==, original_at (0, c));
}

#define ADD(name, settings)                                                                                            \
  g_test_add ("/graphsparsifier/" #name, StageTest, "graphsparsifier " settings, setup, test_##name,                   \
              stage_test_teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD (largest_weights_stay_without_samples, "mode=2:4");
  ADD (what_stays_does_the_work_of_what_went, "mode=2:4 ridge=0.0001");
  ADD (networks_follow_each_other, "mode=2:4 update-frequency=5");
  ADD (impossible_modes_are_errors, "mode=4:2");
  ADD (samples_are_missed, "algorithm=obc");
  ADD (nothing_to_do_is_an_error, "skip-layers=product");
  g_test_add ("/graphsparsifier/no_filter_to_remove_is_an_error", StageTest, "graphsparsifier mode=filter", setup,
              test_nothing_to_do_is_an_error, stage_test_teardown);
  ADD (outputs_of_the_network_keep_their_filters, "mode=filter allow-none=true");
  return g_test_run ();
}
