/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Cutting a batch: what one layer leaves should still be in the processor's cache when the next one reads it, and the
 * fewer samples run at once, the less memory the network takes. */
#include "exec/slices.h"

/* Of the widest value: between a core's own cache and a processor's last one. */
#define MOST_BYTES (10 << 20)
#define LEAST_BYTES (MOST_BYTES / 4)

typedef struct
{
  const PareGraph *graph;
  const PareInference *inference;
  gint64 batch;
  gint64 widest, total; /* bytes of values that hold samples */
  gint64 constants;     /* bytes that are read again with each slice */
} Survey;

/* Takes note of a value that holds samples. */
static gboolean
survey_samples (Survey *survey, const PareValue *value)
{
  const PareSpec *spec = pare_inference_spec (survey->inference, value);
  gint64 bytes;

  if (!spec || spec->type != PARE_FLOAT32 || !spec->shape.rank || spec->shape.dims[0] != survey->batch)
    return FALSE;
  bytes = pare_data_size (spec->type, pare_shape_elements (&spec->shape));
  survey->widest = MAX (survey->widest, bytes);
  survey->total += bytes;
  return TRUE;
}

/* Counts the constants that the node reads; FALSE when it reads nothing else. */
static gboolean
reads_samples (Survey *survey, const PareNode *node)
{
  gboolean result = node->captures->len > 0;

  for (guint i = 0; i < node->inputs->len; i++)
    {
      const PareValue *value = node->inputs->pdata[i];
      PareTensor *constant = value ? pare_inference_constant (survey->inference, value) : NULL;
      survey->constants += constant ? pare_tensor_size (constant) : 0;
      result |= value && !constant;
    }
  return result;
}

static gboolean
survey_node (Survey *survey, const PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);
  g_autofree PareInfer *infer = NULL;

  if (!reads_samples (survey, node))
    return TRUE;
  if (!op || !op->by_sample || node->outputs->len != 1)
    return FALSE;
  infer = pare_inference_describe (survey->inference, node);
  return op->by_sample (infer) && survey_samples (survey, node->outputs->pdata[0]);
}

static gboolean
survey_graph (Survey *survey)
{
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (survey->graph);
  const PareSpec *first = inputs->len ? pare_inference_spec (survey->inference, inputs->pdata[0]) : NULL;

  if (!first || !first->shape.rank)
    return FALSE;
  survey->batch = first->shape.dims[0];
  for (guint i = 0; i < inputs->len; i++)
    if (!survey_samples (survey, inputs->pdata[i]))
      return FALSE;
  for (guint i = 0; i < survey->graph->nodes->len; i++)
    if (!survey_node (survey, survey->graph->nodes->pdata[i]))
      return FALSE;
  for (guint i = 0; i < survey->graph->outputs->len; i++)
    if (pare_inference_constant (survey->inference, survey->graph->outputs->pdata[i]))
      return FALSE;
  return TRUE;
}

gint64
pare_slices_count (const PareGraph *graph, const PareInference *inference)
{
  Survey survey = { .graph = graph, .inference = inference };

  if (!survey_graph (&survey) || survey.batch < 2 || survey.widest <= MOST_BYTES)
    return 1;
  for (gint64 slices = 2; slices <= survey.batch; slices++)
    {
      gint64 bytes = survey.widest / slices;
      if (survey.batch % slices || (bytes > MOST_BYTES && slices < survey.batch))
        continue;
      /* Values are written and read, constants only read. */
      return bytes >= LEAST_BYTES && (slices - 1) * survey.constants <= 2 * survey.total ? slices : 1;
    }
  return 1;
}
