/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What changed in the standard operator set from version to version. */
#pragma once
#include "graph/graph.h"

/* The newest version that pare_opset_changes covers. */
#define PARE_OPSET_NEWEST 21

/**
 * PareOpsetChange:
 * @op_type: the operator
 * @version: of the operator set in which its form changed
 * @attribute: an attribute that became an input in that version, or NULL
 * @input: the index of that input
 * @rewrite: any other change, or NULL
 *
 * Only changes that turn a valid node into an invalid or different one are listed: new types and new optional
 * arguments are none.
 */
typedef struct
{
  const char *op_type;
  gint64 version;
  const char *attribute;
  guint input;
  gboolean (*rewrite) (PareNode *node, GError **error);
} PareOpsetChange;

/* Ended by an entry without op_type. */
extern const PareOpsetChange pare_opset_changes[];

/* A constant named after @node and @what that becomes its input @index. */
void pare_opset_set_constant_input (PareNode *node, guint index, const char *what, PareTensor *tensor);
