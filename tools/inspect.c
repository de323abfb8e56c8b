/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare inspect: what a model consists of, layer by layer. */
#include "command.h"
#include "json.h"
#include "layers.h"
#include "onnx/onnx.h"
#include <glib/gstdio.h>

static void
add_value (JsonBuilder *builder, const PareValue *value)
{
  json_builder_begin_object (builder);
  pare_json_string (builder, "name", value->name);
  pare_json_string (builder, "type", pare_data_type_name (value->type));
  if (value->has_shape)
    pare_json_shape (builder, "shape", &value->shape);
  else
    pare_json_string (builder, "shape", NULL);
  json_builder_end_object (builder);
}

static void
add_values (JsonBuilder *builder, const char *name, GPtrArray *values)
{
  pare_json_begin_array (builder, name);
  for (guint i = 0; i < values->len; i++)
    add_value (builder, values->pdata[i]);
  json_builder_end_array (builder);
}

/* "2:4", or NULL. */
static char *
pattern_of (const PareLayer *layer)
{
  return layer->n ? g_strdup_printf ("%u:%u", layer->n, layer->m) : NULL;
}

/* "8", or "4/32" for groups of 32. */
static char *
bits_of (const PareLayer *layer)
{
  return !layer->bits         ? g_strdup ("-")
         : !layer->group_size ? g_strdup_printf ("%u", layer->bits)
                              : g_strdup_printf ("%u/%" G_GINT64_FORMAT, layer->bits, layer->group_size);
}

static void
add_layer (JsonBuilder *builder, const PareLayer *layer)
{
  g_autofree char *pattern = pattern_of (layer);

  json_builder_begin_object (builder);
  pare_json_string (builder, "name", layer->name);
  pare_json_string (builder, "operator", layer->operator);
  if (layer->has_shape)
    pare_json_shape (builder, "output", &layer->output);
  else
    pare_json_string (builder, "output", NULL);
  pare_json_int (builder, "parameters", layer->parameters);
  pare_json_int (builder, "macs", layer->macs);
  if (layer->bits)
    pare_json_int (builder, "bits", layer->bits);
  else
    pare_json_string (builder, "bits", NULL);
  if (layer->group_size)
    pare_json_int (builder, "group_size", layer->group_size);
  else
    pare_json_string (builder, "group_size", NULL);
  pare_json_double (builder, "sparsity", layer->sparsity);
  pare_json_string (builder, "pattern", pattern);
  json_builder_end_object (builder);
}

static void
print_json (const PareGraph *graph, const PareLayers *layers, gint64 bytes)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (graph);

  json_builder_begin_object (builder);
  pare_json_string (builder, "model", graph->path);
  pare_json_int (builder, "opset", pare_graph_opset (graph, ""));
  add_values (builder, "inputs", inputs);
  add_values (builder, "outputs", graph->outputs);
  pare_json_begin_array (builder, "layers");
  for (guint i = 0; i < layers->layers->len; i++)
    add_layer (builder, &g_array_index (layers->layers, PareLayer, i));
  json_builder_end_array (builder);
  pare_json_begin_object (builder, "totals");
  pare_json_int (builder, "layers", layers->layers->len);
  pare_json_int (builder, "parameters", layers->parameters);
  pare_json_int (builder, "macs", layers->macs);
  pare_json_int (builder, "bytes", bytes);
  pare_json_int (builder, "quantized", layers->quantized);
  json_builder_end_object (builder);
  if (layers->note)
    pare_json_string (builder, "note", layers->note);
  pare_json_print (builder);
}

static void
print_layer (const PareLayer *layer)
{
  g_autofree char *shape = layer->has_shape ? pare_shape_to_string (&layer->output) : g_strdup ("-");
  g_autofree char *bits = bits_of (layer);
  g_autofree char *pattern = pattern_of (layer);

  g_print ("%-40.40s %-20.20s %-20s %12" G_GINT64_FORMAT " %14" G_GINT64_FORMAT " %4s %7.1f%% %7s\n", layer->name,
           layer->operator, shape, layer->parameters, layer->macs, bits, 100 * layer->sparsity,
           pattern ? pattern : "-");
}

static void
print_values (const char *title, GPtrArray *values)
{
  for (guint i = 0; i < values->len; i++)
    {
      const PareValue *value = values->pdata[i];
      g_autofree char *shape = value->has_shape ? pare_shape_to_string (&value->shape) : g_strdup ("-");
      g_print ("%s %s: %s %s\n", title, value->name, pare_data_type_name (value->type), shape);
    }
}

static void
print_text (const PareGraph *graph, const PareLayers *layers, gint64 bytes)
{
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (graph);

  print_values ("input", inputs);
  print_values ("output", graph->outputs);
  g_print ("\n%-40s %-20s %-20s %12s %14s %4s %8s %7s\n", "layer", "operator", "output", "parameters", "MACs", "bits",
           "sparsity", "pattern");
  for (guint i = 0; i < layers->layers->len; i++)
    print_layer (&g_array_index (layers->layers, PareLayer, i));
  if (layers->note)
    g_print ("\n%s Shapes are as the file gives them, and no MACs are counted.\n", layers->note);
  g_print ("\n%s: opset %" G_GINT64_FORMAT ", %u layers (%u quantized), %" G_GINT64_FORMAT
           " parameters, %" G_GINT64_FORMAT " MACs, %" G_GINT64_FORMAT " bytes.\n",
           graph->path, pare_graph_opset (graph, ""), layers->layers->len, layers->quantized, layers->parameters,
           layers->macs, bytes);
}

static gboolean
run (const PareArguments *arguments, GError **error)
{
  g_autoptr (PareGraph) graph = pare_onnx_load (arguments->words[0], error);
  g_autoptr (PareLayers) layers = NULL;
  GStatBuf status = { 0 };

  if (!graph)
    return FALSE;
  g_stat (arguments->words[0], &status);
  layers = pare_layers_new (graph, arguments->batch, arguments->size);
  if (arguments->json)
    print_json (graph, layers, status.st_size);
  else
    print_text (graph, layers, status.st_size);
  return TRUE;
}

const PareCommand pare_command_inspect = {
  .name = "inspect",
  .words = "MODEL.onnx [--json]",
  .summary = "Show a model's layers: shapes, parameters, MACs, bits, sparsity and its pattern",
  .details = "QuantizeLinear and DequantizeLinear are not listed: they show as the bits of the layers around them.\n",
  .takes = PARE_TAKES_JSON | PARE_TAKES_BATCH | PARE_TAKES_SIZE,
  .least = 1,
  .most = 1,
  .run = run,
};
