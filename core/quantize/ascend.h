/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Layers of the form ascend. Private to it. */
#pragma once
#include "quantize/integerlayer.h"

/* Lets the layer read int8 data and weights and an int32 bias, with AscendDequant behind it. @shift: by how many bits
 * its accumulators are shifted, or NULL. FALSE and *@reason when it cannot. */
gboolean pare_ascend_layer (PareGraph *graph, PareIntegerLayer *layer, const PareAttribute *shift, const char **reason);
