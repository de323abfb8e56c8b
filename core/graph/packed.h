/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Integers of 4 bits, two in a byte, the first one in its low half (ONNX, "4 bit integer types"). */
#pragma once
#include "graph/tensor.h"

G_BEGIN_DECLS

/* Two elements in a byte. */
gboolean pare_data_type_is_packed (PareDataType type);
/* The type of as many elements unpacked: int8 or uint8. */
PareDataType pare_data_type_unpacked (PareDataType packed);

/* @n elements from packed to one per byte and back; what does not fit 4 bits loses its high half. */
void pare_unpack (PareDataType packed, gconstpointer source, gpointer target, gint64 n);
void pare_pack (gconstpointer source, gpointer target, gint64 n);

/* Converters as in convert.c. From float32: rounded half to even, and saturated. */
void pare_int4_to_float (gconstpointer source, gpointer target, gint64 n);
void pare_uint4_to_float (gconstpointer source, gpointer target, gint64 n);
void pare_float_to_int4 (gconstpointer source, gpointer target, gint64 n);
void pare_float_to_uint4 (gconstpointer source, gpointer target, gint64 n);

G_END_DECLS
