/* SPDX-License-Identifier: LGPL-2.1-or-later
 * onnxexporter: writes the graph that arrives as an ONNX file, in one of the quantized forms, and its record as JSON.
 */
#include "amct/layers.h"
#include "fuse/fuse.h"
#include "gst/gstpare.h"
#include "onnx/onnx.h"
#include "quantize/pack.h"
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
  char *amct_record;
  char *form;
  char *int4;
  gboolean external_data;
  guint written;
};

G_DEFINE_TYPE (GstOnnxExporter, gst_onnx_exporter, GST_TYPE_BASE_SINK)

static const GstPareProperty properties[] = {
  { "location", "Path of the ONNX file; %u in it is replaced by the number of the graph, from 0", G_TYPE_STRING,
    G_STRUCT_OFFSET (GstOnnxExporter, location) },
  { "record", "Path of a JSON file for what every stage did to every layer", G_TYPE_STRING,
    G_STRUCT_OFFSET (GstOnnxExporter, record) },
  { "amct-record", "Path of a file for the quantized layers' scales and offsets, as AMCT's record (protobuf text)",
    G_TYPE_STRING, G_STRUCT_OFFSET (GstOnnxExporter, amct_record) },
  { "form", "How a quantized network is written: see pare list", G_TYPE_STRING, G_STRUCT_OFFSET (GstOnnxExporter, form),
    .text = "qdq" },
  { "int4", "How weights of at most 4 bits are written in form=qdq: in int8, or packed, which needs operator set 21",
    G_TYPE_STRING, G_STRUCT_OFFSET (GstOnnxExporter, int4), .text = "int8" },
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

/* A text that is written beside the model. */
typedef struct
{
  char *path, *text;
} SideFile;

static void
side_file_clear (SideFile *file)
{
  g_free (file->path);
  g_free (file->text);
}

/* One export: the model, and the files beside it that are still to be written. */
typedef struct
{
  PareGraph *graph;
  const char *path;
  PareOnnxExternal external;
  guint n_files;
  const SideFile *files;
} Export;

static gboolean save (const Export *job, GError **error);

/* The model is saved while the files beside it are still temporary ones: either all appear or none. */
static gboolean
write_file (int fd, gpointer user_data, GError **error)
{
  const Export *job = user_data;
  Export rest = *job;

  rest.files++;
  rest.n_files--;
  return pare_write_all (fd, job->files->text, strlen (job->files->text), job->files->path, error)
         && save (&rest, error);
}

static gboolean
save (const Export *job, GError **error)
{
  if (job->n_files)
    return pare_replace_file (job->files->path, write_file, (gpointer)job, error);
  return pare_onnx_save (job->graph, job->path, job->external, error);
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

/* Whether weights of 4 bits are to be packed. */
static gboolean
read_int4 (GstOnnxExporter *exporter, gboolean *packed, GError **error)
{
  const char *int4 = exporter->int4 ? exporter->int4 : "";

  *packed = strcmp (int4, "packed") == 0;
  if (!*packed && strcmp (int4, "int8") != 0)
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "%s has int4=%s: write int8 or packed.",
                 GST_OBJECT_NAME (exporter), int4);
  else if (*packed && g_strcmp0 (exporter->form, "qdq") != 0)
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                 "%s has int4=packed, which form=%s has no place for: write form=qdq, or leave out int4.",
                 GST_OBJECT_NAME (exporter), exporter->form);
  else
    return TRUE;
  return FALSE;
}

static gboolean
lower (GstOnnxExporter *exporter, const PareForm *form, PareGraph *graph, GError **error)
{
  gboolean packed;

  return read_int4 (exporter, &packed, error) && form->lower (graph, error)
         && (!packed || pare_graph_pack_int4 (graph, error));
}

static char *
print_amct_record (const PareGraph *graph, GError **error)
{
  g_autoptr (GPtrArray) layers = pare_amct_layers (graph, error);

  if (layers && layers->len)
    return pare_amct_record_print (layers);
  if (layers)
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                 "No layer is quantized as a record of AMCT can say, with 8 bits of activations and symmetric weights: "
                 "leave out amct-record, or quantize that way.");
  return NULL;
}

/* Two files in one place would leave the last one alone. */
static gboolean
check_paths (const char *model, const GArray *files, GError **error)
{
  for (guint i = 0; i < files->len; i++)
    for (guint k = 0; k <= i; k++)
      {
        const char *path = g_array_index (files, SideFile, i).path;
        const char *other = k < i ? g_array_index (files, SideFile, k).path : model;
        g_autofree char *one = g_canonicalize_filename (path, NULL), *two = g_canonicalize_filename (other, NULL);
        if (strcmp (one, two) != 0)
          continue;
        g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                     "'%s' is the place of two files, of the model and the records beside it: name another one.", path);
        return FALSE;
      }
  return TRUE;
}

/* What @property names, when it names something, gets @text (taken; NULL: an error has been set). */
static gboolean
add_file (GstOnnxExporter *exporter, const char *property, const char *pattern, char *text, GArray *files,
          GError **error)
{
  SideFile file = { text ? numbered_path (exporter, property, pattern, error) : NULL, text };

  g_array_append_val (files, file);
  return file.path != NULL;
}

static gboolean
is_set (const char *path)
{
  return path && *path;
}

static gboolean
export_graph (GstOnnxExporter *exporter, PareGraph *given, GError **error)
{
  const PareForm *form = find_form (exporter, error);
  g_autoptr (PareGraph) graph = pare_graph_copy (given);
  g_autoptr (GArray) files = g_array_new (FALSE, FALSE, sizeof (SideFile));
  g_autofree char *path = form ? numbered_path (exporter, "location", exporter->location, error) : NULL;
  Export job = { graph, path, exporter->external_data ? PARE_ONNX_EXTERNAL_ALWAYS : PARE_ONNX_EXTERNAL_AUTO };

  if (!path)
    return FALSE;
  g_array_set_clear_func (files, (GDestroyNotify)side_file_clear);
  pare_graph_fold_batchnorm (graph);
  if (is_set (exporter->amct_record)
      && !add_file (exporter, "amct-record", exporter->amct_record, print_amct_record (graph, error), files, error))
    return FALSE;
  if (!lower (exporter, form, graph, error))
    return FALSE;
  if (is_set (exporter->record)
      && !add_file (exporter, "record", exporter->record, pare_record_to_json (graph->record), files, error))
    return FALSE;
  if (!check_paths (path, files, error))
    return FALSE;
  job.n_files = files->len;
  job.files = (const SideFile *)files->data;
  if (!save (&job, error))
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
  gboolean packed;

  exporter->written = 0;
  /* Before hours of work, not after. */
  if (!exporter->location || !*exporter->location)
    g_set_error (&error, PARE_ERROR, PARE_ERROR_SETTINGS,
                 "%s has no location: set it to the path of the file to write.", GST_OBJECT_NAME (exporter));
  else if (find_form (exporter, &error) && read_int4 (exporter, &packed, &error))
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
