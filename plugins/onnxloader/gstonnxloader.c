/* SPDX-License-Identifier: LGPL-2.1-or-later
 * onnxloader: reads an ONNX file and pushes its graph. */
#include "gst/gstpare.h"
#include "onnx/onnx.h"
#include <gst/base/gstpushsrc.h>

G_DECLARE_FINAL_TYPE (GstOnnxLoader, gst_onnx_loader, GST, ONNX_LOADER, GstPushSrc)

struct _GstOnnxLoader
{
  GstPushSrc parent_instance;
  char *location;
  gboolean done;
};

G_DEFINE_TYPE (GstOnnxLoader, gst_onnx_loader, GST_TYPE_PUSH_SRC)

static const GstPareProperty properties[] = {
  { "location", "Path of the ONNX file", G_TYPE_STRING, G_STRUCT_OFFSET (GstOnnxLoader, location) },
};

static GstStaticPadTemplate src_template
    = GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_PARE_GRAPH_CAPS));

static PareGraph *
load (GstOnnxLoader *loader, GError **error)
{
  if (loader->location && *loader->location)
    return pare_onnx_load (loader->location, error);
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "%s has no location: set it to the path of an ONNX file.",
               GST_OBJECT_NAME (loader));
  return NULL;
}

static GstFlowReturn
create (GstPushSrc *source, GstBuffer **buffer)
{
  GstOnnxLoader *loader = GST_ONNX_LOADER (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = NULL;

  if (loader->done)
    return GST_FLOW_EOS;
  graph = load (loader, &error);
  if (!graph)
    {
      gst_pare_element_error (loader, error);
      return GST_FLOW_ERROR;
    }
  *buffer = gst_pare_buffer_new_graph (graph);
  loader->done = TRUE;
  return GST_FLOW_OK;
}

static gboolean
start (GstBaseSrc *source)
{
  GST_ONNX_LOADER (source)->done = FALSE;
  return TRUE;
}

static void
gst_onnx_loader_init (GstOnnxLoader *loader)
{
  gst_base_src_set_format (GST_BASE_SRC (loader), GST_FORMAT_BUFFERS);
}

static void
gst_onnx_loader_class_init (GstOnnxLoaderClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_BASE_SRC_CLASS (klass)->start = start;
  GST_PUSH_SRC_CLASS (klass)->create = create;
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "ONNX loader", "Source/File",
                                         "Reads an ONNX file and pushes its graph", "Pare contributors");
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
}

GST_PARE_DEFINE_PLUGIN (onnxloader, "Reads ONNX files", gst_onnx_loader_get_type ())
