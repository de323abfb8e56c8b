/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Times the training step of a model (loss, all gradients, statistics) and one large convolution beside it. Prints
 * milliseconds, GFLOP/s and memory as one line of JSON: what training-step.sh compares with PyTorch. */
#include "exec/executor.h"
#include "exec/inference.h"
#include "onnx/onnx.h"
#include "train/target.h"
#include "train/traininggraph.h"
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

/* A convolution that keeps oneDNN at its best: 64 to 64 channels, 3x3, 56x56. */
#define PEAK_BATCH 8
#define PEAK_CHANNELS 64
#define PEAK_SIZE 56

typedef struct
{
  double best, mean; /* milliseconds */
  double processor;  /* the least milliseconds of all threads together, which other work on the machine disturbs less */
  double gflop;      /* of one run, counted as the textbook's multiplications and additions */
} Timing;

static PareTensor *
noise (const PareSpec *spec, gint64 classes)
{
  gint64 n = pare_shape_elements (&spec->shape);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  g_autofree double *numbers = g_new (double, n);
  g_autoptr (PareTensor) exact = NULL;

  for (gint64 i = 0; i < n; i++)
    numbers[i] = spec->type == PARE_FLOAT32 ? g_rand_double_range (random, -1, 1) : (double)(i % classes);
  exact = pare_tensor_new_copy (PARE_FLOAT64, &spec->shape, numbers);
  return pare_tensor_cast (exact, spec->type);
}

static gboolean
count_operations (PareGraph *graph, GPtrArray *inputs, Timing *timing, GError **error)
{
  g_autofree PareSpec *specs = g_new (PareSpec, inputs->len);
  g_autoptr (PareInference) inference = NULL;

  for (guint i = 0; i < inputs->len; i++)
    {
      const PareTensor *tensor = inputs->pdata[i];
      specs[i] = (PareSpec){ tensor->type, tensor->shape };
    }
  if (!(inference = pare_inference_new (graph, inputs->len, specs, error)))
    return FALSE;
  timing->gflop = 0;
  for (guint i = 0; i < graph->nodes->len; i++)
    timing->gflop += 2e-9 * pare_inference_macs (inference, graph->nodes->pdata[i]);
  return TRUE;
}

/* The first run compiles and is not counted. */
static gboolean
measure (PareGraph *graph, GPtrArray *inputs, guint runs, Timing *timing, GError **error)
{
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, graph->outputs->len);

  if (!count_operations (graph, inputs, timing, error))
    return FALSE;
  timing->best = timing->processor = G_MAXDOUBLE;
  timing->mean = 0;
  for (guint run = 0; run <= runs; run++)
    {
      gint64 start = g_get_monotonic_time ();
      clock_t used = clock ();
      double ms, processor;
      if (!pare_executor_run (executor, (PareTensor **)inputs->pdata, inputs->len, outputs, error))
        return FALSE;
      ms = (g_get_monotonic_time () - start) / 1e3;
      processor = (clock () - used) * 1e3 / CLOCKS_PER_SEC;
      for (guint i = 0; i < graph->outputs->len; i++)
        pare_tensor_unref (outputs[i]);
      if (run == 0)
        continue;
      timing->best = MIN (timing->best, ms);
      timing->processor = MIN (timing->processor, processor);
      timing->mean += ms / runs;
    }
  return TRUE;
}

static gboolean
measure_step (const char *path, gint64 batch, guint runs, Timing *timing, GError **error)
{
  g_autoptr (PareGraph) network = pare_onnx_load (path, error);
  g_autoptr (PareTrainingGraph) training = NULL;
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  g_autoptr (GArray) specs = NULL;
  PareSpec labels = { PARE_INT64, { 1, { batch } } };
  PareTrainSettings settings;

  pare_train_settings_init (&settings);
  if (!network || !pare_graph_default_specs (network, batch, 0, &specs, error)
      || !(training = pare_training_graph_new (network, &settings, pare_loss_find ("cross-entropy", NULL), error)))
    return FALSE;
  for (guint i = 0; i < specs->len; i++)
    g_ptr_array_add (inputs, noise (&g_array_index (specs, PareSpec, i), 1));
  g_ptr_array_add (inputs, noise (&labels, 10));
  g_ptr_array_add (inputs, pare_target_weights (batch, batch));
  for (guint i = 0; i < training->parameters->len; i++)
    g_ptr_array_add (inputs, pare_tensor_ref (((PareParameter *)training->parameters->pdata[i])->tensor));
  return measure (training->graph, inputs, runs, timing, error);
}

static gboolean
measure_peak (guint runs, Timing *timing, GError **error)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  const PareSpec x = { PARE_FLOAT32, { 4, { PEAK_BATCH, PEAK_CHANNELS, PEAK_SIZE, PEAK_SIZE } } };
  const PareSpec w = { PARE_FLOAT32, { 4, { PEAK_CHANNELS, PEAK_CHANNELS, 3, 3 } } };
  g_autoptr (PareTensor) weight = noise (&w, 1);
  PareNode *node;

  pare_graph_set_opset (graph, "", 17);
  node = pare_graph_add_node (graph, "", "Conv", "peak", NULL);
  g_ptr_array_add (graph->inputs, pare_graph_add_value (graph, "x"));
  pare_value_set_spec (graph->inputs->pdata[0], &x);
  pare_node_add_input (node, graph->inputs->pdata[0]);
  pare_node_add_input (node, pare_graph_add_constant (graph, "w", weight));
  pare_node_set_attribute (node, pare_attribute_new_ints ("pads", 4, (gint64[]){ 1, 1, 1, 1 }));
  pare_node_add_output (node, pare_graph_add_value (graph, "y"));
  g_ptr_array_add (graph->outputs, node->outputs->pdata[0]);
  g_ptr_array_add (inputs, noise (&x, 1));
  return measure (graph, inputs, runs, timing, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Timing step, peak;
  struct rusage usage;
  guint runs;

  if (argc != 5)
    {
      g_printerr ("Usage: %s MODEL BATCH RUNS THREADS\n", argv[0]);
      return 2;
    }
  runs = MAX (atoi (argv[3]), 1);
  pare_set_threads (atoi (argv[4]));
  if (!measure_step (argv[1], atoi (argv[2]), runs, &step, &error))
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  getrusage (RUSAGE_SELF, &usage); /* before the convolution takes its own */
  if (!measure_peak (runs, &peak, &error))
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  g_print ("{\"ms\": %.2f, \"mean_ms\": %.2f, \"processor_ms\": %.2f, \"gflops\": %.1f, \"peak_gflops\": %.1f, "
           "\"memory_mb\": %.0f}\n",
           step.best, step.mean, step.processor, step.gflop / step.best * 1e3, peak.gflop / peak.best * 1e3,
           usage.ru_maxrss / 1024.0);
  return 0;
}
