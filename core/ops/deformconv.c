/* SPDX-License-Identifier: LGPL-2.1-or-later
 * DeformConv (Dai et al., Deformable Convolutional Networks, 2017; Zhu et al., 2019, with a mask; ONNX operator of that
 * name): a convolution whose kernel reads each of its elements somewhere else, at the offset that an input gives, by
 * bilinear interpolation; outside of the image there are zeros. */
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/vector.h"
#include "ops/window.h"
#include <math.h>

typedef struct
{
  gint64 channels, height, width; /* of the input */
  gint64 outputs, rows, columns;  /* of the result */
  gint64 taps, groups, offset_groups;
  PareWindow window;
  const float *x, *w, *offset, *bias, *mask;
  float *y;
} Job;

static gboolean
fits (const PareInfer *infer, guint index, gint64 channels, const PareShape *y)
{
  const PareShape *shape = &infer->inputs[index].shape;

  return shape->rank == 4 && shape->dims[0] == y->dims[0] && shape->dims[1] == channels && shape->dims[2] == y->dims[2]
         && shape->dims[3] == y->dims[3];
}

static gboolean
deform_infer (PareInfer *infer, GError **error)
{
  gint64 groups = pare_node_get_int (infer->node, "group", 1),
         parts = pare_node_get_int (infer->node, "offset_group", 1);
  const PareShape *x = &infer->inputs[0].shape, *w = &infer->inputs[1].shape;
  PareShape *y = &infer->outputs[0].shape;
  PareWindow window;
  gint64 taps;

  if (!pare_infer_counts (infer, 3, 5, error) || !pare_infer_require_one_type (infer, 1, error))
    return FALSE;
  for (guint i = 0; i < infer->n_inputs; i++)
    if ((i < 3 || pare_infer_has (infer, i)) && !pare_infer_require (infer, i, pare_types_widened, error))
      return FALSE;
  if (!pare_infer_require_rank (infer, 0, 4, error) || !pare_infer_require_rank (infer, 1, 4, error)
      || !pare_window_read (infer->node, x, w->dims + 2, &window, error))
    return FALSE;
  infer->outputs[0] = infer->inputs[0];
  y->dims[1] = w->dims[0];
  for (guint i = 0; i < 2; i++)
    y->dims[2 + i] = pare_window_output (&window, i, x->dims[2 + i], FALSE);
  taps = w->dims[2] * w->dims[3];
  if (groups < 1 || parts < 1 || x->dims[1] % groups || w->dims[0] % groups || w->dims[1] != x->dims[1] / groups
      || x->dims[1] % parts || parts > G_MAXINT32 || taps > G_MAXINT32 || !fits (infer, 2, 2 * parts * taps, y)
      || (pare_infer_has (infer, 3) && pare_shape_elements (&infer->inputs[3].shape) != w->dims[0])
      || (pare_infer_has (infer, 4) && !fits (infer, 4, parts * taps, y)))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "its weight, offsets, bias or mask do not fit its data, groups and kernel.");
      return FALSE;
    }
  return TRUE;
}

static float
pixel (const Job *job, const float *plane, gint64 row, gint64 column)
{
  return row >= 0 && row < job->height && column >= 0 && column < job->width ? plane[row * job->width + column] : 0;
}

static float
interpolate (const Job *job, const float *plane, double row, double column)
{
  double top, left, down, right;

  if (!(row > -1 && row < job->height && column > -1 && column < job->width))
    return 0;
  top = floor (row);
  left = floor (column);
  down = row - top;
  right = column - left;
  return (1 - down) * (1 - right) * pixel (job, plane, top, left)
         + (1 - down) * right * pixel (job, plane, top, left + 1)
         + down * (1 - right) * pixel (job, plane, top + 1, left)
         + down * right * pixel (job, plane, top + 1, left + 1);
}

/* What kernel element @tap reads of input channel @c for row @at (batch x row) of the result. */
static void
read_tap (const Job *job, gint64 at, gint64 c, gint64 tap, float *line)
{
  gint64 batch = at / job->rows, row = at % job->rows, size = job->rows * job->columns;
  gint64 part = c / (job->channels / job->offset_groups) * job->taps + tap;
  const float *plane = job->x + (batch * job->channels + c) * job->height * job->width;
  const float *offset = job->offset + (batch * job->offset_groups * job->taps + part) * 2 * size + row * job->columns;
  const float *mask
      = job->mask ? job->mask + (batch * job->offset_groups * job->taps + part) * size + row * job->columns : NULL;
  const PareWindow *window = &job->window;
  gint64 first_row = row * window->strides[0] - window->pads_begin[0] + tap / window->kernel[1] * window->dilations[0];
  gint64 first_column = tap % window->kernel[1] * window->dilations[1] - window->pads_begin[1];

  for (gint64 i = 0; i < job->columns; i++)
    line[i] = interpolate (job, plane, first_row + (double)offset[i],
                           first_column + i * window->strides[1] + (double)offset[size + i])
              * (mask ? mask[i] : 1);
}

static PARE_VECTOR void
add_scaled (gint64 n, float factor, const float *restrict x, float *restrict y)
{
  for (gint64 i = 0; i < n; i++)
    y[i] += factor * x[i];
}

/* Rows [from, to) of [batch, row]: each value that the kernel reads is used for all output channels of its group. */
static void
convolve_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  g_autofree float *line = g_new (float, job->columns);
  gint64 size = job->rows * job->columns, inputs = job->channels / job->groups, outputs = job->outputs / job->groups;

  for (gint64 at = from; at < to; at++)
    {
      float *y = job->y + at / job->rows * job->outputs * size + at % job->rows * job->columns;
      for (gint64 o = 0; o < job->outputs; o++)
        for (gint64 i = 0; i < job->columns; i++)
          y[o * size + i] = job->bias ? job->bias[o] : 0;
      for (gint64 c = 0; c < job->channels; c++)
        for (gint64 tap = 0; tap < job->taps; tap++)
          {
            read_tap (job, at, c, tap, line);
            for (gint64 k = 0; k < outputs; k++)
              {
                gint64 o = c / inputs * outputs + k;
                add_scaled (job->columns, job->w[(o * inputs + c % inputs) * job->taps + tap], line, y + o * size);
              }
          }
    }
}

static gboolean
deform_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *x = &kernel->inputs[0].shape, *w = &kernel->inputs[1].shape, *y = &kernel->outputs[0].shape;
  Job job = { x->dims[1],
              x->dims[2],
              x->dims[3],
              y->dims[1],
              y->dims[2],
              y->dims[3],
              w->dims[2] * w->dims[3],
              pare_node_get_int (kernel->node, "group", 1),
              pare_node_get_int (kernel->node, "offset_group", 1) };

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, deform_forward, error);
  if (pare_shape_elements (y) == 0)
    return TRUE;
  if (!pare_window_read (kernel->node, x, w->dims + 2, &job.window, error))
    return FALSE;
  job.x = kernel->inputs[0].data;
  job.w = kernel->inputs[1].data;
  job.offset = kernel->inputs[2].data;
  job.bias = pare_kernel_has (kernel, 3) ? kernel->inputs[3].data : NULL;
  job.mask = pare_kernel_has (kernel, 4) ? kernel->inputs[4].data : NULL;
  job.y = kernel->outputs[0].data;
  pare_parallel (y->dims[0] * y->dims[2], 1, convolve_rows, &job);
  return TRUE;
}

static guint64
deform_macs (const PareInfer *infer)
{
  return (guint64)pare_shape_elements (&infer->outputs[0].shape) * pare_shape_span (&infer->inputs[1].shape, 1, 4);
}

PARE_OPERATORS (deformconv) = {
  { .name = "DeformConv",
    .since = 19,
    .infer = deform_infer,
    .forward = deform_forward,
    .macs = deform_macs,
    .quantize_note = "runtimes have no int8 kernel for DeformConv" },
  { NULL },
};
