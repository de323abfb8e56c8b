/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What Pare asks of oneDNN (the v2 C API) to run a network; what training needs beyond that is in onednn-gradient.c. */
#include "exec/onednn-private.h"
#include <omp.h>
#include <string.h>

/* One engine and one stream for the process: a CPU engine has no state, and all work runs on one thread. */
typedef struct
{
  dnnl_engine_t engine;
  dnnl_stream_t stream;
} Device;

static gpointer
device_new (gpointer unused)
{
  Device *device = g_new0 (Device, 1);

  g_assert (dnnl_engine_create (&device->engine, dnnl_cpu, 0) == dnnl_success);
  g_assert (dnnl_stream_create (&device->stream, device->engine, dnnl_stream_default_flags) == dnnl_success);
  return device;
}

static const Device *
get_device (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, device_new, NULL);
}

dnnl_engine_t
pare_onednn_engine (void)
{
  return get_device ()->engine;
}

dnnl_stream_t
pare_onednn_stream (void)
{
  return get_device ()->stream;
}

gboolean
pare_onednn_check (dnnl_status_t status, const char *what, GError **error)
{
  static const char *const names[] = { "success",          "out of memory", "invalid arguments", "not supported",
                                       "end of iteration", "runtime error", "not required" };

  if (status == dnnl_success)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_LIBRARY, "oneDNN refused a %s: %s.", what,
               (guint)status < G_N_ELEMENTS (names) ? names[status] : "unknown status");
  return FALSE;
}

/* Layouts */

static dnnl_data_type_t
onednn_type (PareDataType type)
{
  switch (type)
    {
    case PARE_FLOAT32:
      return dnnl_f32;
    case PARE_INT32:
      return dnnl_s32;
    case PARE_INT8:
      return dnnl_s8;
    case PARE_UINT8:
      return dnnl_u8;
    default:
      return dnnl_data_type_undef;
    }
}

static PareLayout *
layout_from (const dnnl_memory_desc_t *md)
{
  return g_memdup2 (md, sizeof *md);
}

/* oneDNN has no scalars: they are one-element vectors. */
void
pare_onednn_describe_any (const PareSpec *spec, dnnl_memory_desc_t *md)
{
  dnnl_dims_t dims = { 1 };

  if (spec->shape.rank)
    memcpy (dims, spec->shape.dims, spec->shape.rank * sizeof *dims);
  memset (md, 0, sizeof *md);
  dnnl_memory_desc_init_by_tag (md, MAX (spec->shape.rank, 1), dims, onednn_type (spec->type), dnnl_format_tag_any);
}

PareLayout *
pare_layout_new_strided (const PareSpec *spec, const gint64 *strides)
{
  dnnl_memory_desc_t md = { 0 };
  dnnl_dims_t dims = { 1 }, steps = { 1 };

  if (spec->shape.rank)
    {
      memcpy (dims, spec->shape.dims, spec->shape.rank * sizeof *dims);
      memcpy (steps, strides, spec->shape.rank * sizeof *steps);
    }
  dnnl_memory_desc_init_by_strides (&md, MAX (spec->shape.rank, 1), dims, onednn_type (spec->type), steps);
  return layout_from (&md);
}

PareLayout *
pare_layout_new_view (const PareStrided *strided)
{
  PareSpec spec = { PARE_FLOAT32, strided->shape };
  PareLayout *layout = pare_layout_new_strided (&spec, strided->strides);

  layout->md.offset0 = strided->offset;
  return layout;
}

gboolean
pare_layout_strided (const PareLayout *layout, PareStrided *strided)
{
  const dnnl_memory_desc_t *md = &layout->md;

  if (md->format_kind != dnnl_blocked || md->format_desc.blocking.inner_nblks)
    return FALSE;
  strided->shape = pare_shape (md->ndims, md->dims);
  memcpy (strided->strides, md->format_desc.blocking.strides, md->ndims * sizeof *strided->strides);
  strided->offset = md->offset0;
  return TRUE;
}

PareLayout *
pare_layout_new_plain (const PareSpec *spec)
{
  gint64 strides[PARE_MAX_RANK];

  pare_shape_strides (&spec->shape, strides);
  return pare_layout_new_strided (spec, strides);
}

PareLayout *
pare_layout_new_blocked (const PareSpec *spec)
{
  dnnl_memory_desc_t md = { 0 };

  g_assert (spec->shape.rank == 4);
  dnnl_memory_desc_init_by_tag (&md, 4, spec->shape.dims, onednn_type (spec->type), dnnl_nChw16c);
  return layout_from (&md);
}

PareLayout *
pare_layout_new_channels_last (const PareSpec *spec)
{
  gint64 strides[PARE_MAX_RANK], step = spec->shape.rank > 1 ? spec->shape.dims[1] : 1;

  for (guint i = spec->shape.rank; i-- > 2; step *= spec->shape.dims[i])
    strides[i] = step;
  strides[1] = 1;
  strides[0] = step;
  return pare_layout_new_strided (spec, strides);
}

PareLayout *
pare_layout_with_type (const PareLayout *layout, PareDataType type)
{
  PareLayout *result = pare_layout_copy (layout);

  result->md.data_type = onednn_type (type);
  return result;
}

PareLayout *
pare_layout_copy (const PareLayout *layout)
{
  return layout_from (&layout->md);
}

void
pare_layout_free (PareLayout *layout)
{
  g_free (layout);
}

gboolean
pare_layout_equal (const PareLayout *a, const PareLayout *b)
{
  return dnnl_memory_desc_equal (&a->md, &b->md);
}

gboolean
pare_layout_is_plain (const PareLayout *layout)
{
  const dnnl_memory_desc_t *md = &layout->md;
  gint64 stride = 1;

  if (md->format_kind != dnnl_blocked || md->format_desc.blocking.inner_nblks || md->offset0)
    return FALSE;
  for (int i = md->ndims; i-- > 0;)
    {
      if (md->dims[i] != 1 && md->format_desc.blocking.strides[i] != stride)
        return FALSE;
      stride *= md->dims[i];
    }
  return TRUE;
}

gboolean
pare_layout_is_dense (const PareLayout *layout)
{
  const dnnl_memory_desc_t *md = &layout->md;
  gsize elements = 1;

  for (int i = 0; i < md->ndims; i++)
    elements *= md->dims[i];
  return !md->offset0 && dnnl_memory_desc_get_size (md) == elements * dnnl_data_type_size (md->data_type);
}

/* Samples follow each other: nothing of axis 0 lies inside of anything else. */
static gboolean
is_batch_outermost (const dnnl_memory_desc_t *md)
{
  const dnnl_blocking_desc_t *blocking = &md->format_desc.blocking;
  gint64 inside = 1;

  if (md->format_kind != dnnl_blocked || md->offset0)
    return FALSE;
  for (int i = 0; i < blocking->inner_nblks; i++)
    if (blocking->inner_idxs[i] == 0)
      return FALSE;
  for (int i = 1; i < md->ndims; i++)
    inside *= md->padded_dims[i];
  return blocking->strides[0] == inside;
}

PareLayout *
pare_layout_with_batch (const PareLayout *layout, gint64 batch)
{
  PareLayout *result;

  if (!is_batch_outermost (&layout->md))
    return NULL;
  result = pare_layout_copy (layout);
  result->md.dims[0] = result->md.padded_dims[0] = batch;
  return result;
}

gsize
pare_layout_size (const PareLayout *layout)
{
  return dnnl_memory_desc_get_size (&layout->md);
}

/* Spatial axes follow each other, the last one @step apart. */
static gboolean
is_dense_inside (const dnnl_memory_desc_t *md, gint64 step)
{
  for (int i = md->ndims; i-- > 2; step *= md->dims[i])
    if (md->dims[i] != 1 && md->format_desc.blocking.strides[i] != step)
      return FALSE;
  return TRUE;
}

gboolean
pare_layout_channels (const PareLayout *layout, PareChannels *channels)
{
  const dnnl_memory_desc_t *md = &layout->md;
  const dnnl_blocking_desc_t *blocking = &md->format_desc.blocking;
  gboolean blocked = blocking->inner_nblks == 1 && blocking->inner_idxs[0] == 1 && blocking->inner_blks[0] == 16;

  if (md->format_kind != dnnl_blocked || md->ndims < 2 || md->data_type != dnnl_f32
      || (blocking->inner_nblks && !blocked))
    return FALSE;
  *channels
      = (PareChannels){ md->dims[0], md->dims[1], 1, blocked ? 16 : 1, blocking->strides[0], blocking->strides[1], 16 };
  for (int i = 2; i < md->ndims; i++)
    channels->inner *= md->dims[i];
  if (blocked)
    return is_dense_inside (md, 16);
  if (blocking->strides[1] != 1 || channels->channels == 1)
    return is_dense_inside (md, 1);
  channels->lanes = channels->group_step = 16;
  channels->step = channels->channels;
  return channels->channels % 16 == 0 && is_dense_inside (md, channels->channels);
}

/* Primitives */

static const dnnl_alg_kind_t eltwise_kinds[] = {
  [PARE_ELTWISE_RELU] = dnnl_eltwise_relu,
  [PARE_ELTWISE_CLIP] = dnnl_eltwise_clip,
  [PARE_ELTWISE_LOGISTIC] = dnnl_eltwise_logistic,
  [PARE_ELTWISE_TANH] = dnnl_eltwise_tanh,
  [PARE_ELTWISE_ELU] = dnnl_eltwise_elu,
  [PARE_ELTWISE_GELU] = dnnl_eltwise_gelu_erf,
  [PARE_ELTWISE_HARD_SWISH] = dnnl_eltwise_hardswish,
  [PARE_ELTWISE_LINEAR] = dnnl_eltwise_linear,
};

/* Own scratchpads in the arena: no allocation while running. */
dnnl_primitive_attr_t
pare_onednn_attributes_new (const ParePostOps *post_ops)
{
  dnnl_primitive_attr_t attributes;
  dnnl_post_ops_t chain;

  dnnl_primitive_attr_create (&attributes);
  dnnl_primitive_attr_set_scratchpad_mode (attributes, dnnl_scratchpad_mode_user);
  dnnl_post_ops_create (&chain);
  for (guint i = 0; post_ops && i < post_ops->n; i++)
    {
      const ParePostOp *op = &post_ops->ops[i];
      if (op->is_sum)
        dnnl_post_ops_append_sum (chain, 1.f);
      else
        dnnl_post_ops_append_eltwise (chain, 1.f, eltwise_kinds[op->eltwise.kind], op->eltwise.alpha, op->eltwise.beta);
    }
  dnnl_primitive_attr_set_post_ops (attributes, chain);
  dnnl_post_ops_destroy (chain);
  return attributes;
}

/* Takes @desc, which is only looked at when @status says that it was created. */
static ParePrimitive *
primitive_from (dnnl_status_t status, dnnl_primitive_desc_t desc, const char *what, GError **error)
{
  dnnl_primitive_t primitive = NULL;
  ParePrimitive *result = NULL;

  if (!pare_onednn_check (status, what, error))
    return NULL;
  if (pare_onednn_check (dnnl_primitive_create (&primitive, desc), what, error))
    {
      result = g_new0 (ParePrimitive, 1);
      result->primitive = primitive;
      dnnl_primitive_get_primitive_desc (primitive, &result->desc);
    }
  dnnl_primitive_desc_destroy (desc);
  return result;
}

gboolean
pare_onednn_is (const_dnnl_primitive_desc_t desc, const char *prefix)
{
  const char *name = NULL;

  return dnnl_primitive_desc_query (desc, dnnl_query_impl_info_str, 0, &name) == dnnl_success && name
         && g_str_has_prefix (name, prefix);
}

/* What is left of convolutions when no kernel fits, few channels in groups most of all, goes through a product of
 * matrices that oneDNN shares out to threads in another order of sums for another number of them. */
static gboolean
depends_on_threads (const_dnnl_op_desc_t op, const_dnnl_primitive_desc_t desc)
{
  return *(const dnnl_primitive_kind_t *)op == dnnl_convolution && pare_onednn_is (desc, "x64:gemm");
}

ParePrimitive *
pare_onednn_primitive_with (const_dnnl_op_desc_t op, dnnl_primitive_attr_t attributes, const_dnnl_primitive_desc_t hint,
                            const char *what, GError **error)
{
  dnnl_engine_t engine = get_device ()->engine;
  dnnl_primitive_desc_t desc = NULL;
  dnnl_status_t status = dnnl_primitive_desc_create (&desc, op, attributes, engine, hint);
  gboolean alone = status == dnnl_success && depends_on_threads (op, desc);
  int threads = omp_get_max_threads ();
  ParePrimitive *primitive;

  if (alone)
    {
      dnnl_primitive_desc_destroy (desc);
      omp_set_num_threads (1);
      status = dnnl_primitive_desc_create (&desc, op, attributes, engine, hint);
    }
  dnnl_primitive_attr_destroy (attributes);
  primitive = primitive_from (status, desc, what, error);
  if (primitive)
    primitive->alone = alone;
  if (alone)
    omp_set_num_threads (threads);
  return primitive;
}

ParePrimitive *
pare_onednn_primitive_new (const_dnnl_op_desc_t op, const ParePostOps *post_ops, const_dnnl_primitive_desc_t hint,
                           const char *what, GError **error)
{
  return pare_onednn_primitive_with (op, pare_onednn_attributes_new (post_ops), hint, what, error);
}

void
pare_onednn_window (const PareWindow *window, PareOnednnWindow *at)
{
  for (guint i = 0; i < window->n; i++)
    {
      at->kernel[i] = window->kernel[i];
      at->strides[i] = window->strides[i];
      at->dilations[i] = window->dilations[i] - 1;
      at->begin[i] = window->pads_begin[i];
      at->end[i] = window->pads_end[i];
    }
}

dnnl_alg_kind_t
pare_onednn_pool_kind (ParePool kind)
{
  static const dnnl_alg_kind_t kinds[]
      = { dnnl_pooling_max, dnnl_pooling_avg_exclude_padding, dnnl_pooling_avg_include_padding };

  return kinds[kind];
}

ParePrimitive *
pare_primitive_convolution (const PareSpec *src, const PareSpec *weights, const PareSpec *bias, const PareSpec *dst,
                            const PareWindow *window, gboolean transposed, const ParePostOps *post_ops, GError **error)
{
  dnnl_memory_desc_t src_md, weights_md, bias_md = { 0 }, dst_md;
  PareOnednnWindow at;
  dnnl_status_t status;

  pare_onednn_window (window, &at);
  pare_onednn_describe_any (src, &src_md);
  pare_onednn_describe_any (weights, &weights_md);
  pare_onednn_describe_any (dst, &dst_md);
  if (bias)
    pare_onednn_describe_any (bias, &bias_md);
  if (transposed)
    {
      dnnl_deconvolution_desc_t op;
      status = dnnl_dilated_deconvolution_forward_desc_init (&op, dnnl_forward_inference, dnnl_deconvolution_direct,
                                                             &src_md, &weights_md, bias ? &bias_md : NULL, &dst_md,
                                                             at.strides, at.dilations, at.begin, at.end);
      return pare_onednn_check (status, "transposed convolution", error)
                 ? pare_onednn_primitive_new (&op, post_ops, NULL, "transposed convolution", error)
                 : NULL;
    }
  dnnl_convolution_desc_t op;
  status = dnnl_dilated_convolution_forward_desc_init (&op, dnnl_forward_inference, dnnl_convolution_direct, &src_md,
                                                       &weights_md, bias ? &bias_md : NULL, &dst_md, at.strides,
                                                       at.dilations, at.begin, at.end);
  return pare_onednn_check (status, "convolution", error)
             ? pare_onednn_primitive_new (&op, post_ops, NULL, "convolution", error)
             : NULL;
}

ParePrimitive *
pare_primitive_matmul (const PareLayout *src, const PareSpec *weights_spec, const PareLayout *weights,
                       const PareSpec *bias, const PareLayout *dst, const ParePostOps *post_ops, GError **error)
{
  dnnl_memory_desc_t weights_md;
  g_autoptr (PareLayout) bias_layout = bias ? pare_layout_new_plain (bias) : NULL;
  dnnl_matmul_desc_t op;

  if (weights)
    weights_md = weights->md;
  else
    pare_onednn_describe_any (weights_spec, &weights_md);
  if (!pare_onednn_check (dnnl_matmul_desc_init (&op, &src->md, &weights_md, bias ? &bias_layout->md : NULL, &dst->md),
                          "matrix product", error))
    return NULL;
  return pare_onednn_primitive_new (&op, post_ops, NULL, "matrix product", error);
}

ParePrimitive *
pare_primitive_pool (ParePool kind, const PareLayout *src, const PareSpec *dst, const PareWindow *window,
                     GError **error)
{
  dnnl_memory_desc_t dst_md;
  PareOnednnWindow at;
  dnnl_pooling_desc_t op;

  pare_onednn_describe_any (dst, &dst_md);
  pare_onednn_window (window, &at);
  if (!pare_onednn_check (dnnl_pooling_forward_desc_init (&op, dnnl_forward_inference, pare_onednn_pool_kind (kind),
                                                          &src->md, &dst_md, at.strides, at.kernel, at.begin, at.end),
                          "pooling", error))
    return NULL;
  return pare_onednn_primitive_new (&op, NULL, NULL, "pooling", error);
}

ParePrimitive *
pare_primitive_eltwise (const PareEltwise *eltwise, const PareLayout *layout, GError **error)
{
  dnnl_eltwise_desc_t op;

  if (!pare_onednn_check (dnnl_eltwise_forward_desc_init (&op, dnnl_forward_inference, eltwise_kinds[eltwise->kind],
                                                          &layout->md, eltwise->alpha, eltwise->beta),
                          "function of one element", error))
    return NULL;
  return pare_onednn_primitive_new (&op, NULL, NULL, "function of one element", error);
}

ParePrimitive *
pare_primitive_batch_normalization (const PareLayout *layout, float epsilon, GError **error)
{
  dnnl_batch_normalization_desc_t op;

  if (!pare_onednn_check (
          dnnl_batch_normalization_forward_desc_init (&op, dnnl_forward_inference, &layout->md, epsilon,
                                                      dnnl_use_global_stats | dnnl_use_scale | dnnl_use_shift),
          "batch normalization", error))
    return NULL;
  return pare_onednn_primitive_new (&op, NULL, NULL, "batch normalization", error);
}

ParePrimitive *
pare_primitive_add (const PareLayout *a, const PareLayout *b, GError **error)
{
  dnnl_binary_desc_t op;

  if (!pare_onednn_check (dnnl_binary_desc_init (&op, dnnl_binary_add, &a->md, &b->md, &a->md), "sum", error))
    return NULL;
  return pare_onednn_primitive_new (&op, NULL, NULL, "sum", error);
}

ParePrimitive *
pare_primitive_reorder (const PareLayout *from, const PareLayout *to, GError **error)
{
  dnnl_primitive_attr_t attributes = pare_onednn_attributes_new (NULL);
  dnnl_engine_t engine = get_device ()->engine;
  dnnl_primitive_desc_t desc = NULL;
  dnnl_status_t status = dnnl_reorder_primitive_desc_create (&desc, &from->md, engine, &to->md, engine, attributes);

  dnnl_primitive_attr_destroy (attributes);
  return primitive_from (status, desc, "change of layout", error);
}

void
pare_primitive_free (ParePrimitive *primitive)
{
  for (guint i = 0; i < primitive->n_args; i++)
    dnnl_memory_destroy (primitive->args[i].memory);
  dnnl_primitive_destroy (primitive->primitive);
  g_free (primitive);
}

static const int arguments[] = {
  [PARE_ARG_SRC] = DNNL_ARG_SRC,
  [PARE_ARG_SRC_1] = DNNL_ARG_SRC_1,
  [PARE_ARG_WEIGHTS] = DNNL_ARG_WEIGHTS,
  [PARE_ARG_BIAS] = DNNL_ARG_BIAS,
  [PARE_ARG_MEAN] = DNNL_ARG_MEAN,
  [PARE_ARG_VARIANCE] = DNNL_ARG_VARIANCE,
  [PARE_ARG_SCALE] = DNNL_ARG_SCALE,
  [PARE_ARG_SHIFT] = DNNL_ARG_SHIFT,
  [PARE_ARG_DST] = DNNL_ARG_DST,
  [PARE_ARG_SCRATCHPAD] = DNNL_ARG_SCRATCHPAD,
  [PARE_ARG_WORKSPACE] = DNNL_ARG_WORKSPACE,
  [PARE_ARG_DIFF_SRC] = DNNL_ARG_DIFF_SRC,
  [PARE_ARG_DIFF_DST] = DNNL_ARG_DIFF_DST,
  [PARE_ARG_DIFF_WEIGHTS] = DNNL_ARG_DIFF_WEIGHTS,
  [PARE_ARG_DIFF_BIAS] = DNNL_ARG_DIFF_BIAS,
};

int
pare_onednn_argument (PareArg arg)
{
  return arguments[arg];
}

PareLayout *
pare_primitive_layout (const ParePrimitive *primitive, PareArg arg)
{
  const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md (primitive->desc, dnnl_query_exec_arg_md, arguments[arg]);

  g_assert (md);
  return md->ndims ? layout_from (md) : NULL;
}

gsize
pare_primitive_scratchpad (const ParePrimitive *primitive)
{
  const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md (primitive->desc, dnnl_query_scratchpad_md, 0);

  return md ? dnnl_memory_desc_get_size (md) : 0;
}

gboolean
pare_primitive_bind (ParePrimitive *primitive, PareArg arg, const PareLayout *layout, gpointer data, GError **error)
{
  dnnl_exec_arg_t *slot = &primitive->args[primitive->n_args];
  const dnnl_memory_desc_t *md
      = layout ? &layout->md : dnnl_primitive_desc_query_md (primitive->desc, dnnl_query_scratchpad_md, 0);

  g_assert (primitive->n_args < PARE_ONEDNN_MAX_ARGS);
  if (!pare_onednn_check (dnnl_memory_create (&slot->memory, md, get_device ()->engine, data), "memory", error))
    return FALSE;
  slot->arg = arguments[arg];
  primitive->n_args++;
  return TRUE;
}

gboolean
pare_primitive_run (ParePrimitive *primitive, GError **error)
{
  int threads = primitive->alone ? omp_get_max_threads () : 0;
  dnnl_status_t status;

  if (threads)
    omp_set_num_threads (1);
  status = dnnl_primitive_execute (primitive->primitive, get_device ()->stream, primitive->n_args, primitive->args);
  if (threads)
    omp_set_num_threads (threads);
  return pare_onednn_check (status, "step", error);
}
