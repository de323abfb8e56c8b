/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Sequences: lists of tensors that are made, read and changed (ONNX operators, Sequence*). The tensors are shared. */
#include "exec/run.h"
#include "ops/pieces.h"

/* Output 0 is a sequence of @items (taken). */
static gboolean
give (const PareRun *run, GPtrArray *items)
{
  run->outputs[0] = pare_tensor_new_sequence (items);
  return TRUE;
}

static GPtrArray *
copy_items (const PareTensor *sequence)
{
  GPtrArray *items = pare_pieces_new ();

  for (guint i = 0; i < sequence->items->len; i++)
    g_ptr_array_add (items, pare_tensor_ref (sequence->items->pdata[i]));
  return items;
}

/* Input @index is a position up to @last among @n, counted from the end when negative; when it is not given, it is
 * @fallback. */
static gboolean
read_position (const PareRun *run, guint index, gint64 n, gint64 last, gint64 fallback, guint *position, GError **error)
{
  PareTensor *tensor;
  gint64 at = fallback;

  if (pare_run_input (run, index))
    {
      if (!pare_run_scalar (run, index, &tensor, error))
        return FALSE;
      at = pare_tensor_get_int (tensor, 0);
    }
  if (at < 0)
    at += n;
  *position = at;
  if (at >= 0 && at <= last)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, run->node,
                   "position %" G_GINT64_FORMAT " is out of range for %" G_GINT64_FORMAT " tensors.", at, n);
  return FALSE;
}

static gboolean
construct_run (const PareRun *run, GError **error)
{
  g_autoptr (GPtrArray) items = pare_pieces_new ();

  if (!pare_run_counts (run, 1, G_MAXUINT, error))
    return FALSE;
  for (guint i = 0; i < run->n_inputs; i++)
    {
      const PareTensor *first = run->inputs[0];
      if (!pare_run_require (run, i, first->type, error))
        return FALSE;
      g_ptr_array_add (items, pare_tensor_ref (run->inputs[i]));
    }
  return give (run, g_steal_pointer (&items));
}

static gboolean
empty_run (const PareRun *run, GError **error)
{
  return pare_run_counts (run, 0, 0, error) && give (run, pare_pieces_new ());
}

static gboolean
length_run (const PareRun *run, GError **error)
{
  static const PareShape scalar = { 0 };
  gint64 length;

  if (!pare_run_counts (run, 1, 1, error) || !pare_run_require (run, 0, PARE_SEQUENCE, error))
    return FALSE;
  length = run->inputs[0]->items->len;
  run->outputs[0] = pare_tensor_new_copy (PARE_INT64, &scalar, &length);
  return TRUE;
}

static gboolean
at_run (const PareRun *run, GError **error)
{
  guint position;

  if (!pare_run_counts (run, 2, 2, error) || !pare_run_require (run, 0, PARE_SEQUENCE, error)
      || !read_position (run, 1, run->inputs[0]->items->len, (gint64)run->inputs[0]->items->len - 1, 0, &position,
                         error))
    return FALSE;
  run->outputs[0] = pare_tensor_ref (run->inputs[0]->items->pdata[position]);
  return TRUE;
}

static gboolean
insert_run (const PareRun *run, GError **error)
{
  GPtrArray *items;
  gint64 n;
  guint position;

  if (!pare_run_counts (run, 2, 3, error) || !pare_run_require (run, 0, PARE_SEQUENCE, error))
    return FALSE;
  n = run->inputs[0]->items->len;
  if (n && !pare_run_require (run, 1, ((PareTensor *)run->inputs[0]->items->pdata[0])->type, error))
    return FALSE;
  if (!read_position (run, 2, n, n, n, &position, error))
    return FALSE;
  items = copy_items (run->inputs[0]);
  g_ptr_array_insert (items, position, pare_tensor_ref (run->inputs[1]));
  return give (run, items);
}

static gboolean
erase_run (const PareRun *run, GError **error)
{
  GPtrArray *items;
  guint position;

  if (!pare_run_counts (run, 1, 2, error) || !pare_run_require (run, 0, PARE_SEQUENCE, error)
      || !read_position (run, 1, run->inputs[0]->items->len, (gint64)run->inputs[0]->items->len - 1, -1, &position,
                         error))
    return FALSE;
  items = copy_items (run->inputs[0]);
  g_ptr_array_remove_index (items, position);
  return give (run, items);
}

PARE_OPERATORS (sequence) = {
  { .name = "SequenceConstruct", .since = 11, .run = construct_run },
  { .name = "SequenceEmpty", .since = 11, .run = empty_run },
  { .name = "SequenceLength", .since = 11, .run = length_run },
  { .name = "SequenceAt", .since = 11, .run = at_run },
  { .name = "SequenceInsert", .since = 11, .run = insert_run },
  { .name = "SequenceErase", .since = 11, .run = erase_run },
  { NULL },
};
