/* SPDX-License-Identifier: LGPL-2.1-or-later
 * FakeQuantizeGradient and its siblings (gradient by the result, x, parameters): the gradients by x and by
 * the parameters of the grid, in one pass. Rounding counts as the identity (straight-through estimator), and then
 *
 *   by x:      g where x lies on the grid, 0 beyond it
 *   by scale:  g (round (v) - v) where v = x / scale lies on the grid, g times its end beyond it; the sum is divided by
 *              sqrt (elements x highest), so that scales and weights move at one pace. Esser et al. 2020, (3) and 2.2
 *   by offset: with v = (x - offset) / scale, the scale gets the same inside and g (highest - lowest) above; the offset
 *              gets g beyond either end, since the grid moves with it. Divided likewise. Bhalgat et al. 2020, 3.1
 *   by a range: e = (round (v) - v) / steps gives g e to the high end and -g e to the low one; beyond an end, g to it
 */
#include "ops/fakequantize.h"
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include "train/gradient.h"
#include <math.h>

/* Sums over the elements of one grid. */
typedef struct
{
  double inside;       /* of g (round (v) - v) */
  double below, above; /* of g */
} Sums;

#define LANES 16
#define FLUSH 32 /* so many floats are added up before a double takes their sum */

/* Per lane; lanes are added up in a fixed order, so that the sum does not depend on the instruction set. */
typedef struct
{
  float inside[LANES], below[LANES], above[LANES];
} Partial;

PARE_INLINE float
gradient_element (float slope, float x, const PareGrid *grid, Partial *partial, int lane)
{
  const float low = grid->lowest - grid->zero_point, high = grid->highest - grid->zero_point;
  float v = x / grid->scale;
  float under = v < low ? slope : 0.0f, over = v > high ? slope : 0.0f;
  float on_grid = v < low || v > high ? 0.0f : slope;
  float clipped = v < low ? low : v;

  clipped = clipped > high ? high : clipped;
  partial->inside[lane] += on_grid * (pare_round_small (clipped) - clipped);
  partial->below[lane] += under;
  partial->above[lane] += over;
  return on_grid;
}

static void
flush (Sums *sums, Partial *partial)
{
  for (int lane = 0; lane < LANES; lane++)
    {
      sums->inside += partial->inside[lane];
      sums->below += partial->below[lane];
      sums->above += partial->above[lane];
    }
  *partial = (Partial){ 0 };
}

static PARE_VECTOR void
gradient_row (gint64 n, const float *g, const float *x, float *by_x, const PareGrid *grid, Sums *sums)
{
  const PareGrid fixed = *grid;
  Partial partial = { 0 };
  gint64 i = 0;

  while (i + LANES <= n)
    {
      gint64 end = MIN (i + LANES * FLUSH, n - LANES + 1);
      for (; i < end; i += LANES)
        PARE_INDEPENDENT for (int lane = 0; lane < LANES; lane++) by_x[i + lane]
            = gradient_element (g[i + lane], x[i + lane], &fixed, &partial, lane);
      flush (sums, &partial);
    }
  for (int lane = 0; i < n; i++, lane++)
    by_x[i] = gradient_element (g[i], x[i], &fixed, &partial, lane);
  flush (sums, &partial);
}

typedef struct
{
  const PareGrid *grids;
  gint64 channels, outer, inner, elements;
  const float *g, *x;
  float *by_x;
  Sums *sums; /* per piece, or per channel */
} Job;

static void
run_piece (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 i = from; i < to; i++)
    {
      gint64 start = i * PARE_GRAIN;
      gradient_row (MIN (PARE_GRAIN, job->elements - start), job->g + start, job->x + start, job->by_x + start,
                    job->grids, &job->sums[i]);
    }
}

static void
run_channels (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 c = from; c < to; c++)
    for (gint64 o = 0; o < job->outer; o++)
      {
        gint64 start = (o * job->channels + c) * job->inner;
        gradient_row (job->inner, job->g + start, job->x + start, job->by_x + start, &job->grids[c], &job->sums[c]);
      }
}

/* One grid: pieces of fixed size, summed in order. */
static Sums
run_whole (Job *job)
{
  gint64 pieces = (job->elements + PARE_GRAIN - 1) / PARE_GRAIN;
  g_autofree Sums *sums = g_new0 (Sums, MAX (pieces, 1));
  Sums total = { 0 };

  job->sums = sums;
  pare_parallel (pieces, 1, run_piece, job);
  for (gint64 i = 0; i < pieces; i++)
    {
      total.inside += sums[i].inside;
      total.below += sums[i].below;
      total.above += sums[i].above;
    }
  return total;
}

/* Elements that share one parameter, within one sample. */
static double
elements_per_grid (const PareNode *node, const PareShape *x, gint64 channels)
{
  double samples = x->rank && pare_node_get_int (node, "batched", 0) ? x->dims[0] : 1;

  return pare_shape_elements (x) / samples / channels;
}

static float
scale_gradient (const PareGrid *grid, const Sums *sums, double elements, float parameter)
{
  double low = grid->lowest - grid->zero_point, high = grid->highest - grid->zero_point;
  double sum = sums->inside + sums->below * low + sums->above * high;

  return (parameter < 0 ? -sum : sum) / sqrt (MAX (elements * MAX (-low, high), 1));
}

/* By scale and offset; the latter is where the lowest integer stands. */
static void
offset_gradient (const PareGrid *grid, const Sums *sums, double elements, float parameter, float *by_scale,
                 float *by_offset)
{
  double steps = grid->highest - grid->lowest, sum = sums->inside + sums->above * steps;
  double pace = sqrt (MAX (elements * steps, 1));

  *by_scale = (parameter < 0 ? -sum : sum) / pace;
  *by_offset = (sums->below + sums->above) / pace;
}

/* @outputs: by the parameters. @parameters: their values. */
static void
finish (const PareNode *node, PareGridKind kind, const PareShape *x, gint64 channels, const PareGrid *grids,
        const Sums *sums, const float *parameters, float *const *outputs)
{
  double elements = elements_per_grid (node, x, channels);
  gboolean fixed_low = pare_node_get_int (node, "fixed_low", 0);

  for (gint64 c = 0; c < channels; c++)
    if (kind == PARE_GRID_OFFSET)
      offset_gradient (&grids[c], &sums[c], elements, parameters[c], &outputs[0][c], &outputs[1][c]);
    else if (kind == PARE_GRID_SCALE)
      outputs[0][c] = scale_gradient (&grids[c], &sums[c], elements, parameters[c]);
    else
      {
        double rounding = sums[c].inside / (grids[c].highest - grids[c].lowest);
        outputs[0][c] = fixed_low ? 0 : sums[c].below - rounding;
        outputs[1][c] = sums[c].above + rounding;
      }
}

static gboolean
gradient_infer (PareInfer *infer, GError **error)
{
  if (!pare_grids_infer (infer, 1, error))
    return FALSE;
  if (!pare_shape_equal (&infer->inputs[0].shape, &infer->inputs[1].shape))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the gradient has not the shape of the data.");
      return FALSE;
    }
  for (guint i = 0; i < infer->n_outputs; i++)
    if (pare_infer_wants (infer, i))
      infer->outputs[i] = infer->inputs[i ? 2 : 1];
  return TRUE;
}

/* An output that nobody reads has a place all the same. */
static gboolean
gradient_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[1], *first = &kernel->inputs[2], *second = &kernel->inputs[3];
  gint64 channels = pare_view_elements (first);
  g_autofree PareGrid *grids = pare_grids_read (kernel->node, second->type, first->data, second->data, channels);
  g_autofree Sums *sums = g_new0 (Sums, MAX (channels, 1));
  Job job = { grids, channels, 1, 1, pare_view_elements (x), kernel->inputs[0].data, x->data, kernel->outputs[0].data,
              sums };
  float *outputs[2] = { kernel->outputs[1].data, kernel->n_outputs > 2 ? kernel->outputs[2].data : NULL };
  guint axis;

  if (!pare_node_attribute (kernel->node, "axis"))
    sums[0] = run_whole (&job);
  else if (job.elements)
    {
      pare_axis_normalize (pare_node_get_int (kernel->node, "axis", 0), x->shape.rank, &axis);
      job.outer = pare_shape_span (&x->shape, 0, axis);
      job.inner = pare_shape_span (&x->shape, axis + 1, x->shape.rank);
      pare_parallel (channels, PARE_GRAIN / MAX (job.outer * job.inner, 1), run_channels, &job);
    }
  finish (kernel->node, pare_grid_kind (kernel->node), &x->shape, channels, grids, sums, first->data, outputs);
  return TRUE;
}

/* One grid for all: the elements are taken as they lie. In padding, x and its gradient are zero and add nothing. */
static gboolean
run_as_is (gpointer state, PareSlot *const *slots, GError **error)
{
  const PareNode *node = state;
  PareGridKind kind = pare_grid_kind (node);
  g_autofree PareGrid *grids = pare_grids_read (node, slots[3]->spec.type, slots[2]->data, slots[3]->data, 1);
  Job job = { grids, 1, 1, 1, pare_grids_stored (slots[1]), slots[0]->data, slots[1]->data, slots[4]->data, NULL };
  float *outputs[2] = { slots[5]->data, pare_grid_learnt (kind) > 1 ? slots[6]->data : NULL };
  Sums sums = run_whole (&job);

  finish (node, kind, &slots[1]->spec.shape, 1, grids, &sums, slots[2]->data, outputs);
  return TRUE;
}

static gboolean
gradient_compile (PareCompile *compile, GError **error)
{
  const PareNode *node = pare_compile_infer (compile)->node;
  guint n_parameters = pare_grid_learnt (pare_grid_kind (node));
  PareSlot *slots[7];

  slots[1] = pare_compile_input_as_is (compile, 1);
  if (pare_node_attribute (node, "axis") || !slots[1]->layout)
    return pare_compile_forward (compile, error);
  for (guint i = 0; i < 4; i++)
    if (i != 1 && !(slots[i] = pare_compile_input (compile, i, i ? NULL : slots[1]->layout, error)))
      return FALSE;
  slots[4] = pare_compile_output_over (compile, 0, slots[0]);
  for (guint i = 1; i <= n_parameters; i++)
    if (!(slots[4 + i] = pare_compile_output (compile, i, NULL, error)))
      return FALSE;
  pare_compile_step (compile, run_as_is, (gpointer)node, NULL, 5 + n_parameters, slots);
  return TRUE;
}

gboolean
pare_fake_quantize_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  static const char *const kept[] = { "lowest", "highest", "axis", "batched", "fixed_low" };
  PareGridKind kind = pare_grid_kind (node);
  g_autofree char *op_type = g_strconcat (pare_grid_operator (kind), "Gradient", NULL);
  PareValue *inputs[] = { pare_gradient_of_output (gradient, 0), node->inputs->pdata[0], node->inputs->pdata[1],
                          node->inputs->pdata[2] };
  PareValue *by_x = pare_gradient_node (gradient, PARE_DOMAIN, op_type, 4, inputs, NULL);
  PareNode *backward = by_x->producer;

  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    if (pare_node_attribute (node, kept[i]))
      pare_node_set_attribute (backward, pare_attribute_new_int (kept[i], pare_node_get_int (node, kept[i], 0)));
  pare_gradient_add (gradient, 0, by_x);
  for (guint i = 1; i <= pare_grid_learnt (kind); i++)
    pare_gradient_add (gradient, i, pare_gradient_add_output (gradient, by_x));
  return TRUE;
}

#define GRADIENT(op)                                                                                                   \
  .name = op, .domain = PARE_DOMAIN, .infer = gradient_infer, .forward = gradient_forward, .compile = gradient_compile

PARE_OPERATORS (fakequantizegradient) = {
  { GRADIENT ("FakeQuantizeGradient") },
  { GRADIENT ("FakeQuantizeOffsetGradient") },
  { GRADIENT ("FakeQuantizeRangeGradient") },
  { NULL },
};
