/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the backward functions of the heavy operators share. */
#include "ops/backward.h"
#include "ops/infer.h"

PareNode *
pare_backward_node (PareGradient *gradient, const char *op_type, const PareNode *like, guint n_inputs,
                    PareValue *const *inputs, guint n_outputs)
{
  PareValue *first = pare_gradient_node (gradient, PARE_DOMAIN, op_type, n_inputs, inputs, NULL);
  PareNode *node = first->producer;

  for (guint i = 0; i < like->attributes->len; i++)
    pare_node_set_attribute (node, pare_attribute_copy (like->attributes->pdata[i], NULL));
  while (node->outputs->len < n_outputs)
    pare_gradient_add_output (gradient, first);
  return node;
}

PareSlot *
pare_backward_output (PareCompile *compile, guint index, const PareSpec *spec, const PareLayout *layout, GError **error)
{
  if (pare_infer_wants (pare_compile_infer (compile), index))
    return pare_compile_output (compile, index, layout, error);
  return pare_compile_temporary (compile, spec, layout);
}

gboolean
pare_backward_require (const PareInfer *infer, guint n, GError **error)
{
  static const PareDataType types[] = { PARE_FLOAT32, 0 };

  for (guint i = 0; i < n; i++)
    if (!pare_infer_require (infer, i, types, error))
      return FALSE;
  return TRUE;
}

gboolean
pare_backward_fits (const PareInfer *infer, gboolean (*forward) (PareInfer *infer, GError **error), guint n,
                    const PareSpec *inputs, const PareSpec *dy, GError **error)
{
  PareTensor *constants[2] = { NULL };
  PareSpec y = { 0 };
  PareInfer asked = { .node = infer->node,
                      .opset = infer->opset,
                      .n_inputs = n,
                      .inputs = inputs,
                      .constants = constants,
                      .n_outputs = 1,
                      .outputs = &y };

  g_assert (n <= G_N_ELEMENTS (constants));
  if (!forward (&asked, error))
    return FALSE;
  if (pare_shape_equal (&y.shape, &dy->shape))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the gradient does not have the shape of the result.");
  return FALSE;
}
