/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The file that training goes on from: eight bytes that name the format, the SHA-256 of what follows, and a serialised
 * GVariant: the fingerprint of the network and the content. */
#include "train/checkpoint.h"
#include "onnx/onnx.h"
#include <string.h>

#define MAGIC "PARECKP1"
#define MAGIC_SIZE 8
#define HASH_SIZE 32
#define HEADER_SIZE (MAGIC_SIZE + HASH_SIZE)

typedef struct
{
  const char *path;
  guint8 header[HEADER_SIZE];
  GVariant *body;
} File;

static void
hash (gconstpointer data, gsize size, guint8 result[HASH_SIZE])
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize length = HASH_SIZE;

  g_checksum_update (sum, data, size);
  g_checksum_get_digest (sum, result, &length);
}

static gboolean
write_file (int fd, gpointer data, GError **error)
{
  const File *file = data;

  return pare_write_all (fd, file->header, HEADER_SIZE, file->path, error)
         && pare_write_all (fd, g_variant_get_data (file->body), g_variant_get_size (file->body), file->path, error);
}

gboolean
pare_checkpoint_save (const char *path, const char *fingerprint, GVariant *content, GError **error)
{
  g_autoptr (GVariant) body = g_variant_ref_sink (g_variant_new ("(s*)", fingerprint, content));
  File file = { .path = path, .body = body };

  memcpy (file.header, MAGIC, MAGIC_SIZE);
  hash (g_variant_get_data (body), g_variant_get_size (body), file.header + MAGIC_SIZE);
  return pare_replace_file (path, write_file, &file, error);
}

/* The bytes behind the header, when all is well. */
static GBytes *
open_body (const char *path, GMappedFile *file, GError **error)
{
  g_autoptr (GBytes) all = g_mapped_file_get_bytes (file);
  gsize size = g_bytes_get_size (all);
  const guint8 *data = g_bytes_get_data (all, NULL);
  guint8 found[HASH_SIZE];

  if (size <= HEADER_SIZE || memcmp (data, MAGIC, MAGIC_SIZE) != 0)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE,
                   "File '%s' is no checkpoint of a training: remove it or choose another checkpoint.", path);
      return NULL;
    }
  hash (data + HEADER_SIZE, size - HEADER_SIZE, found);
  if (memcmp (found, data + MAGIC_SIZE, HASH_SIZE) == 0)
    return g_bytes_new_from_bytes (all, HEADER_SIZE, size - HEADER_SIZE);
  g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "The checkpoint '%s' is damaged: remove it to begin anew.", path);
  return NULL;
}

GVariant *
pare_checkpoint_load (const char *path, const char *fingerprint, const GVariantType *type, GError **error)
{
  g_autoptr (GMappedFile) file = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GVariant) body = NULL;
  g_autofree char *format
      = g_strdup_printf ("(s%.*s)", (int)g_variant_type_get_string_length (type), g_variant_type_peek_string (type));
  const char *owner;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return NULL;
  file = g_mapped_file_new (path, FALSE, NULL);
  if (!file)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_DECODE, "Cannot read the checkpoint '%s'.", path);
      return NULL;
    }
  bytes = open_body (path, file, error);
  if (!bytes)
    return NULL;
  body = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (format), bytes, FALSE));
  g_variant_get_child (body, 0, "&s", &owner);
  if (g_variant_is_normal_form (body) && strcmp (owner, fingerprint) == 0)
    return g_variant_get_child_value (body, 1);
  g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
               "The checkpoint '%s' belongs to another model: remove it, or choose another checkpoint.", path);
  return NULL;
}
