/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Slice: a box with steps, as x[start:end:step] in NumPy. Attributes up to opset 9, inputs since. */
#include "ops/infer.h"
#include "ops/strided.h"
#include "sparsify/channels.h"
#include "train/gradient.h"
#include <string.h>

/* What is taken of one axis. */
typedef struct
{
  gint64 start, step, count;
} Take;

static Take
take_of (gint64 dim, gint64 start, gint64 end, gint64 step)
{
  gint64 low = step < 0 ? -1 : 0, high = step < 0 ? dim - 1 : dim;
  Take take = { .step = step };

  start = CLAMP (start < 0 ? start + dim : start, MIN (low + (step < 0), high), high);
  if (step < 0 && end < -dim)
    end = -1;
  else
    end = CLAMP (end < 0 ? end + dim : end, low, high);
  take.start = start;
  if (step > 0 && end > start)
    take.count = (end - start - 1) / step + 1;
  if (step < 0 && end < start)
    take.count = step == G_MININT64 ? 1 : (start - end - 1) / -step + 1;
  return take;
}

typedef struct
{
  gint64 *starts, *ends, *axes, *steps;
  guint n, n_ends, n_axes, n_steps;
} Arguments;

static void
arguments_clear (Arguments *arguments)
{
  g_free (arguments->starts);
  g_free (arguments->ends);
  g_free (arguments->axes);
  g_free (arguments->steps);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Arguments, arguments_clear)

/* Per axis of the input; FALSE when the lists do not fit the input. */
static gboolean
takes_of (const Arguments *arguments, const PareShape *shape, Take takes[PARE_MAX_RANK])
{
  gboolean seen[PARE_MAX_RANK] = { FALSE };

  if (!arguments->starts || !arguments->ends || arguments->n_ends != arguments->n
      || (arguments->axes ? arguments->n_axes != arguments->n : arguments->n > shape->rank)
      || (arguments->steps && arguments->n_steps != arguments->n))
    return FALSE;
  for (guint i = 0; i < shape->rank; i++)
    takes[i] = (Take){ 0, 1, shape->dims[i] };
  for (guint i = 0; i < arguments->n; i++)
    {
      gint64 step = arguments->steps ? arguments->steps[i] : 1;
      guint axis;
      if (!pare_axis_normalize (arguments->axes ? arguments->axes[i] : i, shape->rank, &axis) || seen[axis] || !step)
        return FALSE;
      seen[axis] = TRUE;
      takes[axis] = take_of (shape->dims[axis], arguments->starts[i], arguments->ends[i], step);
    }
  return TRUE;
}

static gboolean
slice_infer (PareInfer *infer, GError **error)
{
  g_auto (Arguments) arguments = { 0 };
  Take takes[PARE_MAX_RANK];

  if (!pare_infer_counts (infer, infer->opset < 10 ? 1 : 3, infer->opset < 10 ? 1 : 5, error)
      || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_ints (infer, 1, "starts", &arguments.starts, &arguments.n, error)
      || !pare_infer_ints (infer, 2, "ends", &arguments.ends, &arguments.n_ends, error)
      || !pare_infer_ints (infer, 3, "axes", &arguments.axes, &arguments.n_axes, error)
      || !pare_infer_ints (infer, 4, NULL, &arguments.steps, &arguments.n_steps, error))
    return FALSE;
  if (!takes_of (&arguments, &infer->inputs[0].shape, takes))
    {
      g_autofree char *shape = pare_shape_to_string (&infer->inputs[0].shape);
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "its starts, ends, axes and steps do not fit each other and the input %s.", shape);
      return FALSE;
    }
  infer->outputs[0] = infer->inputs[0];
  for (guint i = 0; i < infer->inputs[0].shape.rank; i++)
    infer->outputs[0].shape.dims[i] = takes[i].count;
  return TRUE;
}

static gboolean
slice_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  PareBox box = { .size = pare_data_type_bits (x->type) / 8 };
  g_auto (Arguments) arguments = { 0 };
  Take takes[PARE_MAX_RANK];
  gint64 strides[PARE_MAX_RANK], offset = 0;

  arguments.starts = pare_kernel_ints (kernel, 1, "starts", &arguments.n);
  arguments.ends = pare_kernel_ints (kernel, 2, "ends", &arguments.n_ends);
  arguments.axes = pare_kernel_ints (kernel, 3, "axes", &arguments.n_axes);
  arguments.steps = pare_kernel_ints (kernel, 4, NULL, &arguments.n_steps);
  if (pare_view_elements (y) == 0)
    return TRUE;
  takes_of (&arguments, &x->shape, takes);
  pare_shape_strides (&x->shape, strides);
  for (guint i = 0; i < x->shape.rank; i++)
    {
      offset += takes[i].start * strides[i];
      pare_box_add (&box, takes[i].count, takes[i].count > 1 ? takes[i].step * strides[i] : 0, 0);
    }
  pare_box_pack_target (&box);
  pare_box_copy (&box, (const guint8 *)x->data + offset * box.size, y->data);
  return TRUE;
}

/* SliceGrad (dy, like, starts, ends, axes, steps): zeros in the shape of @like with @dy where Slice took it from. */
static gboolean
slice_grad_infer (PareInfer *infer, GError **error)
{
  static const guint order[] = { 1, 2, 3, 4, 5 };

  if (!pare_infer_counts (infer, 4, 6, error)
      || !pare_infer_gradient (infer, slice_infer, infer->n_inputs - 1, order, 0, error))
    return FALSE;
  infer->outputs[0] = infer->inputs[1];
  return TRUE;
}

static gboolean
slice_grad_forward (const PareKernel *kernel, GError **error)
{
  const PareView *dy = &kernel->inputs[0], *dx = &kernel->outputs[0];
  PareBox box = { .size = sizeof (float) };
  gint64 strides[PARE_MAX_RANK], packed[PARE_MAX_RANK], offset = 0;
  g_auto (Arguments) arguments = { 0 };
  Take takes[PARE_MAX_RANK];

  arguments.starts = pare_kernel_ints (kernel, 2, NULL, &arguments.n);
  arguments.ends = pare_kernel_ints (kernel, 3, NULL, &arguments.n_ends);
  arguments.axes = pare_kernel_ints (kernel, 4, NULL, &arguments.n_axes);
  arguments.steps = pare_kernel_ints (kernel, 5, NULL, &arguments.n_steps);
  memset (dx->data, 0, pare_view_elements (dx) * sizeof (float));
  if (pare_view_elements (dy) == 0)
    return TRUE;
  takes_of (&arguments, &dx->shape, takes);
  pare_shape_strides (&dx->shape, strides);
  pare_shape_strides (&dy->shape, packed);
  for (guint i = 0; i < dx->shape.rank; i++)
    {
      offset += takes[i].start * strides[i];
      pare_box_add (&box, takes[i].count, packed[i], takes[i].count > 1 ? takes[i].step * strides[i] : 0);
    }
  pare_box_copy (&box, dy->data, (float *)dx->data + offset);
  return TRUE;
}

static gboolean
slice_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *inputs[6] = { pare_gradient_of_output (gradient, 0), pare_node_input (node, 0) };

  for (guint i = 1; i < 5; i++)
    inputs[i + 1] = pare_node_input (node, i);
  pare_gradient_add (gradient, 0,
                     pare_gradient_node (gradient, PARE_DOMAIN, "SliceGrad", node->inputs->len + 1, inputs, NULL));
  return TRUE;
}

/* Entry @i of starts and ends counts the channels before it, when both are plain. Computed ones are replaced by
 * numbers, which must then speak of no other axis: that may be open. */
static gboolean
count_bounds (PareChannelWalk *channels, const Arguments *arguments, guint i, guint dim, const guint *along)
{
  const PareInfer *infer = pare_channels_infer (channels);
  gboolean literal = pare_node_literal (infer->node, 1) && pare_node_literal (infer->node, 2);
  gint64 bounds[] = { arguments->starts[i], arguments->ends[i] };

  if (bounds[0] < 0 || bounds[1] < 0 || infer->n_inputs < 3 || (!literal && arguments->n > 1))
    return FALSE;
  for (guint b = 0; b < 2; b++)
    if (bounds[b] > 0 && bounds[b] < dim)
      pare_channels_count_input (channels, 1 + b, i, bounds[b], along);
  return TRUE;
}

static gboolean
slice_axis (PareChannelWalk *channels, const Arguments *arguments, const Take *take, guint axis, const guint *along)
{
  const PareShape *from = &pare_channels_infer (channels)->inputs[0].shape;

  if (take->step != 1 || take->count <= 0)
    return FALSE;
  for (guint i = 0; take->count < from->dims[axis] && i < arguments->n; i++)
    {
      guint own;
      pare_axis_normalize (arguments->axes ? arguments->axes[i] : i, from->rank, &own);
      if (own == axis && !count_bounds (channels, arguments, i, from->dims[axis], along))
        return FALSE;
    }
  pare_channels_give (channels, 0, axis, along + take->start);
  return TRUE;
}

static void
slice_channels (PareChannelWalk *channels)
{
  const PareInfer *infer = pare_channels_infer (channels);
  const PareShape *from = &infer->inputs[0].shape;
  g_auto (Arguments) arguments = { 0 };
  Take takes[PARE_MAX_RANK];

  if (!pare_infer_ints (infer, 1, "starts", &arguments.starts, &arguments.n, NULL)
      || !pare_infer_ints (infer, 2, "ends", &arguments.ends, &arguments.n_ends, NULL)
      || !pare_infer_ints (infer, 3, "axes", &arguments.axes, &arguments.n_axes, NULL)
      || !pare_infer_ints (infer, 4, NULL, &arguments.steps, &arguments.n_steps, NULL)
      || !takes_of (&arguments, from, takes))
    {
      pare_channels_block (channels, 0, "");
      return;
    }
  for (guint axis = 0; axis < from->rank; axis++)
    {
      const guint *along = pare_channels_along (channels, 0, axis);
      if (along && !slice_axis (channels, &arguments, &takes[axis], axis, along))
        pare_channels_keep (channels, from->dims[axis], along, ", which takes some of them in a way of its own");
    }
}

PARE_OPERATORS (slice) = {
  { .name = "Slice",
    .infer = slice_infer,
    .forward = slice_forward,
    .backward = slice_backward,
    .channels = slice_channels,
    .quantize = PARE_QUANTIZE_PASS },
  { .name = "SliceGrad",
    .domain = PARE_DOMAIN,
    .infer = slice_grad_infer,
    .forward = slice_grad_forward,
    .shape_inputs = 1 << 1 },
  { NULL },
};
