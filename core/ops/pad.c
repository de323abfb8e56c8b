/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Pad: with a constant, the edge, a mirror image or (since opset 19) the other end; negative amounts crop. Attributes
 * up to opset 10, inputs since. */
#include "ops/infer.h"
#include "ops/parallel.h"
#include "sparsify/channels.h"
#include "train/gradient.h"
#include <string.h>

typedef enum
{
  CONSTANT,
  EDGE,
  REFLECT,
  WRAP,
  MODES
} Mode;

static const char *const mode_names[] = { "constant", "edge", "reflect", "wrap" };

static Mode
mode_of (const PareNode *node)
{
  g_autofree char *name = pare_node_get_string (node, "mode");
  guint mode = 0;

  while (name && mode < MODES && strcmp (name, mode_names[mode]))
    mode++;
  return mode;
}

/* Amounts before and after each axis; FALSE when they do not fit the input. */
static gboolean
amounts (const gint64 *pads, guint n_pads, const gint64 *axes, guint n_axes, guint rank, gint64 before[PARE_MAX_RANK],
         gint64 after[PARE_MAX_RANK])
{
  guint n = axes ? n_axes : rank;

  if (!pads || n_pads != 2 * n)
    return FALSE;
  memset (before, 0, sizeof (gint64) * PARE_MAX_RANK);
  memset (after, 0, sizeof (gint64) * PARE_MAX_RANK);
  for (guint i = 0; i < n; i++)
    {
      guint axis;
      if (!pare_axis_normalize (axes ? axes[i] : i, rank, &axis))
        return FALSE;
      before[axis] = pads[i];
      after[axis] = pads[n + i];
    }
  return TRUE;
}

static gboolean
size_of (Mode mode, gint64 dim, gint64 before, gint64 after, gint64 *size)
{
  if (__builtin_add_overflow (dim, before, size) || __builtin_add_overflow (*size, after, size) || *size < 0)
    return FALSE;
  if (mode != CONSTANT && dim == 0)
    return *size == 0;
  /* One mirror image and no image of the image, as the specification has it. */
  return mode != REFLECT || (before < dim && after < dim);
}

static const char *
pads_attribute (gint64 opset)
{
  return opset < 2 ? "paddings" : "pads";
}

static gboolean
pad_infer (PareInfer *infer, GError **error)
{
  gint64 before[PARE_MAX_RANK], after[PARE_MAX_RANK];
  g_autofree gint64 *pads = NULL, *axes = NULL;
  Mode mode = mode_of (infer->node);
  PareShape *to = &infer->outputs[0].shape;
  guint n, n_axes;

  if (!pare_infer_counts (infer, 1, 4, error) || !pare_infer_require (infer, 0, pare_types_stored, error)
      || !pare_infer_ints (infer, 1, pads_attribute (infer->opset), &pads, &n, error)
      || !pare_infer_ints (infer, 3, NULL, &axes, &n_axes, error))
    return FALSE;
  if (mode == MODES)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node, "its mode is unknown.");
      return FALSE;
    }
  if (pare_infer_has (infer, 2)
      && (infer->inputs[2].type != infer->inputs[0].type || pare_shape_elements (&infer->inputs[2].shape) != 1))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its constant is not one number of the data's type.");
      return FALSE;
    }
  infer->outputs[0] = infer->inputs[0];
  if (!amounts (pads, n, axes, n_axes, to->rank, before, after))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its pads do not fit the input of %u axes.", to->rank);
      return FALSE;
    }
  for (guint i = 0; i < to->rank; i++)
    if (!size_of (mode, infer->inputs[0].shape.dims[i], before[i], after[i], &to->dims[i]))
      {
        pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                         "axis %u of size %" G_GINT64_FORMAT " cannot be padded by %" G_GINT64_FORMAT
                         " and %" G_GINT64_FORMAT ".",
                         i, infer->inputs[0].shape.dims[i], before[i], after[i]);
        return FALSE;
      }
  return TRUE;
}

/* Where in the input an output position lies along one axis; -1 in constant padding. */
static gint64
source_of (Mode mode, gint64 at, gint64 dim)
{
  switch (mode)
    {
    case EDGE:
      return CLAMP (at, 0, dim - 1);
    case REFLECT:
      return at < 0 ? -at : at >= dim ? 2 * (dim - 1) - at : at;
    case WRAP:
      return ((at % dim) + dim) % dim;
    default:
      return at < 0 || at >= dim ? -1 : at;
    }
}

typedef struct
{
  Mode mode;
  gsize size;
  const PareView *x, *y;
  gint64 before[PARE_MAX_RANK], strides[PARE_MAX_RANK];
  guint8 constant[16];
} Job;

/* Elements of the last axis of row @y; the part that is in the input is one copy. */
static void
pad_row (const Job *job, const guint8 *x, guint8 *y)
{
  guint last = job->x->shape.rank - 1;
  gint64 dim = job->x->shape.dims[last], n = job->y->shape.dims[last], before = job->before[last];
  gint64 first = x ? CLAMP (before, 0, n) : n, end = x ? CLAMP (before + dim, first, n) : n;

  for (gint64 i = 0; i < n; i = i == first && end > first ? end : i + 1)
    {
      gint64 from;
      if (i == first && end > first)
        {
          memcpy (y + i * job->size, x + (i - before) * job->size, (end - first) * job->size);
          continue;
        }
      from = x ? source_of (job->mode, i - before, dim) : -1;
      memcpy (y + i * job->size, from < 0 ? job->constant : x + from * job->size, job->size);
    }
}

static void
pad_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  const PareShape *shape = &job->y->shape;
  guint last = shape->rank - 1;

  for (gint64 row = from; row < to; row++)
    {
      gint64 rest = row, offset = 0;
      gboolean inside = TRUE;
      for (guint axis = last; axis-- > 0; rest /= shape->dims[axis])
        {
          gint64 at = source_of (job->mode, rest % shape->dims[axis] - job->before[axis], job->x->shape.dims[axis]);
          inside &= at >= 0;
          offset += at * job->strides[axis];
        }
      pad_row (job, inside ? (const guint8 *)job->x->data + offset * job->size : NULL,
               (guint8 *)job->y->data + row * shape->dims[last] * job->size);
    }
}

static void
set_constant (const PareKernel *kernel, Job *job)
{
  float value = pare_node_get_float (kernel->node, "value", 0);

  if (pare_kernel_has (kernel, 2))
    memcpy (job->constant, kernel->inputs[2].data, job->size);
  else
    pare_convert (PARE_FLOAT32, &value, job->x->type, job->constant, 1);
}

static gboolean
pad_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  Job job = { mode_of (kernel->node), pare_data_type_bits (x->type) / 8, x, y };
  g_autofree gint64 *pads = NULL, *axes = NULL;
  gint64 after[PARE_MAX_RANK], last;
  guint n, n_axes;

  if (pare_view_elements (y) == 0)
    return TRUE;
  if (y->shape.rank == 0)
    return pare_forward_copy (kernel, error);
  if (pare_kernel_is_packed (kernel))
    return pare_forward_unpacked (kernel, pad_forward, error);
  pads = pare_kernel_ints (kernel, 1, pads_attribute (kernel->opset), &n);
  axes = pare_kernel_ints (kernel, 3, NULL, &n_axes);
  amounts (pads, n, axes, n_axes, x->shape.rank, job.before, after);
  pare_shape_strides (&x->shape, job.strides);
  set_constant (kernel, &job);
  last = y->shape.dims[y->shape.rank - 1];
  pare_parallel (pare_view_elements (y) / last, PARE_GRAIN / last, pad_rows, &job);
  return TRUE;
}

/* PadGrad (dy, like, pads, axes): what each element of the input, in the shape of @like, was copied to, summed up. */
static gboolean
pad_grad_infer (PareInfer *infer, GError **error)
{
  static const guint order[] = { 1, 2, G_MAXUINT, 3 };

  if (!pare_infer_counts (infer, 3, 4, error)
      || !pare_infer_gradient (infer, pad_infer, G_N_ELEMENTS (order), order, 0, error))
    return FALSE;
  infer->outputs[0] = infer->inputs[1];
  return TRUE;
}

/* Row @row of dy; the rows of dx that it adds to are anywhere, so one row comes after the other. */
static void
add_row (const Job *job, gint64 row, const float *dy, float *dx)
{
  guint last = job->y->shape.rank - 1;
  gint64 n = job->y->shape.dims[last], rest = row, offset = 0;

  for (guint axis = last; axis-- > 0; rest /= job->y->shape.dims[axis])
    {
      gint64 at = source_of (job->mode, rest % job->y->shape.dims[axis] - job->before[axis], job->x->shape.dims[axis]);
      if (at < 0)
        return;
      offset += at * job->strides[axis];
    }
  for (gint64 i = 0; i < n; i++)
    {
      gint64 at = source_of (job->mode, i - job->before[last], job->x->shape.dims[last]);
      if (at >= 0)
        dx[offset + at] += dy[row * n + i];
    }
}

static gboolean
pad_grad_forward (const PareKernel *kernel, GError **error)
{
  const PareView *dy = &kernel->inputs[0], *dx = &kernel->outputs[0];
  Job job = { mode_of (kernel->node), sizeof (float), dx, dy };
  g_autofree gint64 *pads = pare_kernel_ints (kernel, 2, NULL, &(guint){ 0 });
  g_autofree gint64 *axes = NULL;
  gint64 after[PARE_MAX_RANK];
  guint n_axes;

  if (dx->shape.rank == 0)
    return pare_forward_copy (kernel, error);
  axes = pare_kernel_ints (kernel, 3, NULL, &n_axes);
  amounts (pads, 2 * (axes ? n_axes : dx->shape.rank), axes, n_axes, dx->shape.rank, job.before, after);
  pare_shape_strides (&dx->shape, job.strides);
  memset (dx->data, 0, pare_view_elements (dx) * sizeof (float));
  for (gint64 row = 0; pare_view_elements (dy) && row < pare_shape_span (&dy->shape, 0, dy->shape.rank - 1); row++)
    add_row (&job, row, dy->data, dx->data);
  return TRUE;
}

static gboolean
pad_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *inputs[] = { pare_gradient_of_output (gradient, 0), pare_node_input (node, 0), pare_node_input (node, 1),
                          pare_node_input (node, 3) };

  pare_gradient_add (gradient, 0,
                     pare_gradient_node (gradient, PARE_DOMAIN, "PadGrad", 4, inputs,
                                         pare_attribute_new_string ("mode", mode_names[mode_of (node)]), NULL));
  return TRUE;
}

/* Axes pass whole; an axis that is padded or cropped holds more or less than channels. */
static void
pad_channels (PareChannelWalk *channels)
{
  const PareInfer *infer = pare_channels_infer (channels);
  gint64 before[PARE_MAX_RANK] = { 0 }, after[PARE_MAX_RANK] = { 0 };
  g_autofree gint64 *pads = NULL, *axes = NULL;
  const PareShape *from = &infer->inputs[0].shape;
  guint n, n_axes;

  if (!pare_infer_ints (infer, 1, pads_attribute (infer->opset), &pads, &n, NULL)
      || !pare_infer_ints (infer, 3, NULL, &axes, &n_axes, NULL)
      || !amounts (pads, n, axes, n_axes, from->rank, before, after))
    {
      pare_channels_block (channels, 0, "");
      return;
    }
  for (guint axis = 0; axis < from->rank; axis++)
    {
      const guint *along = pare_channels_along (channels, 0, axis);
      if (along && !before[axis] && !after[axis])
        pare_channels_give (channels, 0, axis, along);
      else if (along)
        pare_channels_keep (channels, from->dims[axis], along, ", which pads them");
    }
}

PARE_OPERATORS (pad) = {
  { .name = "Pad",
    .infer = pad_infer,
    .forward = pad_forward,
    .backward = pad_backward,
    .channels = pad_channels,
    .quantize = PARE_QUANTIZE_PASS },
  { .name = "PadGrad",
    .domain = PARE_DOMAIN,
    .infer = pad_grad_infer,
    .forward = pad_grad_forward,
    .shape_inputs = 1 << 1 },
  { NULL },
};
