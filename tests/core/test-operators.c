/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Operators against the backend test data of ONNX: every model of one node whose operator is known here. */
#include "onnx/onnx.h"
#include "ops/operator.h"
#include <math.h>
#include <string.h>

#define DATA "/usr/share/libonnx-testdata/data/node"

/* Models of known operators that cannot pass, and why. */
static const struct
{
  const char *pattern;
  const char *reason;
} exceptions[] = {
  { "test_bernoulli*", "random numbers: no two generators agree" },
  { "test_adam_multiple", "the data was computed with an epsilon that the model does not say" },
  { "test_cast*BFLOAT16*", "the data keeps bfloat16 as uint16" },
  { "test_cast*STRING*", "strings need the executor" },
  { "test_identity_sequence", "sequences need the executor" },
  { "test_identity_opt", "optionals need the executor" },
  { "test_training_dropout*", "the training form is not executed" },
  { "test_batchnorm_*_training_mode", "the training form is not executed" },
  { "test_resize_downsample_scales_*_align_corners", "the data does not round the size first; ONNX Runtime does" },
};

typedef struct
{
  guint passed, excused;
} Count;

static const char *
excuse (const char *model)
{
  for (guint i = 0; i < G_N_ELEMENTS (exceptions); i++)
    if (g_pattern_match_simple (exceptions[i].pattern, model))
      return exceptions[i].reason;
  return NULL;
}

/* ONNX's own tolerance for floats; the rest is exact. */
static char *
difference (const PareTensor *have, const PareTensor *want)
{
  g_autofree char *have_shape = NULL, *want_shape = NULL;

  if (!have)
    return g_strdup ("no output");
  have_shape = pare_shape_to_string (&have->shape);
  want_shape = pare_shape_to_string (&want->shape);
  if (have->type != want->type || !pare_shape_equal (&have->shape, &want->shape))
    return g_strdup_printf ("%s %s instead of %s %s", pare_data_type_name (have->type), have_shape,
                            pare_data_type_name (want->type), want_shape);
  if (!pare_data_type_is_float (want->type))
    return pare_tensor_equal (have, want) ? NULL : g_strdup ("other integers");
  for (gint64 i = 0; i < pare_tensor_elements (want); i++)
    {
      double a = pare_tensor_get_double (have, i), b = pare_tensor_get_double (want, i);
      if (!(isnan (a) && isnan (b)) && !(a == b) && !(fabs (a - b) <= 1e-7 + 1e-3 * fabs (b)))
        return g_strdup_printf ("%g instead of %g at %" G_GINT64_FORMAT, a, b, i);
    }
  return NULL;
}

static PareTensor *
load_tensor (const char *folder, const char *kind, guint index, GError **error)
{
  g_autofree char *path = g_strdup_printf ("%s/%s_%u.pb", folder, kind, index);

  return pare_onnx_load_tensor (path, error);
}

/* Inputs by the order of the graph's inputs, which for these models is a subset of the node's. */
static char *
run_set (PareGraph *graph, const char *folder)
{
  PareNode *node = graph->nodes->pdata[0];
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  g_autofree PareTensor **inputs = g_new0 (PareTensor *, node->inputs->len + 1);
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, node->outputs->len + 1);
  g_autoptr (GError) error = NULL;
  char *problem = NULL;

  for (guint i = 0; i < graph->inputs->len; i++)
    {
      PareTensor *tensor = load_tensor (folder, "input", i, &error);
      if (!tensor)
        return g_strdup (error->message);
      g_ptr_array_add (kept, tensor);
      for (guint k = 0; k < node->inputs->len; k++)
        if (node->inputs->pdata[k] == graph->inputs->pdata[i])
          inputs[k] = tensor;
    }
  if (!pare_evaluate_node (node, inputs, outputs, &error))
    return g_strdup (error->message);
  for (guint i = 0; i < graph->outputs->len; i++)
    {
      g_autoptr (PareTensor) want = load_tensor (folder, "output", i, NULL);
      for (guint k = 0; want && !problem && k < node->outputs->len; k++)
        if (node->outputs->pdata[k] == graph->outputs->pdata[i])
          problem = difference (outputs[k], want);
    }
  for (guint i = 0; i < node->outputs->len; i++)
    g_clear_pointer (&outputs[i], pare_tensor_unref);
  return problem;
}

/* NULL when all is well. */
static char *
run_model (PareGraph *graph, const char *folder)
{
  for (guint set = 0;; set++)
    {
      g_autofree char *path = g_strdup_printf ("%s/test_data_set_%u", folder, set);
      char *problem;
      if (!g_file_test (path, G_FILE_TEST_IS_DIR))
        return set ? NULL : g_strdup ("no data");
      if ((problem = run_set (graph, path)))
        return problem;
    }
}

static void
test_one_model (const char *name, GHashTable *counts)
{
  g_autofree char *folder = g_build_filename (DATA, name, NULL);
  g_autofree char *path = g_build_filename (folder, "model.onnx", NULL);
  g_autofree char *problem = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = pare_onnx_load (path, &error);
  const PareOperator *op;
  PareNode *node;
  Count *count;

  g_assert_no_error (error);
  node = graph->nodes->len == 1 ? graph->nodes->pdata[0] : NULL;
  op = node ? pare_operator_of (node) : NULL;
  if (!op || !op->forward)
    return;
  count = g_hash_table_lookup (counts, op->name);
  if (!count)
    g_hash_table_insert (counts, (gpointer)op->name, count = g_new0 (Count, 1));
  problem = run_model (graph, folder);
  if (!problem)
    count->passed++;
  else if (excuse (name))
    count->excused++;
  else
    {
      g_test_message ("%s: %s", name, problem);
      g_test_fail ();
    }
}

static void
test_backend_data (void)
{
  g_autoptr (GHashTable) counts = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  g_autoptr (GDir) folder = g_dir_open (DATA, 0, NULL);
  guint n, passed = 0;
  const PareOperator *const *operators = pare_operators (&n);

  if (!folder)
    {
      g_test_skip ("libonnx-testdata is not installed");
      return;
    }
  for (const char *name; (name = g_dir_read_name (folder));)
    test_one_model (name, counts);
  for (guint i = 0; i < n; i++)
    {
      const Count *count = g_hash_table_lookup (counts, operators[i]->name);
      if (count)
        g_test_message ("%s: %u passed, %u excused", operators[i]->name, count->passed, count->excused);
      passed += count ? count->passed : 0;
    }
  g_test_message ("%u models passed", passed);
  /* The data must have been found and read. */
  g_assert_cmpuint (passed, >, 200);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/operators/backend-data", test_backend_data);
  return g_test_run ();
}
