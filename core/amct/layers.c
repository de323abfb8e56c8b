/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What AMCT's record says of a quantized network. */
#include "amct/layers.h"
#include "quantize/integerlayer.h"
#include "quantize/quantize.h"
#include "quantize/raise.h"
#include "quantize/shift.h"

static PareAmctLayer *
describe (const PareIntegerLayer *layer, const PareAttribute *shifts)
{
  PareAmctLayer *described = pare_amct_layer_new (pare_node_label (layer->node));
  gint32 none = 0;

  described->scale_d = layer->x.scale;
  described->offset_d = pare_grid_signed_zero_point (&layer->x);
  described->dst_type = g_strdup ("INT8");
  g_array_append_vals (described->scale_w, layer->w_scales, layer->n);
  for (guint i = 0; i < layer->n; i++)
    g_array_append_val (described->offset_w, none);
  for (guint i = 0; shifts && i < shifts->n; i++)
    {
      guint32 shift = shifts->u.ints[i];
      g_array_append_val (described->shift_bit, shift);
    }
  return described;
}

GPtrArray *
pare_amct_layers (const PareGraph *graph, GError **error)
{
  g_autoptr (GPtrArray) layers = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_amct_layer_free);
  g_autoptr (GHashTable) shifts = pare_graph_shifts (graph);
  g_autoptr (PareGraph) copy = pare_graph_copy (graph);
  const PareForm *stored = pare_form_find ("qdq", error);

  pare_graph_raise_qoperators (copy);
  if (!stored || !stored->lower (copy, error))
    return NULL;
  for (guint i = 0; i < copy->nodes->len; i++)
    {
      g_auto (PareIntegerLayer) layer = { NULL };
      PareNode *node = copy->nodes->pdata[i];
      const char *reason;
      if (pare_integer_layer_read (node, &layer, &reason))
        g_ptr_array_add (layers, describe (&layer, g_hash_table_lookup (shifts, pare_node_label (node))));
    }
  return g_steal_pointer (&layers);
}
