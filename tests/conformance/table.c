/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The page of operators, docs/operators.md: what runs, what can be trained through, what becomes integers. */
#include "table.h"
#include "ops/operator.h"
#include <stdio.h>
#include <string.h>

static GList *
sorted_keys (GHashTable *table)
{
  return g_list_sort (g_hash_table_get_keys (table), (GCompareFunc)strcmp);
}

static const PareOperator *
find_operator (const char *name)
{
  guint n;
  const PareOperator *const *operators = pare_operators (&n);

  for (guint i = 0; i < n; i++)
    if (!operators[i]->domain && g_str_equal (operators[i]->name, name))
      return operators[i];
  return NULL;
}

/* Operators that are here and in no model have their line, too. */
static void
add_untested (GHashTable *counts)
{
  guint n;
  const PareOperator *const *operators = pare_operators (&n);

  for (guint i = 0; i < n; i++)
    if (!operators[i]->domain && !g_hash_table_contains (counts, operators[i]->name))
      g_hash_table_insert (counts, g_strdup (operators[i]->name), g_new0 (Count, 1));
}

static void
print_operators (GHashTable *counts)
{
  static const char *const quantized[] = {
    [PARE_QUANTIZE_NONE] = "",      [PARE_QUANTIZE_WEIGHTED] = "yes", [PARE_QUANTIZE_JOIN] = "yes",
    [PARE_QUANTIZE_UNARY] = "yes",  [PARE_QUANTIZE_PASS] = "yes",     [PARE_QUANTIZE_CLAMP] = "yes",
    [PARE_QUANTIZE_NORMALIZE] = "",
  };
  g_autoptr (GList) names = sorted_keys (counts);

  puts ("| operator | runs | models passed | of | gradient | int8 |\n|---|---|---:|---:|---|---|");
  for (GList *l = names; l; l = l->next)
    {
      const PareOperator *op = find_operator (l->data);
      const Count *count = g_hash_table_lookup (counts, l->data);
      printf ("| %s | %s | %u | %u | %s | %s |\n", (char *)l->data, op ? "yes" : "no", count->passed, count->models,
              op && op->backward ? "yes" : "", op ? quantized[op->quantize] : "");
    }
}

static void
print_failures (GHashTable *failures)
{
  g_autoptr (GList) names = sorted_keys (failures);

  puts ("\n## What does not run\n\n| model | reason |\n|---|---|");
  for (GList *l = names; l; l = l->next)
    printf ("| %s | %s |\n", (char *)l->data, (char *)g_hash_table_lookup (failures, l->data));
}

void
table_print (GHashTable *counts, GHashTable *failures, const Count *total)
{
  add_untested (counts);
  puts ("# Operators\n\n<!-- Written by tests/conformance (conformance --table): do not edit. -->\n");
  printf ("%u of the %u models of ONNX's backend test data pass: the result of every data set is within ONNX's own "
          "tolerance.\nA model counts for each operator in it. *Gradient*: networks can be trained through it. "
          "*int8*: the quantizer takes it.\nOperator sets 18 to 23 are newer than that data: their operators are "
          "compared with "
          "ONNX Runtime,\ncase by case, in `tests/core/operator-cases`.\n\n",
          total->passed, total->models);
  print_operators (counts);
  print_failures (failures);
}
