/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Reconstruction after removal: least squares on the outputs of the original network, layer by layer. */
#include "sparsify/reconstruct.h"
#include "reconstruct/leastsquares.h"
#include "sparsify/reader.h"

#define STAGE "graphsparsifier"

/* Relative to the energy of the output: a layer that computes what it should to this degree is left as it is. */
#define EXACT 1e-9

/* The names of nodes and constants may be shared or missing, that of a first output is neither. */
static const char *
key_of (const PareNode *node)
{
  return pare_node_output (node, 0)->name;
}

/* Notes which entries of the layer's axis of outputs stay, of those that this group decides on. */
static void
note_slice (GHashTable *masks, const PareChannelGroup *group, const PareChannelSlice *slice, const gboolean *keep)
{
  PareWeightTrait trait;
  gboolean *mask;

  if (!pare_node_weight (slice->node, &trait) || slice->input != trait.input || slice->axis != trait.out_axis
      || slice->role == PARE_CHANNELS_CONSUMED)
    return;
  mask = g_hash_table_lookup (masks, slice);
  if (!mask)
    {
      mask = g_new (gboolean, slice->n);
      for (guint i = 0; i < slice->n; i++)
        mask[i] = TRUE;
      g_hash_table_insert (masks, (gpointer)slice, mask);
    }
  for (guint i = 0; i < slice->n; i++)
    {
      gint channel = pare_channel_group_channel (group, slice, i);
      if (channel >= 0 && !keep[channel])
        mask[i] = FALSE;
    }
}

/* Along axis 1 the groups of a layer share the entries. */
static GArray *
outputs_of (const PareChannelSlice *slice, const gboolean *mask)
{
  GArray *outputs = g_array_new (FALSE, FALSE, sizeof (guint));
  PareWeightTrait trait;
  guint groups = 1;

  if (pare_node_weight (slice->node, &trait) && trait.out_axis == 1)
    groups = trait.groups;
  for (guint i = 0; i < groups * slice->n; i++)
    if (mask[i % slice->n])
      g_array_append_val (outputs, i);
  return outputs;
}

GHashTable *
pare_kept_outputs_new (const PareChannelGroups *groups, gboolean *const *keep)
{
  g_autoptr (GHashTable) masks = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  GHashTable *kept = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
  GHashTableIter iter;
  gpointer slice, mask;

  for (guint g = 0; g < pare_channel_groups_length (groups); g++)
    {
      const PareChannelGroup *group = pare_channel_groups_get (groups, g);
      for (guint s = 0; keep[g] && s < group->slices->len; s++)
        note_slice (masks, group, group->slices->pdata[s], keep[g]);
    }
  g_hash_table_iter_init (&iter, masks);
  while (g_hash_table_iter_next (&iter, &slice, &mask))
    g_hash_table_insert (kept, g_strdup (key_of (((PareChannelSlice *)slice)->node)), outputs_of (slice, mask));
  return kept;
}

typedef struct
{
  PareGraph *graph;
  const PareReconstruction *settings;
  PareWalk *student, *teacher;
} Reconstructor;

static gboolean
stands_before (const PareGraph *graph, const PareNode *first, const PareNode *second)
{
  guint a, b;

  return g_ptr_array_find (graph->nodes, first, &a) && g_ptr_array_find (graph->nodes, second, &b) && a < b;
}

/* The Add that alone reads the layer's output, when what it adds is known by then; @other receives that. */
static PareNode *
find_sum (const PareGraph *graph, const PareNode *layer, PareValue **other)
{
  PareNode *sum = pare_value_only_consumer (pare_node_output (layer, 0));

  if (!sum || !pare_node_is (sum, "Add"))
    return NULL;
  *other = pare_node_input (sum, pare_node_input (sum, 0) == pare_node_output (layer, 0) ? 1 : 0);
  return (*other)->producer && stands_before (graph, (*other)->producer, layer) ? sum : NULL;
}

static PareMoments *
collect (Reconstructor *self, const PareLayerMatrix *matrix, PareNode *layer, PareNode *counterpart, GError **error)
{
  const GArray *kept = g_hash_table_lookup (self->settings->kept, key_of (layer));
  PareOutputTarget target = { .teacher = self->teacher, .value = pare_node_output (counterpart, 0) };
  PareValue *other = NULL, *wanted;
  PareNode *sum = find_sum (self->graph, layer, &other);

  if (kept)
    {
      target.n_channels = kept->len;
      target.channels = (const guint *)kept->data;
    }
  wanted = sum ? pare_graph_find_value (self->settings->original, pare_node_output (sum, 0)->name) : NULL;
  if (wanted)
    {
      target.value = wanted;
      target.minus = other;
    }
  return pare_moments_collect_for (matrix, layer, self->student, &target, self->settings->rows, error);
}

static gboolean
solve (Reconstructor *self, const PareLayerMatrix *matrix, PareNode *layer, const PareMoments *moments, GError **error)
{
  g_autofree double *weights = pare_layer_matrix_read (matrix, layer);
  g_autofree double *bias = pare_layer_matrix_read_bias (matrix, layer);
  double before = pare_moments_error (moments, weights, bias), after;

  if (before > EXACT
      && !pare_least_squares (moments, matrix->columns, NULL, self->settings->ridge, weights,
                              matrix->trait.has_bias ? bias : NULL, error))
    return FALSE;
  after = pare_moments_error (moments, weights, bias);
  if (after < before)
    pare_layer_matrix_write (matrix, self->graph, layer, weights, matrix->trait.has_bias ? bias : NULL);
  pare_record_add (self->graph->record, STAGE, pare_node_label (layer), after < before ? "reconstructed" : "left alone",
                   after < before ? NULL : "it computes what it did", "error before", before, "error",
                   MIN (before, after), NULL);
  return TRUE;
}

static gboolean
reconstruct_layer (Reconstructor *self, PareNode *layer, GError **error)
{
  PareValue *output = pare_graph_find_value (self->settings->original, key_of (layer));
  g_autoptr (PareMoments) moments = NULL;
  PareLayerMatrix matrix;

  if (!pare_layer_matrix_init (&matrix, layer) || !output || !output->producer)
    return TRUE;
  if (matrix.columns > PARE_CHANNEL_READER_MOST_COLUMNS)
    {
      pare_record_add (self->graph->record, STAGE, pare_node_label (layer), "left alone",
                       "it has too many inputs to solve for", "inputs", (double)matrix.columns, NULL);
      return TRUE;
    }
  if (!pare_walk_advance (self->student, layer, error) || !pare_walk_advance (self->teacher, output->producer, error))
    return FALSE;
  moments = collect (self, &matrix, layer, output->producer, error);
  return moments && solve (self, &matrix, layer, moments, error);
}

gboolean
pare_graph_reconstruct (PareGraph *graph, const PareReconstruction *reconstruction, PareProgress progress,
                        gpointer user_data, GError **error)
{
  g_autoptr (PareWalk) student = pare_walk_new (graph, reconstruction->samples, reconstruction->memory_limit);
  g_autoptr (PareWalk) teacher
      = pare_walk_new (reconstruction->original, reconstruction->samples, reconstruction->memory_limit);
  Reconstructor self = { graph, reconstruction, student, teacher };

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      if (!reconstruct_layer (&self, graph->nodes->pdata[i], error))
        return FALSE;
      if (progress && !progress (i + 1, graph->nodes->len, user_data))
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA, "The work was cancelled.");
          return FALSE;
        }
    }
  return TRUE;
}
