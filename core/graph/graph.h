/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/attribute.h"
#include "graph/error.h"
#include "graph/record.h"
#include <glib-object.h>

G_BEGIN_DECLS

typedef struct _PareNode PareNode;
typedef struct _PareValue PareValue;

/* Range of the numbers that a calibrator saw in a value; valid when low <= high. */
typedef struct
{
  float low, high;
} PareRange;

/**
 * PareSparsityMode:
 * @PARE_SPARSITY_NONE: no zeros that mean anything
 * @PARE_SPARSITY_N_OF_M: of every @m entries along an axis at most @n are not zero
 * @PARE_SPARSITY_FILTER: whole channels were removed
 */
typedef enum
{
  PARE_SPARSITY_NONE,
  PARE_SPARSITY_N_OF_M,
  PARE_SPARSITY_FILTER,
} PareSparsityMode;

/**
 * PareSparsity:
 * @axis: along which groups of @m are formed, zero-padded
 * @update_frequency: while training, the mask is drawn anew every so many steps; 0: never
 *
 * What a sparsifier made of a weight. Whoever changes the weight afterwards keeps to it.
 */
typedef struct
{
  PareSparsityMode mode;
  guint n, m, axis;
  guint update_frequency;
} PareSparsity;

/**
 * PareValue:
 * @name: unique in its graph
 * @type: element type, PARE_UNDEFINED when the file does not tell
 * @shape: with -1 for open sizes; meaningful when @has_shape
 * @symbols: the file's names of open sizes (one per axis, NULL where none), or NULL
 * @producer: the node that computes it; NULL for inputs, constants and values of an enclosing graph
 * @consumers: nodes that read it, one entry per use; a node with a subgraph that reads it counts once more
 * @constant: its tensor, when it is a constant
 * @range: what a calibrator saw
 * @sparsity: of a weight: what a sparsifier made of it
 *
 * A value of the graph, in single static assignment form. Read the fields freely; change them through the functions.
 */
struct _PareValue
{
  char *name;
  PareDataType type;
  gboolean has_shape;
  PareShape shape;
  char **symbols;
  PareNode *producer;
  GPtrArray *consumers;
  PareTensor *constant;
  PareRange range;
  PareSparsity sparsity;
  gboolean described; /* the file had a ValueInfoProto for it */
  GBytes *info;       /* that ValueInfoProto verbatim, when the fields above cannot say it all; else NULL */
  GBytes *info_rest;  /* what of the constant's TensorProto has no field here, or NULL */
};

/**
 * PareNode:
 * @inputs: of PareValue, NULL for an omitted optional input
 * @outputs: of PareValue, NULL for an omitted optional output
 * @captures: values of this graph that only the node's subgraphs read
 * @attributes: of PareAttribute, in file order
 */
struct _PareNode
{
  PareGraph *graph;
  char *name;    /* as in the file: may be empty, need not be unique */
  char *op_type;
  char *domain;  /* "" is the ONNX standard set; "ai.onnx" is kept as written but means the same */
  GPtrArray *inputs;
  GPtrArray *outputs;
  GPtrArray *captures;
  GPtrArray *attributes;
  GBytes *rest;  /* fields of the NodeProto that have no place here, or NULL */
};

typedef struct
{
  char *domain;
  gint64 version;
} PareOpset;

#define PARE_TYPE_GRAPH (pare_graph_get_type ())
G_DECLARE_FINAL_TYPE (PareGraph, pare_graph, PARE, GRAPH, GObject)

/**
 * PareGraph:
 * @nodes: of PareNode, always in an order in which producers stand before consumers
 * @values: of PareValue, in order of appearance
 * @inputs: of PareValue; constants are among them only where an old file (IR version 3) listed them
 * @outputs: of PareValue
 * @opsets: of PareOpset
 * @path: the file it came from, or NULL
 */
struct _PareGraph
{
  GObject parent_instance;
  char *name;
  GPtrArray *nodes;
  GPtrArray *values;
  GPtrArray *inputs;
  GPtrArray *outputs;
  GArray *opsets;
  gint64 ir_version;
  char *path;
  PareRecord *record;
  GBytes *graph_rest; /* fields of GraphProto and ModelProto without a place here, or NULL */
  GBytes *model_rest;
  PareGraph *outer;   /* of a subgraph: the enclosing graph (not owned) */
  GHashTable *by_name;
};

PareGraph *pare_graph_new (void);
/* A subgraph of @outer, for a graph-valued attribute. */
PareGraph *pare_graph_new_body (PareGraph *outer);

/* A copy of the topology; tensors and record entries are shared. Microseconds. */
PareGraph *pare_graph_copy (const PareGraph *graph);
PareGraph *pare_graph_copy_body (const PareGraph *body, PareGraph *outer);

/* Version of the operator set of @domain; 0 when the graph does not import it. Subgraphs ask the outermost graph. */
gint64 pare_graph_opset (const PareGraph *graph, const char *domain);
void pare_graph_set_opset (PareGraph *graph, const char *domain, gint64 version);

/* Forgets the operator set of @domain when no node is of it. */
void pare_graph_drop_unused_opset (PareGraph *graph, const char *domain);

/* Values */
PareValue *pare_graph_find_value (const PareGraph *graph, const char *name);
/* A value of that name; NULL when the name is taken. */
PareValue *pare_graph_add_value (PareGraph *graph, const char *name);
/* A value named @stem or @stem_1, @stem_2, ..: whichever is free. */
PareValue *pare_graph_add_value_near (PareGraph *graph, const char *stem);
/* A constant named like pare_graph_add_value_near(); refs @tensor. */
PareValue *pare_graph_add_constant (PareGraph *graph, const char *stem, PareTensor *tensor);
/* Makes @value the constant @tensor (ref'd). It has no producer. */
void pare_value_set_constant (PareValue *value, PareTensor *tensor);
void pare_value_set_spec (PareValue *value, const PareSpec *spec);
gboolean pare_graph_is_input (const PareGraph *graph, const PareValue *value);
gboolean pare_graph_is_output (const PareGraph *graph, const PareValue *value);
/* The one node that reads @value; NULL when there are none or more, or it is an output of the graph. */
PareNode *pare_value_only_consumer (const PareValue *value);
/* Lets every reader of @from (graph outputs included) read @to instead. An output keeps its name: @to takes it over,
 * and when that cannot be (@to is an input, a constant or an output already) FALSE is returned and nothing changed. */
gboolean pare_graph_replace_value (PareGraph *graph, PareValue *from, PareValue *to);
/* Exchanges the names of two values (their identity in the file). */
void pare_graph_swap_names (PareGraph *graph, PareValue *a, PareValue *b);

/* Nodes */
/* Appends (@before NULL) or inserts a node. Inputs and outputs are added with the functions below. */
PareNode *pare_graph_add_node (PareGraph *graph, const char *domain, const char *op_type, const char *name,
                               PareNode *before);
void pare_node_add_input (PareNode *node, PareValue *value);
/* @value has no producer yet, unless it is NULL. */
void pare_node_add_output (PareNode *node, PareValue *value);
void pare_node_add_capture (PareNode *node, PareValue *value);
void pare_node_set_input (PareNode *node, guint index, PareValue *value);
/* Output @index is @value from now on, which has no producer yet; the value that it was loses its producer and stays. */
void pare_node_set_output (PareNode *node, guint index, PareValue *value);
/* Input or output @index, NULL when omitted or beyond the end. */
PareValue *pare_node_input (const PareNode *node, guint index);
PareValue *pare_node_output (const PareNode *node, guint index);
/* Its constant input @index, or NULL. */
PareTensor *pare_node_constant (const PareNode *node, guint index);
/* The tensor of a constant, or of the Constant node that computes @value; else NULL. */
PareTensor *pare_value_literal (const PareValue *value);
/* The same of input @index. */
PareTensor *pare_node_literal (const PareNode *node, guint index);
/* Removes the node; its outputs lose their producer and stay. */
void pare_graph_remove_node (PareGraph *graph, PareNode *node);
/* Removes nodes whose outputs nobody reads, and values that nothing mentions. Inputs and outputs stay. */
void pare_graph_remove_dead (PareGraph *graph);
/* TRUE when @node is @op_type of the standard domain. */
gboolean pare_node_is (const PareNode *node, const char *op_type);
/* A name for messages and records: the node's, or that of its first output. */
const char *pare_node_label (const PareNode *node);
/* The first node labelled @label, as a user writes it; an error names the nearest one. */
PareNode *pare_graph_find_layer (const PareGraph *graph, const char *label, GError **error);
/* Whether every one of @labels (NULL-terminated, may be NULL) is there. */
gboolean pare_graph_find_layers (const PareGraph *graph, const char *const *labels, GError **error);

/* Attributes */
const PareAttribute *pare_node_attribute (const PareNode *node, const char *name);
gint64 pare_node_get_int (const PareNode *node, const char *name, gint64 fallback);
float pare_node_get_float (const PareNode *node, const char *name, float fallback);
/* Newly allocated; NULL when absent. */
char *pare_node_get_string (const PareNode *node, const char *name);
/* The list and its length, or NULL and 0 when absent. Owned by the node. */
const gint64 *pare_node_get_ints (const PareNode *node, const char *name, guint *n);
const float *pare_node_get_floats (const PareNode *node, const char *name, guint *n);
/* Replaces or adds; takes @attribute. */
void pare_node_set_attribute (PareNode *node, PareAttribute *attribute);
void pare_node_remove_attribute (PareNode *node, const char *name);
/* Gives @node those of @from, too. */
void pare_node_copy_attributes (PareNode *node, const PareNode *from);

/* Brings nodes into topological order, stable: nodes that are in order keep theirs. An error names a node on a cycle. */
gboolean pare_graph_sort (PareGraph *graph, GError **error);
/* Checks every invariant of the structures; for tests. */
void pare_graph_assert_consistent (const PareGraph *graph);

G_END_DECLS
