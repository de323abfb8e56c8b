/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What training asks of oneDNN: the backward primitives, each created with its forward one as the hint for layouts. */
#include "exec/onednn-private.h"

/* Convolution */

/* Everything of a convolution that its three descriptors share. */
typedef struct
{
  dnnl_memory_desc_t src, weights, bias, dst;
  gboolean has_bias;
  PareOnednnWindow at;
} Convolution;

static void
describe_convolution (const PareSpec *src, const PareSpec *weights, const PareSpec *bias, const PareSpec *dst,
                      const PareWindow *window, Convolution *c)
{
  *c = (Convolution){ .has_bias = bias != NULL };
  pare_onednn_describe_any (src, &c->src);
  pare_onednn_describe_any (weights, &c->weights);
  pare_onednn_describe_any (dst, &c->dst);
  if (bias)
    pare_onednn_describe_any (bias, &c->bias);
  pare_onednn_window (window, &c->at);
}

static ParePrimitive *
forward_hint (Convolution *c, gboolean transposed, GError **error)
{
  dnnl_memory_desc_t *bias = c->has_bias ? &c->bias : NULL;
  PareOnednnWindow *at = &c->at;
  dnnl_deconvolution_desc_t deconvolution;
  dnnl_convolution_desc_t convolution;
  dnnl_status_t status
      = transposed
            ? dnnl_dilated_deconvolution_forward_desc_init (&deconvolution, dnnl_forward_training,
                                                            dnnl_deconvolution_direct, &c->src, &c->weights, bias,
                                                            &c->dst, at->strides, at->dilations, at->begin, at->end)
            : dnnl_dilated_convolution_forward_desc_init (&convolution, dnnl_forward_training, dnnl_convolution_direct,
                                                          &c->src, &c->weights, bias, &c->dst, at->strides,
                                                          at->dilations, at->begin, at->end);

  if (!pare_onednn_check (status, "convolution", error))
    return NULL;
  return pare_onednn_primitive_new (transposed ? (const_dnnl_op_desc_t)&deconvolution : &convolution, NULL, NULL,
                                    "convolution", error);
}

ParePrimitive *
pare_primitive_convolution_backward_data (const PareSpec *src, const PareSpec *weights, const PareSpec *dst,
                                          const PareWindow *window, gboolean transposed, GError **error)
{
  const char *what = "gradient of a convolution by its input";
  g_autoptr (ParePrimitive) hint = NULL;
  dnnl_deconvolution_desc_t deconvolution;
  dnnl_convolution_desc_t convolution;
  dnnl_status_t status;
  Convolution c;

  describe_convolution (src, weights, NULL, dst, window, &c);
  if (!(hint = forward_hint (&c, transposed, error)))
    return NULL;
  status = transposed ? dnnl_dilated_deconvolution_backward_data_desc_init (&deconvolution, dnnl_deconvolution_direct,
                                                                            &c.src, &c.weights, &c.dst, c.at.strides,
                                                                            c.at.dilations, c.at.begin, c.at.end)
                      : dnnl_dilated_convolution_backward_data_desc_init (&convolution, dnnl_convolution_direct, &c.src,
                                                                          &c.weights, &c.dst, c.at.strides,
                                                                          c.at.dilations, c.at.begin, c.at.end);
  if (!pare_onednn_check (status, what, error))
    return NULL;
  return pare_onednn_primitive_new (transposed ? (const_dnnl_op_desc_t)&deconvolution : &convolution, NULL, hint->desc,
                                    what, error);
}

ParePrimitive *
pare_primitive_convolution_backward_weights (const PareSpec *src, const PareSpec *weights, const PareSpec *bias,
                                             const PareSpec *dst, const PareWindow *window, gboolean transposed,
                                             GError **error)
{
  const char *what = "gradient of a convolution by its weight";
  g_autoptr (ParePrimitive) hint = NULL;
  dnnl_deconvolution_desc_t deconvolution;
  dnnl_convolution_desc_t convolution;
  dnnl_memory_desc_t *bias_md;
  dnnl_status_t status;
  Convolution c;

  describe_convolution (src, weights, bias, dst, window, &c);
  bias_md = bias ? &c.bias : NULL;
  if (!(hint = forward_hint (&c, transposed, error)))
    return NULL;
  status = transposed
               ? dnnl_dilated_deconvolution_backward_weights_desc_init (
                   &deconvolution, dnnl_deconvolution_direct, &c.src, &c.weights, bias_md, &c.dst, c.at.strides,
                   c.at.dilations, c.at.begin, c.at.end)
               : dnnl_dilated_convolution_backward_weights_desc_init (&convolution, dnnl_convolution_direct, &c.src,
                                                                      &c.weights, bias_md, &c.dst, c.at.strides,
                                                                      c.at.dilations, c.at.begin, c.at.end);
  if (!pare_onednn_check (status, what, error))
    return NULL;
  return pare_onednn_primitive_new (transposed ? (const_dnnl_op_desc_t)&deconvolution : &convolution, NULL, hint->desc,
                                    what, error);
}

/* Pooling */

static ParePrimitive *
training_pool (ParePool kind, const PareLayout *src, const dnnl_memory_desc_t *dst, PareOnednnWindow *at,
               GError **error)
{
  dnnl_pooling_desc_t op;

  if (!pare_onednn_check (dnnl_pooling_forward_desc_init (&op, dnnl_forward_training, pare_onednn_pool_kind (kind),
                                                          &src->md, dst, at->strides, at->kernel, at->begin, at->end),
                          "pooling", error))
    return NULL;
  return pare_onednn_primitive_new (&op, NULL, NULL, "pooling", error);
}

gboolean
pare_primitive_pool_training (ParePool kind, const PareLayout *src, const PareSpec *dst, const PareWindow *window,
                              ParePrimitive **forward, ParePrimitive **backward, GError **error)
{
  g_autoptr (ParePrimitive) hint = NULL;
  g_autoptr (PareLayout) dst_layout = NULL;
  dnnl_memory_desc_t dst_md;
  PareOnednnWindow at;
  dnnl_pooling_desc_t op;

  pare_onednn_describe_any (dst, &dst_md);
  pare_onednn_window (window, &at);
  if (!(hint = training_pool (kind, src, &dst_md, &at, error)))
    return FALSE;
  dst_layout = pare_primitive_layout (hint, PARE_ARG_DST);
  if (!pare_onednn_check (dnnl_pooling_backward_desc_init (&op, pare_onednn_pool_kind (kind), &src->md, &dst_layout->md,
                                                           at.strides, at.kernel, at.begin, at.end),
                          "gradient of a pooling", error))
    return FALSE;
  *backward = pare_onednn_primitive_new (&op, NULL, hint->desc, "gradient of a pooling", error);
  if (!*backward)
    return FALSE;
  *forward = g_steal_pointer (&hint);
  return TRUE;
}

/* Batch normalization */

#define BATCH_NORMALIZATION_FLAGS (dnnl_use_scale | dnnl_use_shift)

ParePrimitive *
pare_primitive_batch_normalization_training (const PareLayout *layout, float epsilon, GError **error)
{
  dnnl_batch_normalization_desc_t op;

  if (!pare_onednn_check (dnnl_batch_normalization_forward_desc_init (&op, dnnl_forward_training, &layout->md, epsilon,
                                                                      BATCH_NORMALIZATION_FLAGS),
                          "batch normalization", error))
    return NULL;
  return pare_onednn_primitive_new (&op, NULL, NULL, "batch normalization", error);
}

ParePrimitive *
pare_primitive_batch_normalization_backward (const PareLayout *layout, float epsilon, gboolean frozen, GError **error)
{
  unsigned flags = BATCH_NORMALIZATION_FLAGS | (frozen ? dnnl_use_global_stats : 0);
  const char *what = "gradient of a batch normalization";
  g_autoptr (ParePrimitive) hint = NULL;
  dnnl_batch_normalization_desc_t op;

  if (!pare_onednn_check (
          dnnl_batch_normalization_forward_desc_init (&op, dnnl_forward_training, &layout->md, epsilon, flags), what,
          error)
      || !(hint = pare_onednn_primitive_new (&op, NULL, NULL, what, error))
      || !pare_onednn_check (
          dnnl_batch_normalization_backward_desc_init (&op, dnnl_backward, &layout->md, &layout->md, epsilon, flags),
          what, error))
    return NULL;
  return pare_onednn_primitive_new (&op, NULL, hint->desc, what, error);
}
