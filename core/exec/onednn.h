/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "ops/operator.h"

G_BEGIN_DECLS

/* How a tensor lies in memory: type, shape and an arrangement that oneDNN may have chosen. Immutable. */
typedef struct _PareLayout PareLayout;
/* A oneDNN primitive with the layouts it wants. */
typedef struct _ParePrimitive ParePrimitive;

PareLayout *pare_layout_new_plain (const PareSpec *spec);
/* Element strides, outermost first. */
PareLayout *pare_layout_new_strided (const PareSpec *spec, const gint64 *strides);
/* Of float32 elements, in part of some memory. */
PareLayout *pare_layout_new_view (const PareStrided *strided);
/* FALSE when elements lie in blocks. */
gboolean pare_layout_strided (const PareLayout *layout, PareStrided *strided);
/* In blocks of 16 channels (axis 1), the last one filled up, as oneDNN's convolutions have it on this processor. */
PareLayout *pare_layout_new_blocked (const PareSpec *spec);
/* Channels (axis 1) side by side, as oneDNN's convolutions of integers have it. */
PareLayout *pare_layout_new_channels_last (const PareSpec *spec);
/* The same arrangement of elements of @type. */
PareLayout *pare_layout_with_type (const PareLayout *layout, PareDataType type);
PareLayout *pare_layout_copy (const PareLayout *layout);
void pare_layout_free (PareLayout *layout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareLayout, pare_layout_free)
gboolean pare_layout_equal (const PareLayout *a, const PareLayout *b);
gboolean pare_layout_is_plain (const PareLayout *layout);
/* TRUE when the memory holds the elements and nothing else, in whatever order. */
gboolean pare_layout_is_dense (const PareLayout *layout);
/* The same arrangement of @batch samples (axis 0); NULL when samples do not follow each other in memory. */
PareLayout *pare_layout_with_batch (const PareLayout *layout, gint64 batch);
gsize pare_layout_size (const PareLayout *layout);

/**
 * PareChannels:
 * @lanes: 16: that many channels (axis 1) lie side by side, and @step apart for the next position; 1: the elements of a
 *   channel lie side by side
 * @inner: positions per sample and channel
 *
 * A float layout seen as channels of numbers, all that functions per channel need to know of it.
 */
typedef struct
{
  gint64 batch, channels, inner;
  guint lanes;
  gint64 batch_step, group_step, step; /* in elements; a group is what @lanes holds */
} PareChannels;

/* FALSE when the layout is neither row-major nor in blocks of 16 channels nor channels-last with whole such blocks. */
gboolean pare_layout_channels (const PareLayout *layout, PareChannels *channels);

/* What a primitive's arguments are for. */
typedef enum
{
  PARE_ARG_SRC,
  PARE_ARG_SRC_1,
  PARE_ARG_WEIGHTS,
  PARE_ARG_BIAS,
  PARE_ARG_MEAN,
  PARE_ARG_VARIANCE,
  PARE_ARG_SCALE,
  PARE_ARG_SHIFT,
  PARE_ARG_DST,
  PARE_ARG_SCRATCHPAD,
  PARE_ARG_WORKSPACE, /* what a forward primitive leaves for its backward one */
  PARE_ARG_DIFF_SRC,  /* gradients by the arguments of the forward primitive */
  PARE_ARG_DIFF_DST,
  PARE_ARG_DIFF_WEIGHTS,
  PARE_ARG_DIFF_BIAS,
} PareArg;

/* What is applied to the result while it is written: in order, functions of one element, or the sum with what lay in
 * the destination before. */
typedef struct
{
  gboolean is_sum;
  PareEltwise eltwise;
} ParePostOp;

typedef struct
{
  guint n;
  ParePostOp ops[4];
} ParePostOps;

/* A sliding window over the spatial axes. */
typedef struct
{
  guint n;
  gint64 kernel[PARE_MAX_RANK], strides[PARE_MAX_RANK], dilations[PARE_MAX_RANK];
  gint64 pads_begin[PARE_MAX_RANK], pads_end[PARE_MAX_RANK];
} PareWindow;

typedef enum
{
  PARE_POOL_MAX,
  PARE_POOL_AVERAGE,             /* over what lies inside the input */
  PARE_POOL_AVERAGE_WITH_PADDING,
} ParePool;

/* @weights has a leading group axis when @groups is not 1. @bias may be NULL. oneDNN chooses all layouts. */
ParePrimitive *pare_primitive_convolution (const PareSpec *src, const PareSpec *weights, const PareSpec *bias,
                                           const PareSpec *dst, const PareWindow *window, gboolean transposed,
                                           const ParePostOps *post_ops, GError **error);
/* [.., m, k] x [.., k, n]; @weights NULL: oneDNN chooses the second operand's layout. @bias is [1, .., n] or NULL. */
ParePrimitive *pare_primitive_matmul (const PareLayout *src, const PareSpec *weights_spec, const PareLayout *weights,
                                      const PareSpec *bias, const PareLayout *dst, const ParePostOps *post_ops,
                                      GError **error);
ParePrimitive *pare_primitive_pool (ParePool kind, const PareLayout *src, const PareSpec *dst, const PareWindow *window,
                                    GError **error);
ParePrimitive *pare_primitive_eltwise (const PareEltwise *eltwise, const PareLayout *layout, GError **error);
/* Inference form, with SCALE, SHIFT, MEAN and VARIANCE. */
ParePrimitive *pare_primitive_batch_normalization (const PareLayout *layout, float epsilon, GError **error);
ParePrimitive *pare_primitive_add (const PareLayout *a, const PareLayout *b, GError **error);
ParePrimitive *pare_primitive_reorder (const PareLayout *from, const PareLayout *to, GError **error);

/**
 * PareRequantize:
 * @n: number of scales: one per output channel, or 1; 0: the sums stay what they are
 * @scales: real value of one step of the sums, in steps of the result
 * @x_zero_point: of the input: the integer that stands for 0, also in the padding
 * @y_zero_point: of the result
 * @clips: whether the result is limited to @low..@high, which are counted from the zero point
 *
 * How sums of products of integers become the result: round (clip (scale sum)) + zero point, saturated to its type.
 */
typedef struct
{
  guint n;
  const float *scales;
  gint32 x_zero_point, y_zero_point;
  gboolean clips;
  float low, high;
} PareRequantize;

/* The convolution and the product of 8-bit integers: @src is uint8 or int8, the weights are int8, @bias is int32 and
 * counts in steps of the sums, @dst is uint8, int8, int32 or float32. */
ParePrimitive *pare_primitive_convolution_integer (const PareSpec *src, const PareSpec *weights, const PareSpec *bias,
                                                   const PareSpec *dst, const PareWindow *window,
                                                   const PareRequantize *requantize, const ParePostOps *post_ops,
                                                   GError **error);
ParePrimitive *pare_primitive_matmul_integer (const PareLayout *src, const PareSpec *weights, const PareSpec *bias,
                                              const PareLayout *dst, const PareRequantize *requantize,
                                              const ParePostOps *post_ops, GError **error);

/* Training. The convolution's arguments are those of pare_primitive_convolution(). */
/* The forward pass in the layouts that the gradients want. */
ParePrimitive *pare_primitive_convolution_training (const PareSpec *src, const PareSpec *weights, const PareSpec *bias,
                                                    const PareSpec *dst, const PareWindow *window, gboolean transposed,
                                                    const ParePostOps *post_ops, GError **error);
ParePrimitive *pare_primitive_convolution_backward_data (const PareSpec *src, const PareSpec *weights,
                                                         const PareSpec *dst, const PareWindow *window,
                                                         gboolean transposed, GError **error);
/* The pair for one pooling; of PARE_POOL_MAX @forward writes the WORKSPACE that @backward reads. */
gboolean pare_primitive_pool_training (ParePool kind, const PareLayout *src, const PareSpec *dst,
                                       const PareWindow *window, ParePrimitive **forward, ParePrimitive **backward,
                                       GError **error);
void pare_primitive_free (ParePrimitive *primitive);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ParePrimitive, pare_primitive_free)

/* The layout of an argument; free it. NULL for a WORKSPACE that is not needed. */
PareLayout *pare_primitive_layout (const ParePrimitive *primitive, PareArg arg);
/* Bytes of working memory. */
gsize pare_primitive_scratchpad (const ParePrimitive *primitive);
/* Ties an argument to memory that stays where it is. */
gboolean pare_primitive_bind (ParePrimitive *primitive, PareArg arg, const PareLayout *layout, gpointer data,
                              GError **error);
gboolean pare_primitive_run (ParePrimitive *primitive, GError **error);

/**
 * PareParts:
 *
 * The gradient of a convolution by its weights, for equal parts of the batch: each by one thread, so that the sum of
 * all parts in their order has the same bits on any number of threads. oneDNN itself would share the batch out by the
 * number of threads.
 */
typedef struct _PareParts PareParts;

/* The arguments of pare_parts_run(), in their order. */
typedef enum
{
  PARE_PARTS_SRC, /* with DIFF_DST: of the whole batch */
  PARE_PARTS_DIFF_DST,
  PARE_PARTS_DIFF_WEIGHTS, /* with the rest: parts * pare_parts_size() bytes */
  PARE_PARTS_SCRATCHPAD,
  PARE_PARTS_DIFF_BIAS, /* left out without a bias */
  PARE_PARTS_ARGS,
} ParePartsArg;

PareParts *pare_parts_new (const PareSpec *src, const PareSpec *weights, const PareSpec *bias, const PareSpec *dst,
                           const PareWindow *window, gboolean transposed, GError **error);
void pare_parts_free (PareParts *parts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareParts, pare_parts_free)
guint pare_parts_count (const PareParts *parts);
/* The layout of an argument: of the whole batch, or of one part's result. Free it. */
PareLayout *pare_parts_layout (const PareParts *parts, ParePartsArg arg);
/* The bytes from one part's to the next one's, 0 for what is not used. */
gsize pare_parts_size (const PareParts *parts, ParePartsArg arg);
gboolean pare_parts_run (PareParts *parts, gpointer const *data, GError **error);

G_END_DECLS
