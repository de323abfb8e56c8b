/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How many bits each weight and each activation gets, and the grids of activations. */
#pragma once
#include "quantize/parameters.h"
#include "quantize/placement.h"

G_BEGIN_DECLS

typedef struct _PareBits PareBits;

PareBits *pare_bits_new (PareGraph *graph, const ParePlacement *placement, const PareQuantizeSettings *settings);
void pare_bits_free (PareBits *bits);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareBits, pare_bits_free)

/* Of the weight of a quantized @node. */
guint pare_bits_of_weight (const PareBits *bits, const PareNode *node);
/* Of @value, which the placement quantizes. */
guint pare_bits_of_value (const PareBits *bits, const PareValue *value);

/* And the grid that these bits make of its range. */
PareQuantizeParameters pare_bits_parameters (const PareBits *bits, const PareValue *value);

G_END_DECLS
