/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the internal operators on 8-bit integers have in common. Private to the operators.
 *
 * IntegerConv and IntegerMatMul take x (uint8 or int8), w (int8), scales (float32, one or one per output channel; none
 * for a result of int32) and a bias (int32), and compute
 *
 *   y = saturate (clip (round (scale sum ((x - x_zero_point) w) + bias)) + y_zero_point)
 *
 * or, for a result of float32, scale (sum + bias). Attributes: y_type, x_zero_point, y_zero_point, lowest, highest. */
#pragma once
#include "exec/compile.h"

/* Checks the inputs and says the type of the result; @channels: of the result. */
gboolean pare_integer_infer (const PareInfer *infer, gint64 channels, PareDataType *type, GError **error);
/* How the node's sums become its result. The scales are those of the node's constant. */
gboolean pare_integer_requantize (const PareInfer *infer, PareRequantize *requantize, GError **error);
/* TRUE when the result is float32 and so may go through what follows at once. */
gboolean pare_integer_applies_chain (const PareInfer *infer);
/* uint8 or int8, by an attribute. */
gboolean pare_integer_byte_type (const PareInfer *infer, PareDataType *type, GError **error);

extern const PareDataType pare_types_byte[]; /* ended by 0 */
