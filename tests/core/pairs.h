/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Integers in the small networks of net.h. */
#pragma once
#include "net.h"

/* All bytes, but for the -128 of signed ones. */
PareTensor *net_random_bytes (GRand *random, PareDataType type, const PareShape *shape);
PareValue *net_constant (Net *net, const char *name, PareTensor *tensor);
/* A constant number of 8 bits. */
PareValue *net_byte (Net *net, PareDataType type, int number);
/* A constant behind DequantizeLinear along @axis; a bias has the product of both scales. */
PareValue *
net_stored (Net *net, const char *name, PareTensor *integers, const PareTensor *scale, float factor, int axis);
PareValue *net_dequantized (Net *net, const char *name, PareValue *integers, float scale, PareDataType type, int zero);
PareValue *net_quantized (Net *net, const char *name, PareValue *value, float scale, PareDataType type, int zero);
/* How many nodes are @op_type. */
guint net_count (const PareGraph *graph, const char *op_type);
