/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphsparsifier: puts zeros into weights, in a pattern that hardware can use, or takes whole filters out. */
#include "exec/inference.h"
#include "gst/gstpare.h"
#include "sparsify/filter.h"
#include "sparsify/nm.h"
#include "graph/pattern.h"
#include <string.h>

G_DECLARE_FINAL_TYPE (GstGraphSparsifier, gst_graph_sparsifier, GST, GRAPH_SPARSIFIER, GstPareStage)

struct _GstGraphSparsifier
{
  GstPareStage parent_instance;
  char *mode, *algorithm, *skip_layers, *layers;
  PareNmSettings nm;
  PareFilterSettings filter;
};

G_DEFINE_TYPE (GstGraphSparsifier, gst_graph_sparsifier, GST_TYPE_PARE_STAGE)

static GType
gst_graph_sparsifier_budget_get_type (void)
{
  static const GEnumValue budgets[] = {
    { PARE_BUDGET_CHANNELS, "The filters of each layer", "filters" },
    { PARE_BUDGET_MACS, "The multiply-accumulates of the network", "macs" },
    { PARE_BUDGET_PARAMETERS, "The parameters of the network", "parameters" },
    { PARE_BUDGET_LATENCY, "The time that the layers take here", "latency" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstGraphSparsifierBudget", budgets));
  return type;
}

#define FIELD(field) G_STRUCT_OFFSET (GstGraphSparsifier, field)

static const GstPareProperty properties[] = {
  { "mode", "n:m, such as 2:4: of every m consecutive input channels n stay; or filter: whole filters go",
    G_TYPE_STRING, FIELD (mode), .text = "2:4" },
  { "algorithm",
    "What chooses the weights or filters that stay; unset: the best for the mode that goes without samples, or with "
    "them",
    G_TYPE_STRING, FIELD (algorithm) },
  { "ratio", "mode=filter: share of the budget that goes", G_TYPE_DOUBLE, FIELD (filter.ratio), .initial = 0.5,
    .maximum = 1 },
  { "align", "mode=filter: the number of filters that stays is rounded up to a multiple", G_TYPE_UINT,
    FIELD (filter.align), .initial = 1, .minimum = 1, .maximum = 65536 },
  { "permute", "mode=n:m: first look for an order of channels in which the largest weights stay", G_TYPE_BOOLEAN,
    FIELD (nm.permute) },
  { "reconstruct", "mode=filter, with samples: the weights of what stays are solved for", G_TYPE_BOOLEAN,
    FIELD (filter.reconstruct), .initial = TRUE },
  { "ridge", "How strongly weights are held where they are when the samples say little", G_TYPE_DOUBLE,
    FIELD (nm.ridge), .initial = 1e-2, .maximum = 1e6 },
  { "rows", "Positions to look at in each sample at most; 0: all", G_TYPE_UINT, FIELD (nm.rows), .maximum = G_MAXINT },
  { "skip-layers", "Names of layers to leave alone, with commas", G_TYPE_STRING, FIELD (skip_layers) },
  { "layers", "Settings of single layers: conv1:n=1,m=4;fc:enable=false; of filters conv1:ratio=0.3", G_TYPE_STRING,
    FIELD (layers) },
  { "update-frequency", "Training draws the mask anew every so many steps; 0 keeps it", G_TYPE_UINT,
    FIELD (nm.update_frequency), .maximum = G_MAXINT },
  { "allow-none", "A network in which no layer can be made sparse passes as it is", G_TYPE_BOOLEAN,
    FIELD (nm.allow_none) },
};

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphSparsifier *self = GST_GRAPH_SPARSIFIER (stage);
  g_auto (GStrv) skip_layers = gst_pare_split_names (self->skip_layers);

  self->nm.algorithm = self->filter.algorithm = self->algorithm;
  self->nm.skip_layers = self->filter.skip_layers = (const char *const *)skip_layers;
  self->nm.layers = self->filter.layers = self->layers;
  self->filter.allow_none = self->nm.allow_none;
  self->filter.rows = self->nm.rows;
  self->filter.memory_limit = self->nm.memory_limit = gst_pare_stage_get_memory_limit (stage);
  self->filter.ridge = self->nm.ridge;
  if (strcmp (self->mode, "filter") == 0)
    return pare_graph_sparsify_filters (graph, gst_pare_stage_get_samples (stage), &self->filter, gst_pare_stage_report,
                                        stage, error);
  return pare_pattern_parse (self->mode, &self->nm.n, &self->nm.m, error)
         && pare_graph_sparsify_nm (graph, gst_pare_stage_get_samples (stage), &self->nm, gst_pare_stage_report, stage,
                                    error);
}

static void
gst_graph_sparsifier_init (GstGraphSparsifier *self)
{
}

static void
gst_graph_sparsifier_class_init (GstGraphSparsifierClass *klass)
{
  GstPareStageClass *stage_class = GST_PARE_STAGE_CLASS (klass);
  GstPareProperty budget = { "budget", "mode=filter: what the ratio is of", gst_graph_sparsifier_budget_get_type (),
                             FIELD (filter.budget), .initial = PARE_BUDGET_CHANNELS };

  stage_class->needs_float32 = TRUE;
  stage_class->finish = finish;
  gst_pare_stage_class_keep_samples (stage_class);
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), &budget, 1);
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph sparsifier", "Filter/Graph",
                                         "Puts zeros into weights, in a pattern that hardware can use",
                                         "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphsparsifier, "Makes networks sparse", gst_graph_sparsifier_get_type ())
