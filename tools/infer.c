/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare infer: runs a model once, on arrays from files. */
#include "assignments.h"
#include "command.h"
#include "data/reader.h"
#include "integer/integer.h"
#include "onnx/onnx.h"
#include <string.h>

/* The input that @word is for, and *@path of its array. A lone file is for a lone input. */
static gboolean
find_input (const char *word, const GPtrArray *inputs, guint *index, const char **path, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *name = pare_assignment_split (word, path);
  const char *nearest;

  for (guint i = 0; i < inputs->len; i++)
    {
      const PareValue *value = inputs->pdata[i];
      *index = i;
      if (name && strcmp (name, value->name) == 0)
        return TRUE;
      g_ptr_array_add (names, value->name);
    }
  g_ptr_array_add (names, NULL);
  *index = 0;
  *path = word;
  if (inputs->len == 1 && (!name || g_file_test (word, G_FILE_TEST_EXISTS)))
    return TRUE;
  if (!name && inputs->len > 1)
    {
      g_autofree char *all = g_strjoinv (", ", (char **)names->pdata);
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "The model has %u inputs, and '%s' does not say for which it is: write NAME=%s, of %s.", inputs->len,
                   word, word, all);
      return FALSE;
    }
  nearest = name ? pare_nearest_name (name, (const char *const *)names->pdata) : NULL;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "The model has no input '%s': write %s=FILE.npy.",
               name ? name : word,
               nearest          ? nearest
               : names->len > 1 ? (const char *)names->pdata[0]
                                : "nothing");
  return FALSE;
}

/* Of any precision, as pare eval takes samples; there are no files of bfloat16. */
static PareTensor *
load_input (const char *path, const PareValue *input, GError **error)
{
  g_autoptr (PareTensor) tensor = pare_npy_load (path, error);

  if (!tensor || tensor->type == input->type || !pare_data_type_is_float (tensor->type)
      || !pare_data_type_is_float (input->type))
    return g_steal_pointer (&tensor);
  return pare_tensor_cast (tensor, input->type);
}

static gboolean
load_inputs (char *const *words, const GPtrArray *inputs, PareTensor **tensors, GError **error)
{
  for (; *words; words++)
    {
      guint index = 0;
      const char *path = NULL;
      if (!find_input (*words, inputs, &index, &path, error))
        return FALSE;
      if (tensors[index])
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "Input '%s' is given twice: take one out.",
                       ((PareValue *)inputs->pdata[index])->name);
          return FALSE;
        }
      tensors[index] = load_input (path, inputs->pdata[index], error);
      if (!tensors[index])
        return FALSE;
    }
  for (guint i = 0; i < inputs->len; i++)
    if (!tensors[i])
      {
        const PareValue *value = inputs->pdata[i];
        g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "Input '%s' is missing: write %s=FILE.npy.", value->name,
                     value->name);
        return FALSE;
      }
  return TRUE;
}

static gboolean
infer (PareGraph *graph, gboolean integer, PareTensor *const *inputs, guint n_inputs, const char *output,
       GError **error)
{
  g_autoptr (PareExecutor) executor = pare_graph_executor (graph, integer, error);
  guint n = graph->outputs->len;
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, n + 1);
  g_autofree const char **names = g_new0 (const char *, n + 1);
  gboolean done;

  if (!executor || !pare_executor_run (executor, inputs, n_inputs, outputs, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    names[i] = ((PareValue *)graph->outputs->pdata[i])->name;
  done = pare_npz_save (n, names, outputs, output, error);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *shape = pare_shape_to_string (&outputs[i]->shape);
      if (done)
        g_print ("%s%s %s %s", i ? ", " : "", names[i], pare_data_type_name (outputs[i]->type), shape);
      pare_tensor_unref (outputs[i]);
    }
  if (done)
    g_print (" written to %s.\n", output);
  return done;
}

static gboolean
run (const PareArguments *arguments, GError **error)
{
  g_autoptr (PareGraph) graph = NULL;
  g_autoptr (GPtrArray) inputs = NULL;
  g_autofree PareTensor **tensors = NULL;
  gboolean done;

  if (!arguments->output)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "The output has no place to go: write -o FILE.npz.");
      return FALSE;
    }
  graph = pare_onnx_load (arguments->words[0], error);
  if (!graph)
    return FALSE;
  pare_set_threads (arguments->threads);
  inputs = pare_graph_free_inputs (graph);
  tensors = g_new0 (PareTensor *, inputs->len + 1);
  done = load_inputs (arguments->words + 1, inputs, tensors, error)
         && infer (graph, arguments->integer, tensors, inputs->len, arguments->output, error);
  for (guint i = 0; i < inputs->len; i++)
    g_clear_pointer (&tensors[i], pare_tensor_unref);
  return done;
}

const PareCommand pare_command_infer = {
  .name = "infer",
  .words = "MODEL.onnx [NAME=FILE.npy ...] -o OUT.npz [--integer]",
  .summary = "Run a model once on arrays from files",
  .details = "A model with one input takes its file without NAME=. Each output is an array of OUT.npz.\n",
  .takes = PARE_TAKES_THREADS | PARE_TAKES_OUTPUT | PARE_TAKES_INTEGER,
  .least = 1,
  .most = G_MAXUINT,
  .run = run,
};
