/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/outputpool.h"
#include "exec/plan.h"

G_BEGIN_DECLS

/* One thing to run: a primitive, a forward (when @views), or a function of the operator's own. */
typedef struct
{
  const PareNode *node;
  guint n_slots;
  PareSlot **slots;
  ParePrimitive *primitive;
  PareArg *args;
  gboolean (*forward) (const PareKernel *kernel, GError **error);
  PareView *views; /* of all slots: first the inputs, then the outputs, then working memory if any */
  guint n_inputs, n_outputs;
  gint64 opset;
  PareStepFunc run;
  gpointer state;
  GDestroyNotify free_state;
} PareStep;

struct _ParePlan
{
  GPtrArray *slots;   /* of PareSlot */
  GPtrArray *steps;   /* of PareStep */
  GPtrArray *inputs;  /* of PareSlot, NULL for an input that nothing reads */
  GPtrArray *outputs; /* of PareSlot, row-major */
  gint64 slices;      /* in which a batch is run; the slots are of one of them */
  PareOutputPool *pool;
  gpointer arena;
  gsize arena_size;
  gsize constants_size; /* of the reordered constants */
};

/* FALSE and an error when the plan may not take so much memory. */
gboolean pare_plan_affords (gsize bytes, GError **error);
void pare_slot_free (gpointer slot);
void pare_step_free (gpointer step);
/* After compiling: memory for the slots. */
gboolean pare_plan_bind (ParePlan *plan, GError **error);

G_END_DECLS
