/* SPDX-License-Identifier: LGPL-2.1-or-later
 * DequantizeLinear -> an operator that only moves or picks numbers: it does so with the integers, and DequantizeLinear
 * comes behind it. */
#include "integer/operator.h"

PARE_INTEGER_RULE (move) = { "move", pare_grid_move };
