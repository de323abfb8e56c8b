/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Writing: the target is the old file or the whole new one, inline or with external data. */
#include "../folder.h"
#include "onnx/onnx.h"
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of its own for each test. */
typedef struct
{
  char *folder;
  char *model;
  char *data;
} Fixture;

static void
set_up (Fixture *f, gconstpointer unused)
{
  f->folder = folder_create ();
  f->model = g_build_filename (f->folder, "m.onnx", NULL);
  f->data = g_build_filename (f->folder, "m.onnx.data", NULL);
}

static guint
count_files (const Fixture *f)
{
  g_autoptr (GDir) dir = g_dir_open (f->folder, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir))
    n++;
  return n;
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  folder_remove (f->folder);
  g_free (f->model);
  g_free (f->data);
}

/* y = x + w, with @n floats in w that count up, and a small constant that is too short for external data. */
static PareGraph *
new_graph (guint n)
{
  PareGraph *graph = pare_graph_new ();
  PareShape shape = pare_shape_of (1, (int)n);
  g_autofree float *numbers = g_new (float, n);
  g_autoptr (PareTensor) weight = NULL, small = pare_tensor_new_scalar_float (7);
  PareNode *node;

  for (guint i = 0; i < n; i++)
    numbers[i] = i;
  weight = pare_tensor_new_floats (&shape, numbers);
  graph->ir_version = 8;
  pare_graph_set_opset (graph, "", 13);
  g_ptr_array_add (graph->inputs, pare_graph_add_value (graph, "x"));
  node = pare_graph_add_node (graph, "", "Sum", "sum", NULL);
  pare_node_add_input (node, pare_graph_find_value (graph, "x"));
  pare_node_add_input (node, pare_graph_add_constant (graph, "w", weight));
  pare_node_add_input (node, pare_graph_add_constant (graph, "small", small));
  pare_node_add_output (node, pare_graph_add_value (graph, "y"));
  g_ptr_array_add (graph->outputs, pare_graph_find_value (graph, "y"));
  return graph;
}

static void
assert_loads_with (const char *path, guint n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = pare_onnx_load (path, &error);
  const PareTensor *weight;

  g_assert_no_error (error);
  weight = pare_graph_find_value (graph, "w")->constant;
  g_assert_cmpint (pare_tensor_elements (weight), ==, n);
  g_assert_cmpfloat (pare_tensor_get_double (weight, n - 1), ==, n - 1);
  g_assert_cmpfloat (pare_tensor_get_double (pare_graph_find_value (graph, "small")->constant, 0), ==, 7);
}

static void
test_external_data_comes_back (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = new_graph (1000);
  GStatBuf status;

  g_assert_true (pare_onnx_save (graph, f->model, PARE_ONNX_EXTERNAL_ALWAYS, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_stat (f->data, &status), ==, 0);
  g_assert_cmpint (status.st_size, ==, 4000);
  g_assert_cmpint (g_stat (f->model, &status), ==, 0);
  g_assert_cmpint (status.st_size, <, 400);
  assert_loads_with (f->model, 1000);
}

/* The loaded tensors stand on the mapped old file while the new one is written under its name. */
static void
test_a_model_can_be_saved_over_its_own_data (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = new_graph (1000), loaded = NULL;

  g_assert_true (pare_onnx_save (graph, f->model, PARE_ONNX_EXTERNAL_ALWAYS, &error));
  loaded = pare_onnx_load (f->model, &error);
  g_assert_true (pare_onnx_save (loaded, f->model, PARE_ONNX_EXTERNAL_ALWAYS, &error));
  g_assert_no_error (error);
  assert_loads_with (f->model, 1000);
  g_assert_cmpfloat (pare_tensor_get_double (pare_graph_find_value (loaded, "w")->constant, 999), ==, 999);
}

static void
test_external_data_becomes_inline (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = new_graph (1000), loaded = NULL;
  g_autoptr (GBytes) direct = NULL, through = NULL;

  g_assert_true (pare_onnx_save (graph, f->model, PARE_ONNX_EXTERNAL_ALWAYS, &error));
  loaded = pare_onnx_load (f->model, &error);
  direct = pare_onnx_to_bytes (graph, &error);
  through = pare_onnx_to_bytes (loaded, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (direct, through));
}

static void
test_the_file_holds_what_to_bytes_gives (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = new_graph (100000);
  g_autoptr (GBytes) bytes = pare_onnx_to_bytes (graph, &error);
  g_autofree char *content = NULL;
  gsize size;

  g_assert_true (pare_onnx_save (graph, f->model, PARE_ONNX_EXTERNAL_AUTO, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (f->model, &content, &size, NULL));
  g_assert_cmpmem (content, size, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_assert_cmpuint (count_files (f), ==, 1);
}

/* So large that it is written past the system's cache; its end fills no block of it. */
#define MANY 17000003

static void
test_a_large_file_holds_what_to_bytes_gives (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = new_graph (MANY);
  g_autoptr (GBytes) bytes = pare_onnx_to_bytes (graph, &error);
  g_autoptr (GMappedFile) content = NULL;

  g_assert_true (pare_onnx_save (graph, f->model, PARE_ONNX_EXTERNAL_AUTO, &error));
  content = g_mapped_file_new (f->model, FALSE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_mapped_file_get_length (content), ==, g_bytes_get_size (bytes));
  g_assert_true (memcmp (g_mapped_file_get_contents (content), g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes))
                 == 0);
}

static void
test_large_external_data_comes_back (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = new_graph (MANY), loaded = NULL;

  g_assert_true (pare_onnx_save (graph, f->model, PARE_ONNX_EXTERNAL_ALWAYS, &error));
  loaded = pare_onnx_load (f->model, &error);
  g_assert_no_error (error);
  g_assert_true (
      pare_tensor_equal (pare_graph_find_value (loaded, "w")->constant, pare_graph_find_value (graph, "w")->constant));
}

/* A limit on file sizes stands in for a full disk. */
static void
check_full_disk (Fixture *f, PareOnnxExternal external, guint n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) old = new_graph (300), graph = new_graph (n);
  struct rlimit limit, before;
  guint files;

  g_assert_true (pare_onnx_save (old, f->model, external, &error));
  files = count_files (f);
  getrlimit (RLIMIT_FSIZE, &before);
  limit = before;
  limit.rlim_cur = 100000;
  signal (SIGXFSZ, SIG_IGN);
  setrlimit (RLIMIT_FSIZE, &limit);
  g_assert_false (pare_onnx_save (graph, f->model, external, &error));
  setrlimit (RLIMIT_FSIZE, &before);
  g_assert_error (error, PARE_ERROR, PARE_ERROR_NO_SPACE);
  g_assert_nonnull (strstr (error->message, "m.onnx"));
  g_assert_cmpuint (count_files (f), ==, files);
  assert_loads_with (f->model, 300);
}

static void
test_a_full_disk_leaves_the_old_file (Fixture *f, gconstpointer external)
{
  check_full_disk (f, GPOINTER_TO_INT (external), 100000);
}

static void
test_a_full_disk_leaves_the_old_file_for_a_large_one (Fixture *f, gconstpointer external)
{
  check_full_disk (f, GPOINTER_TO_INT (external), MANY);
}

static void
test_a_missing_folder_is_an_error (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = new_graph (2);
  g_autofree char *path = g_build_filename (f->folder, "gone", "m.onnx", NULL);

  g_assert_false (pare_onnx_save (graph, path, PARE_ONNX_EXTERNAL_AUTO, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_NOT_FOUND);
}

static void
test_a_device_is_not_replaced (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = new_graph (2);

  g_assert_false (pare_onnx_save (graph, f->folder, PARE_ONNX_EXTERNAL_AUTO, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_WRITE);
  g_clear_error (&error);
  g_assert_false (pare_onnx_save (graph, "/dev/null", PARE_ONNX_EXTERNAL_AUTO, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_WRITE);
}

static void
test_links_and_permissions_stay (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = new_graph (2);
  g_autofree char *link = g_build_filename (f->folder, "link.onnx", NULL);
  GStatBuf status;

  g_assert_true (g_file_set_contents (f->model, "old", 3, NULL));
  g_assert_cmpint (g_chmod (f->model, 0640), ==, 0);
  g_assert_cmpint (symlink ("m.onnx", link), ==, 0);
  g_assert_true (pare_onnx_save (graph, link, PARE_ONNX_EXTERNAL_AUTO, &error));
  g_assert_true (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
  assert_loads_with (f->model, 2);
  g_assert_cmpint (g_stat (f->model, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0640);
}

static gboolean
write_and_fail (int fd, gpointer user_data, GError **error)
{
  g_assert_true (pare_write_all (fd, "half", 4, user_data, error));
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "Changed my mind.");
  return FALSE;
}

static void
test_a_failing_writer_leaves_nothing (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (pare_replace_file (f->model, write_and_fail, f->model, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_cmpuint (count_files (f), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, data, function) g_test_add ("/onnx/save/" name, Fixture, data, set_up, function, tear_down)
  ADD ("external-data-comes-back", NULL, test_external_data_comes_back);
  ADD ("a-model-can-be-saved-over-its-own-data", NULL, test_a_model_can_be_saved_over_its_own_data);
  ADD ("external-data-becomes-inline", NULL, test_external_data_becomes_inline);
  ADD ("the-file-holds-what-to-bytes-gives", NULL, test_the_file_holds_what_to_bytes_gives);
  ADD ("a-large-file-holds-what-to-bytes-gives", NULL, test_a_large_file_holds_what_to_bytes_gives);
  ADD ("large-external-data-comes-back", NULL, test_large_external_data_comes_back);
  ADD ("a-full-disk-leaves-the-old-file-for-a-large-one", GINT_TO_POINTER (PARE_ONNX_EXTERNAL_AUTO),
       test_a_full_disk_leaves_the_old_file_for_a_large_one);
  ADD ("a-full-disk-leaves-the-old-file", GINT_TO_POINTER (PARE_ONNX_EXTERNAL_AUTO),
       test_a_full_disk_leaves_the_old_file);
  ADD ("a-full-disk-leaves-the-old-external-data", GINT_TO_POINTER (PARE_ONNX_EXTERNAL_ALWAYS),
       test_a_full_disk_leaves_the_old_file);
  ADD ("a-missing-folder-is-an-error", NULL, test_a_missing_folder_is_an_error);
  ADD ("a-device-is-not-replaced", NULL, test_a_device_is_not_replaced);
  ADD ("links-and-permissions-stay", NULL, test_links_and_permissions_stay);
  ADD ("a-failing-writer-leaves-nothing", NULL, test_a_failing_writer_leaves_nothing);
  return g_test_run ();
}
