/* SPDX-License-Identifier: LGPL-2.1-or-later
 * One layer with weights on its way to integers. */
#pragma once
#include "quantize/bits.h"
#include "quantize/settings.h"

G_BEGIN_DECLS

/**
 * PareWeighted:
 * @label: of @node, whose output may get another name
 * @activation_bits: 0 when its data stay in float
 * @data_scale: 0 when its data stay in float
 * @note: what of the settings could not be done, or NULL
 *
 * A layer to be quantized, with what was read off the graph before the first pair went in.
 */
typedef struct
{
  PareNode *node;
  char *label;
  PareWeightTrait trait;
  guint bits, activation_bits;
  float data_scale;
  PareWeightGrid grid;
  PareGranularity granularity;
  const PareWeightAlgorithm *algorithm;
  char *note;
} PareWeighted;

PareWeighted *pare_weighted_new (PareNode *node, const ParePlacement *placement, const PareBits *bits,
                                 const PareQuantizeSettings *settings);
void pare_weighted_free (PareWeighted *layer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareWeighted, pare_weighted_free)

/* Why integers would lose too much of it, or NULL. */
const char *pare_weighted_refusal (const PareWeighted *layer);
/* Puts the pair behind its weight, rounds its bias and writes its record. The pair of its data is there already. */
void pare_weighted_quantize (PareWeighted *layer, PareGraph *graph);

G_END_DECLS
