/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Timings of a layer on a grid of sizes. */
#include "sparsify/latency.h"
#include "exec/executor.h"
#include "graph/extract.h"

/* Of the channels. Fewer than the least cost as much. */
static const double grid[] = { 0.125, 0.25, 0.5, 0.75, 1 };
#define POINTS G_N_ELEMENTS (grid)

/* The least time of so many runs: others work on the machine too. */
#define RUNS 5

struct _PareLatency
{
  double seconds[POINTS][POINTS];
};

static gint64
shrunk (gint64 size, double share)
{
  return MAX ((gint64)(size * share + 0.5), 1);
}

static PareTensor *
zeros (const PareShape *shape)
{
  return pare_tensor_new_take (PARE_FLOAT32, shape,
                               g_malloc0 (MAX (pare_data_size (PARE_FLOAT32, pare_shape_elements (shape)), 1)));
}

static void
set_zeros (PareValue *value, const PareShape *shape)
{
  g_autoptr (PareTensor) tensor = zeros (shape);

  pare_value_set_constant (value, tensor);
}

/* The layer alone becomes smaller, and so does the shape of its data. Groups of one channel each go with it; the sizes
 * of other groups stay. */
static void
resize (PareNode *node, const PareWeightTrait *trait, const double *shares, PareShape *x)
{
  PareValue *weight = pare_node_input (node, trait->input), *bias;
  PareShape shape = weight->constant->shape;
  guint channels = trait->channels_last ? x->rank - 1 : 1;
  gboolean depthwise = trait->groups > 1 && shape.dims[0] == trait->groups && shape.dims[1] == 1;

  if (trait->groups > 1 && !depthwise)
    return;
  shape.dims[0] = shrunk (shape.dims[0], shares[0]);
  shape.dims[1] = shrunk (shape.dims[1], shares[1]);
  x->dims[channels] = depthwise ? shape.dims[0] : shape.dims[trait->in_axis];
  if (depthwise)
    pare_node_set_attribute (node, pare_attribute_new_int ("group", shape.dims[0]));
  set_zeros (weight, &shape);
  bias = trait->has_bias ? pare_node_input (node, trait->bias) : NULL;
  if (bias && bias->constant && bias->constant->shape.rank == 1)
    set_zeros (bias, &(PareShape){ .rank = 1, .dims = { shape.dims[depthwise ? 0 : trait->out_axis] } });
}

static gboolean
time_piece (PareGraph *piece, const PareShape *x, double *seconds, GError **error)
{
  g_autoptr (PareExecutor) executor = pare_executor_new (piece);
  g_autoptr (PareTensor) input = zeros (x);

  *seconds = G_MAXDOUBLE;
  for (guint run = 0; run <= RUNS; run++)
    {
      gint64 began = g_get_monotonic_time ();
      PareTensor *output = NULL;
      if (!pare_executor_run (executor, &input, 1, &output, error))
        return FALSE;
      pare_tensor_unref (output);
      if (run > 0) /* the first one compiles */
        *seconds = MIN (*seconds, (g_get_monotonic_time () - began) * 1e-6);
    }
  return TRUE;
}

static gboolean
measure_point (PareGraph *graph, PareNode *node, PareShape x, const double *shares, double *seconds, GError **error)
{
  g_autoptr (PareGraph) piece = pare_graph_extract (graph, 1, &(PareValue *){ pare_node_input (node, 0) }, 1,
                                                    &(PareValue *){ pare_node_output (node, 0) }, error);
  PareNode *layer;
  PareWeightTrait trait;

  if (!piece)
    return FALSE;
  layer = ((PareValue *)piece->outputs->pdata[0])->producer;
  g_assert (pare_node_weight (layer, &trait));
  resize (layer, &trait, shares, &x);
  pare_value_set_spec (piece->inputs->pdata[0], &(PareSpec){ PARE_FLOAT32, x });
  ((PareValue *)piece->outputs->pdata[0])->has_shape = FALSE;
  return time_piece (piece, &x, seconds, error);
}

PareLatency *
pare_latency_measure (PareGraph *graph, const PareInference *inference, PareNode *node, const gboolean *shrinks,
                      GError **error)
{
  PareLatency *latency = g_new0 (PareLatency, 1);
  PareShape x = pare_inference_spec (inference, pare_node_input (node, 0))->shape;

  for (guint i = POINTS; i-- > 0;)
    for (guint j = POINTS; j-- > 0;)
      {
        double shares[] = { grid[i], grid[j] };
        if (!shrinks[0] && i + 1 < POINTS)
          latency->seconds[i][j] = latency->seconds[i + 1][j];
        else if (!shrinks[1] && j + 1 < POINTS)
          latency->seconds[i][j] = latency->seconds[i][j + 1];
        else if (!measure_point (graph, node, x, shares, &latency->seconds[i][j], error))
          {
            g_free (latency);
            return NULL;
          }
      }
  return latency;
}

void
pare_latency_free (PareLatency *latency)
{
  g_free (latency);
}

/* The point below @share, and how far it is to the next. */
static guint
place (double share, double *rest)
{
  guint low = 0;

  while (low + 2 < POINTS && share >= grid[low + 1])
    low++;
  *rest = CLAMP ((share - grid[low]) / (grid[low + 1] - grid[low]), 0, 1);
  return low;
}

double
pare_latency_at (const PareLatency *latency, const double *shares)
{
  double u, v;
  guint i = place (shares[0], &u), j = place (shares[1], &v);
  double low = latency->seconds[i][j] + v * (latency->seconds[i][j + 1] - latency->seconds[i][j]);
  double high = latency->seconds[i + 1][j] + v * (latency->seconds[i + 1][j + 1] - latency->seconds[i + 1][j]);

  return low + u * (high - low);
}
