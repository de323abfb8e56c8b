/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Casts from and to strings. Private to the operators. */
#pragma once
#include "exec/run.h"

/* The run function's part of Cast and CastLike: input 0 as @type into output 0. */
gboolean pare_run_cast (const PareRun *run, PareDataType type, GError **error);
