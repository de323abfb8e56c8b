/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Convolutions and matrix products of 8-bit integers in oneDNN. On processors with VNNI sums are exact; older ones add
 * pairs of products uint8 x int8 in 16 bits, which saturate at +-32767. */
#include "exec/onednn-private.h"

/* oneDNN adds the zero point before it rounds: 0.5 + 130 is a tie, but what comes next to 0.5 is no more once it is so
 * near to 130. Runtimes round first, so that a step of its own does it here. */
static void
append_limits (dnnl_primitive_attr_t attributes, const PareRequantize *requantize)
{
  dnnl_post_ops_t chain;

  dnnl_post_ops_create (&chain);
  if (requantize->clips)
    dnnl_post_ops_append_eltwise (chain, 1.f, dnnl_eltwise_clip, requantize->low, requantize->high);
  if (requantize->y_zero_point)
    dnnl_post_ops_append_eltwise (chain, 1.f, dnnl_eltwise_round, 0, 0);
  dnnl_primitive_attr_set_post_ops (attributes, chain);
  dnnl_post_ops_destroy (chain);
}

/* @axis: of the result's channels. A result that is rounded goes through no other post-ops. */
static dnnl_primitive_attr_t
integer_attributes (const PareRequantize *requantize, const ParePostOps *post_ops, guint axis)
{
  dnnl_primitive_attr_t attributes = pare_onednn_attributes_new (post_ops);

  if (requantize->n)
    dnnl_primitive_attr_set_output_scales (attributes, requantize->n, requantize->n > 1 ? 1 << axis : 0,
                                           requantize->scales);
  if (requantize->x_zero_point)
    dnnl_primitive_attr_set_zero_points (attributes, DNNL_ARG_SRC, 1, 0, &requantize->x_zero_point);
  if (requantize->y_zero_point)
    dnnl_primitive_attr_set_zero_points (attributes, DNNL_ARG_DST, 1, 0, &requantize->y_zero_point);
  if (requantize->clips || requantize->y_zero_point)
    append_limits (attributes, requantize);
  return attributes;
}

ParePrimitive *
pare_primitive_convolution_integer (const PareSpec *src, const PareSpec *weights, const PareSpec *bias,
                                    const PareSpec *dst, const PareWindow *window, const PareRequantize *requantize,
                                    const ParePostOps *post_ops, GError **error)
{
  dnnl_memory_desc_t src_md, weights_md, bias_md = { 0 }, dst_md;
  dnnl_convolution_desc_t op;
  PareOnednnWindow at;

  pare_onednn_window (window, &at);
  pare_onednn_describe_any (src, &src_md);
  pare_onednn_describe_any (weights, &weights_md);
  pare_onednn_describe_any (dst, &dst_md);
  if (bias)
    pare_onednn_describe_any (bias, &bias_md);
  if (!pare_onednn_check (dnnl_dilated_convolution_forward_desc_init (
                              &op, dnnl_forward_inference, dnnl_convolution_direct, &src_md, &weights_md,
                              bias ? &bias_md : NULL, &dst_md, at.strides, at.dilations, at.begin, at.end),
                          "convolution of integers", error))
    return NULL;
  return pare_onednn_primitive_with (&op, integer_attributes (requantize, post_ops, 1), NULL, "convolution of integers",
                                     error);
}

ParePrimitive *
pare_primitive_matmul_integer (const PareLayout *src, const PareSpec *weights, const PareSpec *bias,
                               const PareLayout *dst, const PareRequantize *requantize, const ParePostOps *post_ops,
                               GError **error)
{
  g_autoptr (PareLayout) bias_layout = bias ? pare_layout_new_plain (bias) : NULL;
  dnnl_memory_desc_t weights_md;
  dnnl_matmul_desc_t op;

  pare_onednn_describe_any (weights, &weights_md);
  if (!pare_onednn_check (dnnl_matmul_desc_init (&op, &src->md, &weights_md, bias ? &bias_layout->md : NULL, &dst->md),
                          "matrix product of integers", error))
    return NULL;
  return pare_onednn_primitive_with (&op, integer_attributes (requantize, post_ops, dst->md.ndims - 1), NULL,
                                     "matrix product of integers", error);
}
