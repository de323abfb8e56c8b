/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Gradients of the poolings by their input: pare.MaxPoolGrad (dy, x) and so on, with the forward node's attributes. */
#include "ops/backward.h"
#include "ops/pool.h"
#include <string.h>

static gboolean
poolgrad_infer (PareInfer *infer, GError **error)
{
  if (!pare_backward_require (infer, 2, error)
      || !pare_backward_fits (infer, pare_operators_pool->infer, 1, &infer->inputs[1], &infer->inputs[0], error))
    return FALSE;
  infer->outputs[0] = infer->inputs[1];
  return TRUE;
}

/* By the definition: every case that oneDNN has not. */
static gboolean
poolgrad_forward (const PareKernel *kernel, GError **error)
{
  const PareView *dy = &kernel->inputs[0], *x = &kernel->inputs[1];
  const gint64 *x_dims = x->shape.dims + 2, *y_dims = dy->shape.dims + 2;
  gboolean max = pare_pool_is_max (kernel->node);
  gboolean with_padding = pare_node_get_int (kernel->node, "count_include_pad", 0) != 0;
  gint64 x_size = pare_shape_span (&x->shape, 2, x->shape.rank);
  gint64 y_size = pare_shape_span (&dy->shape, 2, dy->shape.rank);
  g_autofree double *in = g_new (double, MAX (x_size, 1));
  g_autofree gint64 *offsets = g_new (gint64, MAX (x_size, 1));
  PareWindow window;

  if (!pare_pool_window (kernel->node, &x->shape, &window, error))
    return FALSE;
  for (gint64 p = 0; p < x->shape.dims[0] * x->shape.dims[1]; p++)
    {
      const float *from = (const float *)dy->data + p * y_size;
      float *to = (float *)kernel->outputs[0].data + p * x_size;
      pare_convert (PARE_FLOAT32, (const float *)x->data + p * x_size, PARE_FLOAT64, in, x_size);
      memset (to, 0, x_size * sizeof *to);
      for (gint64 o = 0; o < y_size; o++)
        {
          gint64 counted, n = pare_pool_walk (&window, x_dims, y_dims, o, with_padding, offsets, &counted);
          if (max && n)
            to[pare_pool_best (in, offsets, n)] += from[o];
          for (gint64 i = 0; i < n && !max; i++)
            to[offsets[i]] += from[o] / counted;
        }
    }
  return TRUE;
}

/* Which element was the largest is found out once more here: that costs less memory traffic than keeping the answer. */
static void
compile_again (PareCompile *compile, ParePrimitive *forward, PareSlot *x, PareSlot *workspace)
{
  static const PareArg args[] = { PARE_ARG_SRC, PARE_ARG_DST, PARE_ARG_WORKSPACE };
  g_autoptr (PareLayout) dst = pare_primitive_layout (forward, PARE_ARG_DST);
  PareSlot *slots[] = { x, pare_compile_temporary (compile, &pare_compile_infer (compile)->inputs[0], dst), workspace };

  pare_compile_primitive (compile, forward, 3, args, slots);
}

static gboolean
poolgrad_compile (PareCompile *compile, GError **error)
{
  static const PareArg args[] = { PARE_ARG_DIFF_DST, PARE_ARG_DIFF_SRC, PARE_ARG_WORKSPACE };
  const PareInfer *infer = pare_compile_infer (compile);
  g_autoptr (ParePrimitive) forward = NULL, backward = NULL;
  g_autoptr (PareLayout) dy_layout = NULL, workspace = NULL;
  PareSlot *x = pare_compile_input_as_is (compile, 1), *slots[3] = { NULL };
  PareWindow window;

  if (!pare_pool_window (infer->node, &infer->inputs[1].shape, &window, error))
    return FALSE;
  if (!pare_pool_fits_onednn (infer->node, &infer->inputs[1], &window))
    return pare_compile_forward (compile, error);
  if (!pare_primitive_pool_training (pare_pool_kind (infer->node), x->layout, &infer->inputs[0], &window, &forward,
                                     &backward, error))
    return FALSE;
  dy_layout = pare_primitive_layout (backward, PARE_ARG_DIFF_DST);
  if ((workspace = pare_primitive_layout (forward, PARE_ARG_WORKSPACE)))
    {
      PareSpec bytes = { PARE_UINT8, { 1, { pare_layout_size (workspace) } } };
      slots[2] = pare_compile_temporary (compile, &bytes, workspace);
      compile_again (compile, g_steal_pointer (&forward), x, slots[2]);
    }
  if (!(slots[0] = pare_compile_input (compile, 0, dy_layout, error))
      || !(slots[1] = pare_compile_output (compile, 0, x->layout, error)))
    return FALSE;
  pare_compile_primitive (compile, g_steal_pointer (&backward), workspace ? 3 : 2, args, slots);
  return TRUE;
}

#define POOL_GRADIENT(operator)                                                                                        \
  {                                                                                                                    \
    .name = operator, .domain = PARE_DOMAIN, .infer = poolgrad_infer, .forward = poolgrad_forward,                     \
    .compile = poolgrad_compile                                                                                        \
  }

PARE_OPERATORS (poolgrad) = {
  POOL_GRADIENT ("MaxPoolGrad"),
  POOL_GRADIENT ("AveragePoolGrad"),
  POOL_GRADIENT ("GlobalMaxPoolGrad"),
  POOL_GRADIENT ("GlobalAveragePoolGrad"),
  { NULL },
};
