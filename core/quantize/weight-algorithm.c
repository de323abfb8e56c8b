/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Look-up of weight algorithms; the table is generated from the list in meson.build. */
#include "quantize/weight-algorithm.h"
#include "graph/named.h"

extern const PareWeightAlgorithm *const pare_weight_algorithm_table[];

const PareWeightAlgorithm *const *
pare_weight_algorithms (guint *n)
{
  for (*n = 0; pare_weight_algorithm_table[*n];)
    ++*n;
  return pare_weight_algorithm_table;
}

const PareWeightAlgorithm *
pare_weight_algorithm_find (const char *name, GError **error)
{
  return pare_find_named ("weight algorithm", name, (const void *const *)pare_weight_algorithm_table, error);
}
