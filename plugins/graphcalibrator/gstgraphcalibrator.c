/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphcalibrator: runs the network on samples and finds the range of every activation that will be quantized. */
#include "calibrate/layers.h"
#include "data/batch.h"
#include "gst/gstpare.h"
#include "integer/integer.h"
#include "ops/parallel.h"
#include "quantize/quantize.h"

/* What is observed of one value. */
typedef struct
{
  const PareObserver *observer;
  gpointer state;
  PareValue *value;
  gboolean finite;
  gboolean done;  /* it has seen the passes that it wants */
  gboolean known; /* its range */
} Watch;

G_DECLARE_FINAL_TYPE (GstGraphCalibrator, gst_graph_calibrator, GST, GRAPH_CALIBRATOR, GstPareStage)

struct _GstGraphCalibrator
{
  GstPareStage parent_instance;
  char *algorithm;
  guint bins;
  guint bits;
  double percentile, momentum;
  double search_low, search_high, search_step;
  char *layers;
  gboolean last_pass;
  PareExecutor *executor;
  GPtrArray *watches;
};

G_DEFINE_TYPE (GstGraphCalibrator, gst_graph_calibrator, GST_TYPE_PARE_STAGE)

static const GstPareProperty properties[] = {
  { "algorithm", "How the range is chosen: see pare list", G_TYPE_STRING,
    G_STRUCT_OFFSET (GstGraphCalibrator, algorithm), .text = "hfmg" },
  { "bins", "Bins of the histograms of algorithms that have some", G_TYPE_UINT,
    G_STRUCT_OFFSET (GstGraphCalibrator, bins), .initial = 2048, .minimum = 16, .maximum = 1 << 20 },
  { "bits", "Bits of the quantizer to come", G_TYPE_UINT, G_STRUCT_OFFSET (GstGraphCalibrator, bits), .initial = 8,
    .minimum = 2, .maximum = 16 },
  { "percentile", "Percent of the numbers inside either end (percentile, ifmr)", G_TYPE_DOUBLE,
    G_STRUCT_OFFSET (GstGraphCalibrator, percentile), .initial = 99.9999, .minimum = 50, .maximum = 100 },
  { "momentum", "Weight of earlier batches (moving-average)", G_TYPE_DOUBLE,
    G_STRUCT_OFFSET (GstGraphCalibrator, momentum), .initial = 0.9, .minimum = 0, .maximum = 1 },
  { "search-low", "Least candidate of an end, as a multiple of its bound (ifmr)", G_TYPE_DOUBLE,
    G_STRUCT_OFFSET (GstGraphCalibrator, search_low), .initial = 0.7, .minimum = 0.01, .maximum = 1 },
  { "search-high", "Largest candidate of an end, as a multiple of its bound (ifmr)", G_TYPE_DOUBLE,
    G_STRUCT_OFFSET (GstGraphCalibrator, search_high), .initial = 1.3, .minimum = 1, .maximum = 10 },
  { "search-step", "Distance of candidates (ifmr)", G_TYPE_DOUBLE, G_STRUCT_OFFSET (GstGraphCalibrator, search_step),
    .initial = 0.01, .minimum = 0.001, .maximum = 1 },
  { "layers", "Settings of what single layers read: conv1:algorithm=ifmr,percentile=99.99;fc:bins=512", G_TYPE_STRING,
    G_STRUCT_OFFSET (GstGraphCalibrator, layers) },
};

static Watch *
watch_new (PareValue *value, const PareCalibrateLayer *layer, const PareObserver *observer,
           const PareObserverSettings *base)
{
  Watch *watch = g_new0 (Watch, 1);
  PareObserverSettings settings = *base;

  pare_calibrate_layer_apply (layer, &observer, &settings);
  watch->observer = observer;
  watch->state = observer->state_new (&settings);
  watch->value = value;
  watch->finite = TRUE;
  return watch;
}

static void
watch_free (gpointer data)
{
  Watch *watch = data;

  watch->observer->state_free (watch->state);
  g_free (watch);
}

static void
observe (const PareValue *value, const float *data, gsize n, gpointer user_data)
{
  Watch *watch = user_data;

  if (!watch->done)
    watch->finite = watch->observer->observe (watch->state, data, n);
}

static gboolean
begin (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphCalibrator *calibrator = GST_GRAPH_CALIBRATOR (stage);
  const PareObserver *observer = pare_observer_find (calibrator->algorithm ? calibrator->algorithm : "", error);
  const PareObserverSettings base = {
    .bins = calibrator->bins,
    .bits = calibrator->bits,
    .percentile = calibrator->percentile,
    .momentum = calibrator->momentum,
    .search_low = calibrator->search_low,
    .search_high = calibrator->search_high,
    .search_step = calibrator->search_step,
  };
  PareQuantizeSettings settings;
  g_autoptr (GHashTable) layers = observer ? pare_calibrate_layers_parse (calibrator->layers, error) : NULL;
  g_autoptr (GHashTable) overrides = NULL;
  g_autoptr (GPtrArray) values = NULL, taps = g_ptr_array_new ();

  if (!layers)
    return FALSE;
  pare_quantize_settings_init (&settings);
  overrides = pare_calibrate_layers_values (graph, layers, error);
  values = overrides ? pare_quantize_values (graph, &settings, error) : NULL;
  if (!values)
    return FALSE;
  calibrator->last_pass = TRUE;
  calibrator->executor = pare_graph_executor_with_taps (graph, values, taps);
  calibrator->watches = g_ptr_array_new_with_free_func (watch_free);
  for (guint i = 0; i < values->len; i++)
    {
      Watch *watch = watch_new (values->pdata[i], g_hash_table_lookup (overrides, values->pdata[i]), observer, &base);
      g_ptr_array_add (calibrator->watches, watch);
      calibrator->last_pass &= !watch->observer->next_pass;
      pare_executor_add_tap (calibrator->executor, taps->pdata[i], observe, watch);
    }
  gst_pare_stage_set_passes (stage, calibrator->last_pass ? 1 : 2);
  return TRUE;
}

static gboolean
check_finite (GstGraphCalibrator *calibrator, GError **error)
{
  for (guint i = 0; i < calibrator->watches->len; i++)
    {
      const Watch *watch = calibrator->watches->pdata[i];
      if (watch->finite)
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "'%s' (of %s) holds a number that is not finite, among samples %" G_GUINT64_FORMAT
                   " to %" G_GUINT64_FORMAT ": check the samples and their normalization.",
                   watch->value->name,
                   watch->value->producer ? pare_node_label (watch->value->producer) : "the network's inputs",
                   gst_pare_stage_get_n_samples (GST_PARE_STAGE (calibrator)),
                   gst_pare_stage_get_n_samples (GST_PARE_STAGE (calibrator))
                       + gst_pare_stage_get_valid (GST_PARE_STAGE (calibrator)) - 1);
      return FALSE;
    }
  return TRUE;
}

/* The outputs are not looked at, only the values on the way. */
static gboolean
feed (GstPareStage *stage, PareTensor **batch, guint n, GError **error)
{
  GstGraphCalibrator *calibrator = GST_GRAPH_CALIBRATOR (stage);
  g_autoptr (GPtrArray) outputs
      = pare_batch_run (gst_pare_stage_get_graph (stage), calibrator->executor, batch, n, error);

  return outputs && check_finite (calibrator, error);
}

static gboolean
again (GstPareStage *stage)
{
  GstGraphCalibrator *calibrator = GST_GRAPH_CALIBRATOR (stage);

  if (calibrator->last_pass)
    return FALSE;
  calibrator->last_pass = TRUE;
  for (guint i = 0; i < calibrator->watches->len; i++)
    {
      Watch *watch = calibrator->watches->pdata[i];
      watch->done = !watch->observer->next_pass;
      if (!watch->done)
        watch->observer->next_pass (watch->state);
    }
  return TRUE;
}

static void
find_ranges (gint64 from, gint64 to, gconstpointer data)
{
  const GPtrArray *watches = data;

  for (gint64 i = from; i < to; i++)
    {
      Watch *watch = watches->pdata[i];
      watch->known = watch->observer->range (watch->state, &watch->value->range);
    }
}

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphCalibrator *calibrator = GST_GRAPH_CALIBRATOR (stage);

  /* It relies on a graph that does not change. */
  g_clear_pointer (&calibrator->executor, pare_executor_free);
  pare_parallel (calibrator->watches->len, 1, find_ranges, calibrator->watches);
  for (guint i = 0; i < calibrator->watches->len; i++)
    {
      const Watch *watch = calibrator->watches->pdata[i];
      const PareValue *value = watch->value;
      const char *layer = value->producer ? pare_node_label (value->producer) : value->name;
      if (watch->known)
        pare_record_add (graph->record, "graphcalibrator", layer, "calibrated", watch->observer->name, "low",
                         (double)value->range.low, "high", (double)value->range.high, NULL);
      else
        pare_record_add (graph->record, "graphcalibrator", layer, "not calibrated", "it held no number", NULL);
    }
  return TRUE;
}

static void
reset (GstPareStage *stage)
{
  GstGraphCalibrator *calibrator = GST_GRAPH_CALIBRATOR (stage);

  g_clear_pointer (&calibrator->executor, pare_executor_free);
  g_clear_pointer (&calibrator->watches, g_ptr_array_unref);
}

static void
gst_graph_calibrator_init (GstGraphCalibrator *calibrator)
{
}

static void
gst_graph_calibrator_class_init (GstGraphCalibratorClass *klass)
{
  GstPareStageClass *stage_class = GST_PARE_STAGE_CLASS (klass);

  stage_class->needs_samples = TRUE;
  stage_class->needs_float32 = TRUE;
  stage_class->begin = begin;
  stage_class->feed = feed;
  stage_class->again = again;
  stage_class->finish = finish;
  stage_class->reset = reset;
  gst_pare_stage_class_add_tensors_pad (stage_class);
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph calibrator", "Filter/Graph",
                                         "Finds the ranges of activations from samples", "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphcalibrator, "Calibrates activations", gst_graph_calibrator_get_type ())
