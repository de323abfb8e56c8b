/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare.SoftmaxCrossEntropy: the cross-entropy of every sample, scores [N,C,..] taken as logits along axis 1. The target
 * is the number of the class (int64 [N,..]) or the probability of every class (float32 [N,C,..]), of which
 * label_smoothing s leaves 1 - s and spreads s over all classes (Szegedy et al., Rethinking the Inception architecture,
 * 2016, section 7). Positions behind the class axis are averaged. One operator, so that softmax and logarithm meet
 * without overflow and the gradient is p - q. */
#include "ops/infer.h"
#include "ops/parallel.h"
#include "train/gradient.h"
#include <math.h>

typedef struct
{
  gint64 classes, inner;
  float smoothing;
  const float *scores;
  const gint64 *labels;
  const float *probabilities; /* NULL with labels */
  const float *weight;        /* of the gradient: by sample */
  float *result;
} Job;

static gboolean
targets_fit (const PareInfer *infer)
{
  const PareShape *scores = &infer->inputs[0].shape, *target = &infer->inputs[1].shape;
  gboolean fits = target->rank + 1 == scores->rank && target->dims[0] == scores->dims[0];

  if (infer->inputs[1].type == PARE_FLOAT32)
    return pare_shape_equal (scores, target);
  for (guint i = 1; fits && i < target->rank; i++)
    fits = target->dims[i] == scores->dims[i + 1];
  return fits;
}

static gboolean
infer_inputs (PareInfer *infer, GError **error)
{
  static const PareDataType scores[] = { PARE_FLOAT32, 0 }, targets[] = { PARE_INT64, PARE_FLOAT32, 0 };

  if (!pare_infer_require (infer, 0, scores, error) || !pare_infer_require (infer, 1, targets, error))
    return FALSE;
  if (infer->inputs[0].shape.rank >= 2 && pare_shape_elements (&infer->inputs[0].shape) > 0 && targets_fit (infer))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the targets do not fit the scores.");
  return FALSE;
}

static gboolean
loss_infer (PareInfer *infer, GError **error)
{
  if (!infer_inputs (infer, error))
    return FALSE;
  infer->outputs[0] = (PareSpec){ PARE_FLOAT32, { 1, { infer->inputs[0].shape.dims[0] } } };
  return TRUE;
}

static gboolean
gradient_infer (PareInfer *infer, GError **error)
{
  static const PareDataType floats[] = { PARE_FLOAT32, 0 };

  if (!infer_inputs (infer, error) || !pare_infer_require (infer, 2, floats, error))
    return FALSE;
  if (pare_shape_elements (&infer->inputs[2].shape) != infer->inputs[0].shape.dims[0])
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the gradient does not have one entry per sample.");
      return FALSE;
    }
  infer->outputs[0] = infer->inputs[0];
  return TRUE;
}

static Job
job_of (const PareKernel *kernel)
{
  const PareView *scores = &kernel->inputs[0], *target = &kernel->inputs[1];
  gboolean labels = target->type == PARE_INT64;

  return (Job){ scores->shape.dims[1],
                pare_shape_span (&scores->shape, 2, scores->shape.rank),
                pare_node_get_float (kernel->node, "label_smoothing", 0),
                scores->data,
                labels ? target->data : NULL,
                labels ? NULL : target->data,
                kernel->n_inputs > 2 ? kernel->inputs[2].data : NULL,
                kernel->outputs[0].data };
}

/* What the target says of class @c at position @at of sample @n. */
static double
wanted (const Job *job, gint64 n, gint64 c, gint64 at)
{
  double sure = job->labels ? job->labels[n * job->inner + at] == c
                            : job->probabilities[(n * job->classes + c) * job->inner + at];

  return (1 - job->smoothing) * sure + job->smoothing / job->classes;
}

/* log (sum (exp x)), the highest taken out, so that nothing overflows. */
static double
log_sum_exp (const Job *job, const float *x)
{
  double highest = -INFINITY, sum = 0;

  for (gint64 c = 0; c < job->classes; c++)
    highest = MAX (highest, x[c * job->inner]);
  for (gint64 c = 0; c < job->classes; c++)
    sum += exp (x[c * job->inner] - highest);
  return highest + log (sum);
}

static void
loss_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 n = from; n < to; n++)
    {
      double total = 0;
      for (gint64 at = 0; at < job->inner; at++)
        {
          const float *x = job->scores + n * job->classes * job->inner + at;
          double log_sum = log_sum_exp (job, x);
          for (gint64 c = 0; c < job->classes; c++)
            total += wanted (job, n, c, at) * (log_sum - x[c * job->inner]);
        }
      job->result[n] = total / job->inner;
    }
}

static void
gradient_rows (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;

  for (gint64 n = from; n < to; n++)
    for (gint64 at = 0; at < job->inner; at++)
      {
        gint64 start = n * job->classes * job->inner + at;
        const float *x = job->scores + start;
        double log_sum = log_sum_exp (job, x), mass = 0, weight = job->weight[n] / job->inner;
        for (gint64 c = 0; c < job->classes; c++)
          mass += wanted (job, n, c, at);
        for (gint64 c = 0; c < job->classes; c++)
          job->result[start + c * job->inner]
              = weight * (mass * exp (x[c * job->inner] - log_sum) - wanted (job, n, c, at));
      }
}

static gboolean
run (const PareKernel *kernel, PareLoop rows)
{
  Job job = job_of (kernel);

  pare_parallel (kernel->inputs[0].shape.dims[0], PARE_GRAIN / 32 / (job.classes * job.inner), rows, &job);
  return TRUE;
}

static gboolean
loss_forward (const PareKernel *kernel, GError **error)
{
  return run (kernel, loss_rows);
}

static gboolean
gradient_forward (const PareKernel *kernel, GError **error)
{
  return run (kernel, gradient_rows);
}

static gboolean
loss_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *inputs[] = { node->inputs->pdata[0], node->inputs->pdata[1], pare_gradient_of_output (gradient, 0) };
  float smoothing = pare_node_get_float (node, "label_smoothing", 0);

  if (pare_gradient_wanted (gradient, 1) && ((PareValue *)inputs[1])->type != PARE_INT64)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, node, "targets cannot be trained.");
      return FALSE;
    }
  pare_gradient_add (gradient, 0,
                     pare_gradient_node (gradient, PARE_DOMAIN, "SoftmaxCrossEntropyGrad", 3, inputs,
                                         pare_attribute_new_float ("label_smoothing", smoothing), NULL));
  return TRUE;
}

PARE_OPERATORS (softmaxcrossentropy) = {
  { .name = "SoftmaxCrossEntropy",
    .domain = PARE_DOMAIN,
    .infer = loss_infer,
    .forward = loss_forward,
    .backward = loss_backward },
  { .name = "SoftmaxCrossEntropyGrad", .domain = PARE_DOMAIN, .infer = gradient_infer, .forward = gradient_forward },
  { NULL },
};
