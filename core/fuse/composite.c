/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Recognises the ends of GELU and LayerNormalization that are written as arithmetic. */
#include "fuse/composite.h"

/* Operators on a way up from the last node; other inputs on the way may be anything. */
static const struct
{
  const char *name;
  const char *path[5];
} composites[] = {
  { "GELU", { "Mul", "Mul", "Add", "Erf" } },  /* x (1 + erf (x / sqrt 2)) times 1/2 */
  { "GELU", { "Mul", "Mul", "Add", "Tanh" } }, /* its approximation */
  { "LayerNormalization", { "Mul", "Div", "Sqrt" } },
  { "LayerNormalization", { "Add", "Mul", "Div", "Sqrt" } },
};

static gboolean
leads_up (const PareNode *node, const char *const *path)
{
  if (!*path)
    return TRUE;
  if (!node || !pare_node_is (node, *path))
    return FALSE;
  for (guint i = 0; i < node->inputs->len; i++)
    if (node->inputs->pdata[i] && leads_up (((PareValue *)node->inputs->pdata[i])->producer, path + 1))
      return TRUE;
  return !path[1];
}

const char *
pare_composite_ended_by (const PareNode *node)
{
  for (guint i = 0; i < G_N_ELEMENTS (composites); i++)
    if (leads_up (node, composites[i].path))
      return composites[i].name;
  return NULL;
}
