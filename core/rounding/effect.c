/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The record's entry of a rounded layer. */
#include "rounding/effect.h"

/* Weights that are not where rounding to nearest puts them. */
static gint64
count_moved (const PareRoundingLayer *layer)
{
  g_autofree double *old = pare_layer_matrix_read (&layer->matrix, layer->counterpart);
  g_autofree double *now = pare_rounding_layer_read (layer);
  g_auto (PareWeightGrids) grids = { 0 };
  gint64 moved = 0;

  pare_rounding_layer_grids (layer, &grids);
  for (gint64 i = 0; i < pare_shape_elements (&layer->matrix.shape); i++)
    moved += pare_weight_grids_round (&grids, i, old[i]) != pare_weight_grids_round (&grids, i, now[i]);
  return moved;
}

static char *
describe (const PareRoundingLayer *layer, const char *note)
{
  g_autofree char *memory = NULL;

  if (layer->refused)
    memory = g_strdup_printf (", since %s would take %.3g MB: raise memory-limit", layer->refused->name,
                              layer->refused->memory (&layer->matrix) / 1e6);
  return g_strconcat (layer->algorithm->description, memory ? memory : "", note ? "; " : "", note, NULL);
}

void
pare_rounding_record (PareRoundingWork *work, const PareRoundingLayer *layer, double before, const PareOutputError *now,
                      const char *note)
{
  const char *names[] = { "weights", "moved", "nearest_sqnr_db", "sqnr_db" };
  double moved = layer->algorithm->round ? count_moved (layer) : 0;
  double values[] = { pare_shape_elements (&layer->matrix.shape), moved, before, pare_output_error_sqnr (now) };
  g_autofree char *reason = describe (layer, note);

  pare_record_add_numbers (work->graph->record, PARE_ROUNDING_STAGE, pare_node_label (layer->node), "rounded", reason,
                           now->n ? 4 : 2, names, values);
}
