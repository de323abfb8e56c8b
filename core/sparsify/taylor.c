/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Taylor: the mean over samples of (sum w dL/dw)^2 over the weights w of a channel's filters, what removing them
 * changes in the first order. (Molchanov et al., Importance Estimation for Neural Network Pruning, CVPR 2019,
 * equation 8.)
 *
 * A layer is linear in its weights, so sum w dL/dw = sum y dL/dy over the channel's part of the result y; and that
 * a single backward pass gives for each sample of a batch. There are no labels, and a trained network's loss on its own
 * predictions has no slope: L = v . z takes the outputs z themselves, in a random direction v of signs for each sample.
 * The mean over v of (v . dz)^2 is |dz|^2 (Hutchinson 1990). */
#include "exec/executor.h"
#include "onnx/onnx.h"
#include "ops/operator.h"
#include "sparsify/channels-private.h"
#include "sparsify/ranking.h"
#include "train/gradient.h"

#define OPSET 17

/* A layer's result in a copy of the graph, and whose channels it carries. */
typedef struct
{
  guint group;
  const PareChannelExtent *extent;
  PareValue *value;
} Producer;

typedef struct
{
  const PareRankingInput *input;
  PareGraph *graph;  /* the network and its gradients */
  guint n_outputs;   /* of the network; those behind are the sums of the producers */
  GArray *producers; /* of Producer */
} Taylor;

static const PareChannelExtent *
extent_of (const PareChannelGroups *groups, const PareValue *value, const PareChannelGroup *group)
{
  for (guint i = 0; i < groups->extents->len; i++)
    {
      const PareChannelExtent *extent = groups->extents->pdata[i];
      for (guint c = 0; extent->value == value && c < extent->n; c++)
        if (extent->channels[c] >= group->first && extent->channels[c] < group->first + group->n)
          return extent;
    }
  return NULL;
}

static void
find_producers (Taylor *taylor)
{
  const PareChannelGroups *groups = taylor->input->groups;

  for (guint g = 0; g < groups->groups->len; g++)
    {
      const PareChannelGroup *group = groups->groups->pdata[g];
      for (guint s = 0; !group->reason && s < group->slices->len; s++)
        {
          const PareChannelSlice *slice = group->slices->pdata[s];
          const PareValue *result = pare_node_output (slice->node, 0);
          Producer producer
              = { g, extent_of (groups, result, group), pare_graph_find_value (taylor->graph, result->name) };
          if (slice->role == PARE_CHANNELS_PRODUCED && producer.extent)
            g_array_append_val (taylor->producers, producer);
        }
    }
}

static PareValue *
call (PareGraph *graph, const char *op_type, PareValue *a, PareValue *b)
{
  PareNode *node = pare_graph_add_node (graph, "", op_type, "", NULL);
  PareValue *value = pare_graph_add_value_near (graph, op_type);

  pare_node_add_input (node, a);
  if (b)
    pare_node_add_input (node, b);
  pare_node_add_output (node, value);
  return value;
}

static PareValue *
sum_over (PareGraph *graph, PareValue *value, guint n, const gint64 *axes)
{
  g_autoptr (PareTensor) tensor = pare_tensor_new_int64s (n, axes);
  PareValue *sum = call (graph, "ReduceSum", value, n ? pare_graph_add_constant (graph, "axes", tensor) : NULL);

  pare_node_set_attribute (sum->producer, pare_attribute_new_int ("keepdims", 0));
  if (!n)
    pare_node_set_attribute (sum->producer, pare_attribute_new_int ("noop_with_empty_axes", 0));
  return sum;
}

/* The sum of all outputs, each times a direction, which is one more input. */
static PareValue *
add_loss (Taylor *taylor)
{
  PareGraph *graph = taylor->graph;
  PareValue *loss = NULL;

  for (guint i = 0; i < taylor->n_outputs; i++)
    {
      PareValue *output = graph->outputs->pdata[i], *direction = pare_graph_add_value_near (graph, "direction"), *sum;
      direction->type = PARE_FLOAT32;
      g_ptr_array_add (graph->inputs, direction);
      sum = sum_over (graph, call (graph, "Mul", output, direction), 0, NULL);
      loss = loss ? call (graph, "Add", loss, sum) : sum;
    }
  return loss;
}

/* [batch, channels]: the sum of y dL/dy over each channel's part of each sample. */
static void
add_sum (PareGraph *graph, const Producer *producer, guint rank, PareValue *gradient)
{
  PareValue *product = call (graph, "Mul", producer->value, gradient);
  gint64 axes[PARE_MAX_RANK];
  guint n = 0;

  for (guint i = 1; i < rank; i++)
    if (i != producer->extent->axis)
      axes[n++] = i;
  g_ptr_array_add (graph->outputs, n ? sum_over (graph, product, n, axes) : product);
}

static guint
rank_of (const PareInference *inference, const Producer *producer)
{
  return pare_inference_spec (inference, producer->extent->value)->shape.rank;
}

static gboolean
add_gradients (Taylor *taylor, const PareInference *inference, GError **error)
{
  guint n = taylor->producers->len;
  g_autofree PareValue **values = g_new (PareValue *, n + 1), **gradients = g_new0 (PareValue *, n + 1);

  for (guint i = 0; i < n; i++)
    values[i] = g_array_index (taylor->producers, Producer, i).value;
  if (!pare_graph_add_gradients (taylor->graph, add_loss (taylor), n, values, gradients, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      const Producer *producer = &g_array_index (taylor->producers, Producer, i);
      add_sum (taylor->graph, producer, rank_of (inference, producer), gradients[i]);
    }
  return TRUE;
}

static PareTensor *
random_signs (GRand *random, const PareShape *shape)
{
  gint64 n = pare_shape_elements (shape);
  float *signs = g_new (float, MAX (n, 1));

  for (gint64 i = 0; i < n; i++)
    signs[i] = g_rand_boolean (random) ? 1 : -1;
  return pare_tensor_new_take (PARE_FLOAT32, shape, signs);
}

/* Adds the squares of one batch's @valid samples to the means over all @count. */
static void
add_batch (const Taylor *taylor, PareTensor *const *outputs, guint valid, guint64 count)
{
  const PareChannelGroups *groups = taylor->input->groups;

  for (guint g = 0; g < groups->groups->len; g++)
    {
      const PareChannelGroup *group = groups->groups->pdata[g];
      g_autofree double *sums = g_new0 (double, (gsize)valid * group->n);
      for (guint p = 0; p < taylor->producers->len; p++)
        {
          const Producer *producer = &g_array_index (taylor->producers, Producer, p);
          const PareChannelExtent *extent = producer->extent;
          const float *found = pare_tensor_data (outputs[p]);
          for (gint64 i = 0; producer->group == g && i < (gint64)valid * extent->n; i++)
            sums[i / extent->n * group->n + extent->channels[i % extent->n] - group->first] += found[i];
        }
      for (gint64 i = 0; i < (gint64)valid * group->n; i++)
        taylor->input->scores[g][i % group->n] += sums[i] * sums[i] / count;
    }
}

static void
unref_tensors (PareTensor **tensors, guint n)
{
  for (guint i = 0; i < n; i++)
    g_clear_pointer (&tensors[i], pare_tensor_unref);
}

static gboolean
run_batches (const Taylor *taylor, const PareInference *inference, GError **error)
{
  g_autoptr (PareExecutor) executor = pare_executor_new (taylor->graph);
  g_autoptr (GRand) random = g_rand_new_with_seed (0);
  const PareGraph *network = taylor->input->groups->graph;
  PareSamples *samples = taylor->input->samples;
  guint64 count = pare_samples_count (samples);
  guint batch = pare_samples_batch (samples), n = taylor->graph->outputs->len;
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, n);
  g_autofree guint64 *indices = g_new (guint64, batch);

  for (guint64 from = 0; from < count; from += batch)
    {
      guint valid = MIN (batch, count - from);
      g_autoptr (GPtrArray) inputs = NULL;
      for (guint i = 0; i < valid; i++)
        indices[i] = from + i;
      inputs = pare_samples_stack (samples, indices, valid, error);
      if (!inputs)
        return FALSE;
      for (guint i = 0; i < taylor->n_outputs; i++)
        g_ptr_array_add (inputs,
                         random_signs (random, &pare_inference_spec (inference, network->outputs->pdata[i])->shape));
      if (!pare_executor_run (executor, (PareTensor **)inputs->pdata, inputs->len, outputs, error))
        return FALSE;
      add_batch (taylor, outputs + taylor->n_outputs, valid, count);
      unref_tensors (outputs, n);
    }
  return TRUE;
}

static gboolean
score (const PareRankingInput *input, GError **error)
{
  const GArray *specs = pare_samples_specs (input->samples);
  g_autoptr (PareGraph) graph = pare_graph_copy (input->groups->graph);
  g_autoptr (GArray) producers = g_array_new (FALSE, FALSE, sizeof (Producer));
  g_autoptr (PareInference) inference = NULL;
  Taylor taylor = { .input = input, .graph = graph, .n_outputs = graph->outputs->len, .producers = producers };

  if (!pare_onnx_upgrade_opset (graph, OPSET, error))
    return FALSE;
  inference = pare_inference_new (input->groups->graph, specs->len, (const PareSpec *)specs->data, error);
  if (!inference)
    return FALSE;
  find_producers (&taylor);
  return add_gradients (&taylor, inference, error) && run_batches (&taylor, inference, error);
}

PARE_RANKING (taylor) = {
  .name = "taylor",
  .description = "Filters that change the outputs least, to the first order, go first",
  .needs_samples = TRUE,
  .score = score,
};
