/* SPDX-License-Identifier: LGPL-2.1-or-later
 * SplitToSequence and ConcatFromSequence: a tensor into a sequence of its parts along an axis, and back. */
#include "exec/run.h"
#include "ops/pieces.h"

/* Parts are tensors of their own: more than this are a damaged model. */
#define MOST_PARTS 10000000

/* Sizes of the parts: as the input says, or a number (the last part may be smaller), or 1. NULL and an error when they
 * do not make up @size. */
static GArray *
read_sizes (const PareRun *run, gint64 size, GError **error)
{
  g_autoptr (GArray) sizes = g_array_new (FALSE, FALSE, sizeof (gint64));
  const PareTensor *split = pare_run_input (run, 1);
  gboolean is_list = split && split->shape.rank == 1;
  gint64 total = 0, part = 1;

  if (split && split->type != PARE_INT64 && split->type != PARE_INT32)
    part = 0;
  else if (is_list)
    for (gint64 i = 0; part >= 0 && i < pare_tensor_elements (split); i++)
      {
        part = pare_tensor_get_int (split, i);
        if (part >= 0 && part <= size - total)
          g_array_append_val (sizes, part);
        else
          part = -1;
        total += MAX (part, 0);
      }
  else if (split)
    part = pare_tensor_elements (split) == 1 ? pare_tensor_get_int (split, 0) : 0;
  if (!is_list && part > 0 && size / part < MOST_PARTS)
    for (; total < size; total += part)
      g_array_append_vals (sizes, &(gint64){ MIN (part, size - total) }, 1);
  if (total == size && part >= 0)
    return g_steal_pointer (&sizes);
  pare_node_error (error, PARE_ERROR_FORMAT, run->node, "its sizes do not make up %" G_GINT64_FORMAT ".", size);
  return NULL;
}

static gboolean
split_run (const PareRun *run, GError **error)
{
  const PareTensor *x = pare_run_input (run, 0);
  gboolean drop = !pare_run_input (run, 1) && !pare_node_get_int (run->node, "keepdims", 1);
  gint64 start = 0, axis = pare_node_get_int (run->node, "axis", 0);
  g_autoptr (GArray) sizes = NULL;
  GPtrArray *items;
  guint at;

  if (!pare_run_counts (run, 1, 2, error))
    return FALSE;
  if (pare_data_type_bits (x->type) < 8 || !pare_axis_normalize (axis, x->shape.rank, &at))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, run->node,
                       "axis %" G_GINT64_FORMAT " is out of range for %s of %u dimensions.", axis,
                       pare_data_type_name (x->type), x->shape.rank);
      return FALSE;
    }
  sizes = read_sizes (run, x->shape.dims[at], error);
  if (!sizes)
    return FALSE;
  items = pare_pieces_new ();
  for (guint i = 0; i < sizes->len; i++)
    {
      gint64 size = g_array_index (sizes, gint64, i);
      g_ptr_array_add (items, pare_piece_cut (x, at, start, size, drop));
      start += size;
    }
  run->outputs[0] = pare_tensor_new_sequence (items);
  return TRUE;
}

static gboolean
concat_run (const PareRun *run, GError **error)
{
  if (!pare_run_counts (run, 1, 1, error) || !pare_run_require (run, 0, PARE_SEQUENCE, error))
    return FALSE;
  run->outputs[0] = pare_pieces_join (run->node, run->inputs[0]->items, pare_node_get_int (run->node, "axis", 0),
                                      pare_node_get_int (run->node, "new_axis", 0) != 0, error);
  return run->outputs[0] != NULL;
}

PARE_OPERATORS (sequenceparts) = {
  { .name = "SplitToSequence", .since = 11, .run = split_run },
  { .name = "ConcatFromSequence", .since = 11, .run = concat_run },
  { NULL },
};
