/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Memory for large outputs that is used again. */
#include "exec/outputpool.h"
#include "ops/parallel.h"
#include <string.h>

/* What the allocator keeps for itself when it is freed. */
#define SMALL (64 << 10)
#define GRAIN (1 << 20)

struct _PareOutputPool
{
  gatomicrefcount refs; /* of the plan and of every block in use */
  GMutex lock;
  gboolean closed;
  GPtrArray *idle; /* of Block */
};

typedef struct
{
  PareOutputPool *pool;
  gsize size;
  gpointer data;
} Block;

PareOutputPool *
pare_output_pool_new (void)
{
  PareOutputPool *pool = g_new0 (PareOutputPool, 1);

  g_atomic_ref_count_init (&pool->refs);
  g_mutex_init (&pool->lock);
  pool->idle = g_ptr_array_new ();
  return pool;
}

static void
pool_unref (PareOutputPool *pool)
{
  if (!g_atomic_ref_count_dec (&pool->refs))
    return;
  g_ptr_array_unref (pool->idle);
  g_mutex_clear (&pool->lock);
  g_free (pool);
}

static void
block_free (gpointer data)
{
  Block *block = data;

  g_free (block->data);
  g_free (block);
}

void
pare_output_pool_free (PareOutputPool *pool)
{
  g_mutex_lock (&pool->lock);
  pool->closed = TRUE;
  g_ptr_array_set_free_func (pool->idle, block_free);
  g_ptr_array_set_size (pool->idle, 0);
  g_mutex_unlock (&pool->lock);
  pool_unref (pool);
}

static Block *
take_block (PareOutputPool *pool, gsize size)
{
  Block *block = NULL;

  g_mutex_lock (&pool->lock);
  for (guint i = 0; !block && i < pool->idle->len; i++)
    if (((Block *)pool->idle->pdata[i])->size == size)
      block = g_ptr_array_steal_index_fast (pool->idle, i);
  g_mutex_unlock (&pool->lock);
  if (!block)
    {
      block = g_new (Block, 1);
      *block = (Block){ pool, size, g_malloc (size) };
    }
  g_atomic_ref_count_inc (&pool->refs);
  return block;
}

static void
return_block (gpointer data)
{
  Block *block = data;
  PareOutputPool *pool = block->pool;
  gboolean closed;

  g_mutex_lock (&pool->lock);
  closed = pool->closed;
  if (!closed)
    g_ptr_array_add (pool->idle, block);
  g_mutex_unlock (&pool->lock);
  if (closed)
    block_free (block);
  pool_unref (pool);
}

typedef struct
{
  guint8 *to;
  const guint8 *from;
} Copy;

static void
copy_piece (gint64 from, gint64 to, gconstpointer data)
{
  const Copy *copy = data;

  memcpy (copy->to + from, copy->from + from, to - from);
}

void
pare_copy (gpointer to, gconstpointer from, gsize size)
{
  Copy copy = { to, from };

  pare_parallel (size, GRAIN, copy_piece, &copy);
}

PareTensor *
pare_output_pool_take (PareOutputPool *pool, const PareSpec *spec, gpointer *data)
{
  gsize size = pare_data_size (spec->type, pare_shape_elements (&spec->shape));
  Block *block;

  if (size < SMALL)
    {
      *data = g_malloc (MAX (size, 1));
      return pare_tensor_new_take (spec->type, &spec->shape, *data);
    }
  block = take_block (pool, size);
  *data = block->data;
  return pare_tensor_new (spec->type, &spec->shape,
                          g_bytes_new_with_free_func (block->data, size, return_block, block));
}
