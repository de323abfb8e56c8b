/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Scales and zero points of activations. */
#include "quantize/parameters.h"
#include <float.h>
#include <math.h>

PareQuantizeParameters
pare_quantize_parameters (const PareRange *range, guint bits, gboolean symmetric)
{
  float low = MIN (range->low, 0), high = MAX (range->high, 0);
  gint32 most = (1 << bits) - 1, half = 1 << (bits - 1);
  float scale = symmetric ? MAX (-low, high) / (half - 1) : (float)(((double)high - low) / most);

  /* A value that never leaves zero; any scale will do. */
  if (!(scale >= FLT_MIN))
    scale = 1;
  if (symmetric)
    return (PareQuantizeParameters){ bits > 8 ? PARE_INT16 : PARE_INT8, scale, 0, -half, half - 1 };
  return (PareQuantizeParameters){ bits > 8 ? PARE_UINT16 : PARE_UINT8, scale,
                                   CLAMP ((gint32)lrintf (-low / scale), 0, most), 0, most };
}
