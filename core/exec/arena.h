/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/compile.h"

G_BEGIN_DECLS

/* Gives every host slot of @slots (constants are passed over) an offset such that slots alive at the same time do not
 * overlap. Returns the bytes needed; G_MAXSIZE when they overflow. Greedy by size: Pisarchyk and Lee, "Efficient memory
 * management for deep neural net inference", 2020, section 5.1. */
gsize pare_arena_assign (GPtrArray *slots);

G_END_DECLS
