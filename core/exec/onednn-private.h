/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the files that speak to oneDNN share. Nothing else includes this. */
#pragma once
#include "exec/onednn.h"
#include <oneapi/dnnl/dnnl.h>

struct _PareLayout
{
  dnnl_memory_desc_t md;
};

#define PARE_ONEDNN_MAX_ARGS 12

struct _ParePrimitive
{
  dnnl_primitive_t primitive;
  const_dnnl_primitive_desc_t desc; /* owned by the primitive */
  gboolean alone; /* on one thread */
  guint n_args;
  dnnl_exec_arg_t args[PARE_ONEDNN_MAX_ARGS];
};

/* A window as oneDNN counts: dilation 0 is none. */
typedef struct
{
  dnnl_dims_t kernel, strides, dilations, begin, end;
} PareOnednnWindow;

/* Whether the name of what implements @desc begins with @prefix. */
gboolean pare_onednn_is (const_dnnl_primitive_desc_t desc, const char *prefix);
gboolean pare_onednn_check (dnnl_status_t status, const char *what, GError **error);
void pare_onednn_describe_any (const PareSpec *spec, dnnl_memory_desc_t *md);
void pare_onednn_window (const PareWindow *window, PareOnednnWindow *at);
dnnl_alg_kind_t pare_onednn_pool_kind (ParePool kind);
/* @hint: the forward primitive that a backward one belongs to, else NULL. */
ParePrimitive *pare_onednn_primitive_new (const_dnnl_op_desc_t op, const ParePostOps *post_ops,
                                          const_dnnl_primitive_desc_t hint, const char *what, GError **error);
dnnl_primitive_attr_t pare_onednn_attributes_new (const ParePostOps *post_ops);
/* The same with attributes, which are taken. */
ParePrimitive *pare_onednn_primitive_with (const_dnnl_op_desc_t op, dnnl_primitive_attr_t attributes,
                                           const_dnnl_primitive_desc_t hint, const char *what, GError **error);
dnnl_engine_t pare_onednn_engine (void);
dnnl_stream_t pare_onednn_stream (void);
int pare_onednn_argument (PareArg arg);
/* For as many threads as OpenMP has at this moment. */
ParePrimitive *pare_onednn_convolution_backward_weights (const PareSpec *src, const PareSpec *weights,
                                                         const PareSpec *bias, const PareSpec *dst,
                                                         const PareWindow *window, gboolean transposed,
                                                         GError **error);
