/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Scales and zero points of operators that multiply 8-bit integers. Private to the operators. */
#pragma once
#include "ops/infer.h"

/* FALSE and an error unless input @index is omitted, or of one of @types and holds one number or @n. */
gboolean pare_infer_one_or (const PareInfer *infer, guint index, gint64 n, const PareDataType *types, GError **error);
/* Number @i of input @index, of 8 bits, or its only one; 0 when it is omitted. */
gint32 pare_kernel_zero_point (const PareKernel *kernel, guint index, gint64 i);
