/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The source pads of tensorstore: what their consumer wants, as properties, and how far it is. */
#pragma once
#include "order.h"
#include <gst/gst.h>

#define GST_TYPE_TENSOR_STORE_PAD (gst_tensor_store_pad_get_type ())
G_DECLARE_FINAL_TYPE (GstTensorStorePad, gst_tensor_store_pad, GST, TENSOR_STORE_PAD, GstPad)

struct _GstTensorStorePad
{
  GstPad parent_instance;
  TensorStoreWish wish; /* the properties; under the object lock */

  /* Under the store's lock. */
  gboolean flushing;
  gboolean done; /* the stream has ended, for whatever reason */
  TensorStoreOrder order;
  guint64 pushed;
  gboolean had_enough; /* of this pass: the next one follows */

  /* Of the pad's thread only. */
  gboolean greeted; /* the stream has started */
  GstCaps *caps;    /* sent last */
};

/* A pad of @template that serves nobody yet. */
GstTensorStorePad *gst_tensor_store_pad_new (GstPadTemplate *template, const char *name);
/* A consistent copy of the properties. */
TensorStoreWish gst_tensor_store_pad_get_wish (GstTensorStorePad *pad);
/* Back to the first sample of the first pass. Under the store's lock, while the pad's thread stands. */
void gst_tensor_store_pad_reset (GstTensorStorePad *pad);
