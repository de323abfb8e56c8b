/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Where numbers cease to be finite: one more run in which every value is looked at. */
#include "train/divergence.h"
#include <float.h>
#include <math.h>

static void
look (const PareValue *value, const float *data, gsize n, gpointer user_data)
{
  const PareValue **first = user_data;
  gboolean finite = TRUE;

  for (gsize i = 0; i < n; i++)
    finite &= fabsf (data[i]) <= FLT_MAX;
  if (!finite && !*first)
    *first = value;
}

static gboolean
is_float (const PareInference *inference, const PareValue *value)
{
  const PareSpec *spec = pare_inference_spec (inference, value);

  return spec && spec->type == PARE_FLOAT32 && pare_shape_elements (&spec->shape) > 0
         && !pare_inference_constant (inference, value);
}

static PareInference *
infer (PareGraph *graph, PareTensor *const *inputs, guint n)
{
  g_autofree PareSpec *specs = g_new (PareSpec, n + 1);

  for (guint i = 0; i < n; i++)
    specs[i] = (PareSpec){ inputs[i]->type, inputs[i]->shape };
  return pare_inference_new (graph, n, specs, NULL);
}

static const PareValue *
find_first (PareGraph *graph, PareTensor *const *inputs, guint n)
{
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  PareInference *inference = infer (graph, inputs, n);
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, graph->outputs->len + 1);
  const PareValue *first = NULL;

  for (guint i = 0; inference && i < graph->values->len; i++)
    if (is_float (inference, graph->values->pdata[i]))
      pare_executor_add_tap (executor, graph->values->pdata[i], look, &first);
  if (inference && pare_executor_run (executor, inputs, n, outputs, NULL))
    for (guint i = 0; i < graph->outputs->len; i++)
      pare_tensor_unref (outputs[i]);
  g_clear_pointer (&inference, pare_inference_free);
  return first;
}

void
pare_set_divergence_error (GError **error, PareGraph *graph, PareTensor *const *inputs, guint n, guint64 step)
{
  const PareValue *first = find_first (graph, inputs, n);

  if (!first)
    g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                 "The loss of step %" G_GUINT64_FORMAT " is not finite: lower the learning-rate.", step);
  else if (!first->producer)
    g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                 "The loss of step %" G_GUINT64_FORMAT
                 " is not finite, because '%s' holds such a number already: check the samples and the weights.",
                 step, first->name);
  else
    g_set_error (
        error, PARE_ERROR, PARE_ERROR_FORMAT,
        "The loss of step %" G_GUINT64_FORMAT
        " is not finite: '%s' (%s) was the first layer to produce such a number; lower the learning-rate or set "
        "clip-norm.",
        step, pare_node_label (first->producer), first->producer->op_type);
}

void
pare_set_overflow_error (GError **error, const PareValue *parameter, guint64 step)
{
  const PareNode *reader = parameter->consumers->pdata[0];

  g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
               "After step %" G_GUINT64_FORMAT
               " the weights are not finite: '%s' (%s) was the first layer with such a number in '%s'; lower the "
               "learning-rate or set clip-norm.",
               step, pare_node_label (reader), reader->op_type, parameter->name);
}
