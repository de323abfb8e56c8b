/* SPDX-License-Identifier: LGPL-2.1-or-later
 * onnxexporter: writes the graph that arrives as an ONNX file, in one of the quantized forms, and its record as JSON.
 */
#include "fuse/fuse.h"
#include "gst/gstpare.h"
#include "onnx/onnx.h"
#include "quantize/quantize.h"
#include <gst/base/gstbasesink.h>
#include <string.h>
#include <sys/stat.h>

G_DECLARE_FINAL_TYPE (GstOnnxExporter, gst_onnx_exporter, GST, ONNX_EXPORTER, GstBaseSink)

struct _GstOnnxExporter
{
  GstBaseSink parent_instance;
  char *location;
  char *record;
  char *form;
  gboolean external_data;
  guint written;
};

G_DEFINE_TYPE (GstOnnxExporter, gst_onnx_exporter, GST_TYPE_BASE_SINK)

static const GstPareProperty properties[] = {
  { "location", "Path of the ONNX file; %u in it is replaced by the number of the graph, from 0", G_TYPE_STRING,
    G_STRUCT_OFFSET (GstOnnxExporter, location) },
  { "record", "Path of a JSON file for what every stage did to every layer", G_TYPE_STRING,
    G_STRUCT_OFFSET (GstOnnxExporter, record) },
  { "form", "How a quantized network is written: see pare list", G_TYPE_STRING, G_STRUCT_OFFSET (GstOnnxExporter, form),
    .text = "qdq" },
  { "external-data", "Keep the weights in a second file, LOCATION.data", G_TYPE_BOOLEAN,
    G_STRUCT_OFFSET (GstOnnxExporter, external_data) },
};

static GstStaticPadTemplate sink_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_PARE_GRAPH_CAPS));

/* @pattern with its "%u" replaced; NULL and an error when a further graph would overwrite the first. */
static char *
numbered_path (GstOnnxExporter *exporter, const char *property, const char *pattern, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (pattern, "%u", -1);
  g_autofree char *number = g_strdup_printf ("%u", exporter->written);

  if (exporter->written && !parts[1])
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "%s received a second graph, which would overwrite '%s': put %%u into %s.",
                   GST_OBJECT_NAME (exporter), pattern, property);
      return NULL;
    }
  return g_strjoinv (number, parts);
}

/* One export: the model, and the record beside it when the user wants one. */
typedef struct
{
  PareGraph *graph;
  const char *path;
  const char *record_path;
  PareOnnxExternal external;
} Export;

static gboolean
save_model (const Export *job, GError **error)
{
  return pare_onnx_save (job->graph, job->path, job->external, error);
}

/* The model is saved while the record is still a temporary file: either both appear or neither. */
static gboolean
write_record (int fd, gpointer user_data, GError **error)
{
  const Export *job = user_data;
  g_autofree char *text = pare_record_to_json (job->graph->record);

  return pare_write_all (fd, text, strlen (text), job->record_path, error) && save_model (job, error);
}

static void
post_export (GstOnnxExporter *exporter, const char *path)
{
  struct stat status = { 0 };
  GstStructure *structure;

  /* Devices and pipes have no size to tell. */
  stat (path, &status);
  structure = gst_structure_new ("pare-export", "location", G_TYPE_STRING, path, "bytes", G_TYPE_INT64,
                                 (gint64)status.st_size, NULL);
  gst_element_post_message (GST_ELEMENT (exporter), gst_message_new_element (GST_OBJECT (exporter), structure));
}

static const PareForm *
find_form (GstOnnxExporter *exporter, GError **error)
{
  return pare_form_find (exporter->form ? exporter->form : "", error);
}

static gboolean
export_graph (GstOnnxExporter *exporter, PareGraph *given, GError **error)
{
  const PareForm *form = find_form (exporter, error);
  g_autoptr (PareGraph) graph = NULL;
  g_autofree char *path = NULL, *record_path = NULL;
  Export job = { NULL };

  if (!form)
    return FALSE;
  path = numbered_path (exporter, "location", exporter->location, error);
  if (!path)
    return FALSE;
  if (exporter->record && *exporter->record)
    {
      record_path = numbered_path (exporter, "record", exporter->record, error);
      if (!record_path)
        return FALSE;
    }
  graph = pare_graph_copy (given);
  pare_graph_fold_batchnorm (graph);
  if (!form->lower (graph, error))
    return FALSE;
  job.graph = graph;
  job.path = path;
  job.record_path = record_path;
  job.external = exporter->external_data ? PARE_ONNX_EXTERNAL_ALWAYS : PARE_ONNX_EXTERNAL_AUTO;
  if (!(record_path ? pare_replace_file (record_path, write_record, &job, error) : save_model (&job, error)))
    return FALSE;
  exporter->written++;
  post_export (exporter, path);
  return TRUE;
}

static GstFlowReturn
render (GstBaseSink *sink, GstBuffer *buffer)
{
  PareGraph *graph = gst_pare_buffer_get_graph (buffer);
  g_autoptr (GError) error = NULL;

  if (!graph)
    g_set_error (&error, PARE_ERROR, PARE_ERROR_FORMAT,
                 "%s received a buffer without a graph: only stages and onnxloader can stand before it.",
                 GST_OBJECT_NAME (sink));
  if (graph && export_graph (GST_ONNX_EXPORTER (sink), graph, &error))
    return GST_FLOW_OK;
  gst_pare_element_error (sink, error);
  return GST_FLOW_ERROR;
}

static gboolean
start (GstBaseSink *sink)
{
  GstOnnxExporter *exporter = GST_ONNX_EXPORTER (sink);
  g_autoptr (GError) error = NULL;

  exporter->written = 0;
  /* Before hours of work, not after. */
  if (!exporter->location || !*exporter->location)
    g_set_error (&error, PARE_ERROR, PARE_ERROR_SETTINGS,
                 "%s has no location: set it to the path of the file to write.", GST_OBJECT_NAME (exporter));
  else if (find_form (exporter, &error))
    return TRUE;
  gst_pare_element_error (exporter, error);
  return FALSE;
}

static void
gst_onnx_exporter_init (GstOnnxExporter *exporter)
{
  /* The whole job runs before PLAYING: waiting for a preroll would deadlock beside a second sink. */
  gst_base_sink_set_async_enabled (GST_BASE_SINK (exporter), FALSE);
  gst_base_sink_set_sync (GST_BASE_SINK (exporter), FALSE);
}

static void
gst_onnx_exporter_class_init (GstOnnxExporterClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_BASE_SINK_CLASS (klass)->start = start;
  GST_BASE_SINK_CLASS (klass)->render = render;
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "ONNX exporter", "Sink/File",
                                         "Writes a graph as an ONNX file, and its record", "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (onnxexporter, "Writes ONNX files", gst_onnx_exporter_get_type ())
