/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphquantizer: rounds weights and activations to few bits, by the ranges that a calibrator found. */
#include "gst/gstpare.h"
#include "gst/quantizing.h"

G_DECLARE_FINAL_TYPE (GstGraphQuantizer, gst_graph_quantizer, GST, GRAPH_QUANTIZER, GstPareStage)

struct _GstGraphQuantizer
{
  GstPareStage parent_instance;
  GstPareQuantizing quantizing;
  gboolean allow_none;
};

G_DEFINE_TYPE (GstGraphQuantizer, gst_graph_quantizer, GST_TYPE_PARE_STAGE)

static const GstPareProperty properties[] = {
  { "allow-none", "A network in which no layer can be quantized passes as it is", G_TYPE_BOOLEAN,
    G_STRUCT_OFFSET (GstGraphQuantizer, allow_none) },
};

/* Who asked for integers must not get a file of floats unawares. */
static gboolean
check_quantized (const GstGraphQuantizer *quantizer, const PareGraph *graph, GError **error)
{
  const PareRecordEntry *first = NULL;

  for (guint i = 0; i < pare_record_length (graph->record); i++)
    {
      const PareRecordEntry *entry = pare_record_get (graph->record, i);
      if (g_strcmp0 (pare_record_entry_stage (entry), "graphquantizer") != 0)
        continue;
      if (g_strcmp0 (pare_record_entry_action (entry), "left in float") != 0)
        return TRUE;
      first = first ? first : entry;
    }
  if (quantizer->allow_none)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "No layer can be quantized%s%s%s%s; allow-none=true lets the network pass as it is.", first ? ": '" : "",
               first ? pare_record_entry_layer (first) : "",
               first ? "', for one, stays in float: " : ": it has none with weights",
               first ? pare_record_entry_reason (first) : "");
  return FALSE;
}

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphQuantizer *quantizer = GST_GRAPH_QUANTIZER (stage);
  g_auto (GstPareQuantization) quantization = { 0 };

  return gst_pare_quantizing_read (&quantizer->quantizing, &quantization, error)
         && pare_graph_quantize (graph, &quantization.settings, error) && check_quantized (quantizer, graph, error);
}

static void
gst_graph_quantizer_init (GstGraphQuantizer *quantizer)
{
}

static void
gst_graph_quantizer_class_init (GstGraphQuantizerClass *klass)
{
  GST_PARE_STAGE_CLASS (klass)->needs_float32 = TRUE;
  GST_PARE_STAGE_CLASS (klass)->finish = finish;
  gst_pare_class_install_quantizing (G_OBJECT_CLASS (klass), G_STRUCT_OFFSET (GstGraphQuantizer, quantizing));
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph quantizer", "Filter/Graph",
                                         "Quantizes weights and activations to integers", "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphquantizer, "Quantizes networks", gst_graph_quantizer_get_type ())
