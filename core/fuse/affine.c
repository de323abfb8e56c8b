/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Reads what an affine node computes into one form. */
#include "fuse/affine.h"
#include <math.h>

void
pare_affine_free (PareAffine *affine)
{
  g_free (affine->scale);
  g_free (affine->shift);
  g_free (affine);
}

static PareAffine *
affine_new (PareValue *data, gint64 n)
{
  PareAffine *affine = g_new0 (PareAffine, 1);

  affine->data = data;
  affine->n = n;
  affine->scale = g_new (double, n);
  affine->shift = g_new (double, n);
  return affine;
}

static gboolean
is_finite (const PareAffine *affine)
{
  for (gint64 i = 0; i < affine->n; i++)
    if (!isfinite (affine->scale[i]) || !isfinite (affine->shift[i]))
      return FALSE;
  return TRUE;
}

/* Before opset 14 a node that writes statistics is one that trains; before 7 it had to say that it does not. */
static gboolean
is_training (const PareNode *node)
{
  for (guint i = 1; i < node->outputs->len; i++)
    if (node->outputs->pdata[i])
      return TRUE;
  if (pare_graph_opset (node->graph, node->domain) < 7 && !pare_node_get_int (node, "is_test", 0))
    return TRUE;
  return pare_node_get_int (node, "training_mode", 0) != 0;
}

PareAffine *
pare_affine_read_batchnorm (const PareNode *node, const char **reason)
{
  double epsilon = pare_node_get_float (node, "epsilon", 1e-5f);
  PareTensor *scale = pare_node_constant (node, 1), *shift = pare_node_constant (node, 2);
  PareTensor *mean = pare_node_constant (node, 3), *variance = pare_node_constant (node, 4);
  const PareTensor *all[] = { scale, shift, mean, variance };
  g_autoptr (PareAffine) affine = NULL;

  *reason = NULL;
  if (!pare_node_is (node, "BatchNormalization") || !pare_node_input (node, 0) || !pare_node_output (node, 0))
    return NULL;
  if (is_training (node))
    {
      *reason = "it is in training mode";
      return NULL;
    }
  *reason = "its statistics are not constants with one number per channel";
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (!all[i] || !pare_data_type_is_float (all[i]->type) || all[i]->shape.rank != 1 || all[i]->shape.dims[0] < 1
        || all[i]->shape.dims[0] != scale->shape.dims[0] || !pare_node_get_int (node, "spatial", 1))
      return NULL;
  affine = affine_new (pare_node_input (node, 0), scale->shape.dims[0]);
  affine->axis = 1;
  affine->least_rank = 2;
  for (gint64 i = 0; i < affine->n; i++)
    {
      double factor = pare_tensor_get_double (scale, i) / sqrt (pare_tensor_get_double (variance, i) + epsilon);
      affine->scale[i] = factor;
      affine->shift[i] = pare_tensor_get_double (shift, i) - pare_tensor_get_double (mean, i) * factor;
    }
  *reason = "its statistics give numbers that are not finite";
  return is_finite (affine) ? g_steal_pointer (&affine) : NULL;
}

/* What each operator does with the constant c and which side c stands on. */
static void
put_sum (double c, gboolean constant_first, double *scale, double *shift)
{
  *scale = 1;
  *shift = c;
}

static void
put_difference (double c, gboolean constant_first, double *scale, double *shift)
{
  *scale = constant_first ? -1 : 1;
  *shift = constant_first ? c : -c;
}

static void
put_product (double c, gboolean constant_first, double *scale, double *shift)
{
  *scale = c;
  *shift = 0;
}

static void
put_quotient (double c, gboolean constant_first, double *scale, double *shift)
{
  *scale = constant_first ? NAN : 1 / c; /* c / x is not affine */
  *shift = 0;
}

static const struct
{
  const char *op_type;
  void (*put) (double c, gboolean constant_first, double *scale, double *shift);
} arithmetic[] = {
  { "Add", put_sum },
  { "Sub", put_difference },
  { "Mul", put_product },
  { "Div", put_quotient },
};

/* The numbers of @constant run along one axis at most, which goes to @axis, counted from the end. */
static gboolean
find_axis (const PareTensor *constant, guint *axis)
{
  gint64 n = pare_tensor_elements (constant);

  *axis = 0;
  if (!pare_data_type_is_float (constant->type) || n < 1)
    return FALSE;
  for (guint i = 0; i < constant->shape.rank; i++)
    if (constant->shape.dims[i] == n && n > 1)
      *axis = constant->shape.rank - 1 - i;
    else if (constant->shape.dims[i] != 1)
      return FALSE;
  return TRUE;
}

PareAffine *
pare_affine_read_arithmetic (const PareNode *node)
{
  g_autoptr (PareAffine) affine = NULL;
  gboolean constant_first;
  const PareTensor *constant;
  guint kind = 0, axis;

  while (kind < G_N_ELEMENTS (arithmetic) && !pare_node_is (node, arithmetic[kind].op_type))
    kind++;
  /* Older operator sets broadcast by attributes. */
  if (kind == G_N_ELEMENTS (arithmetic) || pare_graph_opset (node->graph, node->domain) < 7 || node->inputs->len != 2
      || node->outputs->len != 1 || !node->inputs->pdata[0] || !node->inputs->pdata[1] || !node->outputs->pdata[0])
    return NULL;
  constant_first = pare_node_constant (node, 0) != NULL;
  constant = pare_node_constant (node, constant_first ? 0 : 1);
  if (!constant || (constant_first && pare_node_constant (node, 1)) || !find_axis (constant, &axis))
    return NULL;
  affine = affine_new (pare_node_input (node, constant_first ? 1 : 0), pare_tensor_elements (constant));
  affine->axis = axis;
  affine->from_end = TRUE;
  affine->least_rank = constant->shape.rank;
  for (gint64 i = 0; i < affine->n; i++)
    arithmetic[kind].put (pare_tensor_get_double (constant, i), constant_first, &affine->scale[i], &affine->shift[i]);
  return is_finite (affine) ? g_steal_pointer (&affine) : NULL;
}
