/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Writing models: packed straight to the file, weights out of the graph's own memory. */
#include "onnx/blockwriter.h"
#include "onnx/codec.h"
#include <string.h>

/* protobuf's limit, for readers with signed sizes. */
#define MAX_SIZE ((gsize)G_MAXINT32)

static void
writer_init (PareOnnxWriter *writer, const char *external)
{
  *writer = (PareOnnxWriter){ external, 0, g_ptr_array_new (), g_ptr_array_new () };
}

static void
writer_clear (PareOnnxWriter *writer)
{
  g_clear_pointer (&writer->outside, g_ptr_array_unref);
  g_clear_pointer (&writer->borrowed, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PareOnnxWriter, writer_clear)

static void
put_opset (Onnx__ModelProto *proto, const PareOpset *opset)
{
  Onnx__OperatorSetIdProto *fresh;

  for (gsize i = 0; i < proto->n_opset_import; i++)
    if (g_strcmp0 (proto->opset_import[i]->domain ? proto->opset_import[i]->domain : "", opset->domain) == 0)
      {
        proto->opset_import[i]->has_version = TRUE;
        proto->opset_import[i]->version = opset->version;
        return;
      }
  fresh = pare_onnx_unpack (&onnx__operator_set_id_proto__descriptor, NULL);
  fresh->domain = g_strdup (opset->domain);
  fresh->has_version = TRUE;
  fresh->version = opset->version;
  proto->opset_import = g_renew (Onnx__OperatorSetIdProto *, proto->opset_import, proto->n_opset_import + 1);
  proto->opset_import[proto->n_opset_import++] = fresh;
}

static Onnx__ModelProto *
new_model (PareOnnxWriter *writer, const PareGraph *graph)
{
  Onnx__ModelProto *proto = pare_onnx_unpack (&onnx__model_proto__descriptor, graph->model_rest);

  if (graph->ir_version)
    {
      proto->has_ir_version = TRUE;
      proto->ir_version = graph->ir_version;
    }
  /* IR versions 1 and 2 know no imports. */
  for (guint i = 0; i < graph->opsets->len && (graph->ir_version == 0 || graph->ir_version >= 3); i++)
    put_opset (proto, &g_array_index (graph->opsets, PareOpset, i));
  proto->graph = pare_onnx_new_graph (writer, graph);
  return proto;
}

/* The weights are the graph's: out of the messages before these are freed. */
static void
free_model (PareOnnxWriter *writer, Onnx__ModelProto *proto)
{
  for (guint i = 0; i < writer->borrowed->len; i++)
    ((Onnx__TensorProto *)writer->borrowed->pdata[i])->raw_data.data = NULL;
  onnx__model_proto__free_unpacked (proto, NULL);
}

/* A buffer of protobuf-c that goes to a file. */
typedef struct
{
  ProtobufCBuffer base;
  PareBlockWriter *writer;
  GError *error;
} FileBuffer;

static void
file_buffer_append (ProtobufCBuffer *base, size_t size, const uint8_t *data)
{
  FileBuffer *buffer = (FileBuffer *)base;

  if (!buffer->error)
    pare_block_writer_put (buffer->writer, data, size, &buffer->error);
}

typedef struct
{
  const char *path;
  Onnx__ModelProto *proto;
} ModelJob;

static gboolean
write_model (int fd, gpointer user_data, GError **error)
{
  ModelJob *job = user_data;
  guint64 size = protobuf_c_message_get_packed_size (&job->proto->base);
  g_autoptr (PareBlockWriter) writer = pare_block_writer_new (fd, size, job->path);
  FileBuffer buffer = { { file_buffer_append }, writer, NULL };

  protobuf_c_message_pack_to_buffer (&job->proto->base, &buffer.base);
  if (!buffer.error)
    return pare_block_writer_finish (writer, error);
  g_propagate_error (error, buffer.error);
  return FALSE;
}

typedef struct
{
  const char *path;
  const GPtrArray *tensors;
} DataJob;

/* Bytes between a tensor that ends at @at and the next one. */
static gsize
gap_at (guint64 at)
{
  return -at & (PARE_ONNX_EXTERNAL_ALIGN - 1);
}

static guint64
data_size (const DataJob *job)
{
  guint64 size = 0;

  for (guint i = 0; i < job->tensors->len; i++)
    size += gap_at (size) + pare_tensor_size (job->tensors->pdata[i]);
  return size;
}

static gboolean
write_data (int fd, gpointer user_data, GError **error)
{
  static const guint8 padding[PARE_ONNX_EXTERNAL_ALIGN];
  DataJob *job = user_data;
  g_autoptr (PareBlockWriter) writer = pare_block_writer_new (fd, data_size (job), job->path);
  guint64 at = 0;

  for (guint i = 0; i < job->tensors->len; i++)
    {
      const PareTensor *tensor = job->tensors->pdata[i];
      gsize gap = gap_at (at);
      if (!pare_block_writer_put (writer, padding, gap, error)
          || !pare_block_writer_put (writer, pare_tensor_data (tensor), pare_tensor_size (tensor), error))
        return FALSE;
      at += gap + pare_tensor_size (tensor);
    }
  return pare_block_writer_finish (writer, error);
}

static gboolean
too_large (const char *path, GError **error)
{
  g_set_error (error, PARE_ERROR, PARE_ERROR_WRITE, "Cannot write '%s': a model of more than 2 GB needs external data.",
               path);
  return FALSE;
}

/* Both files are complete and synced before the first takes its place. */
static gboolean
write_files (PareOnnxWriter *writer, Onnx__ModelProto *proto, const char *path, const char *data_path, GError **error)
{
  ModelJob model_job = { path, proto };
  DataJob data_job = { data_path, writer->outside };
  g_autoptr (PareReplacement) data = NULL, model = NULL;

  if (protobuf_c_message_get_packed_size (&proto->base) > MAX_SIZE)
    return too_large (path, error);
  if (writer->outside->len)
    {
      data = pare_replacement_new (data_path, write_data, &data_job, error);
      if (!data)
        return FALSE;
    }
  model = pare_replacement_new (path, write_model, &model_job, error);
  return model && (!data || pare_replacement_commit (data, error)) && pare_replacement_commit (model, error);
}

static gboolean
save (const PareGraph *graph, const char *path, gboolean external, GError **error)
{
  g_autofree char *data_path = g_strconcat (path, ".data", NULL);
  g_autofree char *location = g_path_get_basename (data_path);
  g_auto (PareOnnxWriter) writer;
  Onnx__ModelProto *proto;
  gboolean fine;

  writer_init (&writer, external ? location : NULL);
  proto = new_model (&writer, graph);
  if (!external && protobuf_c_message_get_packed_size (&proto->base) > MAX_SIZE)
    {
      free_model (&writer, proto);
      return save (graph, path, TRUE, error);
    }
  fine = write_files (&writer, proto, path, data_path, error);
  free_model (&writer, proto);
  return fine;
}

/**
 * pare_onnx_save:
 * @path: the file to replace; its external data, if any, goes to the same name with ".data" behind it
 *
 * Errors: PARE_ERROR_WRITE, PARE_ERROR_NO_SPACE, PARE_ERROR_NOT_FOUND (no such folder). The old file is then untouched.
 */
gboolean
pare_onnx_save (PareGraph *graph, const char *path, PareOnnxExternal external, GError **error)
{
  return save (graph, path, external == PARE_ONNX_EXTERNAL_ALWAYS, error);
}

/**
 * pare_onnx_to_bytes:
 *
 * Returns: (transfer full): the file's bytes, or NULL with PARE_ERROR_WRITE above 2 GB
 */
GBytes *
pare_onnx_to_bytes (PareGraph *graph, GError **error)
{
  g_auto (PareOnnxWriter) writer;
  Onnx__ModelProto *proto;
  GBytes *bytes = NULL;

  writer_init (&writer, NULL);
  proto = new_model (&writer, graph);
  if (protobuf_c_message_get_packed_size (&proto->base) <= MAX_SIZE)
    bytes = pare_onnx_pack (&proto->base);
  else
    too_large (graph->path ? graph->path : "in memory", error);
  free_model (&writer, proto);
  return bytes;
}
