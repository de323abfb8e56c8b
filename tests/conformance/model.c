/* SPDX-License-Identifier: LGPL-2.1-or-later
 * One model of ONNX's backend test data, run in a process of its own: a crash or a hang is an outcome like others. */
#include "model.h"
#include "data.h"
#include "exec/executor.h"
#include "onnx/onnx.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ONNX's own (onnx/backend/test/runner). */
#define RELATIVE 1e-3
#define ABSOLUTE 1e-7
#define SECONDS 60

void
outcome_clear (Outcome *outcome)
{
  g_clear_pointer (&outcome->operators, g_ptr_array_unref);
  g_clear_pointer (&outcome->problem, g_free);
}

/* What differs, or NULL. */
static char *
difference (PareTensor *have, PareTensor *want)
{
  g_autofree char *have_shape = pare_shape_to_string (&have->shape), *want_shape = pare_shape_to_string (&want->shape);

  if (have->type != want->type || !pare_shape_equal (&have->shape, &want->shape))
    return g_strdup_printf ("the result is %s %s instead of %s %s", pare_data_type_name (have->type), have_shape,
                            pare_data_type_name (want->type), want_shape);
  for (guint i = 0; want->items && i < want->items->len; i++)
    {
      char *problem = difference (have->items->pdata[i], want->items->pdata[i]);
      if (problem)
        return problem;
    }
  if (want->items)
    return NULL;
  if (!pare_data_type_is_float (want->type))
    return pare_tensor_equal (have, want) ? NULL : g_strdup ("the result differs");
  for (gint64 i = 0; i < pare_tensor_elements (want); i++)
    {
      double a = pare_tensor_get_double (have, i), b = pare_tensor_get_double (want, i);
      if (!(isnan (a) && isnan (b)) && a != b && !(fabs (a - b) <= ABSOLUTE + RELATIVE * fabs (b)))
        return g_strdup_printf ("the result is %g instead of %g at %" G_GINT64_FORMAT, a, b, i);
    }
  return NULL;
}

/* The data KIND_0.pb, KIND_1.pb, .. of @values; NULL and an error when one is damaged. */
static GPtrArray *
load_all (const char *folder, const char *kind, const GPtrArray *values, GError **error)
{
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);

  for (guint i = 0;; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%s_%u.pb", folder, kind, i);
      PareTensor *tensor;
      if (!g_file_test (path, G_FILE_TEST_EXISTS))
        return g_steal_pointer (&tensors);
      if (!(tensor = data_load (path, i < values->len ? values->pdata[i] : NULL, error)))
        return NULL;
      g_ptr_array_add (tensors, tensor);
    }
}

/* NumPy has no bfloat16: the data keeps it as uint16. */
static PareTensor *
take_as (PareTensor *tensor, const PareValue *value)
{
  PareTensor *other;

  if (value->type != PARE_BFLOAT16 || tensor->type != PARE_UINT16)
    return tensor;
  other = pare_tensor_new_copy (PARE_BFLOAT16, &tensor->shape, pare_tensor_data (tensor));
  pare_tensor_unref (tensor);
  return other;
}

static void
take_all_as (GPtrArray *tensors, const GPtrArray *values)
{
  for (guint i = 0; i < MIN (tensors->len, values->len); i++)
    tensors->pdata[i] = take_as (tensors->pdata[i], values->pdata[i]);
}

static void
unref_if_there (gpointer tensor)
{
  if (tensor)
    pare_tensor_unref (tensor);
}

static char *
run_inputs (PareGraph *graph, GPtrArray *inputs, GPtrArray *wanted)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  g_autoptr (GPtrArray) outputs = g_ptr_array_new_with_free_func (unref_if_there);

  g_ptr_array_set_size (outputs, graph->outputs->len);
  if (!pare_executor_run (executor, (PareTensor **)inputs->pdata, inputs->len, (PareTensor **)outputs->pdata, &error))
    return g_strdup (error->message);
  for (guint i = 0; i < outputs->len; i++)
    {
      char *problem = difference (outputs->pdata[i], wanted->pdata[i]);
      if (problem)
        return problem;
    }
  return NULL;
}

static char *
run_set (PareGraph *graph, const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) fed = pare_graph_free_inputs (graph);
  g_autoptr (GPtrArray) inputs = load_all (folder, "input", fed, &error);
  g_autoptr (GPtrArray) wanted = inputs ? load_all (folder, "output", graph->outputs, &error) : NULL;

  if (!wanted)
    return g_strdup (error->message);
  take_all_as (inputs, fed);
  take_all_as (wanted, graph->outputs);
  if (wanted->len != graph->outputs->len)
    return g_strdup_printf ("there are %u results for %u outputs", wanted->len, graph->outputs->len);
  return run_inputs (graph, inputs, wanted);
}

static char *
run_sets (PareGraph *graph, const char *folder)
{
  for (guint set = 0;; set++)
    {
      g_autofree char *path = g_strdup_printf ("%s/test_data_set_%u", folder, set);
      char *problem;
      if (!g_file_test (path, G_FILE_TEST_IS_DIR))
        return set ? NULL : g_strdup ("it has no data");
      if ((problem = run_set (graph, path)))
        return problem;
    }
}

/* Those of the outermost graph. */
static void
write_operators (const PareGraph *graph, FILE *out)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const PareNode *node = graph->nodes->pdata[i];
      if (g_str_equal (node->domain, "") || g_str_equal (node->domain, "ai.onnx"))
        fprintf (out, "+%s\n", node->op_type);
    }
}

/* In the child: lines of "+operator", then "passed" or what went wrong. */
static void
report (const char *folder, gint64 opset, FILE *out)
{
  g_autofree char *path = g_build_filename (folder, "model.onnx", NULL), *problem = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = pare_onnx_load (path, &error);

  if (!graph || (opset && !pare_onnx_upgrade_opset (graph, opset, &error)))
    {
      fprintf (out, "%s\n", error->message);
      return;
    }
  write_operators (graph, out);
  fflush (out);
  problem = run_sets (graph, folder);
  fprintf (out, "%s\n", problem ? problem : "passed");
}

static void
take_lines (FILE *in, Outcome *outcome)
{
  char line[4096];

  while (fgets (line, sizeof line, in))
    {
      g_strchomp (line);
      if (*line != '+')
        {
          g_free (outcome->problem);
          outcome->problem = g_strdup (line);
        }
      else if (!g_ptr_array_find_with_equal_func (outcome->operators, line + 1, g_str_equal, NULL))
        g_ptr_array_add (outcome->operators, g_strdup (line + 1));
    }
}

void
model_run (const char *folder, gint64 opset, Outcome *outcome)
{
  int ends[2], status;
  FILE *in;
  pid_t child;

  g_assert_cmpint (pipe (ends), ==, 0);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      FILE *out = fdopen (ends[1], "w");
      alarm (SECONDS);
      report (folder, opset, out);
      fclose (out);
      _exit (0);
    }
  close (ends[1]);
  *outcome = (Outcome){ g_ptr_array_new_with_free_func (g_free), NULL };
  in = fdopen (ends[0], "r");
  take_lines (in, outcome);
  fclose (in);
  waitpid (child, &status, 0);
  if (WIFSIGNALED (status))
    {
      g_free (outcome->problem);
      outcome->problem = g_strdup_printf ("crashed: %s", g_strsignal (WTERMSIG (status)));
    }
  else if (!outcome->problem)
    outcome->problem = g_strdup ("ended without an outcome");
  else if (g_str_equal (outcome->problem, "passed"))
    g_clear_pointer (&outcome->problem, g_free);
}
