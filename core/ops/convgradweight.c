/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Gradients of Conv and ConvTranspose by weight and bias: pare.ConvGradWeight (dy, x, w), where w only lends its shape.
 * Attributes are those of the forward node. */
#include "ops/backward.h"
#include "ops/conv.h"
#include "ops/infer.h"
#include "ops/partsum.h"
#include "ops/winograd.h"

static gboolean
gradweight_infer (PareInfer *infer, GError **error)
{
  if (!pare_backward_require (infer, 3, error)
      || !pare_convolution_gradient_fits (infer, &infer->inputs[1], &infer->inputs[2], error))
    return FALSE;
  infer->outputs[0] = infer->inputs[2];
  if (pare_infer_wants (infer, 1))
    infer->outputs[1] = (PareSpec){ PARE_FLOAT32, pare_shape (1, &infer->inputs[0].shape.dims[1]) };
  return TRUE;
}

static void
sum_parts (const PareParts *parts, ParePartsArg arg, const PareSlot *from, PareSlot *to)
{
  pare_sum_parts (from->data, pare_parts_count (parts), pare_parts_size (parts, arg) / sizeof (float),
                  to->size / sizeof (float), to->data);
}

/* Slots: those of ParePartsArg, then the sums of weights and bias. */
static gboolean
run_gradweight (gpointer state, PareSlot *const *slots, GError **error)
{
  PareParts *parts = state;
  gpointer data[PARE_PARTS_ARGS] = { NULL };

  for (guint i = 0; i < PARE_PARTS_ARGS; i++)
    data[i] = slots[i] ? slots[i]->data : NULL;
  if (!pare_parts_run (parts, data, error))
    return FALSE;
  sum_parts (parts, PARE_PARTS_DIFF_WEIGHTS, slots[PARE_PARTS_DIFF_WEIGHTS], slots[PARE_PARTS_ARGS]);
  if (slots[PARE_PARTS_DIFF_BIAS])
    sum_parts (parts, PARE_PARTS_DIFF_BIAS, slots[PARE_PARTS_DIFF_BIAS], slots[PARE_PARTS_ARGS + 1]);
  return TRUE;
}

/* The gradient leaves as the weight is stored: the optimizer works on row-major parameters. */
static gboolean
compile_parts (PareCompile *compile, const PareConvolution *convolution, PareParts *parts, PareSlot *stored,
               PareSlot **slots, GError **error)
{
  g_autoptr (PareLayout) layout = pare_parts_layout (parts, PARE_PARTS_DIFF_WEIGHTS);
  PareSlot **sum = &slots[PARE_PARTS_ARGS];

  *sum = pare_layout_equal (layout, convolution->stored)
             ? stored
             : pare_compile_temporary (compile, &convolution->weights, layout);
  for (guint i = PARE_PARTS_DIFF_WEIGHTS; i < PARE_PARTS_ARGS; i++)
    {
      PareSpec room = { PARE_UINT8, { 1, { pare_parts_count (parts) * pare_parts_size (parts, i) } } };
      if (room.shape.dims[0])
        slots[i] = pare_compile_temporary (compile, &room, NULL);
    }
  pare_compile_step (compile, run_gradweight, parts, (GDestroyNotify)pare_parts_free, PARE_PARTS_ARGS + 2, slots);
  return *sum == stored || pare_compile_reorder (compile, *sum, stored, error);
}

/* Slots: dy, x, by weights, by bias, working memory. */
static gboolean
run_winograd (gpointer state, PareSlot *const *slots, GError **error)
{
  pare_winograd_weights_run (state, slots[1]->data, slots[0]->data, slots[2]->data, slots[3] ? slots[3]->data : NULL,
                             slots[4]->data);
  return TRUE;
}

static gboolean
compile_winograd (PareCompile *compile, const PareWinograd *winograd, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  const PareSpec room = { PARE_FLOAT32, { 1, { pare_winograd_weights_room (winograd) } } };
  PareSlot *slots[5] = { NULL };

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (PareLayout) layout = pare_layout_new_blocked (&infer->inputs[i]);
      if (!(slots[i] = pare_compile_input (compile, i, layout, error)))
        return FALSE;
    }
  for (guint i = 0; i < 2; i++)
    if (pare_infer_wants (infer, i) && !(slots[2 + i] = pare_compile_output (compile, i, NULL, error)))
      return FALSE;
  slots[4] = pare_compile_temporary (compile, &room, NULL);
  pare_compile_step (compile, run_winograd, g_memdup2 (winograd, sizeof *winograd), g_free, 5, slots);
  return TRUE;
}

static gboolean
gradweight_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  const PareSpec *dy = &infer->inputs[0], *x = &infer->inputs[1];
  const PareSpec *bias = pare_infer_wants (infer, 1) ? &infer->outputs[1] : NULL;
  g_auto (PareConvolution) convolution = { 0 };
  g_autoptr (PareParts) parts = NULL;
  g_autoptr (PareLayout) dy_layout = NULL, x_layout = NULL;
  PareSlot *slots[PARE_PARTS_ARGS + 2] = { NULL }, *stored;
  PareWinograd winograd;

  if (!pare_convolution_describe (infer->node, x, &infer->inputs[2], &convolution, error))
    return FALSE;
  if (pare_infer_wants (infer, 0) && pare_winograd_describe (&convolution, x, dy, NULL, &winograd))
    return compile_winograd (compile, &winograd, error);
  if (!(parts = pare_parts_new (x, &convolution.weights, bias, dy, &convolution.window, convolution.transposed, error)))
    return FALSE;
  dy_layout = pare_parts_layout (parts, PARE_PARTS_DIFF_DST);
  x_layout = pare_parts_layout (parts, PARE_PARTS_SRC);
  if (!(slots[PARE_PARTS_DIFF_DST] = pare_compile_input (compile, 0, dy_layout, error))
      || !(slots[PARE_PARTS_SRC] = pare_compile_input (compile, 1, x_layout, error))
      || !(stored = pare_compile_output_as (compile, 0, convolution.stored, error))
      || (bias && !(slots[PARE_PARTS_ARGS + 1] = pare_compile_output (compile, 1, NULL, error))))
    return FALSE;
  return compile_parts (compile, &convolution, g_steal_pointer (&parts), stored, slots, error);
}

static guint64
gradweight_macs (const PareInfer *infer)
{
  const PareShape *w = &infer->inputs[2].shape;
  const PareShape *positions = &infer->inputs[pare_convolution_is_transposed (infer->node) ? 1 : 0].shape;

  return (guint64)pare_shape_elements (positions) * pare_shape_span (w, 1, w->rank);
}

PARE_OPERATORS (convgradweight) = {
  { .name = "ConvGradWeight",
    .domain = PARE_DOMAIN,
    .infer = gradweight_infer,
    .compile = gradweight_compile,
    .macs = gradweight_macs },
  { .name = "ConvTransposeGradWeight",
    .domain = PARE_DOMAIN,
    .infer = gradweight_infer,
    .compile = gradweight_compile,
    .macs = gradweight_macs },
  { NULL },
};
