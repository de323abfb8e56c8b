/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What a layer of a compressed network should compute. */
#pragma once
#include "reconstruct/layermatrix.h"
#include "reconstruct/walk.h"

G_BEGIN_DECLS

/**
 * PareOutputTarget:
 * @teacher: walks the original network; advanced to the layer's counterpart
 * @value: of the original network: what is wanted
 * @n_channels: how many channels of it the layer has left; 0: all
 * @channels: which ones
 * @minus: a value of the compressed network, known before the layer: what will be added to the layer's output to give
 *   @value, so that the layer makes up for its errors too; NULL: nothing
 */
typedef struct
{
  PareWalk *teacher;
  PareValue *value;
  guint n_channels;
  const guint *channels;
  PareValue *minus;
} PareOutputTarget;

/* The numbers for a batch: @value as the teacher computed it, less @minus (may be NULL). @axis is that of channels.
 * NULL and an error, which names @layer, when their shapes or types do not fit. */
PareTensor *pare_target_compute (const PareOutputTarget *target, const PareNode *layer, guint axis, PareTensor *value,
                                 PareTensor *minus, GError **error);

G_END_DECLS
