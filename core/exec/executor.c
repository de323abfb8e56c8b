/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The executor: programs per input shape, run on the compute thread. */
#include "exec/executor.h"
#include "ops/compute.h"
#include "exec/cut.h"
#include "exec/plan.h"
#include "graph/memory.h"

/* Programs of shapes long gone are dropped: streams of odd-sized images must not pile them up. */
#define MAX_PROGRAMS 4

/* A graph made ready for one combination of input shapes: a plan, or a cut when a plan would have to know the data. */
typedef struct
{
  GArray *inputs; /* of PareSpec */
  ParePlan *plan;
  PareCut *cut;
} Program;

struct _PareExecutor
{
  PareGraph *graph;
  GHashTable *taps;
  GQueue programs; /* latest first */
  guint depth;     /* cuts that the graph is in the tail of */
};

typedef struct
{
  PareExecutor *executor;
  PareTensor *const *inputs;
  guint n_inputs;
  PareTensor **outputs;
} Run;

static void
program_free (gpointer data)
{
  Program *program = data;

  g_clear_pointer (&program->plan, pare_plan_free);
  g_clear_pointer (&program->cut, pare_cut_free);
  g_array_unref (program->inputs);
  g_free (program);
}

PareExecutor *
pare_executor_new (PareGraph *graph)
{
  return pare_executor_new_tail (graph, 0);
}

PareExecutor *
pare_executor_new_tail (PareGraph *graph, guint depth)
{
  PareExecutor *executor = g_new0 (PareExecutor, 1);

  executor->graph = g_object_ref (graph);
  executor->taps = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  g_queue_init (&executor->programs);
  executor->depth = depth;
  return executor;
}

void
pare_executor_free (PareExecutor *executor)
{
  g_queue_clear_full (&executor->programs, program_free);
  g_hash_table_unref (executor->taps);
  g_object_unref (executor->graph);
  g_free (executor);
}

void
pare_executor_add_tap (PareExecutor *executor, const PareValue *value, PareTap tap, gpointer user_data)
{
  PareTapEntry entry = { tap, user_data };

  g_assert (g_queue_is_empty (&executor->programs));
  g_hash_table_insert (executor->taps, (gpointer)value, g_memdup2 (&entry, sizeof entry));
}

gsize
pare_executor_memory (const PareExecutor *executor)
{
  gsize total = 0;

  for (GList *l = executor->programs.head; l; l = l->next)
    {
      const Program *program = l->data;
      total += program->plan ? pare_plan_memory (program->plan) : pare_cut_memory (program->cut);
    }
  return total;
}

static gboolean
program_fits (const Program *program, PareTensor *const *inputs, guint n_inputs)
{
  if (program->inputs->len != n_inputs)
    return FALSE;
  for (guint i = 0; i < n_inputs; i++)
    {
      const PareSpec *spec = &g_array_index (program->inputs, PareSpec, i);
      if (spec->type != inputs[i]->type || !pare_shape_equal (&spec->shape, &inputs[i]->shape))
        return FALSE;
    }
  return TRUE;
}

static Program *
program_new (const PareExecutor *executor, PareTensor *const *inputs, guint n_inputs, GError **error)
{
  Program *program = g_new0 (Program, 1);
  GError *reason = NULL;
  PareSpec *specs;

  program->inputs = g_array_sized_new (FALSE, FALSE, sizeof (PareSpec), n_inputs);
  for (guint i = 0; i < n_inputs; i++)
    g_array_append_vals (program->inputs, &(PareSpec){ inputs[i]->type, inputs[i]->shape }, 1);
  specs = (PareSpec *)program->inputs->data;
  program->plan = pare_plan_new (executor->graph, n_inputs, specs, executor->taps, &reason);
  if (g_error_matches (reason, PARE_ERROR, PARE_ERROR_DATA_DEPENDENT))
    {
      g_clear_error (&reason);
      program->cut = pare_cut_new (executor->graph, n_inputs, specs, executor->taps, executor->depth, &reason);
    }
  if (program->plan || program->cut)
    return program;
  g_propagate_error (error, reason);
  program_free (program);
  return NULL;
}

static Program *
find_program (PareExecutor *executor, PareTensor *const *inputs, guint n_inputs, GError **error)
{
  Program *program;

  for (GList *l = executor->programs.head; l; l = l->next)
    if (program_fits (l->data, inputs, n_inputs))
      {
        g_queue_unlink (&executor->programs, l);
        g_queue_push_head_link (&executor->programs, l);
        return l->data;
      }
  if (executor->programs.length == MAX_PROGRAMS)
    program_free (g_queue_pop_tail (&executor->programs));
  program = program_new (executor, inputs, n_inputs, error);
  if (!program)
    return NULL;
  g_queue_push_head (&executor->programs, program);
  while (executor->programs.length > 1 && !pare_memory_affords (pare_executor_memory (executor), "", "", NULL))
    program_free (g_queue_pop_tail (&executor->programs));
  return program;
}

static gboolean
run_graph (gpointer data, GError **error)
{
  Run *run = data;
  Program *program = find_program (run->executor, run->inputs, run->n_inputs, error);

  if (!program)
    return FALSE;
  return program->plan ? pare_plan_run (program->plan, run->inputs, run->outputs, error)
                       : pare_cut_run (program->cut, run->inputs, run->outputs, error);
}

gboolean
pare_executor_run (PareExecutor *executor, PareTensor *const *inputs, guint n_inputs, PareTensor **outputs,
                   GError **error)
{
  Run run = { executor, inputs, n_inputs, outputs };

  return pare_compute (run_graph, &run, error);
}
