/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare inspect on the reference models. The numbers of parameters and MACs were counted from the files with ONNX's own
 * Python package (products of initializer and inferred output shapes, Conv and Gemm). */
#include "process.h"

static JsonObject *
inspect (const char *name)
{
  g_autofree char *path = model_path (name);
  g_auto (Process) process = pare ("inspect", path, "--json", NULL);

  return assert_json (&process);
}

static void
test_counts_parameters (void)
{
  const struct
  {
    const char *name;
    gint64 layers, parameters, macs, bytes;
  } models[] = {
    { "fashion-resnet.onnx", 47, 171258, 16571264, 695220 },
    { "fashion-mobilenet.onnx", 51, 48474, 4365024, 210128 },
    { "fashion-vit.onnx", 218, 138890, -1, 583660 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autoptr (JsonObject) root = inspect (models[i].name);
      JsonObject *totals = json_object_get_object_member (root, "totals");
      g_assert_cmpint (json_object_get_int_member (totals, "layers"), ==, models[i].layers);
      g_assert_cmpint (json_object_get_int_member (totals, "parameters"), ==, models[i].parameters);
      /* Conv and Gemm alone were counted independently; the ViT has MatMul. */
      if (models[i].macs >= 0)
        g_assert_cmpint (json_object_get_int_member (totals, "macs"), ==, models[i].macs);
      g_assert_cmpint (json_object_get_int_member (totals, "bytes"), ==, models[i].bytes);
      g_assert_cmpint (json_object_get_int_member (totals, "quantized"), ==, 0);
      g_assert_cmpint (json_object_get_int_member (root, "opset"), ==, 13);
    }
}

static void
test_describes_inputs_and_outputs (void)
{
  g_autoptr (JsonObject) root = inspect ("fashion-resnet.onnx");
  JsonArray *inputs = json_object_get_array_member (root, "inputs");
  JsonArray *outputs = json_object_get_array_member (root, "outputs");
  JsonObject *input = json_array_get_object_element (inputs, 0);
  JsonArray *shape = json_object_get_array_member (input, "shape");

  g_assert_cmpuint (json_array_get_length (inputs), ==, 1);
  g_assert_cmpstr (json_object_get_string_member (input, "name"), ==, "image");
  g_assert_cmpstr (json_object_get_string_member (input, "type"), ==, "float32");
  g_assert_cmpuint (json_array_get_length (shape), ==, 4);
  /* The batch is open. */
  g_assert_true (json_array_get_null_element (shape, 0));
  g_assert_cmpint (json_array_get_int_element (shape, 3), ==, 28);
  g_assert_cmpstr (json_object_get_string_member (json_array_get_object_element (outputs, 0), "name"), ==, "logits");
}

static void
test_text_names_layers_and_totals (void)
{
  g_autofree char *path = model_path ("fashion-resnet.onnx");
  g_auto (Process) process = pare ("inspect", path, NULL);

  assert_said (&process, "/stem/stem.0/Conv");
  assert_said (&process, "opset 13, 47 layers (0 quantized), 171258 parameters");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/inspect/counts-parameters", test_counts_parameters);
  g_test_add_func ("/inspect/describes-inputs-and-outputs", test_describes_inputs_and_outputs);
  g_test_add_func ("/inspect/text-names-layers-and-totals", test_text_names_layers_and_totals);
  return g_test_run ();
}
