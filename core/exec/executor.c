/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The executor: plans per input shape, run on the compute thread. */
#include "exec/executor.h"
#include "exec/compute.h"
#include "exec/plan.h"
#include "graph/memory.h"

/* Plans of shapes long gone are dropped: streams of odd-sized images must not pile them up. */
#define MAX_PLANS 4

struct _PareExecutor
{
  PareGraph *graph;
  GHashTable *taps;
  GQueue plans; /* latest first */
};

typedef struct
{
  PareExecutor *executor;
  PareTensor *const *inputs;
  guint n_inputs;
  PareTensor **outputs;
} Run;

PareExecutor *
pare_executor_new (PareGraph *graph)
{
  PareExecutor *executor = g_new0 (PareExecutor, 1);

  executor->graph = g_object_ref (graph);
  executor->taps = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  g_queue_init (&executor->plans);
  return executor;
}

void
pare_executor_free (PareExecutor *executor)
{
  g_queue_clear_full (&executor->plans, (GDestroyNotify) pare_plan_free);
  g_hash_table_unref (executor->taps);
  g_object_unref (executor->graph);
  g_free (executor);
}

void
pare_executor_add_tap (PareExecutor *executor, const PareValue *value, PareTap tap, gpointer user_data)
{
  PareTapEntry entry = { tap, user_data };

  g_assert (g_queue_is_empty (&executor->plans));
  g_hash_table_insert (executor->taps, (gpointer) value, g_memdup2 (&entry, sizeof entry));
}

gsize
pare_executor_memory (const PareExecutor *executor)
{
  gsize total = 0;

  for (GList *l = executor->plans.head; l; l = l->next)
    total += pare_plan_memory (l->data);
  return total;
}

static ParePlan *
find_plan (PareExecutor *executor, PareTensor *const *inputs, guint n_inputs, GError **error)
{
  g_autofree PareSpec *specs = g_new (PareSpec, n_inputs + 1);
  ParePlan *plan;

  for (GList *l = executor->plans.head; l; l = l->next)
    if (pare_plan_fits (l->data, n_inputs, inputs))
      {
        g_queue_unlink (&executor->plans, l);
        g_queue_push_head_link (&executor->plans, l);
        return l->data;
      }
  for (guint i = 0; i < n_inputs; i++)
    specs[i] = (PareSpec){ inputs[i]->type, inputs[i]->shape };
  if (executor->plans.length == MAX_PLANS)
    pare_plan_free (g_queue_pop_tail (&executor->plans));
  plan = pare_plan_new (executor->graph, n_inputs, specs, executor->taps, error);
  if (!plan)
    return NULL;
  g_queue_push_head (&executor->plans, plan);
  while (executor->plans.length > 1 && !pare_memory_affords (pare_executor_memory (executor), "", "", NULL))
    pare_plan_free (g_queue_pop_tail (&executor->plans));
  return plan;
}

static gboolean
run_graph (gpointer data, GError **error)
{
  Run *run = data;
  ParePlan *plan = find_plan (run->executor, run->inputs, run->n_inputs, error);

  return plan && pare_plan_run (plan, run->inputs, run->outputs, error);
}

gboolean
pare_executor_run (PareExecutor *executor, PareTensor *const *inputs, guint n_inputs, PareTensor **outputs,
                   GError **error)
{
  Run run = { executor, inputs, n_inputs, outputs };

  return pare_compute (run_graph, &run, error);
}
