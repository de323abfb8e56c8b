/* SPDX-License-Identifier: LGPL-2.1-or-later
 * .npy and .npz out: exact bytes, stacking, and targets that stay as they were when something fails. */
#include "../folder.h"
#include "data/reader.h"
#include "data/writer.h"
#include "graph/error.h"
#include <string.h>

static char *folder;

static char *
in_folder (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

static void
test_npy_bytes_are_those_of_the_specification (void)
{
  PareShape shape = pare_shape_of (2, 1, 2);
  const float numbers[] = { 1.5f, -2 };
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&shape, numbers);
  g_autofree char *path = in_folder ("a.npy");
  g_autofree char *bytes = NULL;
  gsize size;
  const char *dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";

  g_assert_true (pare_npy_save (tensor, path, NULL));
  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
  g_assert_cmpuint (size, ==, 128 + 8);
  g_assert_cmpmem (bytes, 10, "\x93NUMPY\x01\x00\x76\x00", 10);
  g_assert_cmpmem (bytes + 10, strlen (dictionary), dictionary, strlen (dictionary));
  g_assert_cmpint (bytes[127], ==, '\n');
  g_assert_cmpmem (bytes + 128, 8, numbers, 8);
}

static void
test_npz_is_read_back_and_deterministic (void)
{
  const gint64 numbers[] = { 3, -4 };
  PareShape shape = pare_shape_of (2, 2, 1);
  const float floats[] = { 0.5, 0.25 };
  g_autoptr (PareTensor) a = pare_tensor_new_int64s (2, numbers);
  g_autoptr (PareTensor) b = pare_tensor_new_floats (&shape, floats);
  const char *names[] = { "first", "second" };
  PareTensor *tensors[] = { a, b }, *sample[2];
  g_autofree char *one = in_folder ("one.npz");
  g_autofree char *two = in_folder ("two.npz");
  g_autofree char *left = NULL;
  g_autofree char *right = NULL;
  gsize left_size, right_size;
  g_autoptr (PareReader) reader = NULL;

  g_assert_true (pare_npz_save (2, names, tensors, one, NULL));
  /* Zip files keep local times: none of them may come in. */
  g_setenv ("TZ", "Pacific/Auckland", TRUE);
  g_assert_true (pare_npz_save (2, names, tensors, two, NULL));
  g_assert_true (g_file_get_contents (one, &left, &left_size, NULL));
  g_assert_true (g_file_get_contents (two, &right, &right_size, NULL));
  g_assert_cmpmem (left, left_size, right, right_size);

  reader = pare_reader_open (one, NULL);
  g_assert_nonnull (reader);
  g_assert_cmpstr (pare_reader_name (reader, 1), ==, "second");
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpint (pare_reader_next (reader, sample, NULL), ==, 1);
      g_assert_cmpint (pare_tensor_get_int (sample[0], 0), ==, numbers[i]);
      g_assert_cmpfloat (pare_tensor_get_double (sample[1], 0), ==, floats[i]);
      pare_tensor_unref (sample[0]);
      pare_tensor_unref (sample[1]);
    }
}

/* Adds @n samples {i, 10 i} of float32 [2]. */
static void
add_samples (PareWriter *writer, guint n)
{
  PareShape shape = pare_shape_of (1, 2);

  for (guint i = 0; i < n; i++)
    {
      const float numbers[] = { i, 10 * i };
      PareTensor *tensor = pare_tensor_new_floats (&shape, numbers);
      g_assert_true (pare_writer_add (writer, &tensor, 1, NULL));
      pare_tensor_unref (tensor);
    }
}

static void
test_writer_stacks_samples (void)
{
  const PareSpec spec = { PARE_FLOAT32, { 1, { 2 } } };
  g_autofree char *path = in_folder ("stack.npy");
  g_autoptr (PareWriter) writer = pare_writer_new (path, 1, &spec, NULL);
  g_autoptr (PareTensor) tensor = NULL;

  add_samples (writer, 5);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_true (pare_writer_finish (writer, NULL));
  tensor = pare_npy_load (path, NULL);
  g_assert_cmpuint (tensor->shape.rank, ==, 2);
  g_assert_cmpint (tensor->shape.dims[0], ==, 5);
  g_assert_cmpfloat (pare_tensor_get_double (tensor, 9), ==, 40);
}

static void
test_writer_that_is_not_finished_leaves_the_old_file (void)
{
  const PareSpec spec = { PARE_FLOAT32, { 1, { 2 } } };
  g_autofree char *path = in_folder ("old.npy");
  g_autofree char *text = NULL;
  g_autoptr (GDir) dir = NULL;
  const char *name;

  g_assert_true (g_file_set_contents (path, "old", 3, NULL));
  {
    g_autoptr (PareWriter) writer = pare_writer_new (path, 1, &spec, NULL);
    add_samples (writer, 3);
  }
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "old");
  dir = g_dir_open (folder, 0, NULL);
  while ((name = g_dir_read_name (dir)))
    g_assert_false (g_str_has_prefix (name, "."));
}

static void
test_writer_refuses_what_does_not_fit (void)
{
  const PareSpec specs[] = { { PARE_FLOAT32, { 1, { 2 } } }, { PARE_INT64, { 0 } } };
  g_autofree char *npy = in_folder ("x.npy");
  g_autofree char *text = in_folder ("x.txt");
  g_autoptr (PareWriter) writer = NULL;
  g_autoptr (PareTensor) scalar = pare_tensor_new_scalar_float (1);
  g_autoptr (GError) error = NULL;

  g_assert_null (pare_writer_new (npy, 2, specs, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_clear_error (&error);
  g_assert_null (pare_writer_new (text, 1, specs, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_clear_error (&error);
  g_assert_null (pare_writer_new ("/nonexistent/x.npy", 1, specs, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  writer = pare_writer_new (npy, 1, specs, NULL);
  g_assert_false (pare_writer_add (writer, &scalar, 1, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
}

static void
test_devices_are_not_replaced (void)
{
  PareShape shape = pare_shape_of (1, 2);
  const float numbers[2] = { 0 };
  g_autoptr (PareTensor) tensor = pare_tensor_new_floats (&shape, numbers);
  g_autoptr (GError) error = NULL;

  /* A device is no regular file: it is not replaced. */
  g_assert_false (pare_npy_save (tensor, "/dev/full", &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_WRITE);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = folder_create ();
  g_test_add_func ("/writer/npy/bytes", test_npy_bytes_are_those_of_the_specification);
  g_test_add_func ("/writer/npz/deterministic", test_npz_is_read_back_and_deterministic);
  g_test_add_func ("/writer/stacks", test_writer_stacks_samples);
  g_test_add_func ("/writer/unfinished", test_writer_that_is_not_finished_leaves_the_old_file);
  g_test_add_func ("/writer/refuses", test_writer_refuses_what_does_not_fit);
  g_test_add_func ("/writer/device", test_devices_are_not_replaced);
  status = g_test_run ();
  folder_remove (folder);
  return status;
}
