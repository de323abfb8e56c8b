/* SPDX-License-Identifier: LGPL-2.1-or-later
 * DepthToSpace and SpaceToDepth: blocks of channels become blocks of pixels and back. */
#include "ops/infer.h"
#include "ops/strided.h"
#include "train/gradient.h"
#include <string.h>

/* [N, C, H, W] with the channels or the pixels divided by the block size; FALSE when it does not divide them. */
static gboolean
output_shape (const PareNode *node, const PareShape *x, PareShape *y)
{
  gboolean to_space = g_str_equal (node->op_type, "DepthToSpace");
  gint64 block = pare_node_get_int (node, "blocksize", 0);

  if (x->rank != 4 || block < 1 || block > G_MAXINT16)
    return FALSE;
  *y = *x;
  if (to_space)
    {
      y->dims[1] = x->dims[1] / (block * block);
      return x->dims[1] % (block * block) == 0 && !__builtin_mul_overflow (x->dims[2], block, &y->dims[2])
             && !__builtin_mul_overflow (x->dims[3], block, &y->dims[3]);
    }
  y->dims[2] = x->dims[2] / block;
  y->dims[3] = x->dims[3] / block;
  return x->dims[2] % block == 0 && x->dims[3] % block == 0
         && !__builtin_mul_overflow (x->dims[1], block * block, &y->dims[1]);
}

static gboolean
blocks_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_plain, error))
    return FALSE;
  infer->outputs[0].type = infer->inputs[0].type;
  if (output_shape (infer->node, &infer->inputs[0].shape, &infer->outputs[0].shape))
    return TRUE;
  g_autofree char *shape = pare_shape_to_string (&infer->inputs[0].shape);
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "the block size does not divide the input %s.", shape);
  return FALSE;
}

/* The channels of the deep tensor run [block, block, C], or with the mode CRD [C, block, block]. */
static gboolean
is_column_row (const PareNode *node)
{
  g_autofree char *mode = pare_node_get_string (node, "mode");

  return mode && strcmp (mode, "CRD") == 0;
}

/* Loops over [N, C, H, block, W, block] of the output: the strides in the input are those of a pixel's channel. */
static gboolean
to_space_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  const gint64 *out = kernel->outputs[0].shape.dims, *in = x->shape.dims;
  gint64 block = pare_node_get_int (kernel->node, "blocksize", 1), plane = in[2] * in[3];
  gboolean column_row = is_column_row (kernel->node);
  gint64 channel = column_row ? block * block * plane : plane, offset = column_row ? plane : out[1] * plane;
  PareBox box = { .size = pare_data_type_bits (x->type) / 8 };

  pare_box_add (&box, in[0], in[1] * plane, 0);
  pare_box_add (&box, out[1], channel, 0);
  pare_box_add (&box, in[2], in[3], 0);
  pare_box_add (&box, block, block * offset, 0);
  pare_box_add (&box, in[3], 1, 0);
  pare_box_add (&box, block, offset, 0);
  pare_box_pack_target (&box);
  pare_box_copy (&box, x->data, kernel->outputs[0].data);
  return TRUE;
}

/* Loops over [N, block, block, C, H, W] of the output, or over [N, C, block, block, H, W]. */
static gboolean
to_depth_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  const gint64 *out = kernel->outputs[0].shape.dims, *in = x->shape.dims;
  gint64 block = pare_node_get_int (kernel->node, "blocksize", 1), plane = in[2] * in[3];
  PareBox box = { .size = pare_data_type_bits (x->type) / 8 };

  pare_box_add (&box, in[0], in[1] * plane, 0);
  if (is_column_row (kernel->node))
    pare_box_add (&box, in[1], plane, 0);
  pare_box_add (&box, block, in[3], 0);
  pare_box_add (&box, block, 1, 0);
  if (!is_column_row (kernel->node))
    pare_box_add (&box, in[1], plane, 0);
  pare_box_add (&box, out[2], block * in[3], 0);
  pare_box_add (&box, out[3], block, 0);
  pare_box_pack_target (&box);
  pare_box_copy (&box, x->data, kernel->outputs[0].data);
  return TRUE;
}

/* The other operator. The standard's SpaceToDepth knows no mode; the internal one does. */
static gboolean
blocks_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *dy = pare_gradient_of_output (gradient, 0);
  gboolean to_space = pare_node_is (node, "DepthToSpace");
  const char *mode = is_column_row (node) ? "CRD" : "DCR";

  pare_gradient_add (gradient, 0,
                     pare_gradient_node (gradient, to_space ? PARE_DOMAIN : "",
                                         to_space ? "SpaceToDepth" : "DepthToSpace", 1, &dy,
                                         pare_attribute_new_int ("blocksize", pare_node_get_int (node, "blocksize", 1)),
                                         pare_attribute_new_string ("mode", mode), NULL));
  return TRUE;
}

PARE_OPERATORS (depthtospace) = {
  { .name = "DepthToSpace",
    .infer = blocks_infer,
    .forward = to_space_forward,
    .backward = blocks_backward,
    .quantize = PARE_QUANTIZE_PASS },
  { .name = "SpaceToDepth",
    .infer = blocks_infer,
    .forward = to_depth_forward,
    .backward = blocks_backward,
    .quantize = PARE_QUANTIZE_PASS },
  { .name = "SpaceToDepth", .domain = PARE_DOMAIN, .infer = blocks_infer, .forward = to_depth_forward },
  { NULL },
};
