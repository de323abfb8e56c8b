/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphshifter: finds the right shifts with which the accumulators of quantized layers fit 16 bits (SearchN). */
#include "gst/gstpare.h"
#include "quantize/shiftsearch.h"

G_DECLARE_FINAL_TYPE (GstGraphShifter, gst_graph_shifter, GST, GRAPH_SHIFTER, GstPareStage)

struct _GstGraphShifter
{
  GstPareStage parent_instance;
  gboolean simulate;
  char *layers;
  PareShiftSearch *search;
};

G_DEFINE_TYPE (GstGraphShifter, gst_graph_shifter, GST_TYPE_PARE_STAGE)

static const GstPareProperty properties[] = {
  { "simulate", "The network computes with shifted accumulators from here on; else the record alone tells the shifts",
    G_TYPE_BOOLEAN, G_STRUCT_OFFSET (GstGraphShifter, simulate), .initial = TRUE },
  { "layers", "Settings of single layers: conv1:shift=3;fc:enable=false", G_TYPE_STRING,
    G_STRUCT_OFFSET (GstGraphShifter, layers) },
};

static gboolean
begin (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphShifter *shifter = GST_GRAPH_SHIFTER (stage);
  g_autoptr (GHashTable) layers = pare_shift_layers_parse (shifter->layers, error);

  shifter->search = layers ? pare_shift_search_new (graph, layers, error) : NULL;
  return shifter->search != NULL;
}

static gboolean
feed (GstPareStage *stage, PareTensor **batch, guint n, GError **error)
{
  return pare_shift_search_add (GST_GRAPH_SHIFTER (stage)->search, batch, n, error);
}

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphShifter *shifter = GST_GRAPH_SHIFTER (stage);

  pare_shift_search_finish (shifter->search, graph, shifter->simulate);
  return TRUE;
}

static void
reset (GstPareStage *stage)
{
  g_clear_pointer (&GST_GRAPH_SHIFTER (stage)->search, pare_shift_search_free);
}

static void
gst_graph_shifter_init (GstGraphShifter *shifter)
{
}

static void
gst_graph_shifter_class_init (GstGraphShifterClass *klass)
{
  GstPareStageClass *stage_class = GST_PARE_STAGE_CLASS (klass);

  stage_class->needs_samples = TRUE;
  stage_class->needs_float32 = TRUE;
  stage_class->begin = begin;
  stage_class->feed = feed;
  stage_class->finish = finish;
  stage_class->reset = reset;
  gst_pare_stage_class_add_tensors_pad (stage_class);
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph shifter", "Filter/Graph",
                                         "Finds shifts with which accumulators fit 16 bits", "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphshifter, "Shifts accumulators into 16 bits", gst_graph_shifter_get_type ())
