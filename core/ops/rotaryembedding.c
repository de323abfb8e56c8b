/* SPDX-License-Identifier: LGPL-2.1-or-later
 * RotaryEmbedding (Su et al., RoFormer, 2021; ONNX operator of that name): pairs of features of a head are turned by an
 * angle that depends on the position, whose cosines and sines are inputs. */
#include "ops/infer.h"
#include "ops/parallel.h"

/* x as [batch, heads, length, head]: its strides, since the heads may stand inside the length. */
typedef struct
{
  gint64 batch, heads, length, head, half; /* @half: pairs that are turned */
  gint64 head_stride, row_stride;
  gboolean interleaved;
  const gint64 *positions; /* NULL: the tables have a row per batch and position */
  const float *x, *cosines, *sines;
  float *y;
} Job;

/* FALSE when x does not divide into heads or pairs. */
static gboolean
read_sizes (const PareNode *node, const PareShape *x, Job *job)
{
  gint64 turned = pare_node_get_int (node, "rotary_embedding_dim", 0), heads = pare_node_get_int (node, "num_heads", 0);
  gboolean split = x->rank == 4;

  if (x->rank < 3 || x->rank > 4 || (!split && (heads < 1 || x->dims[2] % heads)))
    return FALSE;
  job->batch = x->dims[0];
  job->heads = split ? x->dims[1] : heads;
  job->length = split ? x->dims[2] : x->dims[1];
  job->head = split ? x->dims[3] : x->dims[2] / heads;
  job->head_stride = split ? job->length * job->head : job->head;
  job->row_stride = split ? job->head : job->heads * job->head;
  job->half = (turned ? turned : job->head) / 2;
  return turned >= 0 && turned <= job->head && (turned ? turned : job->head) % 2 == 0;
}

static gboolean
rotary_infer (PareInfer *infer, GError **error)
{
  const PareShape *cosines = &infer->inputs[1].shape;
  gboolean indexed, fits;
  Job job = { 0 };

  if (!pare_infer_counts (infer, 3, 4, error))
    return FALSE;
  for (guint i = 0; i < 3; i++)
    if (!pare_infer_require (infer, i, pare_types_widened, error))
      return FALSE;
  indexed = pare_infer_has (infer, 3);
  if (indexed && !pare_infer_require (infer, 3, pare_types_index, error))
    return FALSE;
  fits = read_sizes (infer->node, &infer->inputs[0].shape, &job) && pare_shape_equal (cosines, &infer->inputs[2].shape)
         && cosines->rank == (indexed ? 2 : 3) && cosines->dims[cosines->rank - 1] == job.half;
  if (fits && indexed)
    fits = infer->inputs[3].shape.rank == 2 && infer->inputs[3].shape.dims[0] == job.batch
           && infer->inputs[3].shape.dims[1] == job.length;
  else if (fits)
    fits = cosines->dims[0] == job.batch && cosines->dims[1] == job.length;
  if (fits)
    return pare_infer_same (infer, error);
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                   "its data, tables of cosines and sines, and positions do not fit each other.");
  return FALSE;
}

/* Heads [from, to) of [batch, position, head]. */
static void
turn (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 i = from; i < to; i++)
    {
      gint64 place = i / job->heads, row = job->positions ? job->positions[place] : place;
      gint64 start = place / job->length * job->heads * job->length * job->head + place % job->length * job->row_stride
                     + i % job->heads * job->head_stride;
      const float *x = job->x + start, *c = job->cosines + row * job->half, *s = job->sines + row * job->half;
      float *y = job->y + start;
      for (gint64 k = 0; k < job->half; k++)
        {
          gint64 a = job->interleaved ? 2 * k : k, b = job->interleaved ? 2 * k + 1 : job->half + k;
          float real = x[a], imaginary = x[b];
          y[a] = c[k] * real - s[k] * imaginary;
          y[b] = s[k] * real + c[k] * imaginary;
        }
      for (gint64 k = 2 * job->half; k < job->head; k++)
        y[k] = x[k];
    }
}

static gboolean
rotary_forward (const PareKernel *kernel, GError **error)
{
  Job job = { .interleaved = pare_node_get_int (kernel->node, "interleaved", 0) != 0 };
  g_autofree gint64 *positions = NULL;
  gint64 rows;
  guint n;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, rotary_forward, error);
  read_sizes (kernel->node, &kernel->inputs[0].shape, &job);
  positions = pare_kernel_ints (kernel, 3, NULL, &n);
  rows = kernel->inputs[1].shape.dims[0];
  for (guint i = 0; positions && i < n; i++)
    if (positions[i] < 0 || positions[i] >= rows)
      {
        pare_node_error (error, PARE_ERROR_FORMAT, kernel->node,
                         "position %" G_GINT64_FORMAT " is not in its tables of %" G_GINT64_FORMAT " rows.",
                         positions[i], rows);
        return FALSE;
      }
  job.positions = positions;
  job.x = kernel->inputs[0].data;
  job.cosines = kernel->inputs[1].data;
  job.sines = kernel->inputs[2].data;
  job.y = kernel->outputs[0].data;
  pare_parallel (job.batch * job.length * job.heads, PARE_GRAIN / 4 / MAX (job.head, 1), turn, &job);
  return TRUE;
}

PARE_OPERATORS (rotaryembedding) = {
  { .name = "RotaryEmbedding", .since = 23, .infer = rotary_infer, .forward = rotary_forward },
  { NULL },
};
