/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Loss and accuracy of a network on samples that it is not trained on. */
#include "train/validator.h"
#include "exec/executor.h"
#include "train/labelled.h"
#include "train/traininggraph.h"
#include <math.h>

struct _PareValidator
{
  PareLabelled *labelled;
  PareGraph *graph;
  PareExecutor *executor;
  double loss;
  gint64 correct;
  gboolean classes; /* all labels were class numbers */
  guint64 n;
};

PareValidator *
pare_validator_new (const PareGraph *network, const PareLoss *loss)
{
  PareValidator *validator = g_new0 (PareValidator, 1);
  g_autoptr (PareGraph) plain = pare_graph_copy (network);
  const PareLossSettings unsmoothed = { 0 };
  PareValue *sum;

  validator->graph = pare_graph_copy (network);
  g_ptr_array_set_size (validator->graph->outputs, 1);
  sum = pare_graph_add_loss (validator->graph, loss, &unsmoothed);
  g_ptr_array_insert (validator->graph->outputs, 0, sum);
  validator->labelled = pare_labelled_new (plain, loss);
  validator->executor = pare_executor_new (validator->graph);
  validator->classes = TRUE;
  return validator;
}

void
pare_validator_free (PareValidator *validator)
{
  pare_executor_free (validator->executor);
  pare_labelled_free (validator->labelled);
  g_object_unref (validator->graph);
  g_free (validator);
}

gboolean
pare_validator_add (PareValidator *validator, PareTensor *const *batch, guint n, guint valid, GError **error)
{
  g_autoptr (GPtrArray) inputs = pare_labelled_inputs (validator->labelled, batch, n, valid, validator->n, error);
  g_autoptr (PareTensor) loss = NULL, scores = NULL;
  PareTensor *outputs[2];
  gint64 correct;

  if (!inputs || !pare_executor_run (validator->executor, (PareTensor **)inputs->pdata, inputs->len, outputs, error))
    return FALSE;
  loss = outputs[0];
  scores = outputs[1];
  correct = pare_labelled_correct (validator->labelled, inputs, scores, valid);
  validator->classes &= correct >= 0;
  validator->correct += MAX (correct, 0);
  validator->loss += pare_tensor_get_double (loss, 0) * valid;
  validator->n += valid;
  return TRUE;
}

PareValidation
pare_validator_result (const PareValidator *validator)
{
  double n = validator->n;

  return (PareValidation){ validator->loss / n, validator->classes ? validator->correct / n : NAN, validator->n };
}

gboolean
pare_validation_is_better (const PareValidation *a, const PareValidation *b)
{
  if (!isfinite (a->loss) || !isfinite (b->loss))
    return isfinite (a->loss) && !isfinite (b->loss);
  if (isfinite (a->accuracy) && isfinite (b->accuracy) && a->accuracy != b->accuracy)
    return a->accuracy > b->accuracy;
  return a->loss < b->loss;
}
