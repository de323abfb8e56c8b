/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The making of operators of the domain "pare" that take and give 8-bit integers. Private to the room. */
#pragma once
#include "integer/integer.h"
#include "quantize/grid.h"

/* The attributes of an internal operator whose result lies on @y. */
void pare_grid_describe (PareNode *node, const PareGrid *y);
/* Internal operator @op_type instead of what stands from @node to @last, whose
 * result on @y it makes. Inputs are to be added. */
PareNode *pare_grid_replace (PareGraph *graph, const char *op_type, PareNode *node, PareNode *last, const PareGrid *y);
/* A constant list of floats. */
PareValue *pare_grid_add_floats (PareGraph *graph, const char *stem, guint n, const float *numbers);
