/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare eval, diff and bench on real images, where the Fashion-MNIST package is installed. One thread, so that a busy
 * machine does not make the tests slow. */
#include "onnx/onnx.h"
#include "process.h"
#include <math.h>
#include <string.h>

#define IMAGES "data=/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"
#define LABELS "labels=/usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz"
#define MEAN "mean=0.2860"
#define STD "std=0.3530"

static gboolean
have_images (void)
{
  if (g_file_test (IMAGES + strlen ("data="), G_FILE_TEST_EXISTS))
    return TRUE;
  g_test_skip ("Debian's dataset-fashion-mnist is not installed");
  return FALSE;
}

/* ONNX Runtime on the first 200 test images: 189 right, 200 among the first five, mean cross-entropy 0.172955. */
static void
test_eval_agrees_with_onnx_runtime (void)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx");

  if (!have_images ())
    return;
  {
    g_auto (Process) process
        = pare ("eval", model, IMAGES, LABELS, MEAN, STD, "samples=200", "--threads=1", "--json", NULL);
    g_autoptr (JsonObject) root = assert_json (&process);
    g_assert_cmpint (json_object_get_int_member (root, "n"), ==, 200);
    g_assert_cmpfloat (json_object_get_double_member (root, "top1"), ==, 94.5);
    g_assert_cmpfloat (json_object_get_double_member (root, "top5"), ==, 100.0);
    g_assert_cmpfloat (fabs (json_object_get_double_member (root, "loss") - 0.1729554), <, 1e-5);
  }
}

static void
test_eval_refuses_what_it_cannot_read (void)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx");
  g_auto (Process) typo = pare ("eval", model, IMAGES, "lables=x", NULL);
  g_auto (Process) missing = pare ("eval", model, IMAGES, NULL);
  g_auto (Process) number = pare ("eval", model, IMAGES, LABELS, "samples=-4", NULL);
  g_auto (Process) file = pare ("eval", model, "data=no-such.npy", LABELS, NULL);

  assert_refused (&typo, "did you mean 'labels'");
  assert_refused (&missing, "labels=VALUE");
  assert_refused (&number, "'samples' cannot be '-4'");
  assert_refused (&file, "no-such.npy");
}

static void
test_diff_of_a_model_and_itself_is_nothing (void)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx");

  if (!have_images ())
    return;
  {
    g_auto (Process) process
        = pare ("diff", model, model, IMAGES, MEAN, STD, "samples=20", "--threads=1", "--json", NULL);
    g_autoptr (JsonObject) root = assert_json (&process);
    g_assert_cmpint (json_object_get_int_member (root, "n"), ==, 20);
    g_assert_true (json_object_get_null_member (root, "sqnr"));
    g_assert_cmpfloat (fabs (json_object_get_double_member (root, "cosine") - 1), <, 1e-12);
    g_assert_cmpfloat (json_object_get_double_member (root, "agreement"), ==, 100);
    /* Every one of the 47 nodes has a value to compare. */
    g_assert_cmpuint (json_array_get_length (json_object_get_array_member (root, "layers")), ==, 47);
  }
}

/* 8 bits are worth about 6 dB each, less what ranges and depth cost: far from nothing and far from noise. */
static void
test_diff_and_inspect_see_quantization (void)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx"), *output = scratch_path ("int8.onnx");
  g_autofree char *model_word = g_strconcat ("model=", model, NULL);
  g_autofree char *output_word = g_strconcat ("output=", output, NULL);

  if (!have_images ())
    return;
  {
    g_auto (Process) run
        = pare ("run", "ptq-int8", model_word, IMAGES, MEAN, STD, "samples=32", "--threads=1", output_word, NULL);
    g_auto (Process) diff
        = pare ("diff", model, output, IMAGES, MEAN, STD, "samples=64", "--threads=1", "--json", NULL);
    g_auto (Process) inspect = pare ("inspect", output, "--json", NULL);
    g_autoptr (JsonObject) difference = NULL, layers = NULL;
    assert_said (&run, "Wrote");
    difference = assert_json (&diff);
    layers = assert_json (&inspect);
    g_assert_cmpfloat (json_object_get_double_member (difference, "sqnr"), >, 15);
    g_assert_cmpfloat (json_object_get_double_member (difference, "sqnr"), <, 60);
    g_assert_cmpfloat (json_object_get_double_member (difference, "agreement"), >=, 95);
    /* 13 convolutions and the classifier at least. */
    g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (layers, "totals"), "quantized"), >=,
                     14);
  }
}

/* Writes the model in half precision, as converters do. */
static void
write_half (const char *model, const char *path)
{
  g_autoptr (PareGraph) graph = pare_onnx_load (model, NULL);

  g_assert_nonnull (graph);
  for (guint i = 0; i < graph->values->len; i++)
    {
      PareValue *value = graph->values->pdata[i];
      if (value->constant && value->constant->type == PARE_FLOAT32)
        {
          g_autoptr (PareTensor) half = pare_tensor_cast (value->constant, PARE_FLOAT16);
          pare_value_set_constant (value, half);
        }
      if (value->type == PARE_FLOAT32)
        value->type = PARE_FLOAT16;
      g_clear_pointer (&value->info, g_bytes_unref);
    }
  g_assert_true (pare_onnx_save (graph, path, PARE_ONNX_EXTERNAL_AUTO, NULL));
}

/* 11 bits are worth about 66 dB, and some dozen layers round. */
static void
test_diff_compares_precisions (void)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx"), *half = scratch_path ("half.onnx");
  const char *pairs[][2] = { { model, half }, { half, model } };

  if (!have_images ())
    return;
  write_half (model, half);
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_auto (Process) diff
          = pare ("diff", pairs[i][0], pairs[i][1], IMAGES, MEAN, STD, "samples=64", "--threads=1", "--json", NULL);
      g_autoptr (JsonObject) difference = assert_json (&diff);
      g_assert_cmpfloat (json_object_get_double_member (difference, "sqnr"), >, 50);
      g_assert_cmpfloat (json_object_get_double_member (difference, "sqnr"), <, 80);
      g_assert_cmpfloat (json_object_get_double_member (difference, "agreement"), ==, 100);
    }
}

/* Operators on integers, the standard's and ONNX Runtime's own, are seen as the pairs that they stand for. */
static void
test_diff_sees_through_operators_on_integers (void)
{
  static const char *const forms[] = { "qdq", "qoperator", "qoperator-microsoft" };
  g_autofree char *model = model_path ("fashion-resnet.onnx"), *output = scratch_path ("form.onnx");
  g_autofree char *model_word = g_strconcat ("model=", model, NULL);
  g_autofree char *output_word = g_strconcat ("output=", output, NULL);
  double sqnr[G_N_ELEMENTS (forms)];

  if (!have_images ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autofree char *form = g_strconcat ("form=", forms[i], NULL);
      g_auto (Process) run = pare ("run", "ptq-int8", model_word, IMAGES, MEAN, STD, "samples=32", "--threads=1",
                                   output_word, form, NULL);
      g_auto (Process) diff
          = pare ("diff", model, output, IMAGES, MEAN, STD, "samples=64", "--threads=1", "--json", NULL);
      g_autoptr (JsonObject) difference = NULL;
      assert_said (&run, "Wrote");
      difference = assert_json (&diff);
      sqnr[i] = json_object_get_double_member (difference, "sqnr");
      g_assert_cmpfloat (fabs (sqnr[i] - sqnr[0]), <, 0.2);
    }
}

static void
test_bench_counts_what_it_ran (void)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx");
  g_auto (Process) process = pare ("bench", model, "--batch=4", "--runs=3", "--threads=1", "--json", NULL);
  g_autoptr (JsonObject) root = assert_json (&process);
  double rate = json_object_get_double_member (root, "samples_per_second");

  g_assert_cmpint (json_object_get_int_member (root, "batch"), ==, 4);
  g_assert_cmpint (json_object_get_int_member (root, "threads"), ==, 1);
  g_assert_cmpfloat (rate, >, 0);
  g_assert_cmpfloat (fabs (rate * json_object_get_double_member (root, "milliseconds") / 4e3 - 1), <, 1e-6);
  /* 16,571,264 MACs per sample, two operations each. */
  g_assert_cmpfloat (fabs (json_object_get_double_member (root, "gflops") / (rate * 2 * 16571264e-9) - 1), <, 1e-6);
  g_assert_cmpfloat (json_object_get_double_member (root, "peak_mb"), >, 1);
}

static void
test_bench_keeps_to_the_memory_it_is_given (void)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx");
  g_auto (Process) little = pare ("bench", model, "--runs=1", "--batch=64", "--max-memory=2M", NULL);
  g_auto (Process) enough = pare ("bench", model, "--runs=1", "--batch=64", "--max-memory=0.5G", NULL);
  g_auto (Process) absurd = pare ("bench", model, "--runs=1", "--batch=1000000", "--max-memory=1G", NULL);
  g_auto (Process) nonsense = pare ("bench", model, "--max-memory=much", NULL);

  assert_refused (&little, "2.0\302\240MiB may be used");
  assert_said (&enough, "samples/s");
  assert_refused (&absurd, "--max-memory");
  assert_refused (&nonsense, "'much' is no amount of memory");
}

static void
test_infer_keeps_to_the_memory_it_is_given (void)
{
  g_autofree char *model = model_path ("fashion-resnet.onnx");
  g_autofree char *input = scratch_path ("limited.npy");
  g_autofree char *output = scratch_path ("limited.npz");
  g_auto (Process) process = { 0 };

  write_npy (input, "64, 1, 28, 28", 64 * 28 * 28);
  process = pare ("infer", model, input, "-o", output, "--max-memory=2M", NULL);
  assert_refused (&process, "allow more with --max-memory");
  g_assert_false (g_file_test (output, G_FILE_TEST_EXISTS));
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  scratch_create ();
  g_test_add_func ("/bench/keeps-to-the-memory-it-is-given", test_bench_keeps_to_the_memory_it_is_given);
  g_test_add_func ("/infer/keeps-to-the-memory-it-is-given", test_infer_keeps_to_the_memory_it_is_given);
  g_test_add_func ("/eval/agrees-with-onnx-runtime", test_eval_agrees_with_onnx_runtime);
  g_test_add_func ("/eval/refuses-what-it-cannot-read", test_eval_refuses_what_it_cannot_read);
  g_test_add_func ("/diff/itself", test_diff_of_a_model_and_itself_is_nothing);
  g_test_add_func ("/diff/quantization", test_diff_and_inspect_see_quantization);
  g_test_add_func ("/diff/precisions", test_diff_compares_precisions);
  g_test_add_func ("/diff/operators-on-integers", test_diff_sees_through_operators_on_integers);
  g_test_add_func ("/bench/counts-what-it-ran", test_bench_counts_what_it_ran);
  status = g_test_run ();
  scratch_remove ();
  return status;
}
