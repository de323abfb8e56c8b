/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Seconds that decomposing one convolution takes, without samples:
 *   decompose-layer CHANNELS KERNEL [POLICY]
 * The weights are what a trained layer's look like to this work: a few hundred strong directions, and noise. */
#include "decompose/decompose.h"
#include "exec/executor.h"
#include <stdio.h>
#include <stdlib.h>

static PareTensor *
weights_new (int channels, int kernel)
{
  PareShape shape = pare_shape_of (4, channels, channels, kernel, kernel);
  gsize n = (gsize)pare_shape_elements (&shape);
  float *numbers = g_new (float, n);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  g_autofree float *wave = g_new (float, channels *channels);

  for (int i = 0; i < channels * channels; i++)
    wave[i] = (float)g_rand_double_range (random, -1, 1);
  for (gsize i = 0; i < n; i++)
    numbers[i] = (float)g_rand_double_range (random, -0.3, 0.3) + wave[i / (gsize)(kernel * kernel)];
  return pare_tensor_new_take (PARE_FLOAT32, &shape, numbers);
}

static PareGraph *
graph_new (int channels, int kernel)
{
  PareGraph *graph = pare_graph_new ();
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (4, 1, channels, 32, 32) };
  PareValue *x = pare_graph_add_value (graph, "x"), *y = pare_graph_add_value (graph, "y");
  PareNode *node = pare_graph_add_node (graph, "", "Conv", "conv", NULL);
  g_autoptr (PareTensor) weights = weights_new (channels, kernel);

  pare_graph_set_opset (graph, "", 13);
  pare_value_set_spec (x, &spec);
  g_ptr_array_add (graph->inputs, x);
  pare_node_add_input (node, x);
  pare_node_add_input (node, pare_graph_add_constant (graph, "w", weights));
  pare_node_add_output (node, y);
  g_ptr_array_add (graph->outputs, y);
  return graph;
}

int
main (int argc, char **argv)
{
  int channels = argc > 1 ? atoi (argv[1]) : 512, kernel = argc > 2 ? atoi (argv[2]) : 5;
  g_autoptr (PareGraph) graph = graph_new (CLAMP (channels, 2, 4096), CLAMP (kernel, 1, 15));
  g_autoptr (GError) error = NULL;
  PareDecomposeSettings settings;
  gint64 began = g_get_monotonic_time ();
  double rank = 0;

  pare_decompose_settings_init (&settings);
  settings.method = "spatial";
  settings.policy = argc > 3 ? argv[3] : "evbmf";
  if (!pare_graph_decompose (graph, NULL, &settings, NULL, NULL, &error))
    {
      fprintf (stderr, "%s\n", error->message);
      return 1;
    }
  pare_record_entry_number (pare_record_get (graph->record, 0), "rank", &rank);
  printf ("%d x %d x %d x %d, %s: rank %g, %.2f s\n", channels, channels, kernel, kernel, settings.policy, rank,
          (double)(g_get_monotonic_time () - began) / 1e6);
  return 0;
}
