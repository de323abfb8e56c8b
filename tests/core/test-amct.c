/* SPDX-License-Identifier: LGPL-2.1-or-later
 * AMCT's configurations become the settings that its documentation gives the fields, and their mistakes are named. */
#include "../folder.h"
#include "amct/config.h"
#include "pare.h"
#include <string.h>

/* conv1 -> relu -> conv2 -> fc */
static PareGraph *
graph_new (void)
{
  static const char *const nodes[][2]
      = { { "conv1", "Conv" }, { "relu", "Relu" }, { "conv2", "Conv" }, { "fc", "Gemm" } };
  PareGraph *graph = pare_graph_new ();
  PareValue *value = pare_graph_add_value (graph, "x");

  g_ptr_array_add (graph->inputs, value);
  for (guint i = 0; i < G_N_ELEMENTS (nodes); i++)
    {
      PareNode *node = pare_graph_add_node (graph, "", nodes[i][1], nodes[i][0], NULL);
      pare_node_add_input (node, value);
      value = pare_graph_add_value (graph, nodes[i][0]);
      pare_node_add_output (node, value);
    }
  g_ptr_array_add (graph->outputs, value);
  return graph;
}

/* What @text says to @stage, as "name=value name=value"; or the error's message. */
static char *
say (const char *text, const char *stage)
{
  char *folder = folder_create ();
  g_autofree char *path = g_build_filename (folder, "quant.cfg", NULL);
  gboolean written = g_file_set_contents (path, text, -1, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (PareAmctConfig) config = pare_amct_config_load (path, &error);
  g_autoptr (PareGraph) graph = graph_new ();
  g_autoptr (GPtrArray) assignments = config ? pare_amct_config_assign (config, graph, stage, &error) : NULL;
  g_autoptr (GString) said = g_string_new (NULL);

  g_assert_true (written);
  folder_remove (folder);
  if (!assignments)
    {
      g_assert_nonnull (error);
      return g_strdup (error->message);
    }
  for (guint i = 0; i < assignments->len; i++)
    {
      const PareAmctAssignment *assignment = assignments->pdata[i];
      g_string_append_printf (said, "%s%s=%s", i ? " " : "", assignment->name, assignment->value);
    }
  return g_string_free (g_steal_pointer (&said), FALSE);
}

static const char simplified[] = "# as create_quant_config reads it\n"
                                 "batch_num : 2\n"
                                 "activation_offset : true\n"
                                 "skip_layers : 'fc'\n"
                                 "skip_fusion_layers : \"conv2\"\n"
                                 "common_config : {\n"
                                 "  arq_quantize : { quant_bits : 7 channel_wise : true }\n"
                                 "  ifmr_quantize : {\n"
                                 "    search_range_start : 0.8, search_range_end : 1.2; search_step : 0.02\n"
                                 "    max_percentile : 0.9999 min_percentile : 0.9999\n"
                                 "  }\n"
                                 "}\n"
                                 "override_layer_types { layer_type: 'Conv2d' calibration_config { arq_quantize { "
                                 "quant_bits: 6 } } }\n"
                                 "override_layer_configs : {\n"
                                 "  layer_name : 'conv1'\n"
                                 "  calibration_config : { arq_quantize : { quant_bits: 8 channel_wise : false }\n"
                                 "                         hfmg_quantize < num_of_bins : 4096 asymmetric: true > }\n"
                                 "}\n";

static const char json[]
    = "{ \"version\": 1, \"batch_num\": 2, \"activation_offset\": false, \"do_fusion\": true, \"skip_fusion_layers\": "
      "[],"
      "  \"conv1\": { \"quant_enable\": true, \"dmq_balancer_param\": 0.4,"
      "    \"activation_quant_params\": { \"num_bits\": 8, \"act_algo\": \"ifmr\", \"max_percentile\": 0.999999,"
      "      \"min_percentile\": 0.999999, \"search_range\": [0.7, 1.3], \"search_step\": 0.01, \"asymmetric\": false "
      "},"
      "    \"weight_quant_params\": { \"num_bits\": 8, \"wts_algo\": \"arq_quantize\", \"channel_wise\": true } },"
      "  \"fc\": { \"quant_enable\": false,"
      "    \"activation_quant_params\": { \"num_bits\": 16, \"act_algo\": \"ifmr\", \"max_percentile\": 0.999999,"
      "      \"min_percentile\": 0.999999, \"search_range\": [0.7, 1.3], \"search_step\": 0.01, \"asymmetric\": false "
      "},"
      "    \"weight_quant_params\": { \"num_bits\": 8, \"wts_algo\": \"ada_quantize\", \"channel_wise\": false } } }";

static const char *const different
    = "{ \"conv1\": { \"dmq_balancer_param\": 0.4, \"activation_quant_params\": { \"num_bits\": 8 },"
      "    \"weight_quant_params\": { \"num_bits\": 8 } },"
      "  \"conv2\": { \"activation_quant_params\": { \"num_bits\": 16 }, \"weight_quant_params\": { \"num_bits\": 8 } "
      "} }";

typedef struct
{
  const char *name, *text, *stage;
  const char *said; /* exactly */
} Reading;

static const Reading readings[] = {
  { "fuser", simplified, "graphfuser", "skip-layers=conv2" },
  { "calibrator", simplified, "graphcalibrator",
    "algorithm=ifmr layers=conv1:algorithm=hfmg,bins=4096 percentile=99.99 search-high=1.2 search-low=0.8 "
    "search-step=0.02" },
  { "quantizer", simplified, "graphquantizer",
    "bits=7 "
    "layers=conv1:bits=8,per-channel=false,symmetric=false,weight-algorithm=arq;conv2:bits=6,weight-algorithm=arq "
    "per-channel=true skip-layers=fc symmetric=false weight-algorithm=arq" },
  { "adaround", "common_config { ada_quantize { num_iteration: 300 warm_start: 0.2 } }", "graphrounder",
    "algorithm=adaround iterations=300" },
  { "balance", "common_config { dmq_balancer { migration_strength: 0.6 } }", "graphequalizer",
    "algorithm=balance strength=0.6" },
  { "skipped-types", "skip_layer_types: ['Conv', \"Linear\"]", "graphquantizer", "skip-layers=conv1,conv2,fc" },
  { "no-fusion", "do_fusion: false", "graphfuser",
    "skip=layer-batchnorm,batchnorm-layer,layer-arithmetic,arithmetic-layer" },
  { "empty", "", "graphquantizer", "" },
  /* What holds for every layer is said of the network. */
  { "json-calibrator", json, "graphcalibrator",
    "algorithm=ifmr percentile=99.9999 search-high=1.3 search-low=0.7 search-step=0.01" },
  { "json-quantizer", json, "graphquantizer",
    "activation-bits=8 bits=8 layers=conv1:enable=true;fc:enable=false per-channel=true symmetric=true "
    "weight-algorithm=arq" },
  { "json-different-layers", different, "graphquantizer",
    "bits=8 layers=conv1:activation-bits=8;conv2:activation-bits=16" },
  { "json-some-balanced", different, "graphequalizer",
    "algorithm=balance layers=conv1:strength=0.4;conv2:enable=false;fc:enable=false" },
};

static void
test_reading (gconstpointer data)
{
  const Reading *reading = data;
  g_autofree char *said = say (reading->text, reading->stage);

  g_assert_cmpstr (said, ==, reading->said);
}

typedef struct
{
  const char *name, *text;
  const char *part; /* of the message */
} Mistake;

static const Mistake mistakes[] = {
  { "field", "common_config {\n ifmr_quantize { max_percentil: 1 } }",
    ":2: A configuration for quantization after "
    "training has no 'max_percentil' here, but "
    "'max_percentile'" },
  { "top", "skip_layer: 'a'", "'skip_layers'" },
  { "message", "common_config { irmf_quantize { } }", "irmf_quantize" },
  { "layer", "override_layer_configs { layer_name: 'conv9' calibration_config { } }", "conv1" },
  { "nameless", "override_layer_configs { calibration_config { } }", "layer_name" },
  { "percentiles", "common_config { ifmr_quantize { max_percentile: 1 min_percentile: 0.5 } }", "not both" },
  { "boolean", "common_config { ifmr_quantize { asymmetric: maybe } }", "'maybe'" },
  { "number", "common_config { ifmr_quantize { max_percentile: high } }", "'high'" },
  { "open", "common_config {", ":1: A message does not end" },
  { "string", "skip_layers: 'fc", "A string does not end" },
  { "value", "skip_layers: }", "A value is missing" },
  { "scalar", "common_config: 3", "'common_config' is a message" },
  { "choice", "{ \"conv1\": { \"weight_quant_params\": { \"wts_algo\": \"arq\" } } }", "'arq'" },
  { "json", "{ \"conv1\": ", "is not JSON" },
};

static void
test_mistake (gconstpointer data)
{
  const Mistake *mistake = data;
  g_autofree char *said = say (mistake->text, "graphquantizer");

  if (!strstr (said, mistake->part))
    g_error ("'%s' does not hold '%s'", said, mistake->part);
}

static void
test_depth_is_bounded (void)
{
  g_autofree char *said = NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < 4000; i++)
    g_string_append (text, "a{");
  said = say (text->str, "graphquantizer");
  g_assert_nonnull (strstr (said, "nested too deeply"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (readings); i++)
    {
      g_autofree char *path = g_strconcat ("/amct/reading/", readings[i].name, NULL);
      g_test_add_data_func (path, &readings[i], test_reading);
    }
  for (guint i = 0; i < G_N_ELEMENTS (mistakes); i++)
    {
      g_autofree char *path = g_strconcat ("/amct/mistake/", mistakes[i].name, NULL);
      g_test_add_data_func (path, &mistakes[i], test_mistake);
    }
  g_test_add_func ("/amct/depth-is-bounded", test_depth_is_bounded);
  return g_test_run ();
}
