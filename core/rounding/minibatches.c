/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Draws samples without replacement from the batches that are in memory, pass after pass. */
#include "rounding/minibatches.h"
#include "data/shuffle.h"
#include <string.h>

/* Passes over what is in memory until the next part of the samples is computed. */
#define PASSES_OF_A_PART 4

struct _PareMinibatches
{
  PareWalk *student, *teacher;
  GPtrArray *values; /* of the teacher: target, inputs */
  guint n_inputs;
  guint64 memory_limit, seed;
  gboolean mixable; /* axis 0 of every tensor counts samples */
  GPtrArray *part;  /* batches in memory, of GPtrArray */
  GArray *valid;    /* of them, of guint */
  guint first;      /* batch that the part begins with */
  guint64 *order;   /* (batch of the part, sample) as batch * batch size + sample */
  guint n, next;
  guint64 pass;
};

PareMinibatches *
pare_minibatches_new (PareWalk *student, PareWalk *teacher, const PareBlock *block, gboolean with_teacher_inputs,
                      guint64 memory_limit, guint64 seed, GError **error)
{
  g_autoptr (PareMinibatches) minibatches = g_new0 (PareMinibatches, 1);

  minibatches->student = student;
  minibatches->teacher = teacher;
  minibatches->memory_limit = memory_limit;
  minibatches->seed = seed;
  minibatches->n_inputs = block->inputs->len;
  minibatches->values = g_ptr_array_new ();
  minibatches->part = g_ptr_array_new_with_free_func ((GDestroyNotify)g_ptr_array_unref);
  minibatches->valid = g_array_new (FALSE, FALSE, sizeof (guint));
  g_ptr_array_add (minibatches->values, block->target);
  if (with_teacher_inputs)
    g_ptr_array_extend (minibatches->values, block->teacher_inputs, NULL, NULL);
  if (!pare_walk_ask (student, block->inputs->len, (PareValue **)block->inputs->pdata, error)
      || !pare_walk_ask (teacher, minibatches->values->len, (PareValue **)minibatches->values->pdata, error))
    return NULL;
  return g_steal_pointer (&minibatches);
}

void
pare_minibatches_free (PareMinibatches *minibatches)
{
  g_ptr_array_unref (minibatches->values);
  g_ptr_array_unref (minibatches->part);
  g_array_unref (minibatches->valid);
  g_free (minibatches->order);
  g_free (minibatches);
}

guint
pare_minibatches_count (const PareMinibatches *minibatches)
{
  return pare_walk_batches (minibatches->student);
}

static GPtrArray *
compute (PareMinibatches *minibatches, guint index, guint *valid, GError **error)
{
  g_autoptr (GPtrArray) read = pare_walk_get (minibatches->student, index, valid, error);
  g_autoptr (GPtrArray) wanted = read ? pare_walk_get (minibatches->teacher, index, valid, error) : NULL;
  GPtrArray *batch;

  if (!wanted)
    return NULL;
  batch = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  g_ptr_array_extend (batch, read, (GCopyFunc)(GCallback)pare_tensor_ref, NULL);
  g_ptr_array_extend (batch, wanted, (GCopyFunc)(GCallback)pare_tensor_ref, NULL);
  return batch;
}

/* Where batch @index is in memory, or the number of batches there. */
static guint
place_of (const PareMinibatches *minibatches, guint index)
{
  guint n = pare_minibatches_count (minibatches);

  return MIN ((index + n - minibatches->first) % n, minibatches->part->len);
}

GPtrArray *
pare_minibatches_get (PareMinibatches *minibatches, guint index, guint *valid, GError **error)
{
  guint place = place_of (minibatches, index);

  if (place == minibatches->part->len)
    return compute (minibatches, index, valid, error);
  *valid = g_array_index (minibatches->valid, guint, place);
  return g_ptr_array_ref (minibatches->part->pdata[place]);
}

/* Parts */

static gboolean
counts_samples (const GPtrArray *batch, guint size)
{
  for (guint i = 0; i < batch->len; i++)
    {
      const PareShape *shape = &((PareTensor *)batch->pdata[i])->shape;
      if (shape->rank == 0 || shape->dims[0] == 0 || shape->dims[0] % size)
        return FALSE;
    }
  return TRUE;
}

static guint64
size_of (const GPtrArray *batch)
{
  guint64 size = 0;

  for (guint i = 0; i < batch->len; i++)
    size += pare_tensor_size (batch->pdata[i]);
  return size;
}

/* Computes batches from @first on, round the end, as many as fit into memory and at least one. */
static gboolean
load_part (PareMinibatches *minibatches, guint first, GError **error)
{
  guint n = pare_minibatches_count (minibatches), size = pare_walk_batch_size (minibatches->student), valid;
  guint64 left = minibatches->memory_limit, taken = 0;

  g_ptr_array_set_size (minibatches->part, 0);
  g_array_set_size (minibatches->valid, 0);
  minibatches->first = first;
  minibatches->mixable = TRUE;
  minibatches->n = 0;
  for (guint i = 0; i < n && (i == 0 || taken <= left); i++)
    {
      GPtrArray *batch = compute (minibatches, (first + i) % n, &valid, error);
      if (!batch)
        return FALSE;
      g_ptr_array_add (minibatches->part, batch);
      g_array_append_val (minibatches->valid, valid);
      minibatches->mixable &= counts_samples (batch, size);
      minibatches->n += valid;
      taken = size_of (batch);
      left -= MIN (taken, left);
    }
  minibatches->order = g_renew (guint64, minibatches->order, MAX (minibatches->n, minibatches->part->len));
  return TRUE;
}

/* All that can be drawn, in an order of this pass. */
static void
begin_pass (PareMinibatches *minibatches)
{
  guint size = pare_walk_batch_size (minibatches->student), n = 0;

  for (guint b = 0; b < minibatches->part->len; b++)
    for (guint i = 0; i < (minibatches->mixable ? g_array_index (minibatches->valid, guint, b) : 1); i++)
      minibatches->order[n++] = (guint64)b * size + i;
  minibatches->n = n;
  minibatches->next = 0;
  pare_shuffle (minibatches->order, n, minibatches->seed, minibatches->pass++);
}

/* The next one that is drawn. */
static gboolean
advance (PareMinibatches *minibatches, guint64 *drawn, GError **error)
{
  guint n = pare_minibatches_count (minibatches), held = minibatches->part->len;
  gboolean part_is_over = !held || (held < n && minibatches->pass % PASSES_OF_A_PART == 0);

  if (!held || minibatches->next == minibatches->n)
    {
      if (part_is_over && !load_part (minibatches, (minibatches->first + held) % n, error))
        return FALSE;
      begin_pass (minibatches);
    }
  *drawn = minibatches->order[minibatches->next++];
  return TRUE;
}

/* Room for a batch like those of the walks. */
static void
room_for (const GPtrArray *like, guint8 **room)
{
  for (guint i = 0; i < like->len; i++)
    room[i] = g_malloc (pare_tensor_size (like->pdata[i]));
}

static void
copy_sample (const GPtrArray *from, guint sample, guint to, guint size, guint8 *const *room)
{
  for (guint i = 0; i < from->len; i++)
    {
      gsize bytes = pare_tensor_size (from->pdata[i]) / size;
      memcpy (room[i] + to * bytes, (const guint8 *)pare_tensor_data (from->pdata[i]) + sample * bytes, bytes);
    }
}

static GPtrArray *
draw_samples (PareMinibatches *minibatches, guint64 first, GError **error)
{
  guint size = pare_walk_batch_size (minibatches->student), n = minibatches->n_inputs + minibatches->values->len;
  g_autofree guint8 **room = g_new0 (guint8 *, n);
  g_autofree PareSpec *specs = g_new (PareSpec, n);
  GPtrArray *batch = minibatches->part->pdata[0];
  guint64 drawn = first;
  gboolean done = TRUE;

  for (guint i = 0; i < n; i++)
    specs[i] = (PareSpec){ ((PareTensor *)batch->pdata[i])->type, ((PareTensor *)batch->pdata[i])->shape };
  room_for (batch, room);
  for (guint i = 0; i < size && done; i++)
    {
      done = i == 0 || advance (minibatches, &drawn, error);
      if (done)
        copy_sample (minibatches->part->pdata[drawn / size], drawn % size, i, size, room);
    }
  batch = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (batch, pare_tensor_new_take (specs[i].type, &specs[i].shape, room[i]));
  if (!done)
    g_clear_pointer (&batch, g_ptr_array_unref);
  return batch;
}

GPtrArray *
pare_minibatches_draw (PareMinibatches *minibatches, guint *valid, GError **error)
{
  guint size = pare_walk_batch_size (minibatches->student);
  guint64 drawn;

  if (!advance (minibatches, &drawn, error))
    return NULL;
  *valid = minibatches->mixable ? size : g_array_index (minibatches->valid, guint, drawn / size);
  if (minibatches->mixable)
    return draw_samples (minibatches, drawn, error);
  return g_ptr_array_ref (minibatches->part->pdata[drawn / size]);
}
