/* SPDX-License-Identifier: LGPL-2.1-or-later
 * n:m sparse weights as integers: zero is zero, in every form, with every number of bits, in the file too. */
#include "net.h"
#include "onnx/onnx.h"
#include "quantize/quantize.h"
#include "sparsify/nm.h"
#include "graph/pattern.h"
#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  const char *name;
  guint bits;
  gboolean per_channel;
  const char *form;
} Case;

static PareGraph *
network (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 8, 5, 5)), *h;

  x->range = (PareRange){ -1, 1 };
  h = OP (&net, "Conv", "conv", x, net_random (&net, "conv_w", pare_shape_of (4, 6, 8, 3, 3), -1, 1));
  h->range = (PareRange){ -3, 3 };
  h = OP (&net, "Flatten", "flat", h);
  h->range = (PareRange){ -3, 3 };
  h = OP (&net, "Gemm", "scores", h, net_random (&net, "scores_w", pare_shape_of (2, 54, 4), 0, 1));
  h->range = (PareRange){ -40, 40 };
  net_output (&net, h);
  return g_object_ref (net.graph);
}

/* The stored integers, or the floats in front of a pair, that a layer's weight comes from. */
static const PareTensor *
stored_weight (const PareGraph *graph, const char *layer)
{
  const PareNode *node = NULL;
  const PareValue *value;

  for (guint i = 0; i < graph->nodes->len; i++)
    if (strcmp (pare_node_label (graph->nodes->pdata[i]), layer) == 0)
      node = graph->nodes->pdata[i];
  g_assert_nonnull (node);
  for (value = pare_node_input (node, 1); !value->constant; value = pare_node_input (value->producer, 0))
    {
      const PareTensor *zero_point = pare_node_constant (value->producer, 2);
      for (gint64 i = 0; zero_point && i < pare_tensor_elements (zero_point); i++)
        g_assert_cmpint (pare_tensor_get_int (zero_point, i), ==, 0);
    }
  return value->constant;
}

static PareGraph *
through_file (PareGraph *graph)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("pare-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "model.onnx", NULL);
  PareGraph *loaded;

  g_assert_true (pare_onnx_save (graph, path, PARE_ONNX_EXTERNAL_AUTO, &error));
  g_assert_no_error (error);
  loaded = pare_onnx_load (path, &error);
  g_assert_no_error (error);
  g_unlink (path);
  g_rmdir (folder);
  return loaded;
}

static void
test_zeros_are_zero_in_the_file (gconstpointer data)
{
  const Case *test = data;
  g_autoptr (PareGraph) graph = network (), loaded = NULL;
  g_autoptr (GError) error = NULL;
  PareNmSettings sparse;
  PareQuantizeSettings settings;

  pare_nm_settings_init (&sparse);
  g_assert_true (pare_graph_sparsify_nm (graph, NULL, &sparse, NULL, NULL, &error));
  pare_quantize_settings_init (&settings);
  settings.bits = settings.edge_bits = test->bits;
  settings.per_channel = test->per_channel;
  g_assert_true (pare_graph_quantize (graph, &settings, &error));
  g_assert_true (pare_form_find (test->form, &error)->lower (graph, &error));
  g_assert_no_error (error);
  loaded = through_file (graph);
  g_assert_cmpint (stored_weight (loaded, "conv")->type, ==,
                   strcmp (test->form, "qdq") == 0 ? PARE_INT8 : PARE_FLOAT32);
  g_assert_true (pare_pattern_holds (stored_weight (loaded, "conv"), 1, 2, 4, 0));
  g_assert_true (pare_pattern_holds (stored_weight (loaded, "scores"), 0, 2, 4, 0));
}

int
main (int argc, char **argv)
{
  static const Case cases[] = {
    { "w8", 8, TRUE, "qdq" }, { "w8-per-tensor", 8, FALSE, "qdq" },  { "w4", 4, TRUE, "qdq" },
    { "w2", 2, TRUE, "qdq" }, { "simulated", 8, TRUE, "fakequant" },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/nm-quantized/", cases[i].name, NULL);
      g_test_add_data_func (path, &cases[i], test_zeros_are_zero_in_the_file);
    }
  return g_test_run ();
}
