/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The plan: what runs, on which memory. Compiling is in compile.c; here it is bound and run. */
#include "exec/plan.h"
#include "exec/plan-private.h"
#include "exec/arena.h"
#include "graph/memory.h"
#include <stdlib.h>
#include <string.h>

void
pare_slot_free (gpointer data)
{
  PareSlot *slot = data;

  g_clear_pointer (&slot->layout, pare_layout_free);
  g_clear_pointer (&slot->bytes, g_bytes_unref);
  g_free (slot);
}

void
pare_step_free (gpointer data)
{
  PareStep *step = data;

  g_clear_pointer (&step->primitive, pare_primitive_free);
  if (step->free_state)
    step->free_state (step->state);
  g_free (step->slots);
  g_free (step->args);
  g_free (step->views);
  g_free (step);
}

void
pare_plan_free (ParePlan *plan)
{
  g_ptr_array_unref (plan->steps);
  g_ptr_array_unref (plan->slots);
  g_ptr_array_unref (plan->inputs);
  g_ptr_array_unref (plan->outputs);
  pare_output_pool_free (plan->pool);
  free (plan->arena);
  g_free (plan);
}

gboolean
pare_plan_affords (gsize bytes, GError **error)
{
  return pare_memory_affords (bytes, "Running the network on inputs of this size", "use a smaller batch or input",
                              error);
}

static gboolean
allocate_arena (ParePlan *plan, GError **error)
{
  plan->arena_size = pare_arena_assign (plan->slots);
  if (!pare_plan_affords (plan->arena_size > G_MAXSIZE / 2 ? G_MAXSIZE : pare_plan_memory (plan), error))
    return FALSE;
  if (posix_memalign (&plan->arena, 1 << 12, MAX (plan->arena_size, 1)))
    {
      g_autofree char *size = g_format_size_full (plan->arena_size, G_FORMAT_SIZE_IEC_UNITS);
      plan->arena = NULL;
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "Running the network on inputs of this size takes %s of memory, which the system refuses: use a "
                   "smaller batch or input.",
                   size);
      return FALSE;
    }
  for (guint i = 0; i < plan->slots->len; i++)
    {
      PareSlot *host = ((PareSlot *) plan->slots->pdata[i])->host;
      if (!host->data)
        host->data = (guint8 *) plan->arena + host->offset;
    }
  for (guint i = 0; i < plan->slots->len; i++)
    {
      PareSlot *slot = plan->slots->pdata[i];
      slot->data = slot->host->data;
    }
  return TRUE;
}

static gboolean
bind_step (PareStep *step, GError **error)
{
  for (guint i = 0; step->primitive && i < step->n_slots; i++)
    {
      const PareSlot *slot = step->slots[i];
      if (!pare_primitive_bind (step->primitive, step->args[i], slot->layout, slot->data, error))
        return FALSE;
    }
  for (guint i = 0; step->views && i < step->n_slots; i++)
    if (step->slots[i])
      step->views[i] = (PareView){ step->slots[i]->spec.type, step->slots[i]->spec.shape, step->slots[i]->data };
  return TRUE;
}

gboolean
pare_plan_bind (ParePlan *plan, GError **error)
{
  if (!allocate_arena (plan, error))
    return FALSE;
  for (guint i = 0; i < plan->steps->len; i++)
    if (!bind_step (plan->steps->pdata[i], error))
      return FALSE;
  return TRUE;
}

gsize
pare_plan_memory (const ParePlan *plan)
{
  return plan->arena_size + plan->constants_size;
}

static gboolean
run_step (PareStep *step, GError **error)
{
  if (step->primitive)
    return pare_primitive_run (step->primitive, error);
  if (step->views)
    {
      guint scratch = step->n_inputs + step->n_outputs;
      PareKernel kernel = { step->node,      step->opset,
                            step->n_inputs,  step->views,
                            step->n_outputs, step->views + step->n_inputs,
                            scratch < step->n_slots ? step->views[scratch].data : NULL };
      return step->forward (&kernel, error);
    }
  return step->run (step->state, step->slots, error);
}

/* Copies part @slice of the inputs to where the steps read them. */
static void
copy_inputs (ParePlan *plan, gint64 slice, PareTensor *const *inputs)
{
  for (guint i = 0; i < plan->inputs->len; i++)
    {
      PareSlot *slot = plan->inputs->pdata[i];
      gsize size = pare_tensor_size (inputs[i]) / plan->slices;
      if (slot && size)
        pare_copy (slot->data, (const guint8 *)pare_tensor_data (inputs[i]) + slice * size, size);
    }
}

static gboolean
run_steps (ParePlan *plan, GError **error)
{
  for (guint i = 0; i < plan->steps->len; i++)
    if (!run_step (plan->steps->pdata[i], error))
      {
        PareStep *step = plan->steps->pdata[i];
        if (step->node)
          pare_node_prefix_error (error, step->node);
        return FALSE;
      }
  return TRUE;
}

/* Output @index of a whole batch, yet to be filled. */
static PareTensor *
take_output (ParePlan *plan, guint index, gpointer *data)
{
  PareSpec spec = ((PareSlot *)plan->outputs->pdata[index])->spec;

  if (plan->slices > 1)
    spec.shape.dims[0] *= plan->slices;
  return pare_output_pool_take (plan->pool, &spec, data);
}

static void
copy_outputs (ParePlan *plan, gint64 slice, gpointer *data)
{
  for (guint i = 0; i < plan->outputs->len; i++)
    {
      const PareSlot *slot = plan->outputs->pdata[i];
      gsize size = pare_data_size (slot->spec.type, pare_shape_elements (&slot->spec.shape));
      if (size)
        pare_copy ((guint8 *)data[i] + slice * size, slot->data, size);
    }
}

gboolean
pare_plan_run (ParePlan *plan, PareTensor *const *inputs, PareTensor **outputs, GError **error)
{
  g_autofree gpointer *data = g_new (gpointer, plan->outputs->len + 1);

  for (guint i = 0; i < plan->outputs->len; i++)
    outputs[i] = take_output (plan, i, &data[i]);
  for (gint64 slice = 0; slice < plan->slices; slice++)
    {
      copy_inputs (plan, slice, inputs);
      if (!run_steps (plan, error))
        {
          for (guint i = 0; i < plan->outputs->len; i++)
            g_clear_pointer (&outputs[i], pare_tensor_unref);
          return FALSE;
        }
      copy_outputs (plan, slice, data);
    }
  return TRUE;
}
