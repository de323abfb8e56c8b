/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/error.h"
#include "graph/tensor.h"
#include <gst/gst.h>

G_BEGIN_DECLS

/* Template caps of graph pads and of tensor pads (NNStreamer's spelling). */
#define GST_PARE_GRAPH_CAPS "application/x-nn-graph"
#define GST_PARE_TENSORS_CAPS                                                                                          \
  "other/tensors, format=(string)static, num_tensors=(int)[1,16], framerate=(fraction)[0/1,2147483647/1]; "            \
  "other/tensors, format=(string)flexible, framerate=(fraction)[0/1,2147483647/1]"

/* Fixed static caps of @n tensors (at most 16); ONNX order in, innermost-first out. NULL when a type does not travel on
 * tensor pads (bool, bfloat16, strings) or a tensor is empty. */
GstCaps *gst_pare_tensor_caps_new (guint n, const PareSpec *specs);
/* The specs (GArray of PareSpec) that fixed caps describe; *@specs is NULL for flexible caps. FALSE when malformed.
 * 3:224:224 and 3:224:224:1, and "," and "." between tensors, are understood alike. */
gboolean gst_pare_tensor_caps_parse (const GstCaps *caps, GArray **specs, GError **error);
/* One GstMemory per tensor, sharing the tensors' bytes. At most 16. */
GstBuffer *gst_pare_buffer_from_tensors (PareTensor *const *tensors, guint n);
/* The tensors of a buffer, sharing its memory; @specs NULL: flexible, each memory has its header. PtrArray of PareTensor. */
GPtrArray *gst_pare_buffer_to_tensors (GstBuffer *buffer, const GArray *specs, GError **error);

G_END_DECLS
