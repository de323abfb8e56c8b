/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Element types: one table, every question a lookup. */
#include "graph/datatype.h"
#include <string.h>

static const struct
{
  const char *name;
  guint bits;
  gboolean is_float;
  gboolean is_signed;
} types[PARE_DATA_TYPES] = {
  [PARE_UNDEFINED] = { "undefined", 0, FALSE, FALSE },
  [PARE_FLOAT32] = { "float32", 32, TRUE, TRUE },
  [PARE_UINT8] = { "uint8", 8, FALSE, FALSE },
  [PARE_INT8] = { "int8", 8, FALSE, TRUE },
  [PARE_UINT16] = { "uint16", 16, FALSE, FALSE },
  [PARE_INT16] = { "int16", 16, FALSE, TRUE },
  [PARE_INT32] = { "int32", 32, FALSE, TRUE },
  [PARE_INT64] = { "int64", 64, FALSE, TRUE },
  [PARE_STRING] = { "string", 0, FALSE, FALSE },
  [PARE_BOOL] = { "bool", 8, FALSE, FALSE },
  [PARE_FLOAT16] = { "float16", 16, TRUE, TRUE },
  [PARE_FLOAT64] = { "float64", 64, TRUE, TRUE },
  [PARE_UINT32] = { "uint32", 32, FALSE, FALSE },
  [PARE_UINT64] = { "uint64", 64, FALSE, FALSE },
  [PARE_COMPLEX64] = { "complex64", 64, FALSE, TRUE },
  [PARE_COMPLEX128] = { "complex128", 128, FALSE, TRUE },
  [PARE_BFLOAT16] = { "bfloat16", 16, TRUE, TRUE },
  [PARE_FLOAT8E4M3FN] = { "float8e4m3fn", 8, TRUE, TRUE },
  [PARE_FLOAT8E4M3FNUZ] = { "float8e4m3fnuz", 8, TRUE, TRUE },
  [PARE_FLOAT8E5M2] = { "float8e5m2", 8, TRUE, TRUE },
  [PARE_FLOAT8E5M2FNUZ] = { "float8e5m2fnuz", 8, TRUE, TRUE },
  [PARE_UINT4] = { "uint4", 4, FALSE, FALSE },
  [PARE_INT4] = { "int4", 4, FALSE, TRUE },
};

static gboolean
known (PareDataType type)
{
  return (guint)type < PARE_DATA_TYPES;
}

const char *
pare_data_type_name (PareDataType type)
{
  if (known (type))
    return types[type].name;
  return type == PARE_SEQUENCE ? "a sequence" : type == PARE_ABSENT ? "an empty optional" : types[PARE_UNDEFINED].name;
}

PareDataType
pare_data_type_from_name (const char *name)
{
  for (guint i = 1; i < PARE_DATA_TYPES; i++)
    if (strcmp (types[i].name, name) == 0)
      return (PareDataType)i;
  return PARE_UNDEFINED;
}

guint
pare_data_type_bits (PareDataType type)
{
  return known (type) ? types[type].bits : 0;
}

gboolean
pare_data_type_is_float (PareDataType type)
{
  return known (type) && types[type].is_float;
}

void
pare_data_type_limits (PareDataType type, gint64 *lowest, gint64 *highest)
{
  guint bits = pare_data_type_bits (type);

  g_assert (bits > 0 && bits <= 32 && !types[type].is_float);
  *lowest = types[type].is_signed ? -(G_GINT64_CONSTANT (1) << (bits - 1)) : 0;
  *highest = (G_GINT64_CONSTANT (1) << (bits - types[type].is_signed)) - 1;
}
