/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Trials: a piece of the network is copied, rescaled, calibrated and quantized as the whole will be, and runs on what
 * the float network computes for the samples. */
#include "equalize/trial.h"
#include "data/batch.h"
#include "graph/extract.h"
#include "quantize/quantize.h"

struct _PareTrial
{
  const PareEqualizing *work;
  PareWalk *walk;
  PareGraph *piece;
  PareScaleGroup *group; /* in the piece */
  GPtrArray *readers;    /* of PareNode, one per output of the piece */
};

void
pare_trial_free (PareTrial *trial)
{
  g_clear_pointer (&trial->group, pare_scale_group_free);
  g_clear_object (&trial->piece);
  g_ptr_array_unref (trial->readers);
  g_free (trial);
}

const GPtrArray *
pare_trial_readers (const PareTrial *trial)
{
  return trial->readers;
}

static void
add_once (GPtrArray *values, PareValue *value)
{
  if (value && !g_ptr_array_find (values, value, NULL))
    g_ptr_array_add (values, value);
}

/* Results of the layers that read the group. */
static GPtrArray *
find_outputs (const PareScaleGroup *group)
{
  GPtrArray *outputs = g_ptr_array_new ();

  for (guint i = 0; i < group->parts->len; i++)
    {
      const PareScaledPart *part = group->parts->pdata[i];
      if (part->role == PARE_SCALED_INPUT)
        add_once (outputs, pare_node_output (part->node, 0));
    }
  return outputs;
}

static void
add_inputs (const PareScaleGroup *group, const PareNode *node, guint first, guint last, const GPtrArray *outputs,
            GPtrArray *inputs)
{
  for (guint i = first; i <= last && i < node->inputs->len; i++)
    {
      PareValue *value = pare_node_input (node, i);
      if (value && !value->constant && !pare_scale_group_find (group, value->name)
          && !g_ptr_array_find ((GPtrArray *)outputs, value, NULL))
        add_once (inputs, value);
    }
}

/* What goes into the group from outside: into the layers that compute it, and beside it on the way. */
static GPtrArray *
find_inputs (const PareScaleGroup *group, const GPtrArray *outputs)
{
  GPtrArray *inputs = g_ptr_array_new ();

  for (guint i = 0; i < group->parts->len; i++)
    {
      const PareScaledPart *part = group->parts->pdata[i];
      if (part->role == PARE_SCALED_OUTPUT)
        add_inputs (group, part->node, 0, 0, outputs, inputs);
    }
  for (guint i = 0; i < group->passes->len; i++)
    add_inputs (group, group->passes->pdata[i], 1, G_MAXUINT, outputs, inputs);
  return inputs;
}

/* The same values in another copy; FALSE when one is not there. */
static gboolean
translate (GPtrArray *values, PareGraph *graph)
{
  for (guint i = 0; i < values->len; i++)
    {
      values->pdata[i] = pare_graph_find_value (graph, ((PareValue *)values->pdata[i])->name);
      if (!values->pdata[i])
        return FALSE;
    }
  return TRUE;
}

/* Whether it works out; FALSE without an error when the group has no piece of its own. */
static gboolean
cut_out (PareTrial *trial, const PareScaleGroup *group, GError **error)
{
  g_autoptr (GPtrArray) outputs = find_outputs (group), inputs = find_inputs (group, outputs);
  const PareScaledValue *first = group->values->pdata[0];
  g_autoptr (PareGraph) settled = NULL;

  if (!pare_walk_advance (trial->walk, first->value->producer, error)
      || !pare_walk_ask (trial->walk, inputs->len, (PareValue **)inputs->pdata, error)
      || !(settled = pare_walk_settle (trial->walk, error)))
    return FALSE;
  if (!inputs->len || !translate (inputs, settled) || !translate (outputs, settled))
    return FALSE;
  trial->piece = pare_graph_extract (settled, inputs->len, (PareValue **)inputs->pdata, outputs->len,
                                     (PareValue **)outputs->pdata, NULL);
  trial->group = trial->piece ? pare_scale_group_copy (group, trial->piece) : NULL;
  for (guint i = 0; trial->group && i < trial->piece->outputs->len; i++)
    g_ptr_array_add (trial->readers, ((PareValue *)trial->piece->outputs->pdata[i])->producer);
  return trial->group != NULL;
}

PareTrial *
pare_trial_new (const PareEqualizing *work, PareWalk *walk, const PareScaleGroup *group, GError **error)
{
  g_autoptr (PareTrial) trial = g_new0 (PareTrial, 1);

  trial->work = work;
  trial->walk = walk;
  trial->readers = g_ptr_array_new ();
  return cut_out (trial, group, error) ? g_steal_pointer (&trial) : NULL;
}

static gboolean
watch (PareTrial *trial, guint n, PareExtents *const *extents, GError **error)
{
  for (guint b = 0; b < pare_walk_batches (trial->walk); b++)
    {
      guint valid;
      g_autoptr (GPtrArray) batch = pare_walk_get (trial->walk, b, &valid, error);
      for (guint i = 0; batch && i < n; i++)
        if (!pare_extents_add (extents[i], batch, error))
          return FALSE;
      if (!batch)
        return FALSE;
    }
  return TRUE;
}

gboolean
pare_trial_activations (PareTrial *trial, double *largest, GError **error)
{
  g_autoptr (GArray) queries = g_array_new (FALSE, FALSE, sizeof (PareExtentQuery));
  g_autoptr (PareExtents) extents = NULL;

  for (guint i = 0; i < trial->readers->len; i++)
    {
      const PareValue *read = pare_node_input (trial->readers->pdata[i], 0);
      const PareScaledValue *at = pare_scale_group_find (trial->group, read->name);
      PareExtentQuery query = { read, at->rank, (gint)at->axis };
      g_array_append_val (queries, query);
    }
  extents = pare_extents_new (trial->piece, queries->len, (const PareExtentQuery *)queries->data);
  if (!watch (trial, 1, &extents, error))
    return FALSE;
  for (guint c = 0; c < trial->group->n; c++)
    largest[c] = 0;
  for (guint i = 0; i < queries->len; i++)
    {
      const PareExtent *extent = pare_extents_get (extents, i);
      const PareValue *read = g_array_index (queries, PareExtentQuery, i).value;
      const PareScaledValue *at = pare_scale_group_find (trial->group, read->name);
      for (guint k = 0; k < extent->n; k++)
        largest[at->channels[k]] = MAX (largest[at->channels[k]], MAX (extent->high[k], -extent->low[k]));
    }
  return TRUE;
}

/* The piece with one set of factors. */
typedef struct
{
  PareGraph *graph;
  GPtrArray *values;    /* whose ranges the quantizer asks for */
  PareExtents *extents; /* of them */
  PareExecutor *executor;
  double *errors;
} Variant;

static void
variant_clear (gpointer data)
{
  Variant *variant = data;

  g_clear_pointer (&variant->values, g_ptr_array_unref);
  g_clear_pointer (&variant->extents, pare_extents_free);
  g_clear_pointer (&variant->executor, pare_executor_free);
  g_clear_object (&variant->graph);
}

/* As the whole network will be quantized; nothing here is at an edge of it. */
static PareQuantizeSettings
quantize_settings (const PareTrial *trial)
{
  const PareEqualizeSettings *settings = trial->work->settings;
  PareQuantizeSettings result;

  pare_quantize_settings_init (&result);
  result.bits = settings->bits;
  result.activation_bits = settings->activation_bits;
  result.edge_bits = MIN (settings->bits, settings->activation_bits);
  result.per_channel = settings->per_channel;
  return result;
}

static gboolean
variant_init (Variant *variant, const PareTrial *trial, const double *factors, GError **error)
{
  PareQuantizeSettings settings = quantize_settings (trial);
  g_autoptr (GArray) queries = g_array_new (FALSE, FALSE, sizeof (PareExtentQuery));

  variant->graph = pare_graph_copy (trial->piece);
  if (factors)
    {
      g_autoptr (PareScaleGroup) group = pare_scale_group_copy (trial->group, variant->graph);
      if (!pare_scale_group_apply (group, factors, error))
        return FALSE;
    }
  variant->values = pare_quantize_values (variant->graph, &settings, error);
  for (guint i = 0; variant->values && i < variant->values->len; i++)
    {
      PareExtentQuery query = { variant->values->pdata[i], 0, -1 };
      g_array_append_val (queries, query);
    }
  if (variant->values)
    variant->extents = pare_extents_new (variant->graph, queries->len, (const PareExtentQuery *)queries->data);
  return variant->values != NULL;
}

static gboolean
variant_quantize (Variant *variant, const PareTrial *trial, GError **error)
{
  PareQuantizeSettings settings = quantize_settings (trial);

  for (guint i = 0; i < variant->values->len; i++)
    {
      const PareExtent *extent = pare_extents_get (variant->extents, i);
      PareValue *value = variant->values->pdata[i];
      value->range = (PareRange){ (float)extent->low[0], (float)extent->high[0] };
    }
  if (!pare_graph_quantize (variant->graph, &settings, error))
    return FALSE;
  variant->executor = pare_executor_new (variant->graph);
  return TRUE;
}

/* Squares of @wanted, and of what @found differs by, are added up. */
static void
add_squares (const PareTensor *wanted, const PareTensor *found, double *squares, double *errors)
{
  const float *w = pare_tensor_data (wanted), *f = found ? pare_tensor_data (found) : w;
  double sum = 0;

  for (gint64 i = 0; i < pare_tensor_elements (wanted); i++)
    sum += found ? (double)(f[i] - w[i]) * (f[i] - w[i]) : (double)w[i] * w[i];
  *(found ? errors : squares) += sum;
}

static gboolean
compare_batch (const PareTrial *trial, PareExecutor *original, const GArray *variants, const GPtrArray *batch,
               double *squares, GError **error)
{
  PareTensor *const *tensors = (PareTensor *const *)batch->pdata;
  g_autoptr (GPtrArray) wanted = pare_batch_run (trial->piece, original, tensors, batch->len, error);

  for (guint k = 0; wanted && k < wanted->len; k++)
    add_squares (wanted->pdata[k], NULL, &squares[k], NULL);
  for (guint i = 0; wanted && i < variants->len; i++)
    {
      const Variant *variant = &g_array_index (variants, Variant, i);
      g_autoptr (GPtrArray) found = pare_batch_run (variant->graph, variant->executor, tensors, batch->len, error);
      if (!found)
        return FALSE;
      for (guint k = 0; k < found->len; k++)
        add_squares (wanted->pdata[k], found->pdata[k], NULL, &variant->errors[k]);
    }
  return wanted != NULL;
}

static gboolean
compare (PareTrial *trial, const GArray *variants, double *squares, GError **error)
{
  g_autoptr (PareExecutor) original = pare_executor_new (trial->piece);

  for (guint b = 0; b < pare_walk_batches (trial->walk); b++)
    {
      guint valid;
      g_autoptr (GPtrArray) batch = pare_walk_get (trial->walk, b, &valid, error);
      if (!batch || !compare_batch (trial, original, variants, batch, squares, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
calibrate (PareTrial *trial, GArray *variants, GError **error)
{
  g_autofree PareExtents **extents = g_new (PareExtents *, variants->len);

  for (guint i = 0; i < variants->len; i++)
    extents[i] = g_array_index (variants, Variant, i).extents;
  if (!watch (trial, variants->len, extents, error))
    return FALSE;
  for (guint i = 0; i < variants->len; i++)
    if (!variant_quantize (&g_array_index (variants, Variant, i), trial, error))
      return FALSE;
  return TRUE;
}

gboolean
pare_trial_measure (PareTrial *trial, guint n, const double *const *factors, double *errors, GError **error)
{
  guint readers = trial->readers->len;
  g_autoptr (GArray) variants = g_array_new (FALSE, TRUE, sizeof (Variant));
  g_autofree double *squares = g_new0 (double, readers + 1);

  g_array_set_clear_func (variants, variant_clear);
  g_array_set_size (variants, n);
  for (guint i = 0; i < n * readers; i++)
    errors[i] = 0;
  for (guint i = 0; i < n; i++)
    {
      Variant *variant = &g_array_index (variants, Variant, i);
      variant->errors = errors + i * readers;
      if (!variant_init (variant, trial, factors[i], error))
        return FALSE;
    }
  if (!calibrate (trial, variants, error) || !compare (trial, variants, squares, error))
    return FALSE;
  for (guint i = 0; i < n * readers; i++)
    errors[i] = squares[i % readers] > 0 ? errors[i] / squares[i % readers] : 0;
  return TRUE;
}
