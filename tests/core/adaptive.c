/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Small quantized networks, samples, and how far rounded networks are from the float ones. */
#include "adaptive.h"
#include "network.h"
#include "quantize/pair.h"
#include "quantize/strip.h"
#include <math.h>

PareValue *
adaptive_weight (Net *net, const char *name, PareShape shape)
{
  g_autofree char *output = g_strconcat (name, "_rounded", NULL), *scale = g_strconcat (name, "_scale", NULL);
  g_autofree char *zero = g_strconcat (name, "_zero", NULL);
  PareValue *weight = net_random (net, name, shape, -0.85, 0.85), *value = pare_graph_add_value (net->graph, output);
  g_autoptr (PareTensor) step = pare_tensor_new_scalar_float (1 / 3.5f);
  g_autoptr (PareTensor) none = pare_tensor_new_copy (PARE_INT8, &(PareShape){ 0 }, &(gint8){ 0 });
  ParePairGrid grid = { pare_graph_add_constant (net->graph, scale, step),
                        pare_graph_add_constant (net->graph, zero, none), -4, 3, -1 };

  pare_pair_insert (net->graph, weight, NULL, &grid, value);
  return value;
}

PareValue *
adaptive_activation (Net *net, PareValue *input, double step)
{
  g_autofree char *output = g_strconcat (input->name, "_rounded", NULL),
                  *scale = g_strconcat (input->name, "_scale", NULL);
  g_autofree char *zero = g_strconcat (input->name, "_zero", NULL);
  PareValue *value = pare_graph_add_value (net->graph, output);
  g_autoptr (PareTensor) width = pare_tensor_new_scalar_float (step);
  g_autoptr (PareTensor) none = pare_tensor_new_copy (PARE_UINT8, &(PareShape){ 0 }, &(guint8){ 0 });
  ParePairGrid grid = { .scale = pare_graph_add_constant (net->graph, scale, width),
                        .zero_point = pare_graph_add_constant (net->graph, zero, none),
                        .highest = 15,
                        .axis = -1 };

  pare_pair_insert (net->graph, input, NULL, &grid, value);
  return value;
}

PareSamples *
adaptive_samples (const PareShape *shape)
{
  PareSamples *samples = pare_samples_new (1, G_MAXUINT32);
  g_autoptr (GRand) random = g_rand_new_with_seed (11);
  PareShape batch = *shape;
  gint64 n;

  batch.dims[0] = ADAPTIVE_BATCH;
  n = pare_shape_elements (&batch);
  for (guint b = 0; b < ADAPTIVE_SAMPLES / ADAPTIVE_BATCH; b++)
    {
      float *numbers = g_new (float, n);
      g_autoptr (PareTensor) tensor = NULL;
      for (gint64 i = 0; i < n; i++)
        numbers[i] = g_rand_double_range (random, 0, 1) + (i * ADAPTIVE_BATCH / n % 3);
      tensor = pare_tensor_new_take (PARE_FLOAT32, &batch, numbers);
      g_assert_true (pare_samples_add (samples, &tensor, 1, ADAPTIVE_BATCH, NULL));
    }
  return samples;
}

PareRoundingSettings
adaptive_settings (const char *algorithm)
{
  PareRoundingSettings settings;

  pare_rounding_settings_init (&settings);
  settings.algorithm = algorithm;
  settings.bias_correction = PARE_BIAS_CORRECTION_NONE;
  settings.iterations = 400;
  settings.memory_limit = 1 << 24;
  return settings;
}

PareGraph *
adaptive_round (const Net *net, PareSamples *samples, const PareRoundingSettings *settings)
{
  PareGraph *graph = pare_graph_copy (net->graph);
  g_autoptr (GError) error = NULL;

  pare_graph_round (graph, NULL, samples, settings, NULL, NULL, &error);
  g_assert_no_error (error);
  return graph;
}

double
adaptive_error (const Net *net, PareGraph *graph, PareSamples *samples)
{
  g_autoptr (GHashTable) counterparts = NULL;
  g_autoptr (PareGraph) teacher = pare_graph_strip_quantizers (net->graph, &counterparts, NULL);
  double sum = 0;
  gint64 n = 0;

  for (guint b = 0; b < ADAPTIVE_SAMPLES / ADAPTIVE_BATCH; b++)
    {
      guint64 indices[ADAPTIVE_BATCH];
      g_autoptr (GPtrArray) inputs = NULL, found = NULL, wanted = NULL;
      for (guint i = 0; i < ADAPTIVE_BATCH; i++)
        indices[i] = b * ADAPTIVE_BATCH + i;
      inputs = pare_samples_stack (samples, indices, ADAPTIVE_BATCH, NULL);
      found = network_run (graph, inputs);
      wanted = network_run (teacher, inputs);
      n = pare_tensor_elements (found->pdata[0]);
      for (gint64 i = 0; i < n; i++)
        sum += pow (pare_tensor_get_double (found->pdata[0], i) - pare_tensor_get_double (wanted->pdata[0], i), 2);
    }
  return sum / (n * ADAPTIVE_SAMPLES / ADAPTIVE_BATCH);
}

PareTensor *
adaptive_weight_of (PareGraph *graph, const char *name)
{
  return pare_graph_find_value (graph, name)->constant;
}
