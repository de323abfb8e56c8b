/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Offsets in the arena: largest slots first, each at the lowest gap among those alive at the same time. */
#include "exec/arena.h"

#define ALIGNMENT 64

static gint
by_size (gconstpointer a, gconstpointer b)
{
  const PareSlot *x = *(PareSlot *const *) a, *y = *(PareSlot *const *) b;

  if (x->size != y->size)
    return x->size > y->size ? -1 : 1;
  return x->first < y->first ? -1 : x->first > y->first;
}

/* Lowest offset where @slot fits; @placed is ordered by offset. */
static gsize
lowest_gap (const PareSlot *slot, const GPtrArray *placed, guint *position)
{
  gsize offset = 0;
  guint i;

  for (i = 0; i < placed->len; i++)
    {
      const PareSlot *other = placed->pdata[i];
      if (other->last < slot->first || other->first > slot->last)
        continue;
      if (other->offset >= offset && other->offset - offset >= slot->size)
        break;
      offset = MAX (offset, other->offset + other->size);
    }
  for (i = 0; i < placed->len && ((PareSlot *) placed->pdata[i])->offset <= offset; i++)
    ;
  *position = i;
  return offset;
}

gsize
pare_arena_assign (GPtrArray *slots)
{
  g_autoptr (GPtrArray) hosts = g_ptr_array_new ();
  g_autoptr (GPtrArray) placed = g_ptr_array_new ();
  gsize total = 0;

  for (guint i = 0; i < slots->len; i++)
    {
      PareSlot *slot = slots->pdata[i];
      if (slot->host != slot || slot->data)
        continue;
      if (slot->size > G_MAXSSIZE / 2)
        return G_MAXSIZE;
      slot->size = (slot->size + ALIGNMENT - 1) & ~(gsize) (ALIGNMENT - 1);
      g_ptr_array_add (hosts, slot);
    }
  g_ptr_array_sort (hosts, by_size);
  for (guint i = 0; i < hosts->len; i++)
    {
      PareSlot *slot = hosts->pdata[i];
      guint position;
      slot->offset = lowest_gap (slot, placed, &position);
      if (slot->offset > G_MAXSSIZE / 2)
        return G_MAXSIZE;
      g_ptr_array_insert (placed, position, slot);
      total = MAX (total, slot->offset + slot->size);
    }
  return total;
}
