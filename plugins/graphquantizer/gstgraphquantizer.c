/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphquantizer: rounds weights and activations to few bits, by the ranges that a calibrator found. */
#include "gst/gstpare.h"
#include "gst/quantizing.h"

G_DECLARE_FINAL_TYPE (GstGraphQuantizer, gst_graph_quantizer, GST, GRAPH_QUANTIZER, GstPareStage)

struct _GstGraphQuantizer
{
  GstPareStage parent_instance;
  GstPareQuantizing quantizing;
};

G_DEFINE_TYPE (GstGraphQuantizer, gst_graph_quantizer, GST_TYPE_PARE_STAGE)

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  g_auto (GstPareQuantization) quantization = { 0 };

  return gst_pare_quantizing_read (&GST_GRAPH_QUANTIZER (stage)->quantizing, &quantization, error)
         && pare_graph_quantize (graph, &quantization.settings, error);
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
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph quantizer", "Filter/Graph",
                                         "Quantizes weights and activations to integers", "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphquantizer, "Quantizes networks", gst_graph_quantizer_get_type ())
