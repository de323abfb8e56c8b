/* SPDX-License-Identifier: LGPL-2.1-or-later
 * RoiAlign: regions of an image, sampled bilinearly and averaged (or their maximum taken) in a grid of bins (He et al.
 * 2017, Mask R-CNN; ONNX operators, RoiAlign). */
#include "ops/infer.h"
#include <math.h>
#include <string.h>

/* Larger regions, in pixels, are damaged numbers. */
#define LARGEST 16384

typedef struct
{
  gint64 channels, height, width, bins_y, bins_x, samples;
  float scale;
  gboolean half_pixel, maximum;
} Job;

static Job
read_job (const PareNode *node, gint64 opset, const PareShape *x)
{
  g_autofree char *mode = pare_node_get_string (node, "mode");
  g_autofree char *coordinates = pare_node_get_string (node, "coordinate_transformation_mode");

  return (Job){
    .channels = x->dims[1],
    .height = x->dims[2],
    .width = x->dims[3],
    .bins_y = pare_node_get_int (node, "output_height", 1),
    .bins_x = pare_node_get_int (node, "output_width", 1),
    .samples = pare_node_get_int (node, "sampling_ratio", 0),
    .scale = pare_node_get_float (node, "spatial_scale", 1),
    .half_pixel = coordinates ? g_str_equal (coordinates, "half_pixel") : opset >= 16,
    .maximum = mode && g_str_equal (mode, "max"),
  };
}

static gboolean
roialign_infer (PareInfer *infer, GError **error)
{
  const PareShape *rois = &infer->inputs[1].shape;
  Job job;

  if (!pare_infer_counts (infer, 3, 3, error) || !pare_infer_require_float32 (infer, 0, error)
      || !pare_infer_require_float32 (infer, 1, error) || !pare_infer_require (infer, 2, pare_types_index, error)
      || !pare_infer_require_rank (infer, 0, 4, error) || !pare_infer_require_rank (infer, 1, 2, error)
      || !pare_infer_require_rank (infer, 2, 1, error))
    return FALSE;
  job = read_job (infer->node, infer->opset, &infer->inputs[0].shape);
  if (rois->dims[1] != 4 || infer->inputs[2].shape.dims[0] != rois->dims[0] || job.bins_y < 1 || job.bins_x < 1
      || job.samples < 0 || job.samples > 256)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "its regions are not [n,4] with n indices, or its sizes are "
                       "impossible.");
      return FALSE;
    }
  infer->outputs[0]
      = (PareSpec){ PARE_FLOAT32, pare_shape (4, (gint64[]){ rois->dims[0], job.channels, job.bins_y, job.bins_x }) };
  return TRUE;
}

/* The pixels on both sides of @at and the part of the second; FALSE outside of the image. */
static gboolean
neighbours (float at, gint64 size, gint64 *low, gint64 *high, float *part)
{
  if (!(at >= -1 && at <= size) || size == 0)
    return FALSE;
  at = MAX (at, 0);
  *low = MIN ((gint64)at, size - 1);
  *high = MIN (*low + 1, size - 1);
  *part = *low == size - 1 ? 0 : at - *low;
  return TRUE;
}

/* Adds the point (@y, @x) to a bin: weighted neighbours are summed, or their maximum is kept. */
static void
add_point (const Job *job, const float *image, float y, float x, gboolean first, float *bin)
{
  gint64 top = 0, bottom = 0, left = 0, right = 0;
  float down = 0, across = 0, parts[4] = { 0 };

  if (neighbours (y, job->height, &top, &bottom, &down) && neighbours (x, job->width, &left, &right, &across))
    {
      parts[0] = (1 - down) * (1 - across) * image[top * job->width + left];
      parts[1] = (1 - down) * across * image[top * job->width + right];
      parts[2] = down * (1 - across) * image[bottom * job->width + left];
      parts[3] = down * across * image[bottom * job->width + right];
    }
  if (!job->maximum)
    *bin += parts[0] + parts[1] + parts[2] + parts[3];
  else
    for (int i = 0; i < 4; i++)
      *bin = first && i == 0 ? parts[0] : MAX (*bin, parts[i]);
}

static void
align (const Job *job, const float *image, const float *roi, float *y)
{
  float offset = job->half_pixel ? 0.5f : 0, least = job->half_pixel ? 0 : 1;
  float left = roi[0] * job->scale - offset, top = roi[1] * job->scale - offset;
  float width = MAX (roi[2] * job->scale - offset - left, least) / job->bins_x;
  float height = MAX (roi[3] * job->scale - offset - top, least) / job->bins_y;
  gint64 rows = job->samples ? job->samples : (gint64)ceilf (height),
         columns = job->samples ? job->samples : (gint64)ceilf (width);

  for (gint64 by = 0; by < job->bins_y; by++)
    for (gint64 bx = 0; bx < job->bins_x; bx++, y++)
      {
        *y = 0;
        for (gint64 i = 0; i < rows; i++)
          for (gint64 k = 0; k < columns; k++)
            add_point (job, image, top + (by + (i + 0.5f) / rows) * height, left + (bx + (k + 0.5f) / columns) * width,
                       i + k == 0, y);
        if (!job->maximum)
          *y /= MAX (rows * columns, 1);
      }
}

static gboolean
roialign_forward (const PareKernel *kernel, GError **error)
{
  const PareShape *x = &kernel->inputs[0].shape;
  const float *images = kernel->inputs[0].data, *rois = kernel->inputs[1].data;
  float *y = kernel->outputs[0].data;
  Job job = read_job (kernel->node, kernel->opset, x);
  gint64 n = kernel->inputs[1].shape.dims[0], pixels = job.height * job.width, bins = job.bins_y * job.bins_x;
  g_autofree gint64 *indices = pare_kernel_ints (kernel, 2, NULL, &(guint){ 0 });

  for (gint64 r = 0; r < n; r++)
    {
      gboolean sane = indices[r] >= 0 && indices[r] < x->dims[0];
      for (guint i = 0; i < 4; i++)
        sane = sane && fabsf (rois[r * 4 + i] * job.scale) < LARGEST;
      if (!sane)
        {
          pare_node_error (error, PARE_ERROR_FORMAT, kernel->node,
                           "region %" G_GINT64_FORMAT " has impossible sizes or is of image %" G_GINT64_FORMAT ".", r,
                           indices[r]);
          return FALSE;
        }
    }
#pragma omp parallel for collapse(2) schedule(static) if (n * job.channels * bins > 4096)
  for (gint64 r = 0; r < n; r++)
    for (gint64 c = 0; c < job.channels; c++)
      align (&job, images + (indices[r] * job.channels + c) * pixels, rois + r * 4, y + (r * job.channels + c) * bins);
  return TRUE;
}

PARE_OPERATORS (roialign) = {
  { .name = "RoiAlign", .since = 10, .infer = roialign_infer, .forward = roialign_forward },
  { NULL },
};
