/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The constants of a node in double precision and back. */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/* The elements of a float tensor; newly allocated. */
double *pare_numbers_read (PareTensor *tensor);
/* A tensor of the float @type from as many @numbers as @shape has elements; NULL when one of them has no finite value
 * in it. */
PareTensor *pare_numbers_tensor (PareDataType type, const PareShape *shape, const double *numbers);
/* Gives input @index of @node the constant @tensor: in place, or as a new constant when somebody else reads the old
 * one, and then sets *@copied. */
void pare_numbers_write (PareNode *node, guint index, PareTensor *tensor, gboolean *copied);

G_END_DECLS
