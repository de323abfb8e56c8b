/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Follows an axis by asking the operator itself: its input holds the index along the axis in every element, and the
 * result tells where they went. So nothing has to be said of any operator but that it moves data. */
#include "equalize/route.h"
#include "ops/operator.h"
#include <math.h>

/* Larger values are not followed: bounds memory. */
#define MOST_ELEMENTS (1 << 26)

/* Element i is its index along @axis, and 1. */
static PareTensor *
number_axis (const PareShape *shape, guint axis)
{
  gint64 n = pare_shape_elements (shape), inner = pare_shape_span (shape, axis + 1, shape->rank);
  float *numbers = g_new (float, MAX (n, 1));

  for (gint64 i = 0; i < n; i++)
    numbers[i] = (float)(i / inner % shape->dims[axis] + 1);
  return pare_tensor_new_take (PARE_FLOAT32, shape, numbers);
}

/* The indices along @axis of @result when it depends on that axis alone; averages may have rounded them. */
static guint *
read_axis (const PareTensor *result, guint axis, gint64 most)
{
  const float *numbers = pare_tensor_data (result);
  gint64 n = pare_tensor_elements (result), size = result->shape.dims[axis];
  gint64 inner = pare_shape_span (&result->shape, axis + 1, result->shape.rank);
  g_autofree guint *sources = g_new (guint, MAX (size, 1));

  for (gint64 i = 0; i < size; i++)
    {
      float number = roundf (numbers[i * inner]);
      if (!(number >= 1) || number > (float)most)
        return NULL;
      sources[i] = (guint)number - 1;
    }
  for (gint64 i = 0; i < n; i++)
    if (fabsf (numbers[i] - (float)(sources[i / inner % size] + 1)) > 0.25f)
      return NULL;
  return g_steal_pointer (&sources);
}

/* What @node makes of @data; NULL where it has no output @output, or needs more than that to run. */
static PareTensor *
run_node (const PareInference *inference, const PareNode *node, PareTensor *data, guint output)
{
  g_autofree PareInfer *infer = pare_inference_describe (inference, node);
  g_autofree PareTensor **inputs = g_new0 (PareTensor *, node->inputs->len);
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, node->outputs->len);
  PareTensor *result = NULL;

  inputs[0] = data;
  for (guint i = 1; i < node->inputs->len; i++)
    {
      inputs[i] = infer->constants[i];
      if (node->inputs->pdata[i] && !inputs[i])
        return NULL;
    }
  if (pare_evaluate_node (node, inputs, outputs, NULL))
    result = outputs[output] ? pare_tensor_ref (outputs[output]) : NULL;
  for (guint i = 0; i < node->outputs->len; i++)
    g_clear_pointer (&outputs[i], pare_tensor_unref);
  return result;
}

guint *
pare_route_axis (const PareInference *inference, const PareNode *node, guint axis, guint output, guint *target)
{
  const PareSpec *spec = pare_inference_spec (inference, pare_node_input (node, 0));
  gint64 elements = spec ? pare_shape_elements (&spec->shape) : 0;
  g_autoptr (PareTensor) data = NULL, result = NULL;

  if (elements < 1 || elements > MOST_ELEMENTS || axis >= spec->shape.rank)
    return NULL;
  data = number_axis (&spec->shape, axis);
  result = run_node (inference, node, data, output);
  if (!result || result->type != PARE_FLOAT32 || pare_tensor_elements (result) < 1)
    return NULL;
  for (guint i = 0; i < result->shape.rank; i++)
    {
      guint *sources = result->shape.dims[i] > 1 ? read_axis (result, i, spec->shape.dims[axis]) : NULL;
      if (sources)
        {
          *target = i;
          return sources;
        }
    }
  return NULL;
}
