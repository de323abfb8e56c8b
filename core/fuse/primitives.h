/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Reading functions that exporters spell out in arithmetic, and putting the one operator in their place. */
#pragma once
#include "fuse/fuse.h"

G_BEGIN_DECLS

#define PARE_PRODUCT_MOST 4

/* number x leaves[0] x leaves[1] .. */
typedef struct
{
  double number;
  guint n;
  PareValue *leaves[PARE_PRODUCT_MOST];
} PareProduct;

/* Reads the Mul, Div by numbers and Pow with whole exponents above @value as one product. @stop is not looked into.
 * FALSE when there are too many factors. */
gboolean pare_product_read (PareValue *value, const PareValue *stop, PareProduct *product);
/* The value other than the one-element constant that @node, @op_type of two inputs, has, and that number; else NULL. */
PareValue *pare_number_operand (const PareNode *node, const char *op_type, double *number);
/* Whether float32 arithmetic of an exporter may have written @b for @a. */
gboolean pare_number_is (double a, double b);
/* The producer of input @index, when it is @op_type unless that is NULL; else NULL. */
PareNode *pare_node_above (const PareNode *node, guint index, const char *op_type);

/* Computes the output of @last by a new node of @domain and @op_type on @inputs, and records it; what led to @last dies
 * with it. Returns the node, for its attributes. */
PareNode *pare_fuse_become (PareFuse *fuse, PareNode *last, const char *domain, const char *op_type, guint n,
                            PareValue *const *inputs);

G_END_DECLS
