/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Compiling functions of single elements of two values: they work in whatever layout the values lie. */
#include "exec/compile.h"
#include "ops/parallel.h"

/* The input in whose layout a function of single elements works: the first that oneDNN arranged, since that is what the
 * neighbours want too. -1: all are row-major, or they are not floats of one shape. */
static gint
leading_input (PareCompile *compile)
{
  const PareInfer *infer = pare_compile_infer (compile);
  gint leader = -1;

  for (guint i = 0; i < infer->n_inputs; i++)
    {
      PareSlot *slot;
      if (infer->inputs[i].type != PARE_FLOAT32
          || !pare_shape_equal (&infer->inputs[i].shape, &infer->outputs[0].shape))
        return -1;
      slot = pare_compile_input_as_is (compile, i);
      if (leader < 0 && slot->layout && !pare_layout_is_plain (slot->layout) && !slot->host->data)
        leader = i;
    }
  return leader;
}

/* Inputs 0 and 1 in one layout other than row-major; FALSE and no error when there is no such layout. */
static gboolean
paired_inputs (PareCompile *compile, PareSlot *slots[2], GError **error)
{
  gint leader = pare_compile_infer (compile)->n_inputs == 2 ? leading_input (compile) : -1;

  if (leader < 0)
    return FALSE;
  slots[leader] = pare_compile_input_as_is (compile, leader);
  slots[!leader] = pare_compile_input (compile, !leader, slots[leader]->layout, error);
  return slots[!leader] != NULL;
}

static gboolean
may_overwrite (const PareSlot *slot)
{
  return !slot->host->pinned && slot->host->pending == 1;
}

/* Over one of the two inputs when one of them is not needed any more. */
static PareSlot *
output_over_either (PareCompile *compile, PareSlot *const *slots)
{
  return pare_compile_output_over (compile, 0, slots[!may_overwrite (slots[0]) && may_overwrite (slots[1])]);
}

gboolean
pare_compile_add (PareCompile *compile, GError **error)
{
  PareSlot *slots[3];
  PareArg args[] = { PARE_ARG_SRC, PARE_ARG_SRC_1, PARE_ARG_DST };
  g_autoptr (GError) failure = NULL;
  ParePrimitive *primitive;

  if (!paired_inputs (compile, slots, &failure))
    {
      if (!failure)
        return pare_compile_forward (compile, error);
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  primitive = pare_primitive_add (slots[0]->layout, slots[1]->layout, error);
  if (!primitive)
    return FALSE;
  slots[2] = pare_compile_output_over (compile, 0, slots[0]);
  pare_compile_primitive (compile, primitive, 3, args, slots);
  return TRUE;
}

typedef struct
{
  PareBinary function;
  float arguments[2];
} Elementwise;

typedef struct
{
  const Elementwise *elementwise;
  const float *a, *b;
  float *y;
} ElementwiseRun;

static void
run_elements (gint64 from, gint64 to, gconstpointer data)
{
  const ElementwiseRun *run = data;

  run->elementwise->function (to - from, run->a + from, run->b + from, run->y + from, run->elementwise->arguments);
}

/* Padding of a layout is computed like everything else: it is zero and stays so. */
static gboolean
run_elementwise (gpointer state, PareSlot *const *slots, GError **error)
{
  ElementwiseRun run = { state, slots[0]->data, slots[1]->data, slots[2]->data };

  pare_parallel (pare_layout_size (slots[0]->layout) / sizeof (float), PARE_GRAIN / 4, run_elements, &run);
  return TRUE;
}

gboolean
pare_compile_binary (PareCompile *compile, PareBinary function, float a, float b, GError **error)
{
  g_autoptr (GError) failure = NULL;
  Elementwise *state;
  PareSlot *slots[3];

  if (!paired_inputs (compile, slots, &failure))
    {
      if (!failure)
        return pare_compile_forward (compile, error);
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  slots[2] = output_over_either (compile, slots);
  state = g_new (Elementwise, 1);
  *state = (Elementwise){ function, { a, b } };
  pare_compile_step (compile, run_elementwise, state, g_free, 3, slots);
  return TRUE;
}
