/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/* Reads an ONNX file, losslessly: see graph.h for where everything goes. External data is mapped, and may not lie outside
 * the model's folder. Hostile files are an error that names what is wrong where. */
PareGraph *pare_onnx_load (const char *path, GError **error);
/* The same from memory; @path (may be NULL) is where external data is looked up and what messages name. */
PareGraph *pare_onnx_load_bytes (GBytes *bytes, const char *path, GError **error);

typedef enum
{
  PARE_ONNX_EXTERNAL_AUTO,   /* external data only when the file would pass 2 GB */
  PARE_ONNX_EXTERNAL_ALWAYS, /* every tensor of 1 KB or more goes to PATH.data */
} PareOnnxExternal;

/* Writes @graph to @path through a temporary file in the same folder, synced and renamed: the target is the old file or
 * the whole new one. */
gboolean pare_onnx_save (PareGraph *graph, const char *path, PareOnnxExternal external, GError **error);
/* The file's bytes (inline data only). */
GBytes *pare_onnx_to_bytes (PareGraph *graph, GError **error);

/* Raises the standard opset to at least @version, rewriting operators whose form changed on the way. An error names the
 * first node that cannot be raised. */
gboolean pare_onnx_upgrade_opset (PareGraph *graph, gint64 version, GError **error);

/* One tensor in a file of its own (TensorProto, as in ONNX test data: input_0.pb). */
PareTensor *pare_onnx_load_tensor (const char *path, GError **error);
/* The same from memory; @path (may be NULL) is where external data is looked up and what messages name. */
PareTensor *pare_onnx_load_tensor_bytes (GBytes *bytes, const char *path, GError **error);

/* Replaces the content of @path atomically by what @write puts out: the shared machinery of every file that Pare
 * writes. */
typedef gboolean (*PareWriteFunc) (int fd, gpointer user_data, GError **error);
gboolean pare_replace_file (const char *path, PareWriteFunc write, gpointer user_data, GError **error);
/* write(2) until all is out. */
gboolean pare_write_all (int fd, gconstpointer data, gsize size, const char *path, GError **error);

G_END_DECLS
