/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What removing channels leaves in the record. */
#include "sparsify/filter-record.h"

#define STAGE "graphsparsifier"
gboolean
pare_network_size (PareGraph *graph, PareNetworkSize *size, GError **error)
{
  g_autoptr (PareInference) inference = NULL;
  g_autoptr (GArray) specs = NULL;

  *size = (PareNetworkSize){ 0, 0 };
  if (!pare_graph_default_specs (graph, 1, PARE_USUAL_SIZE, &specs, error)
      || !(inference = pare_inference_new (graph, specs->len, (const PareSpec *)specs->data, error)))
    return FALSE;
  for (guint i = 0; i < graph->nodes->len; i++)
    size->macs += pare_inference_macs (inference, graph->nodes->pdata[i]);
  for (guint i = 0; i < graph->values->len; i++)
    {
      const PareValue *value = graph->values->pdata[i];
      if (value->constant && value->consumers->len && pare_data_type_is_float (value->constant->type))
        size->parameters += pare_tensor_elements (value->constant);
    }
  return TRUE;
}

guint *
pare_filter_sizes (const PareChannelGroup *group)
{
  guint *sizes = g_new (guint, group->slices->len);

  for (guint s = 0; s < group->slices->len; s++)
    sizes[s] = ((PareChannelSlice *)group->slices->pdata[s])->n;
  return sizes;
}

static void
record_layer (PareRecord *record, const PareChannelGroup *group, const PareChannelSlice *slice, guint before)
{
  const char *label = pare_node_label (slice->node);
  g_autofree char *together = g_strdup_printf ("together with '%s'", group->name);
  const char *reason = group->reason;

  if (!reason && before == slice->n)
    reason = "so few would go that none does";
  if (reason)
    pare_record_add (record, STAGE, label, "left alone", reason, "filters_before", (double)before, NULL);
  else
    pare_record_add (record, STAGE, label, "filters removed", g_str_equal (label, group->name) ? NULL : together,
                     "filters_before", (double)before, "filters_after", (double)slice->n, NULL);
}

void
pare_filter_record_group (PareRecord *record, const PareChannelGroup *group, const guint *before)
{
  for (guint s = 0; s < group->slices->len; s++)
    {
      const PareChannelSlice *slice = group->slices->pdata[s];
      if (slice->role == PARE_CHANNELS_PRODUCED)
        record_layer (record, group, slice, before[s]);
    }
}

void
pare_filter_record_network (PareRecord *record, const PareNetworkSize *before, const PareNetworkSize *after)
{
  pare_record_add (record, STAGE, "", "filters removed", NULL, "macs_before", before->macs, "macs_after", after->macs,
                   "parameters_before", before->parameters, "parameters_after", after->parameters, NULL);
}
