/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare bench: speed and memory of a model on random input. */
#include "command.h"
#include "graph/memory.h"
#include "integer/integer.h"
#include "json.h"
#include "onnx/onnx.h"
#include <omp.h>
#include <string.h>
#include <sys/resource.h>

typedef struct
{
  gint64 batch;
  int threads;
  double median, best; /* seconds */
  double processor;    /* seconds that all threads together take for a run */
  double macs;
} Timing;

static PareTensor *
random_tensor (const PareSpec *spec, GRand *random, GError **error)
{
  gint64 n = pare_shape_elements (&spec->shape);
  g_autofree float *numbers = n >= 0 && n <= G_MAXINT32 ? g_try_new (float, n) : NULL;
  g_autoptr (PareTensor) floats = NULL;

  if (!numbers && n != 0)
    {
      g_autofree char *shape = pare_shape_to_string (&spec->shape);
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "An input of shape %s is too large: give a smaller --batch or --size.", shape);
      return NULL;
    }
  if (!pare_memory_affords (3 * sizeof (float) * n, "Random input of this size", "give a smaller --batch or --size",
                            error))
    return NULL;
  /* Integers become 0 or 1, which are legal indices nearly everywhere. */
  for (gint64 i = 0; i < n; i++)
    numbers[i] = g_rand_double_range (random, 0, pare_data_type_is_float (spec->type) ? 1 : 2);
  floats = pare_tensor_new_copy (PARE_FLOAT32, &spec->shape, numbers);
  return pare_tensor_cast (floats, spec->type);
}

static GPtrArray *
random_inputs (const GArray *specs, GError **error)
{
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);

  for (guint i = 0; i < specs->len; i++)
    {
      PareTensor *tensor = random_tensor (&g_array_index (specs, PareSpec, i), random, error);
      if (!tensor)
        return NULL;
      g_ptr_array_add (inputs, tensor);
    }
  return g_steal_pointer (&inputs);
}

/* Seconds that one run takes; negative on error. */
static double
run_once (PareExecutor *executor, const PareGraph *graph, GPtrArray *inputs, GError **error)
{
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, graph->outputs->len + 1);
  gint64 begun = g_get_monotonic_time (), ended;

  if (!pare_executor_run (executor, (PareTensor *const *)inputs->pdata, inputs->len, outputs, error))
    return -1;
  ended = g_get_monotonic_time ();
  for (guint i = 0; i < graph->outputs->len; i++)
    pare_tensor_unref (outputs[i]);
  return (double)MAX (ended - begun, 1) / G_USEC_PER_SEC;
}

static int
compare_doubles (gconstpointer a, gconstpointer b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* Seconds of processor time that the process has taken. */
static double
processor_time (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static gboolean
measure (PareGraph *graph, gboolean integer, GPtrArray *inputs, int runs, Timing *timing, GError **error)
{
  g_autoptr (PareExecutor) executor = pare_graph_executor (graph, integer, error);
  g_autofree double *seconds = g_new (double, runs);
  double begun;

  if (!executor)
    return FALSE;
  /* Twice to warm up: the first run compiles, the second touches all memory. */
  for (int i = 0; i < 2; i++)
    if (run_once (executor, graph, inputs, error) < 0)
      return FALSE;
  begun = processor_time ();
  for (int i = 0; i < runs; i++)
    {
      seconds[i] = run_once (executor, graph, inputs, error);
      if (seconds[i] < 0)
        return FALSE;
    }
  timing->processor = (processor_time () - begun) / runs;
  qsort (seconds, runs, sizeof *seconds, compare_doubles);
  timing->best = seconds[0];
  timing->median = (seconds[(runs - 1) / 2] + seconds[runs / 2]) / 2;
  return TRUE;
}

static double
count_macs (PareGraph *graph, const GArray *specs, GError **error)
{
  g_autoptr (PareInference) inference = pare_inference_new (graph, specs->len, (const PareSpec *)specs->data, error);
  double macs = 0;

  for (guint i = 0; inference && i < graph->nodes->len; i++)
    macs += pare_inference_macs (inference, graph->nodes->pdata[i]);
  return inference ? macs : -1;
}

/* Of the whole process, in MB of 2^20 bytes. What getrusage() tells begins with the peak of the program that started
 * this one. */
static double
peak_memory (void)
{
  g_autofree char *status = NULL;
  const char *line = g_file_get_contents ("/proc/self/status", &status, NULL, NULL) ? strstr (status, "VmHWM:") : NULL;
  struct rusage usage;

  if (line)
    return g_ascii_strtoull (line + strlen ("VmHWM:"), NULL, 10) / 1024.0;
  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024.0;
}

static void
print_json (const char *model, const Timing *timing)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  pare_json_string (builder, "model", model);
  pare_json_int (builder, "batch", timing->batch);
  pare_json_int (builder, "threads", timing->threads);
  pare_json_double (builder, "samples_per_second", timing->batch / timing->median);
  pare_json_double (builder, "gflops", 2 * timing->macs / timing->median / 1e9);
  pare_json_double (builder, "milliseconds", 1e3 * timing->median);
  pare_json_double (builder, "best_milliseconds", 1e3 * timing->best);
  pare_json_double (builder, "processor_milliseconds", 1e3 * timing->processor);
  pare_json_double (builder, "peak_mb", peak_memory ());
  pare_json_print (builder);
}

static gboolean
run (const PareArguments *arguments, GError **error)
{
  const char *model = arguments->words[0];
  g_autoptr (PareGraph) graph = pare_onnx_load (model, error);
  g_autoptr (GArray) specs = NULL;
  g_autoptr (GPtrArray) inputs = NULL;
  const PareSpec *first;
  Timing timing = { .threads = arguments->threads ? arguments->threads : omp_get_max_threads () };

  if (!graph || !pare_graph_default_specs (graph, arguments->batch, arguments->size, &specs, error))
    return FALSE;
  pare_set_threads (arguments->threads);
  timing.macs = count_macs (graph, specs, error);
  inputs = timing.macs < 0 ? NULL : random_inputs (specs, error);
  if (!inputs || !measure (graph, arguments->integer, inputs, arguments->runs, &timing, error))
    return FALSE;
  first = specs->len ? (const PareSpec *)specs->data : NULL;
  timing.batch = first && first->shape.rank ? first->shape.dims[0] : 1;
  if (arguments->json)
    print_json (model, &timing);
  else
    g_print ("%s: batch %" G_GINT64_FORMAT
             ", %d threads: %.1f samples/s, %.1f GFLOP/s, %.2f ms (best %.2f), %.0f MB.\n",
             model, timing.batch, timing.threads, timing.batch / timing.median, 2 * timing.macs / timing.median / 1e9,
             1e3 * timing.median, 1e3 * timing.best, peak_memory ());
  return TRUE;
}

const PareCommand pare_command_bench = {
  .name = "bench",
  .words = "MODEL.onnx [--batch N] [--runs N] [--integer]",
  .summary = "Measure a model's speed and memory on random input",
  .details = "After two runs to warm up, the median time of the others counts.\n",
  .takes
  = PARE_TAKES_JSON | PARE_TAKES_THREADS | PARE_TAKES_BATCH | PARE_TAKES_SIZE | PARE_TAKES_RUNS | PARE_TAKES_INTEGER,
  .least = 1,
  .most = 1,
  .run = run,
};
