/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What goes into a store comes out again, from memory and from the file, also while more goes in. */
#include "data/store.h"
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Sample @index has two pieces: its index, and as many bytes of its last digit. */
static void
append (PareStore *store, guint64 index)
{
  g_autofree char *filler = g_strnfill (index % 100, '0' + index % 10);
  g_autoptr (GBytes) first = g_bytes_new (&index, sizeof index);
  g_autoptr (GBytes) second = g_bytes_new (filler, index % 100);
  g_autoptr (GError) error = NULL;

  pare_store_append (store, (GBytes *[]){ first, second }, 2, &error);
  g_assert_no_error (error);
}

static void
assert_sample (PareStore *store, guint64 index)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) pieces = pare_store_read (store, index, &error);
  g_autofree char *filler = g_strnfill (index % 100, '0' + index % 10);
  gsize size;

  g_assert_no_error (error);
  g_assert_cmpuint (pieces->len, ==, 2);
  g_assert_cmpuint (*(const guint64 *)g_bytes_get_data (pieces->pdata[0], &size), ==, index);
  g_assert_cmpuint (size, ==, sizeof index);
  g_assert_cmpmem (g_bytes_get_data (pieces->pdata[1], NULL), g_bytes_get_size (pieces->pdata[1]), filler, index % 100);
}

static void
test_memory_comes_first_and_the_file_takes_the_rest (void)
{
  /* Samples 0 to 3 are 8, 9, 10 and 11 bytes: three fit into 30. */
  g_autoptr (PareStore) store = pare_store_new (30, NULL);

  for (guint i = 0; i < 4; i++)
    append (store, i);
  g_assert_cmpuint (pare_store_count (store), ==, 4);
  g_assert_cmpuint (pare_store_spilled (store), ==, 11);
  append (store, 100);
  g_assert_cmpuint (pare_store_spilled (store), ==, 11 + 8);
  for (guint i = 4; i-- > 0;)
    assert_sample (store, i);
}

static void
test_file_has_no_name (void)
{
  g_autofree char *folder = g_dir_make_tmp ("pare-store-XXXXXX", NULL);
  g_autoptr (PareStore) store = pare_store_new (0, folder);

  append (store, 0);
  assert_sample (store, 0);
  /* Only an empty folder can be removed. */
  g_assert_cmpint (g_rmdir (folder), ==, 0);
  append (store, 1);
  assert_sample (store, 1);
}

static void
test_sample_outlives_the_store (void)
{
  PareStore *store = pare_store_new (1000, NULL);
  g_autoptr (GPtrArray) pieces = NULL;

  append (store, 7);
  pieces = pare_store_read (store, 7 - 7, NULL);
  pare_store_free (store);
  g_assert_cmpmem (g_bytes_get_data (pieces->pdata[1], NULL), 7, "7777777", 7);
}

static void
test_samples_may_be_empty (void)
{
  g_autoptr (PareStore) store = pare_store_new (0, NULL);
  g_autoptr (GBytes) nothing = g_bytes_new (NULL, 0);
  g_autoptr (GPtrArray) pieces = NULL;

  g_assert_true (pare_store_append (store, &nothing, 1, NULL));
  pieces = pare_store_read (store, 0, NULL);
  g_assert_cmpuint (pieces->len, ==, 1);
  g_assert_cmpuint (g_bytes_get_size (pieces->pdata[0]), ==, 0);
}

#define MANY 3000

static gpointer
read_behind (gpointer store)
{
  for (guint64 i = 0; i < MANY; i++)
    {
      while (pare_store_count (store) <= i)
        g_thread_yield ();
      assert_sample (store, i);
    }
  return NULL;
}

static void
test_threads_read_while_samples_come (void)
{
  /* The limit is reached in the middle. */
  g_autoptr (PareStore) store = pare_store_new (MANY / 2 * 58, NULL);
  GThread *readers[] = { g_thread_new ("first", read_behind, store), g_thread_new ("second", read_behind, store) };

  for (guint64 i = 0; i < MANY; i++)
    append (store, i);
  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    g_thread_join (readers[i]);
  g_assert_cmpuint (pare_store_spilled (store), >, 0);
}

static void
test_folder_that_is_missing_is_an_error (void)
{
  g_autoptr (PareStore) store = pare_store_new (0, "/nonexistent");
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  g_autoptr (GError) error = NULL;

  g_assert_false (pare_store_append (store, &bytes, 1, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_NOT_FOUND);
  g_assert_nonnull (g_strrstr (error->message, "'/nonexistent'"));
  g_assert_cmpuint (pare_store_count (store), ==, 0);
}

static void
test_full_disk_is_an_error_and_loses_nothing (void)
{
  g_autoptr (PareStore) store = pare_store_new (0, NULL);
  g_autofree char *large = g_malloc0 (2000);
  g_autoptr (GBytes) bytes = g_bytes_new_static (large, 2000);
  g_autoptr (GError) error = NULL;
  struct rlimit before, small;

  /* The limit of a file's size stands in for that of the disk. */
  getrlimit (RLIMIT_FSIZE, &before);
  small = before;
  small.rlim_cur = 1000;
  signal (SIGXFSZ, SIG_IGN);
  setrlimit (RLIMIT_FSIZE, &small);
  append (store, 0);
  pare_store_append (store, &bytes, 1, &error);
  setrlimit (RLIMIT_FSIZE, &before);
  g_assert_error (error, PARE_ERROR, PARE_ERROR_NO_SPACE);
  append (store, 1);
  assert_sample (store, 0);
  assert_sample (store, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/memory-comes-first-and-the-file-takes-the-rest",
                   test_memory_comes_first_and_the_file_takes_the_rest);
  g_test_add_func ("/store/file-has-no-name", test_file_has_no_name);
  g_test_add_func ("/store/sample-outlives-the-store", test_sample_outlives_the_store);
  g_test_add_func ("/store/samples-may-be-empty", test_samples_may_be_empty);
  g_test_add_func ("/store/threads-read-while-samples-come", test_threads_read_while_samples_come);
  g_test_add_func ("/store/folder-that-is-missing-is-an-error", test_folder_that_is_missing_is_an_error);
  g_test_add_func ("/store/full-disk-is-an-error-and-loses-nothing", test_full_disk_is_an_error_and_loses_nothing);
  return g_test_run ();
}
