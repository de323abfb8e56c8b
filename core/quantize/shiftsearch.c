/* SPDX-License-Identifier: LGPL-2.1-or-later
 * SearchN: per channel, the N of least error in
 *
 *   acc' = 2^N clip (floor (acc / 2^N), -2^15, 2^15 - 1)
 *
 * A small N cuts off the largest accumulators, a large one loses the last bits of all. The sums of squared errors for
 * all N come from an operator that is appended to a copy of the network behind each layer. */
#include "quantize/shiftsearch.h"
#include "data/batch.h"
#include "graph/overrides.h"
#include "ops/operator.h"
#include "quantize/shift.h"
#include "train/gradient.h"
#include <math.h>

#define STAGE "graphshifter"

/* What can be said of one layer; fields that say nothing are -1. */
typedef struct
{
  int enable;
  int shift; /* for all channels, instead of a search */
} Override;

static const PareOverrideField fields[] = {
  { "enable", PARE_OVERRIDE_BOOLEAN, G_STRUCT_OFFSET (Override, enable) },
  { "shift", PARE_OVERRIDE_INTEGER, G_STRUCT_OFFSET (Override, shift), .maximum = PARE_SHIFT_MAX },
};

GHashTable *
pare_shift_layers_parse (const char *text, GError **error)
{
  static const Override unset = { -1, -1 };

  return pare_overrides_parse (text, fields, G_N_ELEMENTS (fields), &unset, sizeof unset, error);
}

/* A layer, and what was found out of its channels so far. */
typedef struct
{
  PareAccumulator accumulator;
  int given;    /* its shift, -1: to be found */
  double *rows; /* channels x PARE_SHIFT_COLUMNS */
} Layer;

struct _PareShiftSearch
{
  GPtrArray *layers; /* of Layer */
  GPtrArray *others; /* of Reason */
  PareGraph *watched;
  PareExecutor *executor;
};

/* Why a layer was not looked at. */
typedef struct
{
  const PareNode *node;
  const char *text;
} Reason;

static void
layer_free (gpointer data)
{
  Layer *layer = data;

  g_free (layer->rows);
  g_free (layer);
}

static void
add_layer (PareShiftSearch *search, const PareAccumulator *accumulator, int given)
{
  Layer *layer = g_new (Layer, 1);

  *layer = (Layer){ *accumulator, given, g_new0 (double, accumulator->channels *PARE_SHIFT_COLUMNS) };
  for (gint64 c = 0; c < accumulator->channels; c++)
    {
      layer->rows[c * PARE_SHIFT_COLUMNS + PARE_SHIFT_LOW] = INFINITY;
      layer->rows[c * PARE_SHIFT_COLUMNS + PARE_SHIFT_HIGH] = -INFINITY;
    }
  g_ptr_array_add (search->layers, layer);
}

static void
find_layers (PareShiftSearch *search, PareGraph *graph, GHashTable *layers)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    {
      PareNode *node = graph->nodes->pdata[i];
      PareAccumulator accumulator;
      const char *reason;
      gboolean found = pare_accumulator_read (node, &accumulator, &reason);
      const Override *override = pare_overrides_find (layers, pare_node_label (node));
      if (found && override && override->enable == 0)
        reason = "the settings skip it";
      if (found && accumulator.channels < 1)
        reason = "it has no channels";
      if (reason)
        {
          Reason *other = g_new (Reason, 1);
          *other = (Reason){ node, reason };
          g_ptr_array_add (search->others, other);
        }
      else if (found)
        add_layer (search, &accumulator, override ? override->shift : -1);
    }
}

/* A copy of @graph whose outputs are the errors of each layer, in their order. */
static PareGraph *
watched_graph (PareGraph *graph, const GPtrArray *layers)
{
  PareGraph *copy = pare_graph_copy (graph);

  g_ptr_array_set_size (copy->outputs, 0);
  for (guint i = 0; i < layers->len; i++)
    {
      const PareAccumulator *accumulator = &((const Layer *)layers->pdata[i])->accumulator;
      const PareValue *inputs[]
          = { pare_node_output (accumulator->node, 0), accumulator->data_scale, accumulator->weight_scale };
      PareNode *node = pare_graph_add_node (copy, PARE_DOMAIN, "AccumulatorShiftErrors", inputs[0]->name, NULL);
      PareValue *errors = pare_graph_add_value_near (copy, "errors");
      for (guint k = 0; k < G_N_ELEMENTS (inputs); k++)
        pare_node_add_input (node, pare_graph_find_value (copy, inputs[k]->name));
      pare_node_add_output (node, errors);
      pare_node_set_attribute (node, pare_attribute_new_int ("axis", accumulator->axis));
      g_ptr_array_add (copy->outputs, errors);
    }
  pare_graph_set_opset (copy, PARE_DOMAIN, 1);
  pare_graph_remove_dead (copy);
  return copy;
}

PareShiftSearch *
pare_shift_search_new (PareGraph *graph, GHashTable *layers, GError **error)
{
  g_autoptr (PareShiftSearch) search = g_new0 (PareShiftSearch, 1);

  search->layers = g_ptr_array_new_with_free_func (layer_free);
  search->others = g_ptr_array_new_with_free_func (g_free);
  if (!pare_overrides_check_layers (layers, graph, error))
    return NULL;
  find_layers (search, graph, layers);
  if (!search->layers->len)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "No layer of the network computes in integers, so there is nothing to shift: put a graphquantizer "
                   "before the shifter.");
      return NULL;
    }
  search->watched = watched_graph (graph, search->layers);
  search->executor = pare_executor_new (search->watched);
  return g_steal_pointer (&search);
}

void
pare_shift_search_free (PareShiftSearch *search)
{
  g_clear_pointer (&search->executor, pare_executor_free);
  g_clear_object (&search->watched);
  g_ptr_array_unref (search->layers);
  g_ptr_array_unref (search->others);
  g_free (search);
}

static gboolean
add_rows (Layer *layer, const PareTensor *found, GError **error)
{
  const double *rows = pare_tensor_data (found);

  for (gint64 c = 0; c < layer->accumulator.channels; c++)
    {
      const double *row = rows + c * PARE_SHIFT_COLUMNS;
      double *sum = layer->rows + c * PARE_SHIFT_COLUMNS;
      if (!isfinite (row[PARE_SHIFT_SQUARES]))
        {
          pare_node_error (error, PARE_ERROR_FORMAT, layer->accumulator.node,
                           "it computed a number that is not finite: check the samples and their normalization.");
          return FALSE;
        }
      for (guint k = 0; k <= PARE_SHIFT_SQUARES; k++)
        sum[k] += row[k];
      sum[PARE_SHIFT_LOW] = MIN (sum[PARE_SHIFT_LOW], row[PARE_SHIFT_LOW]);
      sum[PARE_SHIFT_HIGH] = MAX (sum[PARE_SHIFT_HIGH], row[PARE_SHIFT_HIGH]);
    }
  return TRUE;
}

gboolean
pare_shift_search_add (PareShiftSearch *search, PareTensor *const *batch, guint n, GError **error)
{
  g_autoptr (GPtrArray) outputs = pare_batch_run (search->watched, search->executor, batch, n, error);

  for (guint i = 0; outputs && i < outputs->len; i++)
    if (!add_rows (search->layers->pdata[i], outputs->pdata[i], error))
      return FALSE;
  return outputs != NULL;
}

/* The N of least error; the smallest of several. */
static guint
best_shift (const double *errors)
{
  guint best = 0;

  for (guint n = 1; n < PARE_SHIFTS; n++)
    if (errors[n] < errors[best])
      best = n;
  return best;
}

static double
decibels (double signal, double noise)
{
  return noise > 0 ? 10 * log10 (signal / noise) : INFINITY;
}

/* Chooses the shifts of @layer and records them. */
static void
choose (const Layer *layer, PareGraph *graph, gint64 *shifts)
{
  const gint64 channels = layer->accumulator.channels;
  g_autofree double *listed = g_new (double, channels);
  double squares = 0, errors = 0, unshifted = 0, low = INFINITY, high = -INFINITY, least = PARE_SHIFT_MAX, most = 0;

  for (gint64 c = 0; c < channels; c++)
    {
      const double *row = layer->rows + c * PARE_SHIFT_COLUMNS;
      listed[c] = shifts[c] = layer->given >= 0 ? (guint)layer->given : best_shift (row);
      least = MIN (least, listed[c]);
      most = MAX (most, listed[c]);
      squares += row[PARE_SHIFT_SQUARES];
      errors += row[shifts[c]];
      unshifted += row[0];
      low = MIN (low, row[PARE_SHIFT_LOW]);
      high = MAX (high, row[PARE_SHIFT_HIGH]);
    }
  pare_record_add_list (graph->record, STAGE, pare_node_label (layer->accumulator.node), "shifted", NULL,
                        &(PareRecordList){ "shift_bit", channels, listed }, "shift_least", least, "shift_most", most,
                        "accumulator_low", low, "accumulator_high", high, "sqnr_db", decibels (squares, errors),
                        "unshifted_sqnr_db", decibels (squares, unshifted), NULL);
}

void
pare_shift_search_finish (PareShiftSearch *search, PareGraph *graph, gboolean simulate)
{
  for (guint i = 0; i < search->others->len; i++)
    {
      const Reason *other = search->others->pdata[i];
      pare_record_add (graph->record, STAGE, pare_node_label (other->node), "not shifted", other->text, NULL);
    }
  for (guint i = 0; i < search->layers->len; i++)
    {
      const Layer *layer = search->layers->pdata[i];
      g_autofree gint64 *shifts = g_new (gint64, layer->accumulator.channels);
      choose (layer, graph, shifts);
      if (simulate)
        pare_shift_insert (graph, &layer->accumulator, shifts);
    }
}
