/* SPDX-License-Identifier: LGPL-2.1-or-later
 * ReduceToShape (value, like), the counterpart of broadcasting: sums @value over the axes along which a tensor of the
 * shape of @like was repeated to give it. Sums are in float64 and always in the same order. */
#include "exec/compile.h"
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/strided.h"
#include "ops/vector.h"
#include "train/gradient.h"

/* The value as [before, kept, after], summed over the first and the last. */
typedef struct
{
  gint64 before, kept, after;
  gint64 piece; /* of @before, summed on its own */
  const float *x;
  double *sums; /* [pieces, kept] */
} Job;

static gboolean
reduce_infer (PareInfer *infer, GError **error)
{
  PareShape both;

  if (!pare_infer_counts (infer, 2, 2, error) || !pare_infer_require_float32 (infer, 0, error)
      || !pare_infer_require (infer, 1, NULL, error))
    return FALSE;
  infer->outputs[0] = (PareSpec){ PARE_FLOAT32, infer->inputs[1].shape };
  if (pare_shape_broadcast (&infer->inputs[1].shape, &infer->inputs[0].shape, &both)
      && pare_shape_equal (&both, &infer->inputs[0].shape))
    return TRUE;
  g_autofree char *from = pare_shape_to_string (&infer->inputs[0].shape);
  g_autofree char *to = pare_shape_to_string (&infer->inputs[1].shape);
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "%s is no broadcast of %s.", from, to);
  return FALSE;
}

/* Whether @axis of the value was repeated. */
static gboolean
is_reduced (const PareShape *value, const PareShape *like, guint axis)
{
  guint missing = value->rank - like->rank;

  return axis < missing || like->dims[axis - missing] != value->dims[axis];
}

/* FALSE when the kept axes are not next to each other. Sizes of 1 are anything. */
static gboolean
find_groups (const PareShape *value, const PareShape *like, Job *job)
{
  gboolean seen = FALSE;

  job->before = job->kept = job->after = 1;
  for (guint i = 0; i < value->rank; i++)
    {
      gint64 dim = value->dims[i];
      gboolean reduced = is_reduced (value, like, i);
      if (dim == 1)
        continue;
      if (!reduced && job->after > 1)
        return FALSE;
      seen |= !reduced;
      *(reduced ? seen ? &job->after : &job->before : &job->kept) *= dim;
    }
  return TRUE;
}

/* A copy with the reduced axes at the end. */
static float *
move_to_end (const PareView *value, const PareShape *like, Job *job)
{
  PareBox box = { .size = sizeof (float) };
  gint64 strides[PARE_MAX_RANK];
  float *copy = g_new (float, pare_view_elements (value));

  pare_shape_strides (&value->shape, strides);
  job->before = job->kept = job->after = 1;
  for (gboolean pass = FALSE; pass <= TRUE; pass++)
    for (guint i = 0; i < value->shape.rank; i++)
      if (is_reduced (&value->shape, like, i) == pass)
        {
          pare_box_add (&box, value->shape.dims[i], strides[i], 0);
          *(pass ? &job->after : &job->kept) *= value->shape.dims[i];
        }
  pare_box_pack_target (&box);
  pare_box_copy (&box, value->data, copy);
  return copy;
}

#define LANES 16

PARE_INLINE double
row_sum (const float *x, gint64 n)
{
  double lanes[LANES] = { 0 }, sum = 0;
  gint64 i = 0;

  for (; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; lane++)
      lanes[lane] += x[i + lane];
  for (; i < n; i++)
    sum += x[i];
  for (int lane = 0; lane < LANES; lane++)
    sum += lanes[lane];
  return sum;
}

/* Kept positions [from, to), each with rows behind it. */
static PARE_VECTOR void
sum_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 k = from; k < to; k++)
    {
      double sum = 0;
      for (gint64 b = 0; b < job->before; b++)
        sum += row_sum (job->x + (b * job->kept + k) * job->after, job->after);
      job->sums[k] = sum;
    }
}

/* Pieces [from, to) of the rows, when nothing stands behind the kept axes. */
static PARE_VECTOR void
sum_columns (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 piece = from; piece < to; piece++)
    {
      double *restrict sums = job->sums + piece * job->kept;
      for (gint64 b = piece * job->piece; b < MIN (job->before, (piece + 1) * job->piece); b++)
        {
          const float *restrict x = job->x + b * job->kept;
          for (gint64 k = 0; k < job->kept; k++)
            sums[k] += x[k];
        }
    }
}

static void
write_sums (const Job *job, gint64 pieces, float *y)
{
  for (gint64 k = 0; k < job->kept; k++)
    {
      double sum = 0;
      for (gint64 piece = 0; piece < pieces; piece++)
        sum += job->sums[piece * job->kept + k];
      y[k] = sum;
    }
}

static gboolean
reduce_forward (const PareKernel *kernel, GError **error)
{
  const PareView *value = &kernel->inputs[0];
  const PareShape *like = &kernel->inputs[1].shape;
  g_autofree float *copy = NULL;
  g_autofree double *sums = NULL;
  gint64 pieces = 1;
  Job job;

  if (pare_shape_elements (&kernel->outputs[0].shape) == 0)
    return TRUE;
  if (!find_groups (&value->shape, like, &job))
    copy = move_to_end (value, like, &job);
  job.x = copy ? copy : value->data;
  job.piece = MAX (job.before, 1);
  if (job.after == 1)
    {
      job.piece = CLAMP (PARE_GRAIN / job.kept, 1 + job.before / 16, 1 + job.before);
      pieces = (job.before + job.piece - 1) / job.piece;
    }
  job.sums = sums = g_new0 (double, MAX (pieces, 1) * job.kept);
  if (job.after == 1)
    pare_parallel (pieces, 1, sum_columns, &job);
  else
    pare_parallel (job.kept, PARE_GRAIN / MAX (job.before * job.after, 1), sum_rows, &job);
  write_sums (&job, pieces, kernel->outputs[0].data);
  return TRUE;
}

static gboolean
reduce_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);

  if (pare_shape_equal (&infer->inputs[0].shape, &infer->inputs[1].shape))
    return pare_compile_alias (compile, error);
  return pare_compile_forward (compile, error);
}

static gboolean
reduce_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *shape = pare_gradient_call (gradient, "Shape", pare_node_input (node, 0), NULL);

  pare_gradient_add (gradient, 0,
                     pare_gradient_call (gradient, "Expand", pare_gradient_of_output (gradient, 0), shape));
  return TRUE;
}

PARE_OPERATORS (reducetoshape) = {
  { .name = "ReduceToShape",
    .domain = PARE_DOMAIN,
    .infer = reduce_infer,
    .forward = reduce_forward,
    .compile = reduce_compile,
    .backward = reduce_backward,
    .shape_inputs = 1 << 1 },
  { NULL },
};
