/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Attributes of a node. */
#include "graph/attribute.h"
#include "graph/graph.h"
#include <string.h>

static PareAttribute *
attribute_new (const char *name, PareAttributeType type)
{
  PareAttribute *attribute = g_new0 (PareAttribute, 1);

  attribute->name = g_strdup (name);
  attribute->type = type;
  return attribute;
}

PareAttribute *
pare_attribute_new_int (const char *name, gint64 value)
{
  PareAttribute *attribute = attribute_new (name, PARE_ATTRIBUTE_INT);

  attribute->u.i = value;
  return attribute;
}

PareAttribute *
pare_attribute_new_float (const char *name, float value)
{
  PareAttribute *attribute = attribute_new (name, PARE_ATTRIBUTE_FLOAT);

  attribute->u.f = value;
  return attribute;
}

PareAttribute *
pare_attribute_new_string (const char *name, const char *value)
{
  PareAttribute *attribute = attribute_new (name, PARE_ATTRIBUTE_STRING);

  attribute->u.s = g_bytes_new (value, strlen (value));
  return attribute;
}

PareAttribute *
pare_attribute_new_ints (const char *name, guint n, const gint64 *values)
{
  PareAttribute *attribute = attribute_new (name, PARE_ATTRIBUTE_INTS);

  attribute->n = n;
  attribute->u.ints = g_memdup2 (values, n * sizeof *values);
  return attribute;
}

PareAttribute *
pare_attribute_new_tensor (const char *name, PareTensor *value)
{
  PareAttribute *attribute = attribute_new (name, PARE_ATTRIBUTE_TENSOR);

  attribute->u.tensor = pare_tensor_ref (value);
  return attribute;
}

PareAttribute *
pare_attribute_new_graph (const char *name, PareGraph *value)
{
  PareAttribute *attribute = attribute_new (name, PARE_ATTRIBUTE_GRAPH);

  attribute->u.graph = value;
  return attribute;
}

PareAttribute *
pare_attribute_copy (const PareAttribute *attribute, PareGraph *parent)
{
  PareAttribute *copy = attribute_new (attribute->name, attribute->type);

  copy->n = attribute->n;
  copy->u = attribute->u;
  copy->rest = attribute->rest ? g_bytes_ref (attribute->rest) : NULL;
  switch (attribute->type)
    {
    case PARE_ATTRIBUTE_RAW:
    case PARE_ATTRIBUTE_STRING:
      g_bytes_ref (copy->u.s);
      break;
    case PARE_ATTRIBUTE_TENSOR:
      pare_tensor_ref (copy->u.tensor);
      break;
    case PARE_ATTRIBUTE_GRAPH:
      copy->u.graph = pare_graph_copy_body (attribute->u.graph, parent);
      break;
    case PARE_ATTRIBUTE_FLOATS:
      copy->u.floats = g_memdup2 (attribute->u.floats, copy->n * sizeof (float));
      break;
    case PARE_ATTRIBUTE_INTS:
      copy->u.ints = g_memdup2 (attribute->u.ints, copy->n * sizeof (gint64));
      break;
    case PARE_ATTRIBUTE_STRINGS:
      copy->u.strings = g_memdup2 (attribute->u.strings, copy->n * sizeof (GBytes *));
      for (guint i = 0; i < copy->n; i++)
        g_bytes_ref (copy->u.strings[i]);
      break;
    case PARE_ATTRIBUTE_FLOAT:
    case PARE_ATTRIBUTE_INT:
      break;
    }
  return copy;
}

void
pare_attribute_free (PareAttribute *attribute)
{
  switch (attribute->type)
    {
    case PARE_ATTRIBUTE_RAW:
    case PARE_ATTRIBUTE_STRING:
      g_bytes_unref (attribute->u.s);
      break;
    case PARE_ATTRIBUTE_TENSOR:
      pare_tensor_unref (attribute->u.tensor);
      break;
    case PARE_ATTRIBUTE_GRAPH:
      g_object_unref (attribute->u.graph);
      break;
    case PARE_ATTRIBUTE_FLOATS:
    case PARE_ATTRIBUTE_INTS:
      g_free (attribute->u.ints);
      break;
    case PARE_ATTRIBUTE_STRINGS:
      for (guint i = 0; i < attribute->n; i++)
        g_bytes_unref (attribute->u.strings[i]);
      g_free (attribute->u.strings);
      break;
    case PARE_ATTRIBUTE_FLOAT:
    case PARE_ATTRIBUTE_INT:
      break;
    }
  g_clear_pointer (&attribute->rest, g_bytes_unref);
  g_free (attribute->name);
  g_free (attribute);
}
