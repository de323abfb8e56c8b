/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The slowest possible network: a few operators in double precision, straight from the formulas of the specification
 * and sharing no code with the library. What the tests of rewrites compare with. */
#pragma once
#include "graph/graph.h"

typedef struct
{
  PareShape shape;
  double *data;
} NaiveArray;

void naive_array_free (gpointer array);

/* Runs @graph on @inputs, one per free input; returns the arrays of the graph's outputs. Asserts on anything unknown.
 */
GPtrArray *naive_run (PareGraph *graph, guint n, const NaiveArray *inputs);
