/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Which sample a consumer gets next: its part of the samples, the first so many of them, shuffled or not, pass after
 * pass. Knows nothing of pads and threads; whoever calls holds a lock. */
#pragma once
#include <glib.h>

typedef enum
{
  TENSOR_STORE_ALL,
  TENSOR_STORE_TRAIN,
  TENSOR_STORE_VALIDATION,
} TensorStorePart;

/* What a consumer wants. */
typedef struct
{
  guint passes; /* 0: as many as it takes */
  gboolean shuffle;
  guint64 seed;
  guint64 samples; /* 0: all of the part */
  TensorStorePart part;
} TensorStoreWish;

/* What there is. */
typedef struct
{
  guint64 count;
  gboolean ended; /* no more will come */
  double validation_split;
  guint64 seed;
} TensorStoreStock;

typedef enum
{
  TENSOR_STORE_WAIT,
  TENSOR_STORE_SAMPLE,
  TENSOR_STORE_PASS_END,
} TensorStoreStep;

/* Where a consumer is. All zero to begin with. */
typedef struct
{
  TensorStoreWish wish; /* of this pass */
  gboolean begun;       /* this pass is */
  guint64 pass;
  guint64 served; /* in this pass */
  guint64 cursor; /* not shuffled: the next index to look at */
  GArray *order;  /* shuffled: guint64 indices */
  TensorStorePart looked_for;
  guint64 looked_at; /* samples of which it is known whether they are of the part... */
  guint64 fitting;   /* ...and how many are */
} TensorStoreOrder;

void tensor_store_order_clear (TensorStoreOrder *order);
/* The next step; for TENSOR_STORE_SAMPLE also the sample's index. @wish is looked at when a pass begins. */
TensorStoreStep tensor_store_order_next (TensorStoreOrder *order, const TensorStoreWish *wish,
                                         const TensorStoreStock *stock, guint64 *index);
/* The sample that next() named was taken. */
void tensor_store_order_advance (TensorStoreOrder *order);
/* After TENSOR_STORE_PASS_END: FALSE when that was the last pass, also because there is nothing to pass. */
gboolean tensor_store_order_end_pass (TensorStoreOrder *order);
/* Could a sample after those in stock still be asked for? */
gboolean
tensor_store_order_wants_more (TensorStoreOrder *order, const TensorStoreWish *wish, const TensorStoreStock *stock);
/* How many samples a pass over @stock has. */
guint64 tensor_store_wish_count (const TensorStoreWish *wish, const TensorStoreStock *stock);
