/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Samples from every format, with files written byte by byte here; and what truncated and hostile files answer. */
#include "../folder.h"
#include "data/reader.h"
#include "graph/error.h"
#include <string.h>

#define FASHION "/usr/share/datasets/fashion-mnist/"

static char *folder;

static char *
write_file (const char *name, gconstpointer data, gsize size)
{
  char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, data, size, NULL));
  return path;
}

static char *
write_npy (const char *name, const char *dictionary, gconstpointer data, gsize size)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint16 length = GUINT16_TO_LE (strlen (dictionary));

  g_byte_array_append (bytes, (const guint8 *)"\x93NUMPY\x01\x00", 8);
  g_byte_array_append (bytes, (const guint8 *)&length, 2);
  g_byte_array_append (bytes, (const guint8 *)dictionary, strlen (dictionary));
  g_byte_array_append (bytes, data, size);
  return write_file (name, bytes->data, bytes->len);
}

static void
assert_refused (const char *path, PareError code, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareReader) reader = pare_reader_open (path, &error);

  g_assert_null (reader);
  g_assert_error (error, PARE_ERROR, (int)code);
  g_assert_nonnull (strstr (error->message, part));
}

static PareTensor *
next_tensor (PareReader *reader)
{
  PareTensor *sample[16];
  g_autoptr (GError) error = NULL;
  int status = pare_reader_next (reader, sample, &error);

  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 1);
  for (guint i = 1; i < pare_reader_tensors (reader); i++)
    pare_tensor_unref (sample[i]);
  return sample[0];
}

static void
test_npy_samples_have_the_remaining_axes (void)
{
  const float numbers[] = { 1, 2, 3, 4, 5, 6 };
  g_autofree char *path
      = write_npy ("a.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }\n", numbers, sizeof numbers);
  g_autoptr (GError) error = NULL;
  g_autoptr (PareReader) reader = pare_reader_open (path, &error);
  PareTensor *sample[1];

  g_assert_no_error (error);
  g_assert_cmpint (pare_reader_samples (reader), ==, 3);
  g_assert_cmpuint (pare_reader_tensors (reader), ==, 1);
  g_assert_cmpuint (pare_reader_spec (reader, 0)->shape.rank, ==, 1);
  g_assert_cmpint (pare_reader_spec (reader, 0)->shape.dims[0], ==, 2);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (PareTensor) tensor = next_tensor (reader);
      g_assert_cmpint (tensor->type, ==, PARE_FLOAT32);
      g_assert_cmpfloat (pare_tensor_get_double (tensor, 0), ==, 2 * i + 1);
      g_assert_cmpfloat (pare_tensor_get_double (tensor, 1), ==, 2 * i + 2);
    }
  g_assert_cmpint (pare_reader_next (reader, sample, &error), ==, 0);
}

static void
test_npy_big_endian_is_swapped (void)
{
  const guint8 numbers[] = { 0x01, 0x02, 0xff, 0xfe };
  g_autofree char *path
      = write_npy ("b.npy", "{\"shape\": (2,), 'fortran_order': True, 'descr': '>i2'}", numbers, sizeof numbers);
  g_autoptr (PareTensor) tensor = pare_npy_load (path, NULL);

  g_assert_nonnull (tensor);
  g_assert_cmpint (pare_tensor_get_int (tensor, 0), ==, 0x0102);
  g_assert_cmpint (pare_tensor_get_int (tensor, 1), ==, -2);
}

static void
test_npy_version_2_is_read (void)
{
  const char *text = "{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 1L)}";
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  const guint8 length[] = { strlen (text), 0, 0, 0 }, pixels[] = { 200, 100 };
  g_autofree char *path = NULL;
  g_autoptr (PareTensor) tensor = NULL;

  g_byte_array_append (bytes, (const guint8 *)"\x93NUMPY\x02\x00", 8);
  g_byte_array_append (bytes, length, 4);
  g_byte_array_append (bytes, (const guint8 *)text, strlen (text));
  g_byte_array_append (bytes, pixels, 2);
  path = write_file ("v2.npy", bytes->data, bytes->len);
  tensor = pare_npy_load (path, NULL);
  g_assert_nonnull (tensor);
  g_assert_cmpint (pare_tensor_get_int (tensor, 0), ==, 200);
}

static void
test_npy_hostile_headers_are_errors (void)
{
  static const struct
  {
    const char *dictionary, *part;
  } cases[] = {
    { "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }", "Fortran" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (-3, 2), }", "shape" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999, 2), }", "shape" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 64), }", "impossible shape" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (9000000000000000, 2), }", "impossible shape" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904, 64), }", "impossible shape" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1), }", "shape" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (3", "shape" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': 3}", "shape" },
    { "{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", "type" },
    { "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}", "records" },
    { "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (3,)}", "fortran_order" },
    { "{'descr': '<f4', 'shape': (3,)}", "lacks" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'evil': 1}", "malformed" },
    { "{'descr", "malformed" },
    { "", "dictionary" },
    { "{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "single number" },
  };
  const float numbers[6] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = write_npy ("hostile.npy", cases[i].dictionary, numbers, sizeof numbers);
      g_autoptr (GError) error = NULL;
      g_autoptr (PareReader) reader = pare_reader_open (path, &error);
      g_assert_null (reader);
      g_assert_cmpint (error->domain, ==, PARE_ERROR);
      if (!strstr (error->message, cases[i].part))
        g_error ("case %u: %s", i, error->message);
    }
}

static void
test_npy_truncation_tells_the_missing_bytes (void)
{
  const float numbers[5] = { 0 };
  g_autofree char *path
      = write_npy ("short.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", numbers, sizeof numbers);

  assert_refused (path, PARE_ERROR_DECODE, "4 are missing");
}

static void
test_idx_is_big_endian (void)
{
  const guint8 bytes[] = { 0, 0, 0x0b, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0x12, 0x34, 0xff, 0xff };
  g_autofree char *path = write_file ("a.idx", bytes, sizeof bytes);
  g_autofree char *cut = write_file ("cut.idx", bytes, sizeof bytes - 3);
  g_autofree char *stub = write_file ("stub.idx", bytes, 6);
  g_autoptr (PareReader) reader = pare_reader_open (path, NULL);
  g_autoptr (PareTensor) first = next_tensor (reader);
  g_autoptr (PareTensor) second = next_tensor (reader);

  g_assert_cmpint (pare_tensor_get_int (first, 0), ==, 0x1234);
  g_assert_cmpint (pare_tensor_get_int (second, 0), ==, -1);
  assert_refused (cut, PARE_ERROR_DECODE, "3 are missing");
  assert_refused (stub, PARE_ERROR_DECODE, "truncated");
}

static void
test_idx_absurd_sizes_do_not_allocate (void)
{
  const guint8 bytes[]
      = { 0, 0, 0x0e, 4, 0x7f, 255, 255, 255, 0x7f, 255, 255, 255, 0x7f, 255, 255, 255, 0x7f, 255, 255, 255, 1 };
  g_autofree char *path = write_file ("huge.idx", bytes, sizeof bytes);

  assert_refused (path, PARE_ERROR_DECODE, "impossible shape");
}

static void
test_fashion_mnist_is_as_published (void)
{
  static const guint8 labels[] = { 9, 2, 1, 1, 6 };
  g_autoptr (PareReader) train = NULL;
  g_autoptr (PareReader) test = NULL;
  g_autoptr (PareReader) images = NULL;
  g_autoptr (PareTensor) first = NULL;
  g_autoptr (PareTensor) image = NULL;

  if (!g_file_test (FASHION "t10k-labels-idx1-ubyte.gz", G_FILE_TEST_EXISTS))
    {
      g_test_skip ("dataset-fashion-mnist is not installed");
      return;
    }
  train = pare_reader_open (FASHION "train-labels-idx1-ubyte.gz", NULL);
  g_assert_cmpint (pare_reader_samples (train), ==, 60000);
  g_assert_cmpuint (pare_reader_spec (train, 0)->shape.rank, ==, 0);
  first = next_tensor (train);
  g_assert_cmpint (pare_tensor_get_int (first, 0), ==, 9);
  test = pare_reader_open (FASHION "t10k-labels-idx1-ubyte.gz", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (labels); i++)
    {
      g_autoptr (PareTensor) label = next_tensor (test);
      g_assert_cmpint (pare_tensor_get_int (label, 0), ==, labels[i]);
    }
  images = pare_reader_open (FASHION "t10k-images-idx3-ubyte.gz", NULL);
  g_assert_cmpint (pare_reader_samples (images), ==, 10000);
  image = next_tensor (images);
  g_assert_cmpint (image->shape.rank, ==, 2);
  g_assert_cmpint (pare_tensor_size (image), ==, 28 * 28);
}

static void
test_truncated_gzip_fails_where_it_ends (void)
{
  g_autofree char *whole = NULL;
  g_autofree char *path = NULL;
  gsize size;
  g_autoptr (PareReader) reader = NULL;
  g_autoptr (GError) error = NULL;
  PareTensor *sample[1];
  int status;
  guint samples = 0;

  if (!g_file_get_contents (FASHION "t10k-labels-idx1-ubyte.gz", &whole, &size, NULL))
    {
      g_test_skip ("dataset-fashion-mnist is not installed");
      return;
    }
  path = write_file ("cut.gz", whole, size / 2);
  reader = pare_reader_open (path, &error);
  g_assert_no_error (error);
  while ((status = pare_reader_next (reader, sample, &error)) == 1)
    {
      pare_tensor_unref (sample[0]);
      samples++;
    }
  g_assert_cmpint (status, ==, -1);
  g_assert_cmpuint (samples, >, 100);
  g_assert_error (error, PARE_ERROR, PARE_ERROR_DECODE);
  g_assert_nonnull (strstr (error->message, "truncated"));
}

static void
test_repository_static_samples_hold_inputs_and_labels (void)
{
  const char *json = "{\"gst_caps\":\"other/tensors, format=(string)static, framerate=(fraction)0/1, "
                     "num_tensors=(int)2, dimensions=(string)2:1.1:1, types=(string)\\\"uint8\\\\,int32\\\"\", "
                     "\"total_samples\":2, \"sample_size\":6}";
  const guint8 raw[] = { 1, 2, 7, 0, 0, 0, 3, 4, 8, 0, 0, 0 };
  g_autofree char *description = write_file ("repo.json", json, strlen (json));
  g_autofree char *data = write_file ("repo.data", raw, sizeof raw);
  g_autoptr (PareReader) reader = pare_reader_open (description, NULL);
  PareTensor *sample[2];

  g_assert_nonnull (reader);
  g_assert_cmpint (pare_reader_samples (reader), ==, 2);
  g_assert_cmpuint (pare_reader_tensors (reader), ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpint (pare_reader_next (reader, sample, NULL), ==, 1);
      g_assert_cmpint (pare_tensor_get_int (sample[0], 1), ==, 2 + 2 * i);
      g_assert_cmpint (pare_tensor_get_int (sample[1], 0), ==, GINT32_FROM_LE (7 + i));
      pare_tensor_unref (sample[0]);
      pare_tensor_unref (sample[1]);
    }
  g_clear_pointer (&data, g_free);
  data = write_file ("repo.data", raw, sizeof raw - 1);
  assert_refused (description, PARE_ERROR_DECODE, "2 samples and it holds 1");
}

static void
test_repository_flexible_samples_bring_their_headers (void)
{
  const char *json = "{\"gst_caps\":\"other/tensors, format=(string)flexible\", \"total_samples\":2, "
                     "\"sample_offset\":[0,130], \"tensor_size\":[130,130], \"tensor_count\":[0,1]}";
  const char *lying = "{\"gst_caps\":\"other/tensors, format=(string)flexible\", \"total_samples\":2, "
                      "\"sample_offset\":[0,99], \"tensor_size\":[130,130], \"tensor_count\":[0,1]}";
  guint8 raw[260] = { 0 };
  g_autofree char *description = write_file ("flexible.json", json, strlen (json));
  g_autofree char *bad = write_file ("lying.json", lying, strlen (lying));
  g_autofree char *data = NULL;
  g_autofree char *again = NULL;
  g_autoptr (PareReader) reader = NULL;

  for (guint i = 0; i < 2; i++)
    {
      const guint32 words[] = { 0xfeedcced, 0xDE001000, 5, 2, 1 };
      memcpy (raw + 130 * i, words, sizeof words);
      raw[130 * i + 128] = 10 + i;
    }
  data = write_file ("flexible.data", raw, sizeof raw);
  again = write_file ("lying.data", raw, sizeof raw);
  reader = pare_reader_open (description, NULL);
  g_assert_nonnull (reader);
  g_assert_cmpint (pare_reader_spec (reader, 0)->shape.dims[1], ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (PareTensor) tensor = next_tensor (reader);
      g_assert_cmpint (pare_tensor_get_int (tensor, 0), ==, 10 + i);
    }
  assert_refused (bad, PARE_ERROR_DECODE, "do not fit each other");
}

static void
test_repository_bad_descriptions_are_errors (void)
{
  static const char *const texts[] = {
    "{",
    "{}",
    "{\"gst_caps\":3,\"total_samples\":1}",
    "{\"gst_caps\":\"video/x-raw\",\"total_samples\":1}",
    "{\"gst_caps\":\"other/tensors\",\"total_samples\":-5}",
    "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *path = write_file ("bad.json", texts[i], strlen (texts[i]));
      assert_refused (path, PARE_ERROR_DECODE, "bad.json");
    }
  {
    const char *text = "{\"gst_caps\":\"other/tensors,dimensions=(string)1,types=(string)uint8\",\"total_samples\":1}";
    g_autofree char *path = write_file ("lonely.json", text, strlen (text));
    assert_refused (path, PARE_ERROR_NOT_FOUND, "lonely.data");
  }
}

/* A zip archive of one stored member, written by hand from the ZIP specification. */
static char *
write_npz (const char *name, const char *member, const guint8 *data, guint32 size)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint16 length = strlen (member);
  guint32 crc = 0xffffffff, offset;
  guint16 local[13] = { 20 }, central[20] = { 20, 20 }, end[9] = { 0, 0, 1, 1 };

  for (guint32 i = 0; i < size; i++)
    {
      crc ^= data[i];
      for (guint bit = 0; bit < 8; bit++)
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
  crc = ~crc;
  memcpy (local + 5, &crc, 4);
  memcpy (local + 7, &size, 4);
  memcpy (local + 9, &size, 4);
  local[11] = length;
  g_byte_array_append (bytes, (const guint8 *)"PK\3\4", 4);
  g_byte_array_append (bytes, (const guint8 *)local, 26);
  g_byte_array_append (bytes, (const guint8 *)member, length);
  g_byte_array_append (bytes, data, size);
  offset = bytes->len;
  memcpy (central + 1, local, 26);
  g_byte_array_append (bytes, (const guint8 *)"PK\1\2", 4);
  g_byte_array_append (bytes, (const guint8 *)central, 42 - 2);
  g_byte_array_append (bytes, (const guint8 *)"\0\0", 2);
  g_byte_array_append (bytes, (const guint8 *)member, length);
  end[4] = bytes->len - offset;
  memcpy (end + 6, &offset, 4);
  g_byte_array_append (bytes, (const guint8 *)"PK\5\6", 4);
  g_byte_array_append (bytes, (const guint8 *)end, 18);
  return write_file (name, bytes->data, bytes->len);
}

static void
test_npz_members_are_named (void)
{
  const char header[] = "\x93NUMPY\x01\x00\x3a\x00{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1)}\n";
  guint8 member[sizeof header - 1 + 2];
  g_autofree char *path = NULL;
  g_autofree char *odd = NULL;
  g_autoptr (PareReader) reader = NULL;
  g_autoptr (PareTensor) tensor = NULL;

  memcpy (member, header, sizeof header - 1);
  memcpy (member + sizeof header - 1, "\x05\x06", 2);
  path = write_npz ("a.npz", "x.npy", member, sizeof member);
  reader = pare_reader_open (path, NULL);
  g_assert_nonnull (reader);
  g_assert_cmpstr (pare_reader_name (reader, 0), ==, "x");
  tensor = next_tensor (reader);
  g_assert_cmpint (pare_tensor_get_int (tensor, 0), ==, 5);
  odd = write_npz ("odd.npz", "readme.txt", member, sizeof member);
  assert_refused (odd, PARE_ERROR_DECODE, "something else");
}

static void
test_onnx_tensor_counts_samples_by_its_first_axis (void)
{
  /* dims: 2, 1; data_type: uint8; raw_data: two bytes; from onnx.proto's field numbers. */
  const guint8 bytes[] = { 0x08, 2, 0x08, 1, 0x10, 2, 0x4a, 2, 40, 50 };
  g_autofree char *path = write_file ("input_0.pb", bytes, sizeof bytes);
  g_autofree char *cut = write_file ("cut.pb", bytes, sizeof bytes - 1);
  g_autoptr (PareReader) reader = pare_reader_open (path, NULL);
  g_autoptr (PareTensor) first = NULL;
  g_autoptr (PareTensor) second = NULL;

  g_assert_nonnull (reader);
  g_assert_cmpint (pare_reader_samples (reader), ==, 2);
  first = next_tensor (reader);
  second = next_tensor (reader);
  g_assert_cmpint (pare_tensor_get_int (first, 0), ==, 40);
  g_assert_cmpint (pare_tensor_get_int (second, 0), ==, 50);
  assert_refused (cut, PARE_ERROR_DECODE, "cut.pb");
}

static void
test_missing_empty_and_foreign_files_are_errors (void)
{
  g_autofree char *missing = g_build_filename (folder, "missing.npy", NULL);
  g_autofree char *empty = write_file ("empty.npy", "", 0);
  g_autofree char *text = write_file ("text.npy", "hello, world", 12);

  assert_refused (missing, PARE_ERROR_NOT_FOUND, "missing.npy");
  assert_refused (empty, PARE_ERROR_DECODE, "empty");
  assert_refused (text, PARE_ERROR_DECODE, "no tensor file");
}

/* Every format's mark followed by noise: whatever it claims, the answer is an error or samples that exist. */
static void
test_random_bytes_never_crash (void)
{
  static const char marks[][8] = { "\x93NUMPY\1", "PK\3\4", { 0, 0, 8, 2 }, "{\"", "\x1f\x8b\x08" };
  g_autoptr (GRand) random = g_rand_new_with_seed (2);

  for (guint round = 0; round < 200; round++)
    {
      guint8 bytes[300];
      g_autofree char *path = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (PareReader) reader = NULL;

      for (guint i = 0; i < sizeof bytes; i++)
        bytes[i] = g_rand_int (random);
      memcpy (bytes, marks[round % G_N_ELEMENTS (marks)], 4);
      path = write_file ("random", bytes, g_rand_int_range (random, 1, sizeof bytes));
      reader = pare_reader_open (path, &error);
      g_assert_true (reader || error);
    }
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = folder_create ();
  g_test_add_func ("/reader/npy/samples", test_npy_samples_have_the_remaining_axes);
  g_test_add_func ("/reader/npy/big-endian", test_npy_big_endian_is_swapped);
  g_test_add_func ("/reader/npy/version-2", test_npy_version_2_is_read);
  g_test_add_func ("/reader/npy/hostile", test_npy_hostile_headers_are_errors);
  g_test_add_func ("/reader/npy/truncated", test_npy_truncation_tells_the_missing_bytes);
  g_test_add_func ("/reader/npz/names", test_npz_members_are_named);
  g_test_add_func ("/reader/idx/big-endian", test_idx_is_big_endian);
  g_test_add_func ("/reader/idx/absurd", test_idx_absurd_sizes_do_not_allocate);
  g_test_add_func ("/reader/idx/fashion-mnist", test_fashion_mnist_is_as_published);
  g_test_add_func ("/reader/idx/truncated-gzip", test_truncated_gzip_fails_where_it_ends);
  g_test_add_func ("/reader/repository/static", test_repository_static_samples_hold_inputs_and_labels);
  g_test_add_func ("/reader/repository/flexible", test_repository_flexible_samples_bring_their_headers);
  g_test_add_func ("/reader/repository/bad", test_repository_bad_descriptions_are_errors);
  g_test_add_func ("/reader/onnx/tensor", test_onnx_tensor_counts_samples_by_its_first_axis);
  g_test_add_func ("/reader/foreign", test_missing_empty_and_foreign_files_are_errors);
  g_test_add_func ("/reader/random", test_random_bytes_never_crash);
  status = g_test_run ();
  folder_remove (folder);
  return status;
}
