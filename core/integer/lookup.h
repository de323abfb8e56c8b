/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Functions of one integer as tables. Private to the room. */
#pragma once
#include "integer/operator.h"

/* The real numbers that the 256 integers of @grid stand for, ordered by their bits. */
void pare_lookup_numbers (const PareGrid *grid, float numbers[256]);
/* @integers -> IntegerTable, before @before, which rounds @numbers to @y. Its output is to be added. */
PareNode *
pare_lookup_add (PareGraph *graph, PareValue *integers, const float numbers[256], const PareGrid *y, PareNode *before);
