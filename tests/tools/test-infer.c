/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare infer: numbers against ONNX Runtime's on the same input, and what it refuses. */
#include "data/reader.h"
#include "process.h"
#include <math.h>

/* fashion-resnet's logits for write_npy()'s 2 x 1 x 28 x 28 array, by ONNX Runtime. */
static const float expected[2][10] = {
  { 0.4497784f, 1.0727512f, 0.2296001f, -1.9349422f, -1.1969999f, -1.9681281f, 0.2356405f, -1.7801131f, 5.7044153f,
    -0.9124998f },
  { 0.5261267f, 1.2741195f, 0.3209211f, -1.8093927f, -1.2501521f, -2.0247464f, -0.1128137f, -1.8455613f, 5.7034101f,
    -0.8726104f },
};

static void
test_outputs_are_those_of_onnx_runtime (void)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx");
  g_autofree char *input = scratch_path ("input.npy"), *output = scratch_path ("output.npz");
  g_autoptr (PareReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  write_npy (input, "2, 1, 28, 28", 2 * 28 * 28);
  {
    g_auto (Process) process = pare ("infer", model, input, "-o", output, NULL);
    assert_said (&process, "logits float32 [2,10] written to ");
  }
  reader = pare_reader_open (output, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (pare_reader_tensors (reader), ==, 1);
  g_assert_cmpstr (pare_reader_name (reader, 0), ==, "logits");
  g_assert_cmpint (pare_reader_samples (reader), ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (PareTensor) row = NULL;
      g_assert_cmpint (pare_reader_next (reader, &row, &error), ==, 1);
      g_assert_cmpint (pare_tensor_elements (row), ==, 10);
      for (guint j = 0; j < 10; j++)
        g_assert_cmpfloat (fabs (pare_tensor_get_double (row, j) - expected[i][j]), <, 1e-4);
    }
}

static void
test_input_can_be_named (void)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx");
  g_autofree char *input = scratch_path ("named.npy"), *output = scratch_path ("named.npz");
  g_autofree char *word = g_strconcat ("image=", input, NULL), *wrong = g_strconcat ("imaeg=", input, NULL);

  write_npy (input, "1, 1, 28, 28", 28 * 28);
  {
    g_auto (Process) right = pare ("infer", model, word, "-o", output, NULL);
    g_auto (Process) misspelt = pare ("infer", model, wrong, "-o", output, NULL);
    g_auto (Process) twice = pare ("infer", model, word, word, "-o", output, NULL);
    assert_said (&right, "[1,10]");
    assert_refused (&misspelt, "write image=FILE.npy");
    assert_refused (&twice, "'image' is given twice");
  }
}

static void
test_missing_words_are_refused (void)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx");
  g_autofree char *output = scratch_path ("none.npz");
  g_auto (Process) no_output = pare ("infer", model, "x.npy", NULL);
  g_auto (Process) no_input = pare ("infer", model, "-o", output, NULL);
  g_auto (Process) no_file = pare ("infer", model, "no-such.npy", "-o", output, NULL);

  assert_refused (&no_output, "-o FILE.npz");
  assert_refused (&no_input, "image=FILE.npy");
  assert_refused (&no_file, "no-such.npy");
  g_assert_false (g_file_test (output, G_FILE_TEST_EXISTS));
}

static void
test_wrong_shape_is_refused (void)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx");
  g_autofree char *input = scratch_path ("wrong.npy"), *output = scratch_path ("wrong.npz");

  write_npy (input, "1, 28, 27", 28 * 27);
  {
    g_auto (Process) process = pare ("infer", model, input, "-o", output, NULL);
    assert_refused (&process, "'image'");
  }
  g_assert_false (g_file_test (output, G_FILE_TEST_EXISTS));
}

static void
test_unwritable_output_is_refused (void)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx");
  g_autofree char *input = scratch_path ("input-2.npy"), *output = scratch_path ("no-such-folder/output.npz");

  write_npy (input, "1, 1, 28, 28", 28 * 28);
  {
    g_auto (Process) process = pare ("infer", model, input, "-o", output, NULL);
    assert_refused (&process, "no-such-folder");
  }
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  scratch_create ();
  g_test_add_func ("/infer/outputs-are-those-of-onnx-runtime", test_outputs_are_those_of_onnx_runtime);
  g_test_add_func ("/infer/input-can-be-named", test_input_can_be_named);
  g_test_add_func ("/infer/missing-words", test_missing_words_are_refused);
  g_test_add_func ("/infer/wrong-shape", test_wrong_shape_is_refused);
  g_test_add_func ("/infer/unwritable-output", test_unwritable_output_is_refused);
  status = g_test_run ();
  scratch_remove ();
  return status;
}
