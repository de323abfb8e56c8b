/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Every model of ONNX's backend test data through the executor. As a test it fails when a model fails that is not in
 * expected-failures.txt, or passes and is; --table writes docs/operators.md, --failures the list. */
#include "expectations.h"
#include "model.h"
#include "table.h"
#include <stdio.h>
#include <string.h>

#define DATA "/usr/share/libonnx-testdata/data"

static const char *const groups[] = { "node", "simple", "pytorch-converted", "pytorch-operator" };

typedef struct
{
  GHashTable *counts;   /* operator -> Count */
  GHashTable *failures; /* group/model -> reason */
  GPtrArray *models;    /* group/model, sorted */
  Count total;
} Tally;

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

static GPtrArray *
list_models (void)
{
  GPtrArray *models = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < G_N_ELEMENTS (groups); i++)
    {
      g_autofree char *path = g_build_filename (DATA, groups[i], NULL);
      g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
      for (const char *name; folder && (name = g_dir_read_name (folder));)
        g_ptr_array_add (models, g_build_filename (groups[i], name, NULL));
    }
  g_ptr_array_sort (models, compare_names);
  return models;
}

static void
tally_add (Tally *tally, const char *model, gint64 opset)
{
  g_autofree char *folder = g_build_filename (DATA, model, NULL);
  Outcome outcome;

  model_run (folder, opset, &outcome);
  tally->total.models++;
  tally->total.passed += !outcome.problem;
  for (guint i = 0; i < outcome.operators->len; i++)
    {
      const char *name = outcome.operators->pdata[i];
      Count *count = g_hash_table_lookup (tally->counts, name);
      if (!count)
        g_hash_table_insert (tally->counts, g_strdup (name), count = g_new0 (Count, 1));
      count->models++;
      count->passed += !outcome.problem;
    }
  if (outcome.problem)
    g_hash_table_insert (tally->failures, g_strdup (model), expectations_reason (model, outcome.problem));
  outcome_clear (&outcome);
}

static void
tally_run (Tally *tally, gint64 opset)
{
  tally->counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  tally->failures = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  tally->models = list_models ();
  for (guint i = 0; i < tally->models->len; i++)
    tally_add (tally, tally->models->pdata[i], opset);
}

static void
tally_clear (Tally *tally)
{
  g_clear_pointer (&tally->counts, g_hash_table_unref);
  g_clear_pointer (&tally->failures, g_hash_table_unref);
  g_clear_pointer (&tally->models, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Tally, tally_clear)

/* Models that have no newer form: Scan of version 8 has a batch axis, and a Resize of version 10 rounds to a side that
 * depends on scales known only at run time. */
static const char *const not_raised[] = { "node/test_scan_sum", "node/test_upsample_nearest", NULL };

/* @opset: what models are raised to before they run; 0 for as they are. */
static void
test_what_runs_is_as_expected (gconstpointer opset)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "conformance", "expected-failures.txt", NULL);
  g_autoptr (GHashTable) expected = expectations_load (path);
  g_auto (Tally) tally = { 0 };

  if (!g_file_test (DATA, G_FILE_TEST_IS_DIR))
    {
      g_test_skip ("libonnx-testdata is not installed");
      return;
    }
  tally_run (&tally, GPOINTER_TO_INT (opset));
  for (guint i = 0; i < tally.models->len; i++)
    {
      const char *model = tally.models->pdata[i], *reason = g_hash_table_lookup (tally.failures, model);
      gboolean fails = g_hash_table_contains (expected, model) || (opset && g_strv_contains (not_raised, model));
      if (!reason == !fails)
        continue;
      g_test_message ("%s %s", model, reason ? reason : "passes now: take it off expected-failures.txt");
      g_test_fail ();
    }
  g_test_message ("%u of %u models pass", tally.total.passed, tally.total.models);
  g_assert_cmpuint (tally.total.models, ==, 1072);
}

static int
write_failures (void)
{
  g_auto (Tally) tally = { 0 };

  tally_run (&tally, 0);
  puts ("# Models of ONNX's backend test data that do not pass, and why. Written by conformance --failures.");
  for (guint i = 0; i < tally.models->len; i++)
    {
      const char *reason = g_hash_table_lookup (tally.failures, tally.models->pdata[i]);
      if (reason)
        printf ("%s: %s\n", (char *)tally.models->pdata[i], reason);
    }
  return 0;
}

static int
write_table (void)
{
  g_auto (Tally) tally = { 0 };

  tally_run (&tally, 0);
  table_print (tally.counts, tally.failures, &tally.total);
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc == 2 && g_str_equal (argv[1], "--table"))
    return write_table ();
  if (argc == 2 && g_str_equal (argv[1], "--failures"))
    return write_failures ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/conformance/what-runs-is-as-expected", NULL, test_what_runs_is_as_expected);
  g_test_add_data_func ("/conformance/what-runs-does-so-in-operator-set-21", GINT_TO_POINTER (21),
                        test_what_runs_is_as_expected);
  return g_test_run ();
}
