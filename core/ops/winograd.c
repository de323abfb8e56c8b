/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A convolution by Winograd's F(4x4, 3x3): y = A' [(G w G') (B' x B)] A, sums over channels in the transformed domain.
 * Each thread takes some tiles at a time through all three stages, so that they stay in its cache. */
#include "ops/winograd.h"
#include "ops/parallel.h"
#include "ops/winogradkernels.h"
#include "ops/winogradtiles.h"
#include <omp.h>
#include <string.h>

#define LANES PARE_WINOGRAD_LANES
#define POINTS PARE_WINOGRAD_POINTS
#define TAPS 9
/* Of an image, and of pairs of channels: see pare_winograd_pays(). */
#define LEAST_TILES 9
#define FEW_KERNELS (128 * 128)

/* A sum, then a Relu: each may be missing. */
static gboolean
read_post_ops (const ParePostOps *post_ops, PareWinograd *winograd)
{
  for (guint i = 0; post_ops && i < post_ops->n; i++)
    {
      const ParePostOp *op = &post_ops->ops[i];
      if (winograd->relu || (op->is_sum ? winograd->add : op->eltwise.kind != PARE_ELTWISE_RELU || op->eltwise.alpha))
        return FALSE;
      *(op->is_sum ? &winograd->add : &winograd->relu) = TRUE;
    }
  return TRUE;
}

/* In blocks of 16 channels. */
static PareChannels
blocked (gint64 batch, gint64 channels, gint64 inner)
{
  return (PareChannels){ batch, channels, inner, LANES, channels * inner, LANES * inner, LANES };
}

gboolean
pare_winograd_describe (const PareConvolution *convolution, const PareSpec *x, const PareSpec *y,
                        const ParePostOps *post_ops, PareWinograd *winograd)
{
  const PareShape *w = &convolution->weights.shape;
  const PareWindow *window = &convolution->window;

  *winograd = (PareWinograd){ .threads = omp_get_max_threads () };
  if (convolution->transposed || w->rank != 4 || x->shape.rank != 4 || x->type != PARE_FLOAT32 || w->dims[0] % LANES
      || w->dims[1] % LANES || !x->shape.dims[0] || !read_post_ops (post_ops, winograd) || !pare_winograd_supported ())
    return FALSE;
  for (guint i = 0; i < 2; i++)
    if (window->kernel[i] != 3 || window->strides[i] != 1 || window->dilations[i] != 1 || window->pads_begin[i] < 0
        || window->pads_begin[i] > 2 || window->pads_end[i] < 0 || window->pads_end[i] > 2)
      return FALSE;
  winograd->batch = x->shape.dims[0];
  winograd->in = w->dims[1];
  winograd->out = w->dims[0];
  winograd->height = x->shape.dims[2];
  winograd->width = x->shape.dims[3];
  winograd->out_height = y->shape.dims[2];
  winograd->out_width = y->shape.dims[3];
  winograd->top = window->pads_begin[0];
  winograd->left = window->pads_begin[1];
  winograd->from = blocked (winograd->batch, winograd->in, winograd->height * winograd->width);
  winograd->to = blocked (winograd->batch, winograd->out, winograd->out_height * winograd->out_width);
  return TRUE;
}

gboolean
pare_winograd_pays (const PareWinograd *w)
{
  return pare_winograd_tiles (w).per_image >= LEAST_TILES || w->in * w->out <= FEW_KERNELS;
}

static void
set_channels_last (PareChannels *channels)
{
  channels->group_step = LANES;
  channels->step = channels->channels;
}

void
pare_winograd_follow (PareWinograd *w, const PareLayout *input)
{
  PareChannels channels;

  if (input && pare_layout_channels (input, &channels) && channels.lanes == LANES && channels.step == LANES)
    return;
  set_channels_last (&w->from);
  set_channels_last (&w->to);
}

PareWinograd
pare_winograd_by_data (const PareWinograd *forward)
{
  return (PareWinograd){ .batch = forward->batch,
                         .in = forward->out,
                         .out = forward->in,
                         .height = forward->out_height,
                         .width = forward->out_width,
                         .out_height = forward->height,
                         .out_width = forward->width,
                         .top = 2 - forward->top,
                         .left = 2 - forward->left,
                         .from = forward->to,
                         .to = forward->from,
                         .transposed = !forward->transposed,
                         .threads = forward->threads };
}

/* Working memory: a bias, for each thread the tiles of input and output, and the kernels at all points if they have to
 * be transformed in each run. A line more than is needed keeps the points of a tile out of each other's cache sets. */

static gsize
kernel_step (const PareWinograd *w)
{
  return w->in * w->out + LANES;
}

static gsize
thread_room (const PareWinograd *w)
{
  return POINTS * (pare_winograd_point_step (w->in) + pare_winograd_point_step (w->out));
}

static gsize
own_room (const PareWinograd *w)
{
  return w->out + w->threads * thread_room (w);
}

static gsize
kernel_room (const PareWinograd *w)
{
  return POINTS * kernel_step (w);
}

/* Kernels */

typedef struct
{
  const PareWinograd *winograd;
  const float *weights;
  float *kernels;
} Kernels;

/* The taps of @out's 16 channels and channel @in, side by side. */
static void
gather_taps (const PareWinograd *w, const float *weights, gint64 out, gint64 in, float *taps)
{
  gint64 lane = w->transposed ? TAPS : w->in * TAPS, row = w->transposed ? w->out * TAPS : TAPS;

  for (gint64 l = 0; l < LANES; l++)
    {
      const float *from = weights + (out + l) * lane + in * row;
      for (guint i = 0; i < TAPS; i++)
        taps[i * LANES + l] = from[w->transposed ? TAPS - 1 - i : i];
    }
}

static void
transform_some_kernels (gint64 from, gint64 to, gconstpointer data)
{
  const Kernels *kernels = data;
  const PareWinograd *w = kernels->winograd;
  float taps[TAPS * LANES];

  for (gint64 i = from; i < to; i++)
    {
      gather_taps (w, kernels->weights, i / w->in * LANES, i % w->in, taps);
      pare_winograd_transform_kernel (taps, kernels->kernels + i * LANES, kernel_step (w));
    }
}

static void
transform_kernels (const PareWinograd *w, const float *weights, float *to)
{
  Kernels kernels = { w, weights, to };

  pare_parallel (w->out / LANES * w->in, 64, transform_some_kernels, &kernels);
}

/* Tiles */

/* One piece of the tiles, through @v and @m. */
static void
run_tiles (const PareWinograd *w, const PareWinogradTiles *tiles, gint64 piece, const float *x, const float *kernels,
           const float *bias, float *y, float *v)
{
  gsize v_step = pare_winograd_point_step (w->in), m_step = pare_winograd_point_step (w->out);
  float *m = v + POINTS * v_step;
  ParePatch patches[PARE_WINOGRAD_TILES];
  guint n = pare_winograd_input_patches (w, tiles, piece, patches);
  gint64 rounded = (n + PARE_WINOGRAD_ROWS - 1) / PARE_WINOGRAD_ROWS * PARE_WINOGRAD_ROWS;

  for (gint64 c = 0; c < w->in / LANES; c++)
    for (guint t = 0; t < n; t++)
      pare_winograd_transform_input (x + c * w->from.group_step, &patches[t], v + (c * rounded + t) * LANES, v_step);
  for (guint p = 0; p < POINTS; p++)
    pare_winograd_product (rounded, w->in, w->out, v + p * v_step, kernels + p * kernel_step (w), m + p * m_step);
  pare_winograd_output_patches (w, tiles, piece, patches);
  for (gint64 c = 0; c < w->out / LANES; c++)
    {
      PareWinogradFinish finish = { bias + c * LANES, w->add, w->relu };
      for (guint t = 0; t < n; t++)
        pare_winograd_transform_output (m + (c * rounded + t) * LANES, m_step, &finish, y + c * w->to.group_step,
                                        &patches[t]);
    }
}

/* @kernels is transformed; @room of own_room(). */
static void
run (const PareWinograd *w, const float *x, const float *kernels, const float *bias, float *y, float *room)
{
  PareWinogradTiles tiles = pare_winograd_tiles_for_threads (w);
  float *shift = room, *own = room + w->out;

  if (bias)
    memcpy (shift, bias, w->out * sizeof *shift);
  else
    memset (shift, 0, w->out * sizeof *shift);
#pragma omp parallel for schedule(dynamic) num_threads(w->threads)
  for (gint64 i = 0; i < tiles.pieces; i++)
    run_tiles (w, &tiles, i, x, kernels, shift, y, own + omp_get_thread_num () * thread_room (w));
}

/* Steps: slots are input, weights or transformed kernels, bias, output, working memory. */

static gboolean
run_transformed (gpointer state, PareSlot *const *slots, GError **error)
{
  run (state, slots[0]->data, slots[1]->data, slots[2] ? slots[2]->data : NULL, slots[3]->data, slots[4]->data);
  return TRUE;
}

static gboolean
run_step (gpointer state, PareSlot *const *slots, GError **error)
{
  float *room = slots[4]->data, *kernels = room + own_room (state);

  transform_kernels (state, slots[1]->data, kernels);
  run (state, slots[0]->data, kernels, slots[2] ? slots[2]->data : NULL, slots[3]->data, room);
  return TRUE;
}

static PareSlot *
transformed_constant (PareCompile *compile, const PareWinograd *w, const float *weights)
{
  gsize n = kernel_room (w), size = n * sizeof (float);
  float *kernels = g_aligned_alloc0 (n, sizeof (float), LANES * sizeof (float));
  PareShape shape = pare_shape_of (1, (gint64)n);
  g_autoptr (PareTensor) tensor
      = pare_tensor_new (PARE_FLOAT32, &shape, g_bytes_new_with_free_func (kernels, size, g_aligned_free, kernels));

  transform_kernels (w, weights, kernels);
  return pare_compile_constant (compile, tensor);
}

static PareLayout *
layout_of (const PareSpec *spec, const PareChannels *channels, gint64 width)
{
  const gint64 strides[] = { channels->batch_step, 1, width * channels->step, channels->step };

  return channels->step == LANES ? pare_layout_new_blocked (spec) : pare_layout_new_strided (spec, strides);
}

gboolean
pare_winograd_compile (PareCompile *compile, const PareWinograd *w, gboolean has_bias, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  g_autoptr (PareLayout) from = layout_of (&infer->inputs[0], &w->from, w->width);
  g_autoptr (PareLayout) to = layout_of (&infer->outputs[0], &w->to, w->out_width);
  PareSpec room = { PARE_FLOAT32, { 1, { own_room (w) } } };
  PareSlot *slots[5] = { pare_compile_input (compile, 0, from, error) };
  gboolean is_constant;

  if (!slots[0] || !(slots[1] = pare_compile_input (compile, 1, NULL, error))
      || (has_bias && !(slots[2] = pare_compile_input (compile, 2, NULL, error)))
      || !(slots[3] = pare_compile_output (compile, 0, to, error)))
    return FALSE;
  is_constant = slots[1]->data != NULL;
  if (is_constant)
    slots[1] = transformed_constant (compile, w, slots[1]->data);
  else
    room.shape.dims[0] += kernel_room (w);
  slots[4] = pare_compile_temporary (compile, &room, NULL);
  pare_compile_step (compile, is_constant ? run_transformed : run_step, g_memdup2 (w, sizeof *w), g_free, 5, slots);
  return TRUE;
}
