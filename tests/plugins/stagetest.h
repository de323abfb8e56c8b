/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A stage with something to push graphs and samples into it: what the tests of all stages need. */
#pragma once
#include "gst/gstpare.h"
#include <gst/check/gstharness.h>

/**
 * StageTest:
 * @graph: what stage_test_push() pushes; the test sets it
 * @graphs: on the pads sink and src
 * @samples: on the pad tensors; NULL until stage_test_open_samples()
 *
 * The fixture.
 */
typedef struct
{
  PareGraph *graph;
  GstElement *element;
  GstBus *bus;
  GstHarness *graphs, *samples;
  GThread *thread;
} StageTest;

/* @settings: "factory property=value property=value". The element runs afterwards. */
void stage_test_setup (StageTest *test, gconstpointer settings);
void stage_test_teardown (StageTest *test, gconstpointer settings);

/* For samples of these specs, without a batch axis. */
void stage_test_open_samples (StageTest *test, guint n, const PareSpec *specs);
/* One sample of one float32 tensor. */
GstFlowReturn stage_test_push_floats (StageTest *test, const PareShape *shape, const float *numbers);
void stage_test_end_samples (StageTest *test);

/* Pushes the graph and waits for what becomes of it. */
GstFlowReturn stage_test_push (StageTest *test);
/* The same in a thread: the stage waits for samples. */
void stage_test_push_in_thread (StageTest *test);
GstFlowReturn stage_test_join (StageTest *test);
/* Pushes the graph, and samples of @n floats each until there are @count: @fill writes the next one. */
GstFlowReturn stage_test_run (StageTest *test, guint count, guint n, void (*fill) (GRand *random, float *numbers));

/* The error message on the bus has this code, and its text holds @part. */
void stage_test_assert_error (StageTest *test, GQuark domain, int code, const char *part);

/* @result [batch,columns] = x [batch,rows] w; the node is called product. */
PareGraph *stage_test_product (guint rows, guint columns, const float *weights, const char *result);
