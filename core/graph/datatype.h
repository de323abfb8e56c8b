/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/**
 * PareDataType:
 *
 * Element types, numbered as TensorProto.DataType of the ONNX specification.
 */
typedef enum
{
  PARE_UNDEFINED = 0,
  PARE_FLOAT32 = 1,
  PARE_UINT8 = 2,
  PARE_INT8 = 3,
  PARE_UINT16 = 4,
  PARE_INT16 = 5,
  PARE_INT32 = 6,
  PARE_INT64 = 7,
  PARE_STRING = 8,
  PARE_BOOL = 9,
  PARE_FLOAT16 = 10,
  PARE_FLOAT64 = 11,
  PARE_UINT32 = 12,
  PARE_UINT64 = 13,
  PARE_COMPLEX64 = 14,
  PARE_COMPLEX128 = 15,
  PARE_BFLOAT16 = 16,
  PARE_FLOAT8E4M3FN = 17,
  PARE_FLOAT8E4M3FNUZ = 18,
  PARE_FLOAT8E5M2 = 19,
  PARE_FLOAT8E5M2FNUZ = 20,
  PARE_UINT4 = 21,
  PARE_INT4 = 22,
  PARE_DATA_TYPES,
  PARE_SEQUENCE = 64, /* no type of elements: a list of tensors */
  PARE_ABSENT = 65,   /* an optional without a value; one with a value is that value */
} PareDataType;

/* Lower-case name as NumPy and NNStreamer spell it ("float32"), or "undefined". */
const char *pare_data_type_name (PareDataType type);

/* The type of that name, or PARE_UNDEFINED. */
PareDataType pare_data_type_from_name (const char *name);

/* Bits of one element in memory; 0 for strings and unknown types, 4 for the packed ones. */
guint pare_data_type_bits (PareDataType type);

gboolean pare_data_type_is_float (PareDataType type);

/* Lowest and highest value of an integer type of at most 32 bits. */
void pare_data_type_limits (PareDataType type, gint64 *lowest, gint64 *highest);

G_END_DECLS
