/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Elementwise operators of several inputs, NumPy-style. Axes along which all inputs behave alike are merged, so that
 * equal shapes, a scalar, a trailing row or a value per channel all become one loop over long rows. */
#include "ops/broadcast.h"
#include "ops/parallel.h"

typedef struct
{
  guint n;
  guint rank;
  gint64 dims[PARE_MAX_RANK];
  gint64 strides[PARE_BROADCAST_INPUTS][PARE_MAX_RANK];
  gint64 size[PARE_BROADCAST_INPUTS], output_size;
  const guint8 *inputs[PARE_BROADCAST_INPUTS];
  guint8 *output;
  PareRow row;
} Plan;

gboolean
pare_infer_broadcast (const PareInfer *infer, guint first, PareShape *shape, GError **error)
{
  *shape = infer->inputs[first].shape;
  for (guint i = first + 1; i < infer->n_inputs; i++)
    if (!pare_shape_broadcast (shape, &infer->inputs[i].shape, shape))
      {
        g_autofree char *a = pare_shape_to_string (shape);
        g_autofree char *b = pare_shape_to_string (&infer->inputs[i].shape);
        pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the shapes %s and %s do not fit each other.", a, b);
        return FALSE;
      }
  return TRUE;
}

/* Strides of an input along the axes of the output: 0 where it repeats. */
static void
input_strides (const PareShape *input, const PareShape *output, gint64 strides[PARE_MAX_RANK])
{
  gint64 own[PARE_MAX_RANK];
  guint missing = output->rank - input->rank;

  pare_shape_strides (input, own);
  for (guint i = 0; i < output->rank; i++)
    strides[i] = i < missing || input->dims[i - missing] == 1 ? 0 : own[i - missing];
}

static gboolean
can_merge (const Plan *plan, guint n, gint64 strides[][PARE_MAX_RANK], guint axis, gint64 dim)
{
  for (guint k = 0; k < n; k++)
    if (plan->strides[k][plan->rank - 1] != strides[k][axis] * dim)
      return FALSE;
  return plan->rank > 0;
}

static void
make_plan (Plan *plan, guint n, const PareView *inputs, const PareView *output)
{
  gint64 strides[PARE_BROADCAST_INPUTS][PARE_MAX_RANK];

  for (guint k = 0; k < n; k++)
    input_strides (&inputs[k].shape, &output->shape, strides[k]);
  for (guint axis = 0; axis < output->shape.rank; axis++)
    {
      gint64 dim = output->shape.dims[axis];
      gboolean merged;
      if (dim == 1)
        continue;
      merged = plan->rank && can_merge (plan, n, strides, axis, dim);
      plan->rank += !merged;
      plan->dims[plan->rank - 1] = merged ? plan->dims[plan->rank - 1] * dim : dim;
      for (guint k = 0; k < n; k++)
        plan->strides[k][plan->rank - 1] = strides[k][axis];
    }
  if (plan->rank)
    return;
  plan->dims[0] = plan->rank = 1;
  for (guint k = 0; k < n; k++)
    plan->strides[k][0] = 0;
}

/* Output rows [from, to). */
static void
run_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Plan *plan = data;
  guint last = plan->rank - 1;
  gint64 steps[PARE_BROADCAST_INPUTS];

  for (guint k = 0; k < plan->n; k++)
    steps[k] = plan->strides[k][last];
  for (gint64 i = from; i < to; i++)
    {
      gconstpointer inputs[PARE_BROADCAST_INPUTS];
      gint64 offsets[PARE_BROADCAST_INPUTS] = { 0 }, rest = i;
      for (guint axis = last; axis-- > 0; rest /= plan->dims[axis])
        for (guint k = 0; k < plan->n; k++)
          offsets[k] += rest % plan->dims[axis] * plan->strides[k][axis];
      for (guint k = 0; k < plan->n; k++)
        inputs[k] = plan->inputs[k] + offsets[k] * plan->size[k];
      plan->row (plan->dims[last], inputs, steps, plan->output + i * plan->dims[last] * plan->output_size);
    }
}

/* Elements [from, to) of the only row. */
static void
run_piece (gint64 from, gint64 to, gconstpointer data)
{
  const Plan *plan = data;
  gconstpointer inputs[PARE_BROADCAST_INPUTS];
  gint64 steps[PARE_BROADCAST_INPUTS];

  for (guint k = 0; k < plan->n; k++)
    {
      steps[k] = plan->strides[k][0];
      inputs[k] = plan->inputs[k] + from * steps[k] * plan->size[k];
    }
  plan->row (to - from, inputs, steps, plan->output + from * plan->output_size);
}

void
pare_broadcast (guint n, const PareView *inputs, const PareView *output, PareRow row)
{
  Plan plan = { .n = n, .row = row, .output = output->data };
  gint64 rows = 1;

  g_assert (n <= PARE_BROADCAST_INPUTS);
  if (pare_view_elements (output) == 0)
    return;
  plan.output_size = pare_data_type_bits (output->type) / 8;
  for (guint k = 0; k < n; k++)
    {
      plan.inputs[k] = inputs[k].data;
      plan.size[k] = pare_data_type_bits (inputs[k].type) / 8;
    }
  make_plan (&plan, n, inputs, output);
  for (guint axis = 0; axis + 1 < plan.rank; axis++)
    rows *= plan.dims[axis];
  if (rows == 1)
    pare_parallel (plan.dims[plan.rank - 1], PARE_GRAIN, run_piece, &plan);
  else
    pare_parallel (rows, PARE_GRAIN / plan.dims[plan.rank - 1], run_rows, &plan);
}
