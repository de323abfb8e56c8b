/* SPDX-License-Identifier: LGPL-2.1-or-later
 * FakeQuantize, FakeQuantizeOffset and FakeQuantizeRange: what QuantizeLinear and DequantizeLinear do together, as one
 * function of floats that can be differentiated by the parameters of its grid. */
#include "ops/fakequantize.h"
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include "train/gradient.h"
#include <float.h>
#include <math.h>

static const struct
{
  const char *op_type;
  guint learnt;
} kinds[] = {
  [PARE_GRID_SCALE] = { "FakeQuantize", 1 },
  [PARE_GRID_OFFSET] = { "FakeQuantizeOffset", 2 },
  [PARE_GRID_RANGE] = { "FakeQuantizeRange", 2 },
};

PareGridKind
pare_grid_kind (const PareNode *node)
{
  guint kind = G_N_ELEMENTS (kinds) - 1;

  while (kind > PARE_GRID_SCALE && !g_str_has_prefix (node->op_type, kinds[kind].op_type))
    kind--;
  return kind;
}

const char *
pare_grid_operator (PareGridKind kind)
{
  return kinds[kind].op_type;
}

guint
pare_grid_learnt (PareGridKind kind)
{
  return kinds[kind].learnt;
}

PareGrid
pare_grid_from_scale (float scale, gint32 zero_point, gint32 lowest, gint32 highest)
{
  float size = fabsf (scale);

  return (PareGrid){ size < FLT_MIN ? FLT_MIN : size, CLAMP (zero_point, lowest, highest), lowest, highest };
}

PareGrid
pare_grid_from_offset (float scale, float offset, gint32 lowest, gint32 highest)
{
  PareGrid grid = pare_grid_from_scale (scale, lowest, lowest, highest);
  float zero_point = lowest - offset / grid.scale;

  if (!isnan (zero_point))
    grid.zero_point = lrintf (CLAMP (zero_point, lowest, highest));
  else
    grid.scale = NAN;
  return grid;
}

PareGrid
pare_grid_from_range (float low, float high, gint32 lowest, gint32 highest)
{
  float bottom = low > 0 ? 0 : low, top = high < 0 ? 0 : high;
  float scale = (top - bottom) / (highest - lowest);

  if (isnan (scale))
    return (PareGrid){ scale, lowest, lowest, highest };
  if (scale < FLT_MIN)
    scale = 1;
  return (PareGrid){ scale, CLAMP ((gint32)lrintf (lowest - bottom / scale), lowest, highest), lowest, highest };
}

PareGrid *
pare_grids_read (const PareNode *node, PareDataType second_type, gconstpointer first, gconstpointer second, gint64 n)
{
  gint32 lowest = pare_node_get_int (node, "lowest", -128), highest = pare_node_get_int (node, "highest", 127);
  PareGrid *grids = g_new (PareGrid, MAX (n, 1));
  g_autofree float *seconds = g_new (float, MAX (n, 1));
  PareGridKind kind = pare_grid_kind (node);
  const float *firsts = first;

  pare_convert (second_type, second, PARE_FLOAT32, seconds, n);
  for (gint64 i = 0; i < n; i++)
    grids[i] = kind == PARE_GRID_RANGE    ? pare_grid_from_range (firsts[i], seconds[i], lowest, highest)
               : kind == PARE_GRID_OFFSET ? pare_grid_from_offset (firsts[i], seconds[i], lowest, highest)
                                          : pare_grid_from_scale (firsts[i], (gint32)seconds[i], lowest, highest);
  return grids;
}

/* Every kind: the parameters are as many as the axis is long, or one each. */
static gboolean
check_parameters (const PareInfer *infer, guint first, GError **error)
{
  const PareShape *x = &infer->inputs[first].shape, *grid = &infer->inputs[first + 1].shape;
  const PareAttribute *axis = pare_node_attribute (infer->node, "axis");
  gint64 wanted = 1;
  guint index = 0;

  if (axis && !pare_infer_axis (infer, axis->u.i, x->rank, &index, error))
    return FALSE;
  wanted = axis ? x->dims[index] : 1;
  if (pare_shape_elements (grid) == wanted && pare_shape_elements (&infer->inputs[first + 2].shape) == wanted)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "there are not %" G_GINT64_FORMAT " parameters of either kind, one for each grid.", wanted);
  return FALSE;
}

gboolean
pare_grids_infer (const PareInfer *infer, guint first, GError **error)
{
  gint64 lowest = pare_node_get_int (infer->node, "lowest", -128);
  gint64 highest = pare_node_get_int (infer->node, "highest", 127);

  for (guint i = 0; i < first + 2; i++)
    if (!pare_infer_require_float32 (infer, i, error))
      return FALSE;
  if (!pare_infer_counts (infer, first + 3, first + 3, error)
      || !pare_infer_require (infer, first + 2, pare_types_number, error) || !check_parameters (infer, first, error))
    return FALSE;
  if (lowest < highest && lowest > -65536 && highest < 65536)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the integers of its grid are out of order.");
  return FALSE;
}

static gboolean
fake_infer (PareInfer *infer, GError **error)
{
  return pare_grids_infer (infer, 0, error) && pare_infer_same (infer, error);
}

/* Values between the bounds are rounded; the same arithmetic as in QuantizeLinear, so that the results are the same. */
static PARE_VECTOR void
fake_row (gint64 n, const float *x, float *y, const PareGrid *grid)
{
  const float scale = grid->scale, low = grid->lowest - grid->zero_point, high = grid->highest - grid->zero_point;

  PARE_INDEPENDENT for (gint64 i = 0; i < n; i++)
  {
    float value = x[i] / scale;
    value = value < low ? low : value;
    value = value > high ? high : value;
    y[i] = pare_round_small (value) * scale;
  }
}

typedef struct
{
  const PareGrid *grids;
  gint64 channels, inner;
  const float *x;
  float *y;
} Job;

static void
run_piece (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  fake_row (to - from, job->x + from, job->y + from, job->grids);
}

static void
run_slices (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 i = from; i < to; i++)
    fake_row (job->inner, job->x + i * job->inner, job->y + i * job->inner, &job->grids[i % job->channels]);
}

static gboolean
fake_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  gint64 channels = pare_view_elements (&kernel->inputs[1]), elements = pare_view_elements (x);
  g_autofree PareGrid *grids = pare_grids_read (kernel->node, kernel->inputs[2].type, kernel->inputs[1].data,
                                                kernel->inputs[2].data, channels);
  Job job = { grids, channels, 1, x->data, kernel->outputs[0].data };
  guint axis;

  if (!pare_node_attribute (kernel->node, "axis"))
    {
      pare_parallel (elements, PARE_GRAIN, run_piece, &job);
      return TRUE;
    }
  pare_axis_normalize (pare_node_get_int (kernel->node, "axis", 0), x->shape.rank, &axis);
  job.inner = pare_shape_span (&x->shape, axis + 1, x->shape.rank);
  if (elements)
    pare_parallel (elements / job.inner, PARE_GRAIN / job.inner, run_slices, &job);
  return TRUE;
}

gint64
pare_grids_stored (const PareSlot *slot)
{
  return slot->layout ? (gint64)(pare_layout_size (slot->layout) / sizeof (float))
                      : pare_shape_elements (&slot->spec.shape);
}

/* One grid for all: the elements are taken as they lie. Padding is zero, which every grid keeps. */
static gboolean
run_as_is (gpointer state, PareSlot *const *slots, GError **error)
{
  const PareNode *node = state;
  g_autofree PareGrid *grids = pare_grids_read (node, slots[2]->spec.type, slots[1]->data, slots[2]->data, 1);
  Job job = { grids, 1, 1, slots[0]->data, slots[3]->data };

  pare_parallel (pare_grids_stored (slots[0]), PARE_GRAIN, run_piece, &job);
  return TRUE;
}

static gboolean
fake_compile (PareCompile *compile, GError **error)
{
  const PareNode *node = pare_compile_infer (compile)->node;
  PareSlot *slots[4];

  if (pare_node_attribute (node, "axis"))
    return pare_compile_forward (compile, error);
  slots[0] = pare_compile_input_as_is (compile, 0);
  for (guint i = 1; i < 3; i++)
    if (!(slots[i] = pare_compile_input (compile, i, NULL, error)))
      return FALSE;
  slots[3] = pare_compile_output_over (compile, 0, slots[0]);
  pare_compile_step (compile, run_as_is, (gpointer)node, NULL, 4, slots);
  return TRUE;
}

#define FAKE(op)                                                                                                       \
  .name = op, .domain = PARE_DOMAIN, .infer = fake_infer, .forward = fake_forward, .compile = fake_compile,            \
  .backward = pare_fake_quantize_backward, .in_place = TRUE

PARE_OPERATORS (fakequantize) = {
  { FAKE ("FakeQuantize") },
  { FAKE ("FakeQuantizeOffset") },
  { FAKE ("FakeQuantizeRange") },
  { NULL },
};
