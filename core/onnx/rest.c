/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Moving fields out of messages and keeping what remains, so that nothing of a file is lost. */
#include "onnx/codec.h"
#include <stdlib.h>

/* The packed @message, or NULL when it is empty. */
GBytes *
pare_onnx_pack (const ProtobufCMessage *message)
{
  gsize size = protobuf_c_message_get_packed_size (message);
  guint8 *data;

  if (size == 0)
    return NULL;
  data = g_malloc (size);
  protobuf_c_message_pack (message, data);
  return g_bytes_new_take (data, size);
}

/* A message of that kind from what pare_onnx_pack() kept; to be freed with protobuf_c_message_free_unpacked(). */
gpointer
pare_onnx_unpack (const ProtobufCMessageDescriptor *kind, GBytes *rest)
{
  ProtobufCMessage *message = NULL;

  if (rest)
    message = protobuf_c_message_unpack (kind, NULL, g_bytes_get_size (rest), g_bytes_get_data (rest, NULL));
  if (message)
    return message;
  message = g_malloc0 (kind->sizeof_message);
  protobuf_c_message_init (kind, message);
  return message;
}

/* An empty string that is present stays in the message: so its presence is kept too. */
char *
pare_onnx_take_string (char **field)
{
  return *field && **field ? g_steal_pointer (field) : g_strdup ("");
}

void
pare_onnx_put_string (char **field, const char *value)
{
  if (!*value)
    return;
  free (*field);
  *field = g_strdup (value);
}

/* Takes the array of a repeated field (transfer full) whose length is @n. */
gpointer
pare_onnx_take_list (gsize *n, gpointer field)
{
  *n = 0;
  return g_steal_pointer ((gpointer *)field);
}

void
pare_onnx_clear_messages (gsize *n, gpointer field)
{
  ProtobufCMessage ***list = field;

  for (gsize i = 0; i < *n; i++)
    protobuf_c_message_free_unpacked ((*list)[i], NULL);
  free (*list);
  *list = NULL;
  *n = 0;
}
