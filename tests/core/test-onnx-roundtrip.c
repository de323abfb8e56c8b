/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Every model of libonnx-testdata is loaded and saved; both files, unpacked with the schema's own code, are equal. */
#include "onnx/onnx.h"
#include "onnx.pb-c.h"
#include <gio/gio.h>

#define TESTDATA "/usr/share/libonnx-testdata/data"

static void
find_models (GFile *folder, GPtrArray *models)
{
  g_autoptr (GFileEnumerator) entries = g_file_enumerate_children (folder, "standard::name,standard::type",
                                                                   G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, NULL, NULL);
  GFile *file;
  GFileInfo *info;

  while (entries && g_file_enumerator_iterate (entries, &info, &file, NULL, NULL) && info)
    if (g_file_info_get_file_type (info) == G_FILE_TYPE_DIRECTORY)
      find_models (file, models);
    else if (g_str_has_suffix (g_file_info_get_name (info), ".onnx"))
      g_ptr_array_add (models, g_file_get_path (file));
}

/* The file's content as protobuf-c orders it. */
static GBytes *
canonical (GBytes *file)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (file, &size);
  Onnx__ModelProto *model = onnx__model_proto__unpack (NULL, size, data);
  guint8 *packed;

  g_assert_nonnull (model);
  size = onnx__model_proto__get_packed_size (model);
  packed = g_malloc (size);
  onnx__model_proto__pack (model, packed);
  onnx__model_proto__free_unpacked (model, NULL);
  return g_bytes_new_take (packed, size);
}

static gboolean
survives (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = pare_onnx_load (path, &error), copy = NULL;
  g_autoptr (GBytes) saved = NULL, again = NULL, original = NULL, before = NULL;
  char *data;
  gsize size;

  g_assert_no_error (error);
  pare_graph_assert_consistent (graph);
  /* Through a copy: a stage works on one. */
  copy = pare_graph_copy (graph);
  saved = pare_onnx_to_bytes (copy, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  original = g_bytes_new_take (data, size);
  before = canonical (original);
  again = canonical (saved);
  return g_bytes_equal (before, again);
}

static void
test_every_model_survives (void)
{
  g_autoptr (GFile) folder = g_file_new_for_path (TESTDATA);
  g_autoptr (GPtrArray) models = g_ptr_array_new_with_free_func (g_free);

  find_models (folder, models);
  g_test_message ("%u models", models->len);
  if (models->len == 0)
    {
      g_test_skip ("libonnx-testdata is not installed");
      return;
    }
  for (guint i = 0; i < models->len; i++)
    if (!survives (models->pdata[i]))
      g_test_fail_printf ("%s is not the same after loading and saving", (char *)models->pdata[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/onnx/every-model-survives", test_every_model_survives);
  return g_test_run ();
}
