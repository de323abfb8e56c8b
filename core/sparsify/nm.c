/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Makes the layers of a network n:m sparse, one after another. */
#include "sparsify/nm.h"
#include "sparsify/eligible.h"
#include "sparsify/pattern.h"
#include <math.h>

#define STAGE "graphsparsifier"

static float *
magnitudes (const float *weights, gint64 n)
{
  float *scores = g_new (float, MAX (n, 1));

  for (gint64 i = 0; i < n; i++)
    scores[i] = fabsf (weights[i]);
  return scores;
}

static void
prune_layer (PareGraph *graph, PareNode *node, const PareWeightTrait *trait, const PareNmSettings *settings)
{
  PareValue *value = pare_node_input (node, trait->input);
  const PareShape *shape = &value->constant->shape;
  gint64 elements = pare_tensor_elements (value->constant), kept = 0;
  const float *old = pare_tensor_data (value->constant);
  g_autofree float *weights = magnitudes (old, elements), *mask = g_new (float, MAX (elements, 1));
  g_autoptr (PareTensor) tensor = NULL;
  double all = 0, left = 0;

  pare_pattern_mask (weights, shape, trait->in_axis, settings->n, settings->m, mask);
  for (gint64 i = 0; i < elements; i++)
    {
      weights[i] = mask[i] != 0 ? old[i] : 0;
      all += (double)old[i] * old[i];
      left += (double)weights[i] * weights[i];
      kept += mask[i] != 0;
    }
  tensor = pare_tensor_new_floats (shape, weights);
  pare_value_set_constant (value, tensor);
  value->sparsity = (PareSparsity){ .mode = PARE_SPARSITY_N_OF_M,
                                    .n = settings->n,
                                    .m = settings->m,
                                    .axis = trait->in_axis,
                                    .update_frequency = settings->update_frequency };
  pare_record_add (graph->record, STAGE, pare_node_label (node), "made sparse", NULL, "n", (double)settings->n, "m",
                   (double)settings->m, "weights", (double)elements, "kept", (double)kept, "energy kept",
                   all > 0 ? left / all : 1, NULL);
}

static gboolean
check_settings (const PareGraph *graph, const PareNmSettings *settings, GError **error)
{
  for (guint i = 0; settings->skip_layers && settings->skip_layers[i]; i++)
    if (!pare_graph_find_layer (graph, settings->skip_layers[i], error))
      return FALSE;
  return TRUE;
}

gboolean
pare_graph_sparsify_nm (PareGraph *graph, PareSamples *samples, const PareNmSettings *settings,
                        PareSparsifyProgress progress, gpointer user_data, GError **error)
{
  g_autofree char *first = NULL;
  guint done = 0;

  if (!check_settings (graph, settings, error))
    return FALSE;
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      g_autofree char *reason = NULL;
      g_autoptr (GError) problem = NULL;
      PareWeightTrait trait;
      if (pare_nm_eligible (node, settings, &trait, &reason, &problem))
        {
          prune_layer (graph, node, &trait, settings);
          done++;
        }
      else if (problem)
        {
          g_propagate_error (error, g_steal_pointer (&problem));
          return FALSE;
        }
      else if (reason)
        {
          pare_record_add (graph->record, STAGE, pare_node_label (node), "left alone", reason, NULL);
          if (!first)
            first = g_strdup_printf ("'%s': %s", pare_node_label (node), reason);
        }
    }
  if (done || settings->allow_none)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "No layer can be made %u:%u sparse%s%s; allow-none=true lets "
               "the network pass as it is.",
               settings->n, settings->m, first ? ": " : "", first ? first : "");
  return FALSE;
}
