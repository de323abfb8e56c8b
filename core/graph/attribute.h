/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/tensor.h"

G_BEGIN_DECLS

typedef struct _PareGraph PareGraph;

/* Numbered as AttributeProto.AttributeType; RAW holds what has no field here (sparse tensors, types, references). */
typedef enum
{
  PARE_ATTRIBUTE_RAW = 0,
  PARE_ATTRIBUTE_FLOAT = 1,
  PARE_ATTRIBUTE_INT = 2,
  PARE_ATTRIBUTE_STRING = 3,
  PARE_ATTRIBUTE_TENSOR = 4,
  PARE_ATTRIBUTE_GRAPH = 5,
  PARE_ATTRIBUTE_FLOATS = 6,
  PARE_ATTRIBUTE_INTS = 7,
  PARE_ATTRIBUTE_STRINGS = 8,
} PareAttributeType;

/**
 * PareAttribute:
 * @n: number of elements of the list kinds
 *
 * A named, typed attribute of a node. Lists and strings are owned by the attribute.
 */
typedef struct
{
  char *name;
  PareAttributeType type;
  guint n;
  union
  {
    float f;
    gint64 i;
    GBytes *s;
    PareTensor *tensor;
    PareGraph *graph;
    float *floats;
    gint64 *ints;
    GBytes **strings;
    GBytes *raw; /* the AttributeProto as it was in the file */
  } u;
  GBytes *rest; /* fields of the AttributeProto that have no place above (doc string, unknown fields), or NULL */
} PareAttribute;

PareAttribute *pare_attribute_new_int (const char *name, gint64 value);
PareAttribute *pare_attribute_new_float (const char *name, float value);
PareAttribute *pare_attribute_new_string (const char *name, const char *value);
PareAttribute *pare_attribute_new_ints (const char *name, guint n, const gint64 *values);
PareAttribute *pare_attribute_new_tensor (const char *name, PareTensor *value);
/* Takes @value, a body of the graph that the node is in. */
PareAttribute *pare_attribute_new_graph (const char *name, PareGraph *value);
/* Deep, but for tensors; a graph-valued attribute is copied with pare_graph_copy_body() by the graph itself. */
PareAttribute *pare_attribute_copy (const PareAttribute *attribute, PareGraph *parent);
void pare_attribute_free (PareAttribute *attribute);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareAttribute, pare_attribute_free)

G_END_DECLS
