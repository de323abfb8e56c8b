/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Small random networks, built in C. */
#pragma once
#include "graph/graph.h"

/* A network under construction; its random numbers are the same on every run. */
typedef struct
{
  PareGraph *graph;
  GRand *random;
  PareDataType type; /* of what is added next */
} Net;

/* Opset 13, float32. */
Net net_new (void);
void net_clear (Net *net);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Net, net_clear)

PareValue *net_input (Net *net, const char *name, PareShape shape);
/* A constant of uniform random numbers. */
PareValue *net_random (Net *net, const char *name, PareShape shape, double low, double high);
/* A constant that is one float. */
PareValue *net_number (Net *net, double value);
/* A constant vector of int64. */
PareValue *net_integers (Net *net, guint n, const gint64 *values);
/* A nameless node: its label is @output. */
PareValue *net_op (Net *net, const char *op_type, const char *output, guint n, PareValue **inputs);
#define OP(net, op_type, output, ...)                                                                                  \
  net_op (net, op_type, output, sizeof ((PareValue *[]){ __VA_ARGS__ }) / sizeof (PareValue *),                        \
          (PareValue *[]){ __VA_ARGS__ })
PareValue *net_batchnorm (Net *net, const char *output, PareValue *x, int channels);
/* An attribute of the node that computes @value. */
void net_set_ints (PareValue *value, const char *name, guint n, const gint64 *ints);
void net_output (Net *net, PareValue *value);
