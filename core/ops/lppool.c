/* SPDX-License-Identifier: LGPL-2.1-or-later
 * LpPool and GlobalLpPool (ONNX operators of these names): (sum of |x|^p)^(1/p) over a window. */
#include "ops/parallel.h"
#include "ops/pool.h"
#include "ops/infer.h"
#include "ops/samples.h"
#include "sparsify/channels.h"
#include <math.h>

/* Version 1 had a float. */
static double
order_of (const PareNode *node)
{
  const PareAttribute *p = pare_node_attribute (node, "p");

  return p && p->type == PARE_ATTRIBUTE_FLOAT ? p->u.f : pare_node_get_int (node, "p", 2);
}

static gboolean
lp_infer (PareInfer *infer, GError **error)
{
  gboolean ceil = pare_node_get_int (infer->node, "ceil_mode", 0) != 0;
  const PareShape *x = &infer->inputs[0].shape;
  PareWindow window;

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_widened, error))
    return FALSE;
  if (x->rank < 3 || !(order_of (infer->node) >= 1))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       x->rank < 3 ? "the input needs at least one spatial axis." : "its p is less than 1.");
      return FALSE;
    }
  if (!pare_pool_window (infer->node, x, &window, error))
    return FALSE;
  infer->outputs[0] = infer->inputs[0];
  for (guint i = 0; i < window.n; i++)
    if ((infer->outputs[0].shape.dims[2 + i] = pare_window_output (&window, i, x->dims[2 + i], ceil)) == 0
        && x->dims[2 + i])
      {
        pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the window is larger than the padded input.");
        return FALSE;
      }
  return TRUE;
}

typedef struct
{
  const PareShape *x, *y;
  PareWindow window;
  double p;
  const float *in;
  float *out;
} Job;

static void
pool_planes (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  gint64 x_size = pare_shape_span (job->x, 2, job->x->rank), y_size = pare_shape_span (job->y, 2, job->y->rank);
  g_autofree gint64 *offsets = g_new (gint64, MAX (x_size, 1));

  for (gint64 plane = from; plane < to; plane++)
    for (gint64 o = 0; o < y_size; o++)
      {
        gint64 counted,
            n = pare_pool_walk (&job->window, job->x->dims + 2, job->y->dims + 2, o, FALSE, offsets, &counted);
        double sum = 0;
        for (gint64 i = 0; i < n; i++)
          sum += pow (fabsf (job->in[plane * x_size + offsets[i]]), job->p);
        job->out[plane * y_size + o] = pow (sum, 1 / job->p);
      }
}

static gboolean
lp_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  Job job = { .x = &x->shape, .y = &y->shape, .p = order_of (kernel->node), .in = x->data, .out = y->data };

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, lp_forward, error);
  if (!pare_pool_window (kernel->node, &x->shape, &job.window, error))
    return FALSE;
  pare_parallel (pare_shape_span (&x->shape, 0, 2), 1, pool_planes, &job);
  return TRUE;
}

#define LP_POOL(op)                                                                                                    \
  .name = op, .infer = lp_infer, .forward = lp_forward, .by_sample = pare_samples_alone,                               \
  .channels = pare_channels_window, .quantize_note = "runtimes have no int8 kernel for " op

PARE_OPERATORS (lppool) = {
  { LP_POOL ("LpPool") },
  { LP_POOL ("GlobalLpPool") },
  { NULL },
};
