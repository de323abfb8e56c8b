/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/executor.h"

G_BEGIN_DECLS

/**
 * PareIntegerRule:
 * @name: of the pattern
 * @apply: looks at one node; when it matches it rewrites the graph at and behind the node and returns TRUE
 *
 * How one kind of operator between DequantizeLinear and QuantizeLinear is computed on the integers themselves. One file
 * each, as PARE_INTEGER_RULE (sum) = { .. }, with the file's name in core/integer/meson.build.
 */
typedef struct
{
  const char *name;
  gboolean (*apply) (PareGraph *graph, PareNode *node);
} PareIntegerRule;

#define PARE_INTEGER_RULE(file) const PareIntegerRule pare_integer_rule_##file

/**
 * pare_graph_to_integers:
 * @graph: a quantized network, simulated or in a form for runtimes; it stays as it is
 *
 * The same network, to be executed on integers: what stands between DequantizeLinear and QuantizeLinear becomes
 * operators of the domain "pare" that take and give 8-bit integers. What has no such operator stays in float between
 * its conversions. The result is for the executor and not for a file.
 *
 * Returns: (transfer full): the network, or NULL and an error when nothing in it is quantized
 */
PareGraph *pare_graph_to_integers (const PareGraph *graph, GError **error);

/* Returns: (transfer full): @graph, to be executed in float32: without half precision between its inputs and outputs, and
 * with conversions around float operators in place of operators on integers. */
PareGraph *pare_graph_to_floats (const PareGraph *graph);

/* An executor of @graph: as it is, or on integers when @integer says so. */
PareExecutor *pare_graph_executor (PareGraph *graph, gboolean integer, GError **error);
/* An executor of @graph as it is that can be tapped at @values (of PareValue): for each, @taps receives the value to
 * tap. Patterns around them are executed as one operator all the same. */
PareExecutor *pare_graph_executor_with_taps (const PareGraph *graph, const GPtrArray *values, GPtrArray *taps);

G_END_DECLS
