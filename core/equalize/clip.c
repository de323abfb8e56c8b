/* SPDX-License-Identifier: LGPL-2.1-or-later
 * ReLU6 is no positively homogeneous function: factors do not pass it. Nagel et al. (section 5.1.1) put ReLU in its
 * place. */
#include "equalize/clip.h"
#include "equalize/work.h"
#include "graph/named.h"
#include "ops/operator.h"
#include <float.h>

gboolean
pare_clip_find (const char *name, GError **error)
{
  static const char *const names[] = { "per-channel", "relu", "keep", NULL };

  if (name && g_strv_contains (names, name))
    return TRUE;
  pare_set_error_unknown (error, "way to treat clips", name ? name : "", names, NULL);
  return FALSE;
}

static gboolean
is_bounded_relu (const PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);
  PareEltwise eltwise;

  return op && op->eltwise && op->eltwise (node, &eltwise) && eltwise.kind == PARE_ELTWISE_CLIP && eltwise.alpha == 0
         && eltwise.beta < FLT_MAX;
}

static void
replace (PareGraph *graph, PareNode *clip)
{
  PareNode *relu = pare_graph_add_node (graph, "", "Relu", clip->name, clip);
  PareValue *output = pare_node_output (clip, 0);
  PareEltwise bounds;

  pare_operator_of (clip)->eltwise (clip, &bounds);
  pare_node_add_input (relu, pare_node_input (clip, 0));
  pare_graph_remove_node (graph, clip);
  pare_node_add_output (relu, output);
  pare_record_add (graph->record, PARE_EQUALIZE_STAGE, pare_node_label (relu), "replaced",
                   "a Relu stands in place of a Clip: the function is another one where the bound was met", "bound",
                   (double)bounds.beta, NULL);
}

void
pare_clips_to_relus (PareGraph *graph)
{
  for (guint i = 0; i < graph->nodes->len; i++)
    if (is_bounded_relu (graph->nodes->pdata[i]))
      replace (graph, graph->nodes->pdata[i]);
}
