/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Resize (10, 11, 13, 18) and Upsample (7, 9): nearest, linear and cubic. Interpolation is separable, so one axis is
 * resampled after the other, each as a short weighted sum of input positions (taps). */
#include "ops/infer.h"
#include "ops/resample.h"
#include "sparsify/channels.h"
#include "train/gradient.h"
#include <math.h>
#include <string.h>

static const PareDataType resize_types[] = { PARE_FLOAT32, PARE_TYPES_HALF, PARE_UINT8, PARE_INT8, 0 };

/* Everything that decides the output, whichever way the opset hands it over. */
typedef struct
{
  float scales[PARE_MAX_RANK];
  gint64 sizes[PARE_MAX_RANK];
  float starts[PARE_MAX_RANK], ends[PARE_MAX_RANK]; /* region of interest, for cropping */
} Geometry;

/* Which inputs carry what: -1 where there is none. */
typedef struct
{
  gint roi, scales, sizes;
} Layout;

static Layout
layout_of (const PareNode *node, gint64 opset)
{
  if (pare_node_is (node, "Upsample"))
    return (Layout){ -1, opset < 9 ? -1 : 1, -1 };
  return opset < 11 ? (Layout){ -1, 1, -1 } : (Layout){ 1, 2, 3 };
}

/* The numbers of an input as floats; NULL when it is absent or empty. */
static float *
read_floats (const PareView *inputs, guint n_inputs, gint index, guint *n)
{
  const PareView *view = index >= 0 && (guint)index < n_inputs ? &inputs[index] : NULL;
  float *data;

  *n = view && view->type != PARE_UNDEFINED ? pare_view_elements (view) : 0;
  if (!*n)
    return NULL;
  data = g_new (float, *n);
  pare_convert (view->type, view->data, PARE_FLOAT32, data, *n);
  return data;
}

/* The axes that scales and sizes are for. */
static guint
resized_axes (const PareNode *node, guint rank, guint axes[PARE_MAX_RANK])
{
  guint n, count = 0;
  const gint64 *given = pare_node_get_ints (node, "axes", &n);

  for (guint i = 0; i < MIN (given ? n : rank, PARE_MAX_RANK); i++)
    if (pare_axis_normalize (given ? given[i] : i, rank, &axes[count]))
      count++;
  return count;
}

static gboolean
size_from_scale (float scale, gint64 dim, gint64 *size)
{
  double product = floor ((double)dim * scale);

  *size = isfinite (product) && product < 9e15 ? (gint64)product : -1;
  return scale > 0 && *size >= 0;
}

/* Since version 18 sizes may be bounds: the image keeps its proportions, and fits into them or covers them. */
static gboolean
keep_proportions (const PareNode *node, const PareShape *x, const guint *axes, guint n, Geometry *geometry)
{
  g_autofree char *policy = pare_node_get_string (node, "keep_aspect_ratio_policy");
  gboolean larger = policy && strcmp (policy, "not_smaller") == 0;
  float scale = larger ? 0 : INFINITY;

  if (!policy || strcmp (policy, "stretch") == 0)
    return TRUE;
  for (guint i = 0; i < n; i++)
    {
      float along = geometry->scales[axes[i]];
      scale = larger ? MAX (scale, along) : MIN (scale, along);
    }
  for (guint i = 0; i < n; i++)
    {
      double size = floor ((double)scale * x->dims[axes[i]] + 0.5);
      if (!(size >= 0 && size < 9e15))
        return FALSE;
      geometry->scales[axes[i]] = scale;
      geometry->sizes[axes[i]] = size;
    }
  return TRUE;
}

/* FALSE when the inputs do not add up. */
static gboolean
geometry_of (const PareNode *node, gint64 opset, const PareView *inputs, guint n_inputs, Geometry *geometry)
{
  const PareShape *x = &inputs[0].shape;
  Layout layout = layout_of (node, opset);
  guint n_scales, n_sizes, n_roi, n_attribute, axes[PARE_MAX_RANK], n = resized_axes (node, x->rank, axes);
  g_autofree float *scales = read_floats (inputs, n_inputs, layout.scales, &n_scales);
  g_autofree float *sizes = read_floats (inputs, n_inputs, layout.sizes, &n_sizes);
  g_autofree float *roi = read_floats (inputs, n_inputs, layout.roi, &n_roi);
  const float *attribute = pare_node_get_floats (node, "scales", &n_attribute);
  const float *factors = scales ? scales : attribute;

  if ((factors ? (scales ? n_scales : n_attribute) : n_sizes) != n || (roi && n_roi != 2 * n) || (factors && sizes))
    return FALSE;
  for (guint i = 0; i < x->rank; i++)
    {
      geometry->scales[i] = geometry->ends[i] = 1;
      geometry->sizes[i] = x->dims[i];
      geometry->starts[i] = 0;
    }
  for (guint i = 0; i < n; i++)
    {
      guint axis = axes[i];
      gint64 dim = x->dims[axis];
      if (factors && !size_from_scale (factors[i], dim, &geometry->sizes[axis]))
        return FALSE;
      if (sizes && !(sizes[i] >= 0 && sizes[i] < 9e15f))
        return FALSE;
      if (sizes)
        geometry->sizes[axis] = sizes[i];
      geometry->scales[axis] = factors ? factors[i] : dim ? (float)geometry->sizes[axis] / dim : 1;
      if (dim == 0 && geometry->sizes[axis])
        return FALSE;
      if (roi)
        {
          geometry->starts[axis] = roi[i];
          geometry->ends[axis] = roi[n + i];
        }
    }
  return factors || keep_proportions (node, x, axes, n, geometry);
}

/* Attributes as numbers; FALSE when one is unknown here. */
static gboolean
method_of (const PareNode *node, gint64 opset, PareResample *method)
{
  static const char *const policies[] = { "stretch", "not_larger", "not_smaller", NULL };
  gboolean old = opset < 11;
  g_autofree char *mode = pare_node_get_string (node, "mode");
  g_autofree char *coordinates = pare_node_get_string (node, "coordinate_transformation_mode");
  g_autofree char *rounding = pare_node_get_string (node, "nearest_mode");
  g_autofree char *policy = pare_node_get_string (node, "keep_aspect_ratio_policy");

  if (mode && strcmp (mode, "bilinear") == 0)
    strcpy (mode, "linear");
  *method = (PareResample){ .cubic_a = pare_node_get_float (node, "cubic_coeff_a", -0.75f),
                            .antialias = pare_node_get_int (node, "antialias", 0) != 0,
                            .exclude_outside = pare_node_get_int (node, "exclude_outside", 0),
                            .outside = pare_node_get_float (node, "extrapolation_value", 0) };
  return pare_resample_set (method, mode ? mode : "nearest",
                            old           ? "asymmetric"
                            : coordinates ? coordinates
                                          : "half_pixel",
                            old        ? "floor"
                            : rounding ? rounding
                                       : "round_prefer_floor")
         && (!policy || g_strv_contains (policies, policy));
}

static gboolean
resize_infer (PareInfer *infer, GError **error)
{
  g_autofree PareView *views = g_new0 (PareView, infer->n_inputs + 1);
  PareResample method;
  Geometry geometry;

  if (!pare_infer_counts (infer, 1, 4, error) || !pare_infer_require (infer, 0, resize_types, error))
    return FALSE;
  if (!method_of (infer->node, infer->opset, &method))
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node,
                       "its mode, its coordinates or its aspect ratio policy is unknown.");
      return FALSE;
    }
  views[0] = (PareView){ infer->inputs[0].type, infer->inputs[0].shape, NULL };
  for (guint i = 1; i < infer->n_inputs; i++)
    {
      if (!pare_infer_has (infer, i))
        continue;
      if (!pare_infer_require (infer, i, pare_types_number, error) || !pare_infer_require_constant (infer, i, error))
        return FALSE;
      views[i] = (PareView){ infer->inputs[i].type, infer->inputs[i].shape,
                             (gpointer)pare_tensor_data (infer->constants[i]) };
    }
  if (!geometry_of (infer->node, infer->opset, views, infer->n_inputs, &geometry))
    {
      g_autofree char *shape = pare_shape_to_string (&infer->inputs[0].shape);
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its scales or sizes do not fit the input %s.", shape);
      return FALSE;
    }
  infer->outputs[0] = infer->inputs[0];
  for (guint i = 0; i < infer->inputs[0].shape.rank; i++)
    infer->outputs[0].shape.dims[i] = geometry.sizes[i];
  return TRUE;
}

/* Axis after axis, through float32. */
static gboolean
resize_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  PareResample method;
  Geometry geometry;
  PareShape shape = x->shape;
  g_autofree float *data = NULL;

  method_of (kernel->node, kernel->opset, &method);
  geometry_of (kernel->node, kernel->opset, kernel->inputs, kernel->n_inputs, &geometry);
  if (pare_view_elements (y) == 0)
    return TRUE;
  data = g_new (float, MAX (pare_view_elements (x), 1));
  pare_convert (x->type, x->data, PARE_FLOAT32, data, pare_view_elements (x));
  for (guint axis = 0; axis < shape.rank; axis++)
    {
      PareResampleAxis along
          = { shape.dims[axis],      geometry.sizes[axis], geometry.scales[axis],
              geometry.starts[axis], geometry.ends[axis],  pare_shape_span (&shape, axis + 1, shape.rank) };
      float *next;
      if (!pare_resample_changes (&method, &along))
        continue;
      next = pare_resample (&method, &along, pare_shape_span (&shape, 0, axis), data);
      g_free (data);
      data = next;
      shape.dims[axis] = geometry.sizes[axis];
    }
  pare_convert (PARE_FLOAT32, data, y->type, y->data, pare_view_elements (y));
  return TRUE;
}

/* ResizeGrad (like, roi, scales, sizes, dy), the inputs and attributes as Resize has them at @GRADIENT_OPSET: each
 * element of @dy is shared out to what it was interpolated from. */
#define GRADIENT_OPSET 17

static gboolean
gradient_infer (PareInfer *infer, GError **error)
{
  static const guint order[] = { 0, 1, 2, 3 };

  return pare_infer_counts (infer, 5, 5, error)
         && pare_infer_gradient (infer, resize_infer, G_N_ELEMENTS (order), order, 4, error)
         && pare_infer_same (infer, error);
}

/* The axes the other way round. */
static gboolean
gradient_forward (const PareKernel *kernel, GError **error)
{
  const PareView *dy = &kernel->inputs[4], *dx = &kernel->outputs[0];
  PareShape shape = dy->shape;
  PareResample method;
  Geometry geometry;
  g_autofree float *data = g_memdup2 (dy->data, MAX (pare_view_elements (dy), 1) * sizeof (float));

  method_of (kernel->node, GRADIENT_OPSET, &method);
  geometry_of (kernel->node, GRADIENT_OPSET, kernel->inputs, 4, &geometry);
  for (guint axis = shape.rank; axis-- > 0;)
    {
      PareResampleAxis along
          = { dx->shape.dims[axis],  geometry.sizes[axis], geometry.scales[axis],
              geometry.starts[axis], geometry.ends[axis],  pare_shape_span (&shape, axis + 1, shape.rank) };
      float *next;
      if (!pare_resample_changes (&method, &along))
        continue;
      next = pare_resample_transposed (&method, &along, pare_shape_span (&shape, 0, axis), data);
      g_free (data);
      data = next;
      shape.dims[axis] = dx->shape.dims[axis];
    }
  memcpy (dx->data, data, pare_view_elements (dx) * sizeof (float));
  return TRUE;
}

static gboolean
resize_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *inputs[5] = { NULL };
  PareValue *dx;

  if (pare_node_is (node, "Upsample"))
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, node, "convert the model to opset 11 to differentiate it.");
      return FALSE;
    }
  for (guint i = 0; i < 4; i++)
    inputs[i] = pare_node_input (node, i);
  inputs[4] = pare_gradient_of_output (gradient, 0);
  dx = pare_gradient_node (gradient, PARE_DOMAIN, "ResizeGrad", 5, inputs, NULL);
  for (guint i = 0; i < node->attributes->len; i++)
    pare_node_set_attribute (dx->producer, pare_attribute_copy (node->attributes->pdata[i], NULL));
  pare_gradient_add (gradient, 0, dx);
  return TRUE;
}

/* An axis that keeps its size is not resampled; where the sizes are given, its own follows the channels. */
static void
resize_channels (PareChannelWalk *channels)
{
  const PareInfer *infer = pare_channels_infer (channels);
  const PareShape *from = &infer->inputs[0].shape, *to = &infer->outputs[0].shape;
  guint axes[PARE_MAX_RANK], n = resized_axes (infer->node, from->rank, axes);
  gint sizes = layout_of (infer->node, infer->opset).sizes;

  for (guint axis = 0; axis < from->rank; axis++)
    {
      const guint *along = pare_channels_along (channels, 0, axis);
      if (along && from->dims[axis] == to->dims[axis])
        pare_channels_give (channels, 0, axis, along);
      else if (along)
        pare_channels_keep (channels, from->dims[axis], along, ", which resamples them");
    }
  for (guint i = 0; sizes >= 0 && pare_node_literal (infer->node, sizes) && i < n; i++)
    if (pare_channels_given (channels, 0, axes[i]))
      pare_channels_count_input (channels, sizes, i, to->dims[axes[i]], pare_channels_given (channels, 0, axes[i]));
}

PARE_OPERATORS (resize) = {
  { .name = "Resize",
    .since = 10,
    .infer = resize_infer,
    .forward = resize_forward,
    .backward = resize_backward,
    .channels = resize_channels },
  { .name = "ResizeGrad",
    .domain = PARE_DOMAIN,
    .infer = gradient_infer,
    .forward = gradient_forward,
    .shape_inputs = 1 << 0 },
  { .name = "Upsample",
    .since = 7,
    .infer = resize_infer,
    .forward = resize_forward,
    .backward = resize_backward,
    .channels = resize_channels },
  { NULL },
};
