/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The order in which a consumer gets its samples. */
#include "order.h"
#include "data/shuffle.h"

static gboolean
fits (const TensorStoreWish *wish, const TensorStoreStock *stock, guint64 index)
{
  return wish->part == TENSOR_STORE_ALL
         || pare_is_validation_sample (index, stock->validation_split, stock->seed)
                == (wish->part == TENSOR_STORE_VALIDATION);
}

static gboolean
has_all (const TensorStoreWish *wish, guint64 n)
{
  return wish->samples && n >= wish->samples;
}

void
tensor_store_order_clear (TensorStoreOrder *order)
{
  g_clear_pointer (&order->order, g_array_unref);
  *order = (TensorStoreOrder){ 0 };
}

static void
shuffle (TensorStoreOrder *order, const TensorStoreStock *stock)
{
  g_clear_pointer (&order->order, g_array_unref);
  order->order = g_array_new (FALSE, FALSE, sizeof (guint64));
  for (guint64 i = 0; i < stock->count && !has_all (&order->wish, order->order->len); i++)
    if (fits (&order->wish, stock, i))
      g_array_append_val (order->order, i);
  pare_shuffle ((guint64 *)(gpointer)order->order->data, order->order->len, order->wish.seed, order->pass);
}

TensorStoreStep
tensor_store_order_next (TensorStoreOrder *order, const TensorStoreWish *wish, const TensorStoreStock *stock,
                         guint64 *index)
{
  if (!order->begun)
    {
      if (wish->shuffle && !stock->ended)
        return TENSOR_STORE_WAIT;
      order->wish = *wish;
      order->begun = TRUE;
      order->served = order->cursor = 0;
      if (wish->shuffle)
        shuffle (order, stock);
    }
  if (order->wish.shuffle)
    {
      if (order->served == order->order->len)
        return TENSOR_STORE_PASS_END;
      *index = g_array_index (order->order, guint64, order->served);
      return TENSOR_STORE_SAMPLE;
    }
  if (has_all (&order->wish, order->served))
    return TENSOR_STORE_PASS_END;
  while (order->cursor < stock->count && !fits (&order->wish, stock, order->cursor))
    order->cursor++;
  *index = order->cursor;
  return order->cursor < stock->count ? TENSOR_STORE_SAMPLE : stock->ended ? TENSOR_STORE_PASS_END : TENSOR_STORE_WAIT;
}

void
tensor_store_order_advance (TensorStoreOrder *order)
{
  order->served++;
  order->cursor++;
}

gboolean
tensor_store_order_end_pass (TensorStoreOrder *order)
{
  order->begun = FALSE;
  order->pass++;
  return order->served && !(order->wish.passes && order->pass >= order->wish.passes);
}

gboolean
tensor_store_order_wants_more (TensorStoreOrder *order, const TensorStoreWish *wish, const TensorStoreStock *stock)
{
  if (!wish->samples)
    return TRUE;
  if (wish->part != order->looked_for)
    order->looked_at = order->fitting = 0;
  order->looked_for = wish->part;
  for (; order->looked_at < stock->count; order->looked_at++)
    order->fitting += fits (wish, stock, order->looked_at);
  return !has_all (wish, order->fitting);
}

guint64
tensor_store_wish_count (const TensorStoreWish *wish, const TensorStoreStock *stock)
{
  guint64 n = wish->part == TENSOR_STORE_ALL ? stock->count : 0;

  if (wish->part != TENSOR_STORE_ALL)
    for (guint64 i = 0; i < stock->count && !has_all (wish, n); i++)
      n += fits (wish, stock, i);
  return has_all (wish, n) ? wish->samples : n;
}
