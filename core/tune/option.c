/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The layers that can be tuned, and what can be chosen for each. */
#include "tune/option.h"
#include "exec/inference.h"
#include "graph/overrides.h"
#include <string.h>

static void
layer_free (gpointer data)
{
  PareTuneLayer *layer = data;

  g_free (layer->label);
  g_array_unref (layer->options);
  g_free (layer);
}

static PareTuneLayer *
find_layer (GPtrArray *layers, const char *label)
{
  for (guint i = 0; i < layers->len; i++)
    if (strcmp (((PareTuneLayer *)layers->pdata[i])->label, label) == 0)
      return layers->pdata[i];
  return NULL;
}

/* A layer that the user wants to have just so many bits is not tuned. */
static gboolean
is_settled (const PareQuantizeSettings *settings, const char *label)
{
  const PareQuantizeLayer *said = pare_overrides_find (settings->layers, label);

  return said && said->weight_bits >= 0;
}

static guint64
macs_of (const PareGraph *graph, const PareInference *inference, const char *label)
{
  guint64 macs = 0;

  for (guint i = 0; i < graph->nodes->len; i++)
    if (strcmp (pare_node_label (graph->nodes->pdata[i]), label) == 0)
      macs += pare_inference_macs (inference, graph->nodes->pdata[i]);
  return macs;
}

/* Nodes of one label are one layer: settings are by label. */
static void
add_layer (GPtrArray *layers, const char *label, double bits, double parameters)
{
  const PareTuneOption start = { .bits = (guint)bits };
  PareTuneLayer *layer = find_layer (layers, label);

  if (!layer)
    {
      layer = g_new0 (PareTuneLayer, 1);
      layer->label = g_strdup (label);
      layer->options = g_array_new (FALSE, FALSE, sizeof (PareTuneOption));
      g_array_append_val (layer->options, start);
      g_ptr_array_add (layers, layer);
    }
  layer->parameters += (guint64)parameters;
}

/* The quantizer says what became of each layer. */
static GPtrArray *
read_record (const PareRecord *record, guint first, const PareQuantizeSettings *settings)
{
  GPtrArray *layers = g_ptr_array_new_with_free_func (layer_free);

  for (guint i = first; i < pare_record_length (record); i++)
    {
      const PareRecordEntry *entry = pare_record_get (record, i);
      const char *label = pare_record_entry_layer (entry);
      double bits, parameters;
      if (pare_record_entry_number (entry, "weight_bits", &bits)
          && pare_record_entry_number (entry, "parameters", &parameters) && !is_settled (settings, label))
        add_layer (layers, label, bits, parameters);
    }
  return layers;
}

GPtrArray *
pare_tune_layers_new (PareGraph *graph, const PareQuantizeSettings *settings, const GArray *inputs, GError **error)
{
  g_autoptr (PareGraph) quantized = pare_graph_copy (graph);
  g_autoptr (GPtrArray) layers = NULL, free_inputs = pare_graph_free_inputs (graph);
  g_autoptr (PareInference) inference
      = pare_inference_new_partial (graph, free_inputs->len, (const PareSpec *)inputs->data, error);
  gint64 batch = MAX (g_array_index (inputs, PareSpec, 0).shape.dims[0], 1);

  if (!inference || !pare_graph_quantize (quantized, settings, error))
    return NULL;
  layers = read_record (quantized->record, pare_record_length (graph->record), settings);
  for (guint i = 0; i < layers->len; i++)
    {
      PareTuneLayer *layer = layers->pdata[i];
      layer->macs = macs_of (graph, inference, layer->label) / batch;
    }
  if (layers->len)
    return g_steal_pointer (&layers);
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "No layer of the network can be tuned: none is quantized, or layers says the bits of each of them.");
  return NULL;
}

static const PareTuneOption *
last_option (const PareTuneLayer *layer)
{
  return &g_array_index (layer->options, PareTuneOption, layer->options->len - 1);
}

/* Ladders. A step makes of an option the next one; FALSE when it leaves it as it is. */

static gboolean
climb_bits (const PareTuneOption *from, guint bits, PareTuneOption *to)
{
  *to = *from;
  to->bits = bits;
  return from->bits && from->bits < bits;
}

static gboolean
climb_activations (const PareTuneOption *from, PareTuneOption *to)
{
  *to = *from;
  to->activation_bits = 16;
  return from->bits && from->activation_bits != 16;
}

static gboolean
climb_float (const PareTuneOption *from, PareTuneOption *to)
{
  *to = (PareTuneOption){ 0 };
  return from->bits > 0;
}

static gboolean
climb (const PareTuneOption *from, const char *step, guint bits, PareTuneOption *to)
{
  if (strcmp (step, "float") == 0)
    return climb_float (from, to);
  return bits == 16 ? climb_activations (from, to) : climb_bits (from, bits, to);
}

/* "8", "16": 0 for what is none of those. */
static guint
parse_bits (const char *text, gboolean sixteen)
{
  guint64 bits;

  return g_ascii_string_to_unsigned (text, 10, 2, 16, &bits, NULL) && (bits <= 8 || (sixteen && bits == 16)) ? bits : 0;
}

gboolean
pare_tune_layers_climb (GPtrArray *layers, const char *ladder, GError **error)
{
  g_auto (GStrv) steps = g_strsplit (ladder, ",", -1);

  for (char **step = steps; *step; step++)
    {
      guint bits = parse_bits (g_strstrip (*step), TRUE);
      if (!bits && strcmp (*step, "float"))
        {
          g_set_error (
              error, PARE_ERROR, PARE_ERROR_SETTINGS,
              "The ladder has a step '%s': write bits of weights from 2 to 8, 16 for 16 bits of activations, or "
              "float, such as 8,16,float.",
              *step);
          return FALSE;
        }
      for (guint i = 0; i < layers->len; i++)
        {
          PareTuneLayer *layer = layers->pdata[i];
          PareTuneOption option;
          if (climb (last_option (layer), *step, bits, &option))
            g_array_append_val (layer->options, option);
        }
    }
  return TRUE;
}

static gint
compare_bits (gconstpointer a, gconstpointer b)
{
  const PareTuneOption *left = a, *right = b;

  return (left->bits > right->bits) - (left->bits < right->bits);
}

static GArray *
parse_candidates (const char *candidates, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (candidates, ",", -1);
  g_autoptr (GArray) options = g_array_new (FALSE, FALSE, sizeof (PareTuneOption));

  for (char **part = parts; *part; part++)
    {
      PareTuneOption option = { .bits = parse_bits (g_strstrip (*part), FALSE) };
      gboolean known = FALSE;
      if (!option.bits)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                       "The candidates have '%s': write bits from 2 to 8, such as 8,6,4.", *part);
          return NULL;
        }
      for (guint i = 0; i < options->len; i++)
        known |= g_array_index (options, PareTuneOption, i).bits == option.bits;
      if (!known)
        g_array_append_val (options, option);
    }
  g_array_sort (options, compare_bits);
  return g_steal_pointer (&options);
}

gboolean
pare_tune_layers_offer (GPtrArray *layers, const char *candidates, GError **error)
{
  g_autoptr (GArray) options = parse_candidates (candidates, error);

  if (!options)
    return FALSE;
  for (guint i = 0; i < layers->len; i++)
    {
      PareTuneLayer *layer = layers->pdata[i];
      g_array_unref (layer->options);
      layer->options = g_array_copy (options);
    }
  return TRUE;
}

char *
pare_tune_option_name (const PareTuneOption *option)
{
  if (!option->bits)
    return g_strdup ("float");
  if (!option->activation_bits)
    return g_strdup_printf ("%u bits", option->bits);
  return g_strdup_printf ("%u bits, activations %u", option->bits, option->activation_bits);
}
