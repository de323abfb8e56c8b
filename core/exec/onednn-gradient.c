/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What training asks of oneDNN: the backward primitives, each created with its forward one as the hint for layouts. */
#include "exec/onednn-private.h"

/* Convolution */

/* Everything of a convolution that its three descriptors share. */
typedef struct
{
  dnnl_memory_desc_t src, weights, bias, dst;
  gboolean has_bias, transposed;
  PareOnednnWindow at;
} Convolution;

typedef enum
{
  FORWARD,
  BY_DATA,
  BY_WEIGHTS,
} Pass;

static void
describe_convolution (const PareSpec *src, const PareSpec *weights, const PareSpec *bias, const PareSpec *dst,
                      const PareWindow *window, gboolean transposed, Convolution *c)
{
  *c = (Convolution){ .has_bias = bias != NULL, .transposed = transposed };
  pare_onednn_describe_any (src, &c->src);
  pare_onednn_describe_any (weights, &c->weights);
  pare_onednn_describe_any (dst, &c->dst);
  if (bias)
    pare_onednn_describe_any (bias, &c->bias);
  pare_onednn_window (window, &c->at);
}

static dnnl_status_t
init_convolution (const Convolution *c, Pass pass, dnnl_convolution_desc_t *op)
{
  dnnl_alg_kind_t algorithm = dnnl_convolution_direct;
  const dnnl_memory_desc_t *bias = c->has_bias ? &c->bias : NULL;
  const PareOnednnWindow *at = &c->at;

  switch (pass)
    {
    case BY_DATA:
      return dnnl_dilated_convolution_backward_data_desc_init (op, algorithm, &c->src, &c->weights, &c->dst,
                                                               at->strides, at->dilations, at->begin, at->end);
    case BY_WEIGHTS:
      return dnnl_dilated_convolution_backward_weights_desc_init (op, algorithm, &c->src, &c->weights, bias, &c->dst,
                                                                  at->strides, at->dilations, at->begin, at->end);
    default:
      return dnnl_dilated_convolution_forward_desc_init (op, dnnl_forward_training, algorithm, &c->src, &c->weights,
                                                         bias, &c->dst, at->strides, at->dilations, at->begin, at->end);
    }
}

static dnnl_status_t
init_deconvolution (const Convolution *c, Pass pass, dnnl_deconvolution_desc_t *op)
{
  const dnnl_memory_desc_t *bias = c->has_bias ? &c->bias : NULL;
  const PareOnednnWindow *at = &c->at;
  dnnl_alg_kind_t algorithm = dnnl_deconvolution_direct;

  switch (pass)
    {
    case BY_DATA:
      return dnnl_dilated_deconvolution_backward_data_desc_init (op, algorithm, &c->src, &c->weights, &c->dst,
                                                                 at->strides, at->dilations, at->begin, at->end);
    case BY_WEIGHTS:
      return dnnl_dilated_deconvolution_backward_weights_desc_init (op, algorithm, &c->src, &c->weights, bias, &c->dst,
                                                                    at->strides, at->dilations, at->begin, at->end);
    default:
      return dnnl_dilated_deconvolution_forward_desc_init (op, dnnl_forward_training, algorithm, &c->src, &c->weights,
                                                           bias, &c->dst, at->strides, at->dilations, at->begin,
                                                           at->end);
    }
}

static ParePrimitive *
create_pass (const Convolution *c, Pass pass, const ParePostOps *post_ops, const ParePrimitive *hint, GError **error)
{
  static const char *const names[]
      = { "convolution", "gradient of a convolution by its input", "gradient of a convolution by its weight" };
  dnnl_deconvolution_desc_t op; /* the same type */
  dnnl_status_t status = c->transposed ? init_deconvolution (c, pass, &op) : init_convolution (c, pass, &op);

  if (!pare_onednn_check (status, names[pass], error))
    return NULL;
  return pare_onednn_primitive_new (&op, post_ops, hint ? hint->desc : NULL, names[pass], error);
}

/* One pass, @post_ops belonging to FORWARD. */
static ParePrimitive *
create (const Convolution *c, Pass pass, const ParePostOps *post_ops, GError **error)
{
  g_autoptr (ParePrimitive) hint = NULL;

  if (pass != FORWARD && !(hint = create_pass (c, FORWARD, NULL, NULL, error)))
    return NULL;
  return create_pass (c, pass, post_ops, hint, error);
}

/* Whether oneDNN has nothing but loops for it, a hundred times as slow as its kernels. */
static gboolean
is_reference (const ParePrimitive *primitive)
{
  return pare_onednn_is (primitive->desc, "ref");
}

ParePrimitive *
pare_primitive_convolution_training (const PareSpec *src, const PareSpec *weights, const PareSpec *bias,
                                     const PareSpec *dst, const PareWindow *window, gboolean transposed,
                                     const ParePostOps *post_ops, GError **error)
{
  g_autoptr (PareParts) parts = NULL;
  ParePrimitive *primitive;
  Convolution c, arranged;

  describe_convolution (src, weights, bias, dst, window, transposed, &c);
  /* Left alone, the forward pass may choose a layout that the other two do not take. */
  if ((parts = pare_parts_new (src, weights, bias, dst, window, transposed, NULL)))
    {
      g_autoptr (PareLayout) x = pare_parts_layout (parts, PARE_PARTS_SRC);
      g_autoptr (PareLayout) dy = pare_parts_layout (parts, PARE_PARTS_DIFF_DST);
      arranged = c;
      arranged.src = x->md;
      arranged.dst = dy->md;
      /* No kernel takes 7 channels in the blocks of 8 that the gradient likes. */
      if ((primitive = create (&arranged, FORWARD, post_ops, NULL)) && !is_reference (primitive))
        return primitive;
      g_clear_pointer (&primitive, pare_primitive_free);
    }
  return create (&c, FORWARD, post_ops, error);
}

ParePrimitive *
pare_primitive_convolution_backward_data (const PareSpec *src, const PareSpec *weights, const PareSpec *dst,
                                          const PareWindow *window, gboolean transposed, GError **error)
{
  Convolution c;

  describe_convolution (src, weights, NULL, dst, window, transposed, &c);
  return create (&c, BY_DATA, NULL, error);
}

ParePrimitive *
pare_onednn_convolution_backward_weights (const PareSpec *src, const PareSpec *weights, const PareSpec *bias,
                                          const PareSpec *dst, const PareWindow *window, gboolean transposed,
                                          GError **error)
{
  Convolution c;

  describe_convolution (src, weights, bias, dst, window, transposed, &c);
  return create (&c, BY_WEIGHTS, NULL, error);
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
