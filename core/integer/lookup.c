/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Functions of one integer as tables. */
#include "integer/lookup.h"
#include "train/gradient.h"
#include <math.h>

void
pare_lookup_numbers (const PareGrid *grid, float numbers[256])
{
  for (gint32 bits = 0; bits < 256; bits++)
    numbers[bits] = ((grid->type == PARE_INT8 ? (gint8)bits : bits) - grid->zero_point) * grid->scale;
}

PareNode *
pare_lookup_add (PareGraph *graph, PareValue *integers, const float numbers[256], const PareGrid *y, PareNode *before)
{
  PareNode *node = pare_graph_add_node (graph, PARE_DOMAIN, "IntegerTable", NULL, before);
  PareShape shape = pare_shape (1, (gint64[]){ 256 });
  g_autoptr (PareTensor) tensor = NULL;
  guint8 table[256];

  for (guint i = 0; i < 256; i++)
    {
      float number = nearbyintf (numbers[i] / y->scale) + y->zero_point;
      number = number > y->lowest ? number : y->lowest; /* NaN becomes the least, too */
      table[i] = (gint32)MIN (number, y->highest);
    }
  tensor = pare_tensor_new_copy (y->type, &shape, table);
  pare_node_add_input (node, integers);
  pare_node_add_input (node, pare_graph_add_constant (graph, "table", tensor));
  return node;
}
