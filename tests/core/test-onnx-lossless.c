/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What Pare does not know stays in the file, and subgraphs know what they read from outside. */
#include "onnx/onnx.h"
#include "onnx.pb-c.h"
#include <string.h>

static PareGraph *
load (ProtobufCMessage *model, GBytes **packed)
{
  g_autoptr (GError) error = NULL;
  gsize size = protobuf_c_message_get_packed_size (model);
  guint8 *data = g_malloc (size);
  PareGraph *graph;

  protobuf_c_message_pack (model, data);
  *packed = g_bytes_new_take (data, size);
  graph = pare_onnx_load_bytes (*packed, NULL, &error);
  g_assert_no_error (error);
  return graph;
}

static void
assert_saves_as (PareGraph *graph, GBytes *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) saved = pare_onnx_to_bytes (graph, &error);

  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (saved, expected));
}

/* A field number that no version of the schema uses so far, in every kind of message. */
static void
add_unknown (ProtobufCMessage *message)
{
  static guint8 seven[] = { 7 };
  static ProtobufCMessageUnknownField field = { 999, PROTOBUF_C_WIRE_TYPE_VARINT, 1, seven };

  message->n_unknown_fields = 1;
  message->unknown_fields = &field;
}

static void
test_unknown_fields_survive_everywhere (void)
{
  Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
  Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
  Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, *opsets[] = { &opset };
  Onnx__NodeProto node = ONNX__NODE_PROTO__INIT, *nodes[] = { &node };
  Onnx__AttributeProto attribute = ONNX__ATTRIBUTE_PROTO__INIT, *attributes[] = { &attribute };
  Onnx__TensorProto weight = ONNX__TENSOR_PROTO__INIT, *weights[] = { &weight }, value = ONNX__TENSOR_PROTO__INIT;
  Onnx__ValueInfoProto output = ONNX__VALUE_INFO_PROTO__INIT, *outputs[] = { &output };
  Onnx__TypeProto type = ONNX__TYPE_PROTO__INIT;
  ProtobufCMessage *all[] = { &model.base,  &graph.base, &opset.base,  &node.base, &attribute.base,
                              &weight.base, &value.base, &output.base, &type.base };
  char *inputs[] = { (char *)"w" }, *results[] = { (char *)"y" };
  g_autoptr (PareGraph) loaded = NULL, copy = NULL;
  g_autoptr (GBytes) packed = NULL;
  float number = 3;

  model.graph = &graph;
  model.doc_string = (char *)"";
  model.opset_import = opsets;
  model.n_opset_import = 1;
  opset.has_version = TRUE;
  opset.version = 13;
  graph.node = nodes;
  graph.n_node = 1;
  graph.name = (char *)""; /* present and empty is not the same as absent */
  graph.doc_string = (char *)"about the graph";
  graph.initializer = weights;
  graph.n_initializer = 1;
  graph.output = outputs;
  graph.n_output = 1;
  output.name = (char *)"y";
  output.doc_string = (char *)"about y";
  output.type = &type;
  node.op_type = (char *)"Strange";
  node.domain = (char *)"org.example";
  node.input = inputs;
  node.output = results;
  node.n_input = node.n_output = 1;
  node.attribute = attributes;
  node.n_attribute = 1;
  attribute.name = (char *)"value";
  attribute.has_type = TRUE;
  attribute.type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR;
  attribute.t = &value;
  value.name = (char *)"named";
  weight.name = (char *)"w";
  weight.doc_string = (char *)"about w";
  weight.has_data_type = value.has_data_type = TRUE;
  weight.data_type = value.data_type = PARE_FLOAT32;
  weight.float_data = value.float_data = &number;
  weight.n_float_data = value.n_float_data = 1;
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    add_unknown (all[i]);
  loaded = load (&model.base, &packed);
  g_assert_cmpfloat (pare_tensor_get_double (pare_node_constant (loaded->nodes->pdata[0], 0), 0), ==, 3);
  assert_saves_as (loaded, packed);
  copy = pare_graph_copy (loaded);
  assert_saves_as (copy, packed);
}

static void
node_init (Onnx__NodeProto *node, char **input, char **output)
{
  onnx__node_proto__init (node);
  node->op_type = (char *)"If";
  node->name = *output;
  node->input = input;
  node->n_input = 1;
  node->output = output;
  node->n_output = 1;
}

/* outer: x, c -> If "a" { If "b" { Relu (x) } }: x is read two levels up, by a's subgraph's subgraph. */
static void
test_captures_pass_through_nested_subgraphs (void)
{
  Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
  Onnx__GraphProto graphs[3], *graph_list[3];
  Onnx__ValueInfoProto info[3], inputs[2], *input_list[] = { &inputs[0], &inputs[1] }, *output_list[3];
  Onnx__NodeProto nodes[3], *node_list[3];
  Onnx__AttributeProto attributes[2], *attribute_list[2];
  char *names[] = { (char *)"a", (char *)"b", (char *)"r" }, *condition = (char *)"c", *data = (char *)"x";
  g_autoptr (PareGraph) loaded = NULL;
  g_autoptr (GBytes) packed = NULL;
  PareNode *outer, *middle, *inner;
  PareGraph *body;

  for (guint i = 0; i < 3; i++)
    {
      onnx__graph_proto__init (&graphs[i]);
      onnx__value_info_proto__init (&info[i]);
      node_init (&nodes[i], i < 2 ? &condition : &data, &names[i]);
      info[i].name = names[i];
      graph_list[i] = &graphs[i];
      node_list[i] = &nodes[i];
      output_list[i] = &info[i];
      graphs[i].node = &node_list[i];
      graphs[i].n_node = 1;
      graphs[i].output = &output_list[i];
      graphs[i].n_output = 1;
    }
  nodes[2].op_type = (char *)"Relu";
  for (guint i = 0; i < 2; i++)
    {
      onnx__attribute_proto__init (&attributes[i]);
      attributes[i].name = (char *)"then_branch";
      attributes[i].has_type = TRUE;
      attributes[i].type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
      attributes[i].g = graph_list[i + 1];
      attribute_list[i] = &attributes[i];
      nodes[i].attribute = &attribute_list[i];
      nodes[i].n_attribute = 1;
      onnx__value_info_proto__init (&inputs[i]);
    }
  inputs[0].name = data;
  inputs[1].name = condition;
  graphs[0].input = input_list;
  graphs[0].n_input = 2;
  model.graph = &graphs[0];
  model.has_ir_version = TRUE;
  model.ir_version = 2;

  loaded = load (&model.base, &packed);
  outer = loaded->nodes->pdata[0];
  g_assert_cmpuint (outer->captures->len, ==, 2); /* b's condition, and x for the innermost */
  body = pare_node_attribute (outer, "then_branch")->u.graph;
  middle = body->nodes->pdata[0];
  g_assert_cmpuint (middle->captures->len, ==, 1);
  g_assert_cmpstr (((PareValue *)middle->captures->pdata[0])->name, ==, "x");
  g_assert_null (((PareValue *)middle->captures->pdata[0])->producer);
  inner = pare_node_attribute (middle, "then_branch")->u.graph->nodes->pdata[0];
  g_assert_cmpuint (inner->captures->len, ==, 0);
  g_assert_cmpuint (pare_graph_find_value (loaded, "x")->consumers->len, ==, 1);
  pare_graph_assert_consistent (loaded);
  assert_saves_as (loaded, packed);
}

/* A description that an edit made wrong would make a runtime refuse the model. */
static void
test_an_outdated_description_is_dropped (void)
{
  Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT, *again;
  Onnx__GraphProto graph = ONNX__GRAPH_PROTO__INIT;
  Onnx__ValueInfoProto info = ONNX__VALUE_INFO_PROTO__INIT, *infos[] = { &info };
  Onnx__TypeProto type = ONNX__TYPE_PROTO__INIT;
  Onnx__TypeProto__Tensor tensor_type = ONNX__TYPE_PROTO__TENSOR__INIT;
  Onnx__TensorProto weight = ONNX__TENSOR_PROTO__INIT, *weights[] = { &weight };
  static const gint8 bytes[] = { 1 };
  PareShape scalar = { 0 };
  g_autoptr (PareTensor) tensor = pare_tensor_new_copy (PARE_INT8, &scalar, bytes);
  g_autoptr (PareGraph) loaded = NULL;
  g_autoptr (GBytes) packed = NULL, saved = NULL;
  float number = 3;

  model.graph = &graph;
  model.has_ir_version = TRUE;
  model.ir_version = 8;
  graph.initializer = weights;
  graph.n_initializer = 1;
  graph.value_info = infos;
  graph.n_value_info = 1;
  weight.name = info.name = (char *)"w";
  weight.has_data_type = TRUE;
  weight.data_type = PARE_FLOAT32;
  weight.float_data = &number;
  weight.n_float_data = 1;
  info.type = &type;
  type.value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  type.tensor_type = &tensor_type;
  tensor_type.has_elem_type = TRUE;
  tensor_type.elem_type = PARE_FLOAT32;
  loaded = load (&model.base, &packed);
  pare_value_set_constant (pare_graph_find_value (loaded, "w"), tensor);
  saved = pare_onnx_to_bytes (loaded, NULL);
  again = onnx__model_proto__unpack (NULL, g_bytes_get_size (saved), g_bytes_get_data (saved, NULL));
  g_assert_cmpuint (again->graph->n_value_info, ==, 0);
  g_assert_cmpint (again->graph->initializer[0]->data_type, ==, PARE_INT8);
  onnx__model_proto__free_unpacked (again, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/onnx/unknown-fields-survive-everywhere", test_unknown_fields_survive_everywhere);
  g_test_add_func ("/onnx/captures-pass-through-nested-subgraphs", test_captures_pass_through_nested_subgraphs);
  g_test_add_func ("/onnx/an-outdated-description-is-dropped", test_an_outdated_description_is_dropped);
  return g_test_run ();
}
