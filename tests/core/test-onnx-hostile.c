/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Files that lie: each is an error that names what is wrong, none a crash. */
#include "onnx/onnx.h"
#include "onnx.pb-c.h"
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TESTDATA "/usr/share/libonnx-testdata/data/node"

/* A model in memory that the tests spoil: x -> Relu "r" -> y, and an initializer w of two floats. The protobuf objects
 * live in one struct so that no test frees anything. */
typedef struct
{
  Onnx__ModelProto model;
  Onnx__GraphProto graph;
  Onnx__ValueInfoProto input, output, *inputs[1], *outputs[1];
  Onnx__NodeProto node, second, *nodes[2];
  Onnx__TensorProto weight, *weights[2];
  Onnx__StringStringEntryProto location, offset, *external[2];
  char *node_inputs[1], *node_outputs[1], *second_inputs[1], *second_outputs[1];
  gint64 dims[32];
  guint8 raw[8];
} Model;

static void
model_init (Model *m)
{
  *m = (Model){ ONNX__MODEL_PROTO__INIT, ONNX__GRAPH_PROTO__INIT, ONNX__VALUE_INFO_PROTO__INIT,
                ONNX__VALUE_INFO_PROTO__INIT };
  onnx__node_proto__init (&m->node);
  onnx__node_proto__init (&m->second);
  onnx__tensor_proto__init (&m->weight);
  onnx__string_string_entry_proto__init (&m->location);
  onnx__string_string_entry_proto__init (&m->offset);
  m->model.graph = &m->graph;
  m->inputs[0] = &m->input;
  m->input.name = (char *)"x";
  m->outputs[0] = &m->output;
  m->output.name = (char *)"y";
  m->graph.input = m->inputs;
  m->graph.n_input = 1;
  m->graph.output = m->outputs;
  m->graph.n_output = 1;
  m->node.name = (char *)"r";
  m->node.op_type = (char *)"Relu";
  m->node_inputs[0] = (char *)"x";
  m->node_outputs[0] = (char *)"y";
  m->node.input = m->node_inputs;
  m->node.output = m->node_outputs;
  m->node.n_input = m->node.n_output = 1;
  m->second = m->node;
  m->second.name = (char *)"s";
  m->second.input = m->second_inputs;
  m->second.output = m->second_outputs;
  m->nodes[0] = &m->node;
  m->nodes[1] = &m->second;
  m->graph.node = m->nodes;
  m->graph.n_node = 1;
  m->weight.name = (char *)"w";
  m->weight.has_data_type = TRUE;
  m->weight.data_type = PARE_FLOAT32;
  m->dims[0] = 2;
  m->weight.dims = m->dims;
  m->weight.n_dims = 1;
  m->weight.has_raw_data = TRUE;
  m->weight.raw_data = (ProtobufCBinaryData){ sizeof m->raw, m->raw };
  m->weights[0] = m->weights[1] = &m->weight;
  m->graph.initializer = m->weights;
  m->graph.n_initializer = 1;
}

static GBytes *
model_pack (const Model *m)
{
  gsize size = onnx__model_proto__get_packed_size (&m->model);
  guint8 *data = g_malloc (size);

  onnx__model_proto__pack (&m->model, data);
  return g_bytes_new_take (data, size);
}

static void
assert_refused_bytes (GBytes *bytes, const char *path, int code, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = pare_onnx_load_bytes (bytes, path, &error);

  g_assert_error (error, PARE_ERROR, code);
  g_assert_null (graph);
  if (!strstr (error->message, words))
    g_error ("'%s' does not say '%s'", error->message, words);
}

static void
assert_refused (const Model *m, const char *words)
{
  g_autoptr (GBytes) bytes = model_pack (m);

  assert_refused_bytes (bytes, "/tmp/m.onnx", PARE_ERROR_DECODE, words);
}

static void
test_the_unspoilt_model_loads (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = NULL;
  g_autoptr (GBytes) bytes = NULL;
  Model m;

  model_init (&m);
  bytes = model_pack (&m);
  graph = pare_onnx_load_bytes (bytes, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (graph->nodes->len, ==, 1);
  g_assert_cmpint (pare_tensor_elements (pare_graph_find_value (graph, "w")->constant), ==, 2);
}

static void
test_wrong_graphs_are_named (void)
{
  Model m;

  model_init (&m);
  m.model.graph = NULL;
  m.model.producer_name = (char *)"me";
  assert_refused (&m, "no graph");

  model_init (&m);
  m.node_inputs[0] = (char *)"ghost";
  assert_refused (&m, "Node 'r' (Relu) reads 'ghost'");

  model_init (&m);
  m.output.name = (char *)"ghost";
  assert_refused (&m, "Output 'ghost'");

  model_init (&m);
  m.node_outputs[0] = (char *)"x";
  assert_refused (&m, "'x' stands for two values");

  model_init (&m);
  m.graph.n_initializer = 2;
  assert_refused (&m, "'w' stands for two values");

  model_init (&m);
  m.node.op_type = NULL;
  assert_refused (&m, "'r' names no operator");

  model_init (&m);
  m.node.name = (char *)"\xff\xfe";
  assert_refused (&m, "UTF-8");
}

static void
test_a_cycle_names_a_node_on_it (void)
{
  Model m;

  model_init (&m);
  m.graph.n_node = 2;
  m.node_inputs[0] = (char *)"back";
  m.second_inputs[0] = (char *)"y";
  m.second_outputs[0] = (char *)"back";
  assert_refused (&m, "cycle through node 'r'");
}

static void
test_nodes_out_of_order_are_sorted (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = NULL;
  g_autoptr (GBytes) bytes = NULL;
  Model m;

  model_init (&m);
  m.graph.n_node = 2;
  m.node_inputs[0] = (char *)"late";
  m.second_inputs[0] = (char *)"x";
  m.second_outputs[0] = (char *)"late";
  bytes = model_pack (&m);
  graph = pare_onnx_load_bytes (bytes, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (((PareNode *)graph->nodes->pdata[0])->name, ==, "s");
  pare_graph_assert_consistent (graph);
}

static void
test_wrong_tensors_are_named (void)
{
  Model m;

  model_init (&m);
  m.dims[0] = 3;
  assert_refused (&m, "Tensor 'w' holds 8 bytes; its shape and type ask for 12");

  model_init (&m);
  m.dims[0] = -2;
  assert_refused (&m, "Tensor 'w' has the impossible shape");

  model_init (&m);
  m.weight.n_dims = 3;
  m.dims[0] = m.dims[1] = m.dims[2] = G_MAXINT32;
  assert_refused (&m, "Tensor 'w' has the impossible shape");

  model_init (&m);
  m.dims[0] = G_GINT64_CONSTANT (1) << 54;
  assert_refused (&m, "Tensor 'w' holds 8 bytes");

  model_init (&m);
  m.weight.n_dims = 13;
  assert_refused (&m, "Tensor 'w' has 13 dimensions");

  model_init (&m);
  m.weight.data_type = 77;
  assert_refused (&m, "Tensor 'w' has the unknown element type 77");

  model_init (&m);
  m.weight.data_type = PARE_STRING;
  assert_refused (&m, "Tensor 'w' holds 0 strings");

  model_init (&m);
  m.weight.has_raw_data = FALSE;
  assert_refused (&m, "Tensor 'w' (float32) holds 0 numbers; its shape asks for 2");
}

static void
test_typed_numbers_must_fit_their_type (void)
{
  gint32 numbers[] = { 5, -129 };
  Model m;

  model_init (&m);
  m.weight.has_raw_data = FALSE;
  m.weight.data_type = PARE_INT8;
  m.weight.int32_data = numbers;
  m.weight.n_int32_data = 2;
  assert_refused (&m, "Tensor 'w' holds a number that is not a int8");
}

static void
make_external (Model *m, const char *location, const char *offset)
{
  model_init (m);
  m->weight.has_raw_data = FALSE;
  m->weight.has_data_location = TRUE;
  m->weight.data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
  m->location.key = (char *)"location";
  m->location.value = (char *)location;
  m->offset.key = (char *)"offset";
  m->offset.value = (char *)offset;
  m->external[0] = &m->location;
  m->external[1] = &m->offset;
  m->weight.external_data = m->external;
  m->weight.n_external_data = 2;
}

static void
assert_external_refused (const char *folder, const char *location, const char *offset, int code, const char *words)
{
  g_autofree char *path = g_build_filename (folder, "m.onnx", NULL);
  g_autoptr (GBytes) bytes = NULL;
  Model m;

  make_external (&m, location, offset);
  bytes = model_pack (&m);
  assert_refused_bytes (bytes, path, code, words);
}

static void
test_external_data_stays_in_the_folder (void)
{
  g_autofree char *folder = g_dir_make_tmp ("pare-XXXXXX", NULL);
  g_autofree char *link = g_build_filename (folder, "link", NULL), *data = g_build_filename (folder, "data", NULL);

  g_assert_true (g_file_set_contents (data, "12345678", 8, NULL));
  g_assert_cmpint (symlink ("/etc/passwd", link), ==, 0);
  assert_external_refused (folder, "/etc/passwd", "0", PARE_ERROR_DECODE, "outside of the model's folder");
  assert_external_refused (folder, "../passwd", "0", PARE_ERROR_DECODE, "outside of the model's folder");
  assert_external_refused (folder, "a/../../passwd", "0", PARE_ERROR_DECODE, "outside of the model's folder");
  assert_external_refused (folder, "link", "0", PARE_ERROR_DECODE, "a link to outside");
  assert_external_refused (folder, ".", "0", PARE_ERROR_DECODE, "'.'");
  assert_external_refused (folder, "gone", "0", PARE_ERROR_NOT_FOUND, "'gone' is missing");
  assert_external_refused (folder, "data", "4", PARE_ERROR_DECODE, "Tensor 'w' claims 8 bytes at 4");
  assert_external_refused (folder, "data", "9223372036854775807", PARE_ERROR_DECODE, "claims 8 bytes");
  assert_external_refused (folder, "data", "-4", PARE_ERROR_DECODE, "not a number");
  g_unlink (link);
  g_unlink (data);
  g_rmdir (folder);
}

/* One length-prefixed field around @content. */
static void
wrap (GByteArray *content, guint8 tag)
{
  guint8 head[6] = { tag };
  guint n = 1;

  for (guint length = content->len; n == 1 || length; length >>= 7)
    head[n++] = (length & 0x7f) | (length > 0x7f ? 0x80 : 0);
  g_byte_array_prepend (content, head, n);
}

/* The type of an input is a sequence of sequences of .., 5,000 deep. */
static void
test_deep_nesting_is_refused (void)
{
  g_autoptr (GByteArray) deep = g_byte_array_new ();
  g_autoptr (GBytes) bytes = NULL;

  for (guint i = 0; i < 5000; i++)
    {
      wrap (deep, 0x0a); /* elem_type */
      wrap (deep, 0x22); /* sequence_type */
    }
  wrap (deep, 0x12); /* type */
  wrap (deep, 0x5a); /* input */
  wrap (deep, 0x3a); /* graph */
  bytes = g_bytes_new (deep->data, deep->len);
  assert_refused_bytes (bytes, "/tmp/m.onnx", PARE_ERROR_DECODE, "nested too deeply");
}

/* Six million empty initializers in 12 MB would take 2 GB. */
static void
test_memory_is_bounded (void)
{
  g_autoptr (GByteArray) model = g_byte_array_new ();
  g_autoptr (GBytes) bytes = NULL;
  static const guint8 initializer[] = { 0x2a, 0 };

  for (guint i = 0; i < 6000000; i++)
    g_byte_array_append (model, initializer, sizeof initializer);
  wrap (model, 0x3a); /* graph */
  bytes = g_bytes_new (model->data, model->len);
  assert_refused_bytes (bytes, "/tmp/m.onnx", PARE_ERROR_DECODE, "absurd number of messages in graph");
}

static void
test_files_that_are_no_models (void)
{
  g_autofree char *folder = g_dir_make_tmp ("pare-XXXXXX", NULL);
  g_autofree char *empty = g_build_filename (folder, "empty.onnx", NULL);
  g_autofree char *fifo = g_build_filename (folder, "fifo.onnx", NULL);
  g_autofree char *gone = g_build_filename (folder, "gone.onnx", NULL);
  struct
  {
    const char *path;
    int code;
    const char *words;
  } cases[] = { { empty, PARE_ERROR_DECODE, "empty" },
                { fifo, PARE_ERROR_DECODE, "regular" },
                { folder, PARE_ERROR_DECODE, "regular" },
                { gone, PARE_ERROR_NOT_FOUND, "gone.onnx" } };

  g_assert_true (g_file_set_contents (empty, "", 0, NULL));
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_null (pare_onnx_load (cases[i].path, &error));
      g_assert_error (error, PARE_ERROR, cases[i].code);
      g_assert_nonnull (strstr (error->message, cases[i].words));
    }
  g_unlink (empty);
  g_unlink (fifo);
  g_rmdir (folder);
}

static void
test_every_truncation_is_refused (void)
{
  g_autoptr (GBytes) bytes = NULL;
  Model m;

  model_init (&m);
  bytes = model_pack (&m);
  for (gsize size = 0; size < g_bytes_get_size (bytes); size++)
    {
      g_autoptr (GBytes) part = g_bytes_new_from_bytes (bytes, 0, size);
      g_autoptr (GError) error = NULL;
      g_assert_null (pare_onnx_load_bytes (part, NULL, &error));
      g_assert_error (error, PARE_ERROR, PARE_ERROR_DECODE);
    }
}

/* A graph or an error, and what loads can be written and freed. */
static void
load_spoilt (guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (data, size), saved = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = pare_onnx_load_bytes (bytes, "/nowhere/m.onnx", &error);

  g_assert_true ((graph != NULL) == (error == NULL));
  saved = graph ? pare_onnx_to_bytes (graph, NULL) : NULL;
  g_assert_true ((graph != NULL) == (saved != NULL));
}

static void
test_random_bytes_never_crash (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  guint8 data[300];

  for (guint i = 0; i < 2000; i++)
    {
      for (guint j = 0; j < sizeof data; j++)
        data[j] = g_rand_int (random);
      load_spoilt (data, g_rand_int_range (random, 1, sizeof data));
    }
}

static void
test_flipped_bytes_never_crash (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (2);
  g_autoptr (GDir) folder = g_dir_open (TESTDATA, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (folder && (name = g_dir_read_name (folder)))
    g_ptr_array_add (names, g_build_filename (TESTDATA, name, "model.onnx", NULL));
  if (names->len == 0)
    {
      g_test_skip ("libonnx-testdata is not installed");
      return;
    }
  for (guint i = 0; i < names->len; i += names->len / 200)
    for (guint round = 0; round < 20; round++)
      {
        g_autofree char *data = NULL;
        gsize size;
        if (!g_file_get_contents (names->pdata[i], &data, &size, NULL))
          break;
        for (guint flip = 0; flip <= round % 4; flip++)
          data[g_rand_int_range (random, 0, MIN (size, G_MAXINT32))] = g_rand_int (random);
        load_spoilt ((guint8 *)data, size);
      }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/onnx/the-unspoilt-model-loads", test_the_unspoilt_model_loads);
  g_test_add_func ("/onnx/wrong-graphs-are-named", test_wrong_graphs_are_named);
  g_test_add_func ("/onnx/a-cycle-names-a-node-on-it", test_a_cycle_names_a_node_on_it);
  g_test_add_func ("/onnx/nodes-out-of-order-are-sorted", test_nodes_out_of_order_are_sorted);
  g_test_add_func ("/onnx/wrong-tensors-are-named", test_wrong_tensors_are_named);
  g_test_add_func ("/onnx/typed-numbers-must-fit-their-type", test_typed_numbers_must_fit_their_type);
  g_test_add_func ("/onnx/external-data-stays-in-the-folder", test_external_data_stays_in_the_folder);
  g_test_add_func ("/onnx/deep-nesting-is-refused", test_deep_nesting_is_refused);
  g_test_add_func ("/onnx/memory-is-bounded", test_memory_is_bounded);
  g_test_add_func ("/onnx/files-that-are-no-models", test_files_that_are_no_models);
  g_test_add_func ("/onnx/every-truncation-is-refused", test_every_truncation_is_refused);
  g_test_add_func ("/onnx/random-bytes-never-crash", test_random_bytes_never_crash);
  g_test_add_func ("/onnx/flipped-bytes-never-crash", test_flipped_bytes_never_crash);
  return g_test_run ();
}
