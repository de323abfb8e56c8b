/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Rows of patches, gathered by the table of indices that the operator gives. */
#include "reconstruct/patches.h"

struct _ParePatches
{
  gint64 positions, taps;     /* of one sample's output, of the kernel */
  gint64 in_plane, in_sample; /* numbers of a channel and of a sample of the input */
  gint64 out_plane, out_sample;
  gint64 in_step, out_step; /* from one channel to the next */
  gint64 *indices;          /* [positions][taps], NULL: the position itself */
};

/* A kernel of one position reads where it writes. */
static gboolean
check_pointwise (const ParePatches *patches, const PareNode *node, GError **error)
{
  if (patches->in_plane == patches->out_plane)
    return TRUE;
  pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, node, "its output has other positions than its input.");
  return FALSE;
}

static gint64
plane (const PareShape *shape, gboolean channels_last)
{
  return channels_last ? pare_shape_span (shape, 1, shape->rank - 1) : pare_shape_span (shape, 2, shape->rank);
}

ParePatches *
pare_patches_new (const PareNode *node, const PareShape *x, const PareShape *w, const PareShape *y, GError **error)
{
  g_autoptr (ParePatches) patches = g_new0 (ParePatches, 1);
  const PareOperator *op = pare_operator_of (node);
  PareWeightTrait trait = { 0 };

  if (op && op->weight)
    op->weight (node, &trait);
  if (!op || !op->weight || x->rank < 2 || y->rank != x->rank || w->rank < 2)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, node,
                       "it is no layer of weights and inputs in a usual form.");
      return NULL;
    }
  patches->taps = w->rank > 2 ? pare_shape_span (w, 2, w->rank) : 1;
  patches->in_plane = plane (x, trait.channels_last);
  patches->out_plane = patches->positions = plane (y, trait.channels_last);
  patches->in_sample = pare_shape_span (x, 1, x->rank);
  patches->out_sample = pare_shape_span (y, 1, y->rank);
  patches->in_step = trait.channels_last ? 1 : patches->in_plane;
  patches->out_step = trait.channels_last ? 1 : patches->out_plane;
  if (!op->taps)
    return check_pointwise (patches, node, error) ? g_steal_pointer (&patches) : NULL;
  patches->indices = g_new (gint64, patches->positions * patches->taps);
  return op->taps (node, x, w, y, patches->indices, error) ? g_steal_pointer (&patches) : NULL;
}

void
pare_patches_free (ParePatches *patches)
{
  g_free (patches->indices);
  g_free (patches);
}

gint64
pare_patches_per_sample (const ParePatches *patches)
{
  return patches->positions;
}

gint64
pare_patches_taps (const ParePatches *patches)
{
  return patches->taps;
}

/* From one position to the next, where all channels of a position lie together. */
static gint64
position_step (gint64 sample, gint64 plane_size, gint64 channel_step)
{
  return channel_step == 1 && plane_size ? sample / plane_size : 1;
}

void
pare_patches_read (const ParePatches *patches, const float *x, gint64 first, gint64 channels, gint64 n,
                   const gint64 *rows, float *values)
{
  gint64 taps = patches->taps, step = patches->in_step;
  gint64 stride = position_step (patches->in_sample, patches->in_plane, step);

  for (gint64 r = 0; r < n; r++)
    {
      gint64 position = rows[r] % patches->positions;
      const float *sample = x + rows[r] / patches->positions * patches->in_sample + first * step;
      const gint64 *indices = patches->indices ? patches->indices + position * taps : &position;
      for (gint64 c = 0; c < channels; c++)
        for (gint64 t = 0; t < taps; t++)
          *values++ = indices[t] < 0 ? 0 : sample[c * step + indices[t] * stride];
    }
}

void
pare_patches_read_output (const ParePatches *patches, const float *y, gint64 first, gint64 channels, gint64 n,
                          const gint64 *rows, float *values)
{
  gint64 step = patches->out_step, stride = position_step (patches->out_sample, patches->out_plane, step);

  for (gint64 r = 0; r < n; r++)
    {
      const float *sample = y + rows[r] / patches->positions * patches->out_sample + first * step
                            + rows[r] % patches->positions * stride;
      for (gint64 c = 0; c < channels; c++)
        *values++ = sample[c * step];
    }
}
