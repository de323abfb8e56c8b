/* SPDX-License-Identifier: LGPL-2.1-or-later
 * One layer: its weights as problems for an algorithm, and the solutions in its weights again. */
#include "sparsify/nm-layer.h"
#include "ops/compute.h"
#include "reconstruct/hessian.h"
#include "reconstruct/leastsquares.h"

/* Multiplications for a layer: about a quarter of a minute on one thread. */
#define WORK 1e10

typedef struct
{
  const PareLayerMatrix *matrix;
  const PareMoments *moments;
  const PareNmAlgorithm *algorithm;
  const PareNmSettings *settings;
  double *weights;
} Layer;

static gboolean
solve_group (const Layer *layer, gint64 group, const PareNmAlgorithm *algorithm, GError **error)
{
  const PareLayerMatrix *matrix = layer->matrix;
  g_autofree double *xx = NULL, *yx = NULL;
  PareNmProblem problem = { .outputs = matrix->outputs,
                            .inputs = matrix->inputs,
                            .taps = matrix->taps,
                            .columns = matrix->columns,
                            .n = layer->settings->n,
                            .m = layer->settings->m,
                            .work = WORK / matrix->groups,
                            .weights = layer->weights + group * matrix->outputs * matrix->columns };

  if (algorithm->needs_samples)
    {
      pare_moments_covariance (layer->moments, group, matrix->trait.has_bias && algorithm->changes_weights, &xx, &yx);
      /* A group whose input never changes: its weights are as good as any. */
      if (!pare_hessian_regularize (problem.outputs, problem.columns, problem.weights, layer->settings->ridge, xx, yx))
        algorithm = pare_nm_algorithm_find ("magnitude", FALSE, NULL);
      problem.xx = xx;
      problem.yx = yx;
    }
  return algorithm->solve (&problem, error);
}

static gboolean
solve (gpointer data, GError **error)
{
  const Layer *layer = data;

  for (gint64 g = 0; g < layer->matrix->groups; g++)
    if (!solve_group (layer, g, layer->algorithm, error))
      return FALSE;
  return TRUE;
}

double
pare_nm_layer_memory (const PareNode *node)
{
  PareLayerMatrix matrix;

  return pare_layer_matrix_init (&matrix, node) ? pare_hessian_memory (&matrix) : 0;
}

static void
record (PareGraph *graph, const PareNode *node, const Layer *layer, const char *why, const double *old, double error)
{
  gint64 elements = pare_shape_elements (&layer->matrix->shape), kept = 0;
  const char *names[] = { "n", "m", "weights", "kept", "energy kept", "error" };
  double all = 0, left = 0;

  for (gint64 i = 0; i < elements; i++)
    {
      all += old[i] * old[i];
      left += layer->weights[i] != 0 ? old[i] * old[i] : 0;
      kept += layer->weights[i] != 0;
    }
  pare_record_add_numbers (
      graph->record, "graphsparsifier", pare_node_label (node), "made sparse", why, layer->moments ? 6 : 5, names,
      (double[]){ layer->settings->n, layer->settings->m, elements, kept, all > 0 ? left / all : 1, error });
}

gboolean
pare_nm_prune_layer (PareGraph *graph, PareNode *node, const PareMoments *moments, const PareNmAlgorithm *algorithm,
                     const char *why, const PareNmSettings *settings, GError **error)
{
  PareLayerMatrix matrix;
  gboolean is_layer = pare_layer_matrix_init (&matrix, node);
  g_autofree double *old = is_layer ? pare_layer_matrix_read (&matrix, node) : NULL, *bias = NULL;
  g_autofree double *weights = NULL;
  Layer layer = { &matrix, moments, algorithm, settings, NULL };
  double after = 0;

  g_assert (is_layer);
  weights = layer.weights = g_memdup2 (old, sizeof (double) * pare_shape_elements (&matrix.shape));
  if (!pare_compute (solve, &layer, error))
    {
      g_prefix_error (error, "Layer '%s': ", pare_node_label (node));
      return FALSE;
    }
  if (moments)
    {
      bias = matrix.trait.has_bias ? pare_layer_matrix_read_bias (&matrix, node) : NULL;
      if (bias && algorithm->changes_weights)
        pare_moments_fit_bias (moments, weights, bias);
      after = pare_moments_error (moments, weights, bias);
    }
  pare_layer_matrix_write (&matrix, graph, node, weights, bias);
  pare_node_input (node, matrix.trait.input)->sparsity
      = (PareSparsity){ .mode = PARE_SPARSITY_N_OF_M,
                        .n = settings->n,
                        .m = settings->m,
                        .axis = matrix.trait.in_axis,
                        .update_frequency = settings->update_frequency };
  record (graph, node, &layer, why, old, after);
  return TRUE;
}
