/* SPDX-License-Identifier: LGPL-2.1-or-later
 * NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: -w[label] log p[label] for each label, left alone, summed, or
 * divided by the sum of the weights. */
#include "ops/infer.h"
#include <math.h>
#include <string.h>

static gboolean
is_softmax (const PareNode *node)
{
  return g_str_equal (node->op_type, "SoftmaxCrossEntropyLoss");
}

/* Labels have the shape of the scores without the classes. */
static gboolean
check_shapes (const PareInfer *infer, GError **error)
{
  const PareShape *x = &infer->inputs[0].shape, *labels = &infer->inputs[1].shape;
  gboolean fit = x->rank >= 2 && labels->rank == x->rank - 1;

  for (guint i = 0; fit && i < labels->rank; i++)
    fit = labels->dims[i] == x->dims[i ? i + 1 : 0];
  if (fit && pare_infer_has (infer, 2))
    fit = infer->inputs[2].shape.rank == 1 && infer->inputs[2].shape.dims[0] == x->dims[1];
  if (!fit)
    pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its scores, labels and weights do not fit each other.");
  return fit;
}

static gboolean
loss_infer (PareInfer *infer, GError **error)
{
  g_autofree char *reduction = pare_node_get_string (infer->node, "reduction");

  if (!pare_infer_counts (infer, 2, 3, error) || !pare_infer_require (infer, 0, pare_types_widened, error)
      || !pare_infer_require (infer, 1, pare_types_index, error)
      || (pare_infer_has (infer, 2) && !pare_infer_require (infer, 2, pare_types_widened, error))
      || !check_shapes (infer, error))
    return FALSE;
  infer->outputs[0] = (PareSpec){ infer->inputs[0].type };
  if (reduction && g_str_equal (reduction, "none"))
    infer->outputs[0].shape = infer->inputs[1].shape;
  else if (reduction && !g_str_equal (reduction, "mean") && !g_str_equal (reduction, "sum"))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "reduction '%s' is none of none, mean and sum.",
                       reduction);
      return FALSE;
    }
  if (pare_infer_wants (infer, 1))
    infer->outputs[1] = infer->inputs[0];
  return TRUE;
}

/* Logarithm of the softmax over @classes numbers that are @step apart. */
static void
log_softmax (gint64 classes, gint64 step, const float *x, float *y)
{
  float highest = -INFINITY;
  double sum = 0;

  for (gint64 c = 0; c < classes; c++)
    highest = MAX (highest, x[c * step]);
  for (gint64 c = 0; c < classes; c++)
    sum += exp ((double)x[c * step] - highest);
  for (gint64 c = 0; c < classes; c++)
    y[c * step] = x[c * step] - highest - log (sum);
}

/* The logarithms of the probabilities: as they come, or newly computed into @owned. */
static const float *
log_probabilities (const PareKernel *kernel, gint64 classes, gint64 inner, float **owned)
{
  const PareView *x = &kernel->inputs[0];
  gint64 n = pare_view_elements (x);
  const float *scores = x->data;

  if (!is_softmax (kernel->node))
    return scores;
  *owned = g_new (float, MAX (n, 1));
  for (gint64 i = 0; classes && i < n / classes; i++)
    {
      gint64 at = i / inner * classes * inner + i % inner;
      log_softmax (classes, inner, scores + at, *owned + at);
    }
  if (pare_kernel_wants (kernel, 1))
    memcpy (kernel->outputs[1].data, *owned, n * sizeof (float));
  return *owned;
}

static gboolean
loss_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  gint64 classes = x->shape.dims[1], inner = pare_shape_span (&x->shape, 2, x->shape.rank), ignored;
  const PareAttribute *ignore = pare_node_attribute (kernel->node, "ignore_index");
  const float *weights = pare_kernel_has (kernel, 2) ? kernel->inputs[2].data : NULL, *log_p;
  g_autofree char *reduction = pare_node_get_string (kernel->node, "reduction");
  g_autofree gint64 *labels = NULL;
  g_autofree float *owned = NULL;
  gboolean each = reduction && g_str_equal (reduction, "none");
  float *y = kernel->outputs[0].data;
  double sum = 0, total = 0;
  guint n;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, loss_forward, error);
  ignored = pare_node_get_int (kernel->node, "ignore_index", 0);
  labels = pare_kernel_ints (kernel, 1, NULL, &n);
  log_p = log_probabilities (kernel, classes, MAX (inner, 1), &owned);
  for (gint64 i = 0; i < n; i++)
    {
      gboolean skip = ignore && labels[i] == ignored;
      double weight, loss;
      if (!skip && (labels[i] < 0 || labels[i] >= classes))
        {
          pare_node_error (error, PARE_ERROR_FORMAT, kernel->node,
                           "label %" G_GINT64_FORMAT " is not one of its %" G_GINT64_FORMAT " classes.", labels[i],
                           classes);
          return FALSE;
        }
      weight = skip ? 0 : weights ? weights[labels[i]] : 1;
      loss = skip ? 0 : -weight * log_p[(i / inner * classes + labels[i]) * inner + i % inner];
      total += weight;
      sum += loss;
      if (each)
        y[i] = loss;
    }
  if (!each)
    *y = reduction && g_str_equal (reduction, "sum") ? sum : sum / total;
  return TRUE;
}

PARE_OPERATORS (crossentropy) = {
  { .name = "NegativeLogLikelihoodLoss", .since = 12, .infer = loss_infer, .forward = loss_forward },
  { .name = "SoftmaxCrossEntropyLoss", .since = 12, .infer = loss_infer, .forward = loss_forward },
  { NULL },
};
