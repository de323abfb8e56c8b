/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphrounder in a pipeline: with and without samples, and its errors as messages. */
#include "quantize/quantize.h"
#include "stagetest.h"
#include <math.h>
#include <string.h>

#define ROWS 8
#define COLUMNS 3

/* The first weight of each column sets the scale to 1; all others lie 0.31 steps below an integer. */
static double
original_at (guint row)
{
  return row ? 61.69 : 127;
}

static PareGraph *
quantized (void)
{
  float numbers[ROWS * COLUMNS];
  PareGraph *graph;
  PareQuantizeSettings settings;

  for (guint i = 0; i < ROWS * COLUMNS; i++)
    numbers[i] = original_at (i / COLUMNS);
  graph = stage_test_product (ROWS, COLUMNS, numbers, "y");
  pare_graph_find_value (graph, "x")->range = (PareRange){ 0, 1 };
  pare_quantize_settings_init (&settings);
  g_assert_true (pare_graph_quantize (graph, &settings, NULL));
  return graph;
}

static void
setup (StageTest *test, gconstpointer settings)
{
  stage_test_setup (test, settings);
  test->graph = quantized ();
}

/* All inputs are one and the same: the sum of a column's weights is all that counts. */
static void
fill (GRand *random, float *numbers)
{
  double common = g_rand_double (random);

  for (guint k = 0; k < ROWS; k++)
    numbers[k] = common;
}

/* Of column @column, over all rows. */
static double
sum_of (PareGraph *graph, guint column)
{
  double sum = 0;

  for (guint r = 0; r < ROWS; r++)
    sum += pare_tensor_get_double (pare_graph_find_value (graph, "w")->constant, r * COLUMNS + column);
  return sum;
}

static double
original_sum (void)
{
  double sum = 0;

  for (guint r = 0; r < ROWS; r++)
    sum += original_at (r);
  return sum;
}

/* The quantizer takes the nearest. */
static void
test_without_samples_weights_stay (StageTest *test, gconstpointer data)
{
  g_autoptr (GstBuffer) buffer = NULL;

  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_OK);
  buffer = gst_harness_pull (test->graphs);
  for (guint c = 0; c < COLUMNS; c++)
    g_assert_cmpfloat_with_epsilon (sum_of (gst_pare_buffer_get_graph (buffer), c), original_sum (), 1e-3);
}

/* Seven weights that each lose 0.31 of a step lose 2.2 together: the sum that gptq leaves is off by half a step at
 * most.
 */
static void
test_weights_make_up_for_each_other_with_samples (StageTest *test, gconstpointer data)
{
  g_autoptr (GstBuffer) buffer = NULL;

  g_assert_cmpint (stage_test_run (test, 40, ROWS, fill), ==, GST_FLOW_OK);
  buffer = gst_harness_pull (test->graphs);
  for (guint c = 0; c < COLUMNS; c++)
    {
      double found = sum_of (gst_pare_buffer_get_graph (buffer), c);
      g_assert_cmpfloat (fabs (found - original_sum ()), <=, 0.55);
    }
  g_assert_cmpfloat (127 + 7 * 62 - original_sum (), >, 2);
}

static void
test_float_network_is_an_error (StageTest *test, gconstpointer data)
{
  float numbers[ROWS * COLUMNS] = { 1 };

  g_object_unref (test->graph);
  test->graph = stage_test_product (ROWS, COLUMNS, numbers, "y");
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "graphquantizer");
}

static void
test_samples_are_missed (StageTest *test, gconstpointer data)
{
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED, "tensors pad");
}

#define ADD(name, settings)                                                                                            \
  g_test_add ("/graphrounder/" #name, StageTest, "graphrounder " settings, setup, test_##name, stage_test_teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD (without_samples_weights_stay, "levels=16");
  ADD (weights_make_up_for_each_other_with_samples, "algorithm=gptq bias-correction=none");
  ADD (float_network_is_an_error, "levels=16");
  ADD (samples_are_missed, "algorithm=gptq");
  g_test_add ("/graphrounder/samples_are_missed_for_biases", StageTest, "graphrounder bias-correction=empirical", setup,
              test_samples_are_missed, stage_test_teardown);
  return g_test_run ();
}
