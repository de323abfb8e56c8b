/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Opening ONNX files: models and single tensors. */
#include "onnx/codec.h"
#include "graph/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* They are searched one by one. */
#define MAX_OPSETS 1000

gboolean
pare_onnx_error (const PareOnnxReader *reader, GError **error, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "File '%s': %s", reader->name, text);
  return FALSE;
}

static void
reader_init (PareOnnxReader *reader, const char *path)
{
  reader->name = path ? path : "in memory";
  reader->folder = path ? g_path_get_dirname (path) : NULL;
  reader->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
}

static void
reader_clear (PareOnnxReader *reader)
{
  g_free (reader->folder);
  g_hash_table_unref (reader->files);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PareOnnxReader, reader_clear)

static GBytes *
map_descriptor (int fd, const char *path, GError **error)
{
  PareOnnxReader reader = { .name = path };
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (GError) reason = NULL;
  struct stat status;

  if (fstat (fd, &status) != 0 || !S_ISREG (status.st_mode))
    {
      pare_onnx_error (&reader, error, "Not a regular file.");
      return NULL;
    }
  if (status.st_size == 0)
    {
      pare_onnx_error (&reader, error, "The file is empty.");
      return NULL;
    }
  file = g_mapped_file_new_from_fd (fd, FALSE, &reason);
  if (file)
    return g_mapped_file_get_bytes (file);
  pare_onnx_error (&reader, error, "Cannot be mapped (%s).", reason->message);
  return NULL;
}

static GBytes *
open_file (const char *path, GError **error)
{
  /* Non-blocking, or a pipe of that name would hang us. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  GBytes *bytes;

  if (fd < 0)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_NOT_FOUND, "Cannot open '%s': %s.", path, g_strerror (errno));
      return NULL;
    }
  bytes = map_descriptor (fd, path, error);
  close (fd);
  return bytes;
}

/* Scanned first, then unpacked. NULL when malformed. */
static gpointer
unpack_checked (const PareOnnxReader *reader, const ProtobufCMessageDescriptor *kind, GBytes *bytes, GError **error)
{
  ProtobufCMessage *message;
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_autofree char *what = g_strdup_printf ("Loading '%s'", reader->name);

  /* What stands in the file is unpacked into memory; external data is mapped and not counted. */
  if (!pare_memory_affords (size, what, "keep its weights as external data", error))
    return NULL;
  if (!pare_onnx_scan (reader, kind, bytes, error))
    return NULL;
  message = protobuf_c_message_unpack (kind, NULL, size, data);
  if (!message)
    pare_onnx_error (reader, error, "Not an ONNX model, or a damaged one.");
  return message;
}

/* The opset imports themselves stay in the rest, whose order and spelling they keep. */
static gboolean
read_opsets (const PareOnnxReader *reader, const Onnx__ModelProto *proto, PareGraph *graph, GError **error)
{
  if (proto->n_opset_import > MAX_OPSETS)
    return pare_onnx_error (reader, error, "It imports %" G_GSIZE_FORMAT " operator sets; at most %d are supported.",
                            proto->n_opset_import, MAX_OPSETS);
  for (gsize i = 0; i < proto->n_opset_import; i++)
    {
      const Onnx__OperatorSetIdProto *opset = proto->opset_import[i];
      pare_graph_set_opset (graph, opset->domain ? opset->domain : "", opset->version);
    }
  /* IR versions 1 and 2 know no imports: everything is of version 1. */
  if (proto->n_opset_import == 0)
    pare_graph_set_opset (graph, "", 1);
  return TRUE;
}

static PareGraph *
take_model (PareOnnxReader *reader, Onnx__ModelProto *proto, const char *path, GError **error)
{
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GPtrArray) outer = g_ptr_array_new ();

  if (!proto->graph)
    {
      pare_onnx_error (reader, error, "It holds no graph: not an ONNX model.");
      return NULL;
    }
  graph->path = g_strdup (path);
  graph->ir_version = proto->ir_version;
  if (!read_opsets (reader, proto, graph, error) || !pare_onnx_take_graph (reader, proto->graph, graph, outer, error))
    return NULL;
  onnx__graph_proto__free_unpacked (proto->graph, NULL);
  proto->graph = NULL;
  if (proto->ir_version)
    proto->has_ir_version = FALSE;
  graph->model_rest = pare_onnx_pack (&proto->base);
  return g_steal_pointer (&graph);
}

/**
 * pare_onnx_load_bytes:
 * @bytes: an ONNX model
 * @path: (nullable): where external data is looked up and what messages name
 *
 * Returns: (transfer full): the graph, or NULL with PARE_ERROR_DECODE or PARE_ERROR_NOT_FOUND
 */
PareGraph *
pare_onnx_load_bytes (GBytes *bytes, const char *path, GError **error)
{
  g_auto (PareOnnxReader) reader;
  Onnx__ModelProto *proto;
  PareGraph *graph;

  reader_init (&reader, path);
  if (g_bytes_get_size (bytes) == 0)
    {
      pare_onnx_error (&reader, error, "The file is empty.");
      return NULL;
    }
  proto = unpack_checked (&reader, &onnx__model_proto__descriptor, bytes, error);
  if (!proto)
    return NULL;
  graph = take_model (&reader, proto, path, error);
  onnx__model_proto__free_unpacked (proto, NULL);
  return graph;
}

/**
 * pare_onnx_load:
 * @path: an ONNX file
 *
 * Returns: (transfer full): the graph, or NULL with PARE_ERROR_DECODE or PARE_ERROR_NOT_FOUND
 */
PareGraph *
pare_onnx_load (const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = open_file (path, error);

  return bytes ? pare_onnx_load_bytes (bytes, path, error) : NULL;
}

/**
 * pare_onnx_load_tensor_bytes:
 * @bytes: a TensorProto
 * @path: (nullable): where external data is looked up and what messages name
 *
 * Returns: (transfer full): the tensor, or NULL with PARE_ERROR_DECODE or PARE_ERROR_NOT_FOUND
 */
PareTensor *
pare_onnx_load_tensor_bytes (GBytes *bytes, const char *path, GError **error)
{
  g_auto (PareOnnxReader) reader;
  Onnx__TensorProto *proto;
  PareTensor *tensor;

  reader_init (&reader, path);
  proto = unpack_checked (&reader, &onnx__tensor_proto__descriptor, bytes, error);
  if (!proto)
    return NULL;
  tensor = pare_onnx_take_tensor (&reader, proto, proto->name ? proto->name : "", error);
  onnx__tensor_proto__free_unpacked (proto, NULL);
  return tensor;
}

/**
 * pare_onnx_load_tensor:
 * @path: a file with one TensorProto, as in ONNX's test data
 *
 * Returns: (transfer full): the tensor, or NULL with PARE_ERROR_DECODE or PARE_ERROR_NOT_FOUND
 */
PareTensor *
pare_onnx_load_tensor (const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = open_file (path, error);

  return bytes ? pare_onnx_load_tensor_bytes (bytes, path, error) : NULL;
}
