/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Rescales the channels of a group: x'_c = x_c / f_c with
 *   W'_c = W_c / f_c, b'_c = b_c / f_c of what computes them, and W''_c = W_c f_c of what reads them. */
#include "equalize/scalegroup.h"
#include "fuse/layer.h"
#include "fuse/numbers.h"
#include "ops/operator.h"
#include <float.h>

/* One number per index of @at. */
static double *
spread (const PareScaledValue *at, const double *factors, gboolean inverse)
{
  double *numbers = g_new (double, at->n);

  for (guint i = 0; i < at->n; i++)
    numbers[i] = inverse ? 1 / factors[at->channels[i]] : factors[at->channels[i]];
  return numbers;
}

static gboolean
too_large (const PareNode *node, GError **error)
{
  pare_node_error (error, PARE_ERROR_FORMAT, node,
                   "its weights get too large for their type when channels are rescaled: put it into skip-layers.");
  return FALSE;
}

static gboolean
scale_layer (PareNode *node, const PareScaledValue *at, const double *factors, gboolean output, GError **error)
{
  g_autofree double *numbers = spread (at, factors, output), *zeros = g_new0 (double, at->n);
  gboolean copied;
  const char *reason;
  g_autoptr (PareLayer) layer = pare_layer_open (node, &reason);

  g_assert (layer);
  if (output)
    pare_layer_affine_behind (layer, at->n, numbers, zeros);
  else
    pare_layer_affine_before (layer, at->n, numbers, zeros);
  return pare_layer_write (layer, &copied, &reason) || too_large (node, error);
}

/* @shape with @n indices where it has one, or nothing, at @from_end axes from its last one. */
static PareShape
widened (const PareShape *shape, guint from_end, guint n)
{
  PareShape result = { .rank = MAX (shape->rank, from_end + 1) };

  for (guint i = 0; i < result.rank; i++)
    result.dims[i] = i + shape->rank < result.rank ? 1 : shape->dims[i + shape->rank - result.rank];
  result.dims[result.rank - 1 - from_end] = n;
  return result;
}

/* Divides the constant input @input, whose channels are @from_end axes from its last one. */
static gboolean
scale_constant (PareNode *node, guint input, guint from_end, const PareScaledValue *at, const double *factors,
                GError **error)
{
  PareTensor *old = pare_node_constant (node, input);
  PareShape shape = widened (&old->shape, from_end, at->n);
  guint axis = shape.rank - 1 - from_end;
  gint64 n = pare_shape_elements (&shape), inner = pare_shape_span (&shape, axis + 1, shape.rank);
  g_autofree double *factor = spread (at, factors, TRUE), *numbers = pare_numbers_read (old);
  g_autofree double *scaled = g_new (double, MAX (n, 1));
  gboolean stretched = pare_tensor_elements (old) != n, copied;
  g_autoptr (PareTensor) tensor = NULL;

  for (gint64 i = 0; i < n; i++)
    {
      gint64 outer = i / inner / at->n, channel = i / inner % at->n;
      scaled[i] = numbers[stretched ? outer * inner + i % inner : i] * factor[channel];
    }
  tensor = pare_numbers_tensor (old->type, &shape, scaled);
  if (!tensor)
    return too_large (node, error);
  pare_numbers_write (node, input, tensor, &copied);
  return TRUE;
}

static gboolean
scale_output (PareNode *node, const PareScaledValue *at, const double *factors, GError **error)
{
  const PareOperator *op = pare_operator_of (node);
  PareAffineTrait affine;
  guint from_end;

  if (!op->affine)
    return scale_layer (node, at, factors, TRUE, error);
  op->affine (node, &affine);
  from_end = affine.axis < 0 ? -1 - affine.axis : 0; /* those that run along a certain axis are vectors */
  return scale_constant (node, affine.scale, from_end, at, factors, error)
         && (!pare_node_input (node, affine.shift)
             || scale_constant (node, affine.shift, from_end, at, factors, error));
}

/* A node that compares @x with @bound / f of each channel. Returns its result. */
static PareValue *
add_bound (PareNode *clip, const char *op_type, PareValue *x, double bound, const PareScaledValue *at,
           const double *factors)
{
  PareGraph *graph = clip->graph;
  PareShape shape = { .rank = at->rank - at->axis };
  g_autofree char *name = g_strconcat (pare_node_label (clip), "/", op_type, NULL);
  g_autofree float *bounds = g_new (float, at->n);
  g_autoptr (PareTensor) tensor = NULL;
  PareNode *node = pare_graph_add_node (graph, "", op_type, name, clip);
  PareValue *output = pare_graph_add_value_near (graph, name);

  for (guint i = 0; i < shape.rank; i++)
    shape.dims[i] = i ? 1 : at->n;
  for (guint i = 0; i < at->n; i++)
    bounds[i] = (float)(bound / factors[at->channels[i]]);
  tensor = pare_tensor_new_floats (&shape, bounds);
  pare_node_add_input (node, x);
  if (*op_type != 'R')
    pare_node_add_input (node, pare_graph_add_constant (graph, name, tensor));
  pare_node_add_output (node, output);
  return output;
}

/* Clip has one bound for all. What stands in its place has one per channel: Max, or Relu for a bound of zero, and Min.
 */
static void
scale_bounds (PareNode *clip, const PareScaledValue *at, const double *factors)
{
  PareValue *x = pare_node_input (clip, 0), *output = pare_node_output (clip, 0);
  PareGraph *graph = clip->graph;
  PareEltwise bounds;
  PareNode *last;

  pare_operator_of (clip)->eltwise (clip, &bounds);
  if (bounds.alpha > -FLT_MAX)
    x = add_bound (clip, bounds.alpha == 0 ? "Relu" : "Max", x, bounds.alpha, at, factors);
  if (bounds.beta < FLT_MAX)
    x = add_bound (clip, "Min", x, bounds.beta, at, factors);
  if (x == pare_node_input (clip, 0))
    return;
  last = x->producer;
  pare_graph_remove_node (graph, clip);
  pare_node_set_output (last, 0, output);
}

static gboolean
apply_part (const PareScaledPart *part, const double *factors, GError **error)
{
  const PareScaledValue *at = part->at;

  switch (part->role)
    {
    case PARE_SCALED_OUTPUT:
      return scale_output (part->node, at, factors, error);
    case PARE_SCALED_INPUT:
      return scale_layer (part->node, at, factors, FALSE, error);
    case PARE_SCALED_CONSTANT:
      return scale_constant (part->node, part->input, at->rank - 1 - at->axis, at, factors, error);
    case PARE_SCALED_BOUNDS:
      scale_bounds (part->node, at, factors);
      return TRUE;
    }
  g_assert_not_reached ();
}

gboolean
pare_scale_group_apply (PareScaleGroup *group, const double *factors, GError **error)
{
  for (guint i = 0; i < group->parts->len; i++)
    if (!apply_part (group->parts->pdata[i], factors, error))
      return FALSE;
  return TRUE;
}
