/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the two sides of tensorstore share: gsttensorstore.c takes samples in, serve.c gives them out. */
#pragma once
#include "data/store.h"
#include "storepad.h"

#define GST_TYPE_TENSOR_STORE (gst_tensor_store_get_type ())
G_DECLARE_FINAL_TYPE (GstTensorStore, gst_tensor_store, GST, TENSOR_STORE, GstElement)

/* Samples from @first on have these caps. */
typedef struct
{
  guint64 first;
  GstCaps *caps;
} TensorStoreRun;

struct _GstTensorStore
{
  GstElement parent_instance;
  guint64 memory_limit;
  char *spill_directory;
  double validation_split;
  guint64 seed;
  guint64 stored, spilled; /* results */

  GstPad *sink;
  guint next_pad;

  GMutex lock; /* of the rest, and of what the pads say */
  GCond changed;
  GPtrArray *pads; /* GstTensorStorePad */
  PareStore *store;
  GArray *runs; /* TensorStoreRun */
  gboolean ended;
  guint group_id;
};

/* What there is now. Under the lock. */
TensorStoreStock gst_tensor_store_get_stock (GstTensorStore *self);
/* Sets up @pad to serve its consumer in a thread of its own while it is active. */
void gst_tensor_store_serve (GstTensorStore *self, GstTensorStorePad *pad);
/* Stops the threads of all pads, or lets them begin anew, as a flush does. */
void gst_tensor_store_set_flushing (GstTensorStore *self, gboolean flushing);
