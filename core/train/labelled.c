/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Labelled batches as inputs of a graph with a loss. */
#include "train/labelled.h"
#include "train/target.h"

struct _PareLabelled
{
  PareGraph *network;
  const PareLoss *loss;
  guint n_inputs;
  GArray *specs;   /* of the inputs of the last batch */
  PareSpec output; /* of the network, for these */
};

PareLabelled *
pare_labelled_new (PareGraph *network, const PareLoss *loss)
{
  PareLabelled *labelled = g_new0 (PareLabelled, 1);
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (network);

  labelled->network = g_object_ref (network);
  labelled->loss = loss;
  labelled->n_inputs = inputs->len;
  labelled->specs = g_array_new (FALSE, FALSE, sizeof (PareSpec));
  return labelled;
}

void
pare_labelled_free (PareLabelled *labelled)
{
  g_object_unref (labelled->network);
  g_array_unref (labelled->specs);
  g_free (labelled);
}

static gboolean
same_specs (const GArray *specs, PareTensor *const *batch)
{
  for (guint i = 0; i < specs->len; i++)
    {
      const PareSpec *spec = &g_array_index (specs, PareSpec, i);
      if (spec->type != batch[i]->type || !pare_shape_equal (&spec->shape, &batch[i]->shape))
        return FALSE;
    }
  return specs->len > 0;
}

/* What the network makes of inputs of these shapes. */
static gboolean
infer_output (PareLabelled *labelled, PareTensor *const *batch, GError **error)
{
  g_autoptr (GArray) specs = g_array_new (FALSE, FALSE, sizeof (PareSpec));
  PareInference *inference;

  if (same_specs (labelled->specs, batch))
    return TRUE;
  for (guint i = 0; i < labelled->n_inputs; i++)
    {
      PareSpec spec = { batch[i]->type, batch[i]->shape };
      g_array_append_val (specs, spec);
    }
  inference = pare_inference_new (labelled->network, specs->len, (PareSpec *)specs->data, error);
  if (!inference)
    return FALSE;
  labelled->output = *pare_inference_spec (inference, labelled->network->outputs->pdata[0]);
  pare_inference_free (inference);
  g_array_unref (labelled->specs);
  labelled->specs = g_steal_pointer (&specs);
  return TRUE;
}

GPtrArray *
pare_labelled_inputs (PareLabelled *labelled, PareTensor *const *batch, guint n, guint valid, guint64 first,
                      GError **error)
{
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  PareTensor *target;

  if (n != labelled->n_inputs + 1)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "Samples have %u tensors but the network takes %u: give one per input, then the labels.", n,
                   labelled->n_inputs);
      return NULL;
    }
  if (!infer_output (labelled, batch, error))
    return NULL;
  target = pare_target_new (labelled->loss, &labelled->output, batch[n - 1], valid, first, error);
  if (!target)
    return NULL;
  for (guint i = 0; i < labelled->n_inputs; i++)
    g_ptr_array_add (inputs, pare_tensor_ref (batch[i]));
  g_ptr_array_add (inputs, target);
  g_ptr_array_add (inputs, pare_target_weights (labelled->output.shape.dims[0], valid));
  return g_steal_pointer (&inputs);
}

gint64
pare_labelled_correct (const PareLabelled *labelled, const GPtrArray *inputs, const PareTensor *scores, guint valid)
{
  const PareTensor *target = inputs->pdata[labelled->n_inputs];
  gint64 classes = scores->shape.dims[1], correct = 0;

  if (target->type != PARE_INT64 || pare_tensor_elements (target) != scores->shape.dims[0])
    return -1;
  for (guint i = 0; i < valid; i++)
    {
      const float *row = (const float *)pare_tensor_data (scores) + i * classes;
      gint64 best = 0;
      for (gint64 c = 1; c < classes; c++)
        best = row[c] > row[best] ? c : best;
      correct += best == pare_tensor_get_int (target, i);
    }
  return correct;
}
