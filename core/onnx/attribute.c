/* SPDX-License-Identifier: LGPL-2.1-or-later
 * AttributeProto to PareAttribute and back, one pair of functions per kind in one table. */
#include "onnx/codec.h"
#include <stdlib.h>

typedef struct
{
  PareOnnxReader *reader;
  PareNode *node;
  GPtrArray *outer;
  GError **error;
} Take;

typedef struct
{
  gboolean (*present) (const Onnx__AttributeProto *proto);
  gboolean (*take) (Take *take, Onnx__AttributeProto *proto, PareAttribute *attribute);
  void (*put) (PareOnnxWriter *writer, const PareAttribute *attribute, Onnx__AttributeProto *proto);
} Kind;

static gboolean
has_float (const Onnx__AttributeProto *proto)
{
  return proto->has_f;
}

static gboolean
take_float (Take *take, Onnx__AttributeProto *proto, PareAttribute *attribute)
{
  attribute->u.f = proto->f;
  proto->has_f = FALSE;
  return TRUE;
}

static void
put_float (PareOnnxWriter *writer, const PareAttribute *attribute, Onnx__AttributeProto *proto)
{
  proto->has_f = TRUE;
  proto->f = attribute->u.f;
}

static gboolean
has_int (const Onnx__AttributeProto *proto)
{
  return proto->has_i;
}

static gboolean
take_int (Take *take, Onnx__AttributeProto *proto, PareAttribute *attribute)
{
  attribute->u.i = proto->i;
  proto->has_i = FALSE;
  return TRUE;
}

static void
put_int (PareOnnxWriter *writer, const PareAttribute *attribute, Onnx__AttributeProto *proto)
{
  proto->has_i = TRUE;
  proto->i = attribute->u.i;
}

static gboolean
has_string (const Onnx__AttributeProto *proto)
{
  return proto->has_s;
}

static gboolean
take_string (Take *take, Onnx__AttributeProto *proto, PareAttribute *attribute)
{
  attribute->u.s = g_bytes_new_take (proto->s.data, proto->s.len);
  proto->s = (ProtobufCBinaryData){ 0, NULL };
  proto->has_s = FALSE;
  return TRUE;
}

static ProtobufCBinaryData
copy_bytes (GBytes *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  return (ProtobufCBinaryData){ size, g_memdup2 (data, size) };
}

static void
put_string (PareOnnxWriter *writer, const PareAttribute *attribute, Onnx__AttributeProto *proto)
{
  proto->has_s = TRUE;
  proto->s = copy_bytes (attribute->u.s);
}

static gboolean
has_tensor (const Onnx__AttributeProto *proto)
{
  return proto->t != NULL;
}

/* The tensor's own name and doc string stay behind in proto->t. */
static gboolean
take_tensor (Take *take, Onnx__AttributeProto *proto, PareAttribute *attribute)
{
  g_autofree char *name = g_strdup_printf ("%s.%s", pare_node_label (take->node), attribute->name);

  attribute->u.tensor = pare_onnx_take_tensor (take->reader, proto->t, name, take->error);
  if (attribute->u.tensor && protobuf_c_message_get_packed_size (&proto->t->base) == 0)
    {
      onnx__tensor_proto__free_unpacked (proto->t, NULL);
      proto->t = NULL;
    }
  return attribute->u.tensor != NULL;
}

static void
put_tensor (PareOnnxWriter *writer, const PareAttribute *attribute, Onnx__AttributeProto *proto)
{
  if (!proto->t)
    proto->t = pare_onnx_unpack (&onnx__tensor_proto__descriptor, NULL);
  pare_onnx_put_tensor (writer, attribute->u.tensor, proto->t);
}

static gboolean
has_graph (const Onnx__AttributeProto *proto)
{
  return proto->g != NULL;
}

static gboolean
take_graph (Take *take, Onnx__AttributeProto *proto, PareAttribute *attribute)
{
  gboolean fine;

  attribute->u.graph = pare_graph_new_body (take->node->graph);
  fine = pare_onnx_take_graph (take->reader, proto->g, attribute->u.graph, take->outer, take->error);
  onnx__graph_proto__free_unpacked (proto->g, NULL);
  proto->g = NULL;
  return fine;
}

static void
put_graph (PareOnnxWriter *writer, const PareAttribute *attribute, Onnx__AttributeProto *proto)
{
  proto->g = pare_onnx_new_graph (writer, attribute->u.graph);
}

static gboolean
has_floats (const Onnx__AttributeProto *proto)
{
  return proto->n_floats > 0;
}

static gboolean
take_floats (Take *take, Onnx__AttributeProto *proto, PareAttribute *attribute)
{
  attribute->n = proto->n_floats;
  attribute->u.floats = pare_onnx_take_list (&proto->n_floats, &proto->floats);
  return TRUE;
}

static void
put_floats (PareOnnxWriter *writer, const PareAttribute *attribute, Onnx__AttributeProto *proto)
{
  proto->n_floats = attribute->n;
  proto->floats = g_memdup2 (attribute->u.floats, attribute->n * sizeof (float));
}

static gboolean
has_ints (const Onnx__AttributeProto *proto)
{
  return proto->n_ints > 0;
}

static gboolean
take_ints (Take *take, Onnx__AttributeProto *proto, PareAttribute *attribute)
{
  attribute->n = proto->n_ints;
  attribute->u.ints = pare_onnx_take_list (&proto->n_ints, &proto->ints);
  return TRUE;
}

static void
put_ints (PareOnnxWriter *writer, const PareAttribute *attribute, Onnx__AttributeProto *proto)
{
  proto->n_ints = attribute->n;
  proto->ints = g_memdup2 (attribute->u.ints, attribute->n * sizeof (gint64));
}

static gboolean
has_strings (const Onnx__AttributeProto *proto)
{
  return proto->n_strings > 0;
}

static gboolean
take_strings (Take *take, Onnx__AttributeProto *proto, PareAttribute *attribute)
{
  g_autofree ProtobufCBinaryData *strings = NULL;

  attribute->n = proto->n_strings;
  strings = pare_onnx_take_list (&proto->n_strings, &proto->strings);
  attribute->u.strings = g_new (GBytes *, attribute->n);
  for (guint i = 0; i < attribute->n; i++)
    attribute->u.strings[i] = g_bytes_new_take (strings[i].data, strings[i].len);
  return TRUE;
}

static void
put_strings (PareOnnxWriter *writer, const PareAttribute *attribute, Onnx__AttributeProto *proto)
{
  proto->n_strings = attribute->n;
  proto->strings = g_new (ProtobufCBinaryData, attribute->n);
  for (guint i = 0; i < attribute->n; i++)
    proto->strings[i] = copy_bytes (attribute->u.strings[i]);
}

static const Kind kinds[] = {
  [PARE_ATTRIBUTE_FLOAT] = { has_float, take_float, put_float },
  [PARE_ATTRIBUTE_INT] = { has_int, take_int, put_int },
  [PARE_ATTRIBUTE_STRING] = { has_string, take_string, put_string },
  [PARE_ATTRIBUTE_TENSOR] = { has_tensor, take_tensor, put_tensor },
  [PARE_ATTRIBUTE_GRAPH] = { has_graph, take_graph, put_graph },
  [PARE_ATTRIBUTE_FLOATS] = { has_floats, take_floats, put_floats },
  [PARE_ATTRIBUTE_INTS] = { has_ints, take_ints, put_ints },
  [PARE_ATTRIBUTE_STRINGS] = { has_strings, take_strings, put_strings },
};

/* Files of IR version 1 carry no type: the filled-in field tells. */
static guint
kind_of (const Onnx__AttributeProto *proto)
{
  if (proto->ref_attr_name)
    return PARE_ATTRIBUTE_RAW;
  if (proto->has_type && proto->type)
    return (guint)proto->type < G_N_ELEMENTS (kinds) ? (guint)proto->type : (guint)PARE_ATTRIBUTE_RAW;
  for (guint i = 1; i < G_N_ELEMENTS (kinds); i++)
    if (kinds[i].present (proto))
      return i;
  return PARE_ATTRIBUTE_RAW;
}

/* A value of the type must be there; scalars and lists have their protobuf default. */
static gboolean
check_present (Take *take, const Onnx__AttributeProto *proto, guint kind)
{
  if ((kind != PARE_ATTRIBUTE_TENSOR && kind != PARE_ATTRIBUTE_GRAPH) || kinds[kind].present (proto))
    return TRUE;
  return pare_onnx_error (take->reader, take->error, "Attribute '%s' of node '%s' (%s) has no value.", proto->name,
                          pare_node_label (take->node), take->node->op_type);
}

PareAttribute *
pare_onnx_take_attribute (PareOnnxReader *reader, Onnx__AttributeProto *proto, PareNode *node, GPtrArray *outer,
                          GError **error)
{
  Take take = { reader, node, outer, error };
  guint kind = kind_of (proto);
  PareAttribute *attribute;

  if (!proto->name || !*proto->name)
    {
      pare_onnx_error (reader, error, "Node '%s' (%s) has an attribute without a name.", pare_node_label (node),
                       node->op_type);
      return NULL;
    }
  if (!check_present (&take, proto, kind))
    return NULL;
  attribute = g_new0 (PareAttribute, 1);
  if (kind == PARE_ATTRIBUTE_RAW)
    {
      attribute->u.raw = pare_onnx_pack (&proto->base);
      attribute->name = g_strdup (proto->name);
      return attribute;
    }
  attribute->name = pare_onnx_take_string (&proto->name);
  if (!kinds[kind].take (&take, proto, attribute))
    {
      /* Still without a type: its union holds at most a body or nothing. */
      if (kind == PARE_ATTRIBUTE_GRAPH)
        g_object_unref (attribute->u.graph);
      g_free (attribute->name);
      g_free (attribute);
      return NULL;
    }
  attribute->type = kind;
  proto->has_type = FALSE;
  proto->type = 0;
  attribute->rest = pare_onnx_pack (&proto->base);
  return attribute;
}

Onnx__AttributeProto *
pare_onnx_new_attribute (PareOnnxWriter *writer, const PareAttribute *attribute)
{
  Onnx__AttributeProto *proto;

  if (attribute->type == PARE_ATTRIBUTE_RAW)
    return pare_onnx_unpack (&onnx__attribute_proto__descriptor, attribute->u.raw);
  proto = pare_onnx_unpack (&onnx__attribute_proto__descriptor, attribute->rest);
  pare_onnx_put_string (&proto->name, attribute->name);
  proto->has_type = TRUE;
  proto->type = (Onnx__AttributeProto__AttributeType)attribute->type;
  kinds[attribute->type].put (writer, attribute, proto);
  return proto;
}
