/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the files of this folder share: the state of one reading and of one writing, and a take/put pair per message.
 *
 * "take" moves the fields that the graph models out of a message, which then holds only the rest: that is packed and
 * kept beside the graph. "put" starts from the unpacked rest and fills the modelled fields in again. So whatever a file
 * holds comes out again, known to Pare or not. */
#pragma once
#include "graph/graph.h"
#include "onnx.pb-c.h"
#include "onnx/onnx.h"

/* Shorter tensors stay in the model file. */
#define PARE_ONNX_EXTERNAL_LEAST 1024
/* Tensors start on a cache line of the external data. */
#define PARE_ONNX_EXTERNAL_ALIGN 64

typedef struct
{
  const char *name;  /* of the file, for messages */
  char *folder;      /* where external data may lie; NULL: nowhere */
  GHashTable *files; /* external data: location to GBytes */
} PareOnnxReader;

typedef struct
{
  const char *external; /* location of the external data, or NULL to keep all inline */
  guint64 external_size;
  GPtrArray *outside;  /* of PareTensor, borrowed: the content of the external data */
  GPtrArray *borrowed; /* of Onnx__TensorProto: raw_data belongs to a tensor of the graph */
} PareOnnxWriter;

/* "File 'name': <format>" with PARE_ERROR_DECODE. Always FALSE. */
gboolean pare_onnx_error (const PareOnnxReader *reader, GError **error, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* scan.c: FALSE unless @bytes are a well-formed message of that kind, not too deep for the recursive unpacker. */
gboolean
pare_onnx_scan (const PareOnnxReader *reader, const ProtobufCMessageDescriptor *kind, GBytes *bytes, GError **error);

/* rest.c */
GBytes *pare_onnx_pack (const ProtobufCMessage *message);
gpointer pare_onnx_unpack (const ProtobufCMessageDescriptor *kind, GBytes *rest);
char *pare_onnx_take_string (char **field);
void pare_onnx_put_string (char **field, const char *value);
gpointer pare_onnx_take_list (gsize *n, gpointer field);
void pare_onnx_clear_messages (gsize *n, gpointer field);

/* tensor.c, external.c: @name is what messages call it. */
PareTensor *pare_onnx_take_tensor (PareOnnxReader *reader, Onnx__TensorProto *proto, const char *name, GError **error);
void pare_onnx_put_tensor (PareOnnxWriter *writer, PareTensor *tensor, Onnx__TensorProto *proto);
GBytes *pare_onnx_take_external (PareOnnxReader *reader, Onnx__TensorProto *proto, const char *name, gsize size,
                                 gsize alignment, GError **error);
void pare_onnx_put_external (PareOnnxWriter *writer, PareTensor *tensor, Onnx__TensorProto *proto);

/* value.c */
gboolean pare_onnx_read_value_info (const PareOnnxReader *reader, const Onnx__ValueInfoProto *proto, PareValue *value,
                                    GError **error);
Onnx__ValueInfoProto *pare_onnx_new_value_info (const PareValue *value);

/* attribute.c: @outer receives the names that a subgraph reads from outside (of char *). */
PareAttribute *pare_onnx_take_attribute (PareOnnxReader *reader, Onnx__AttributeProto *proto, PareNode *node,
                                         GPtrArray *outer, GError **error);
Onnx__AttributeProto *pare_onnx_new_attribute (PareOnnxWriter *writer, const PareAttribute *attribute);

/* decode.c, encode.c */
gboolean pare_onnx_take_graph (PareOnnxReader *reader, Onnx__GraphProto *proto, PareGraph *graph, GPtrArray *outer,
                               GError **error);
Onnx__GraphProto *pare_onnx_new_graph (PareOnnxWriter *writer, const PareGraph *graph);

/* replace.c: a file that is written whole beside its target before it takes the target's place. */
typedef struct _PareReplacement PareReplacement;
PareReplacement *pare_replacement_new (const char *path, PareWriteFunc write, gpointer user_data, GError **error);
gboolean pare_replacement_commit (PareReplacement *replacement, GError **error);
/* Removes what was not committed. */
void pare_replacement_free (PareReplacement *replacement);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareReplacement, pare_replacement_free)
