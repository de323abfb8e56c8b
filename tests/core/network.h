/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Running a network of net.h with the executor and with the naive one, on the same random numbers. */
#pragma once
#include "exec/executor.h"
#include "net.h"

/* One random tensor in [-1, 1] per free input, of its shape with @batch for open sizes. Of PareTensor. */
GPtrArray *network_inputs (Net *net, gint64 batch);
/* Runs @graph once in a new executor; asserts that it works. Of PareTensor. */
GPtrArray *network_run (PareGraph *graph, GPtrArray *inputs);
GPtrArray *network_run_with (PareExecutor *executor, PareGraph *graph, GPtrArray *inputs);
/* What the naive network computes, as float32. Of PareTensor. */
GPtrArray *network_expect (PareGraph *graph, GPtrArray *inputs);
/* Asserts equal shapes, and elements that differ by at most @tolerance of the largest expected one. */
void network_assert_close (GPtrArray *found, GPtrArray *expected, double tolerance);
/* The executor computes what the naive network does. */
void network_check (Net *net);
/* Asserts that what is executed instead of the network has the operators @expected, with blanks between and a star at
 * those of the domain "pare", and that it computes what the network does node by node, for batches of 1 and 3. */
void network_check_executed (Net *net, const char *expected);
/* Asserts that running fails with @code, and that the message holds @text. */
void network_assert_fails (PareGraph *graph, GPtrArray *inputs, int code, const char *text);
