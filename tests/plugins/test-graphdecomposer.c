/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphdecomposer in a pipeline: with and without samples, one network after another, and its errors as messages. */
#include "stagetest.h"
#include <string.h>

#define ROWS 12
#define COLUMNS 8

/* The weight has full rank. */
static void
setup (StageTest *test, gconstpointer settings)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  float numbers[ROWS * COLUMNS];

  for (guint i = 0; i < ROWS * COLUMNS; i++)
    numbers[i] = (float)g_rand_double_range (random, -1, 1);
  stage_test_setup (test, settings);
  test->graph = stage_test_product (ROWS, COLUMNS, numbers, "y");
}

/* Samples that have three directions only. */
static void
fill (GRand *random, float *numbers)
{
  double a = g_rand_double_range (random, -1, 1), b = g_rand_double_range (random, -1, 1),
         c = g_rand_double_range (random, -1, 1);

  for (guint k = 0; k < ROWS; k++)
    numbers[k] = (float)(k % 3 == 0 ? a : k % 3 == 1 ? b + a : c - b) * (float)(1 + k);
}

static double
number_of (GstBuffer *buffer, const char *name)
{
  const PareRecord *record = gst_pare_buffer_get_graph (buffer)->record;
  double number;

  g_assert_cmpuint (pare_record_length (record), ==, 1);
  g_assert_true (pare_record_entry_number (pare_record_get (record, 0), name, &number));
  return number;
}

static void
test_networks_follow_each_other (StageTest *test, gconstpointer data)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GstBuffer) buffer = NULL;
      g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_OK);
      buffer = gst_harness_pull (test->graphs);
      g_assert_cmpuint (gst_pare_buffer_get_graph (buffer)->nodes->len, ==, 2);
      /* 96 multiply-accumulates become 20 for each rank; half of them allow two. */
      g_assert_cmpfloat (number_of (buffer, "rank"), ==, 2);
      g_assert_cmpfloat (number_of (buffer, "macs-after"), ==, 40);
      g_assert_cmpfloat (number_of (buffer, "error"), >, 0.1);
    }
}

/* Rank 3 is enough for what these samples are made of, though not for the weights. */
static void
test_samples_show_what_rank_is_enough (StageTest *test, gconstpointer data)
{
  g_autoptr (GstBuffer) blind = NULL, informed = NULL;

  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_OK);
  blind = gst_harness_pull (test->graphs);
  g_assert_cmpfloat (number_of (blind, "error"), >, 0.05);
  g_assert_cmpint (stage_test_run (test, 40, ROWS, fill), ==, GST_FLOW_OK);
  informed = gst_harness_pull (test->graphs);
  g_assert_cmpfloat (number_of (informed, "error"), <, 1e-4);
}

static void
test_errors_are_messages (StageTest *test, gconstpointer data)
{
  g_assert_cmpint (stage_test_push (test), ==, GST_FLOW_ERROR);
  stage_test_assert_error (test, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "");
}

#define ADD(name, function, settings)                                                                                  \
  g_test_add ("/graphdecomposer/" name, StageTest, "graphdecomposer " settings, setup, test_##function,                \
              stage_test_teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD ("networks-follow-each-other", networks_follow_each_other, "ratio=0.5");
  ADD ("samples-show-what-rank-is-enough", samples_show_what_rank_is_enough, "layers=product:rank=3");
  ADD ("ratio", errors_are_messages, "ratio=1");
  ADD ("policy", errors_are_messages, "policy=mac");
  ADD ("method", errors_are_messages, "method=svd");
  ADD ("layer", errors_are_messages, "layers=produkt:rank=3");
  ADD ("setting", errors_are_messages, "layers=product:ranks=3");
  ADD ("rank", errors_are_messages, "layers=product:rank=9");
  ADD ("nothing", errors_are_messages, "skip-layers=product");
  return g_test_run ();
}
