/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Integers of 4 bits, two in a byte. */
#include "graph/packed.h"
#include <math.h>

gboolean
pare_data_type_is_packed (PareDataType type)
{
  return type == PARE_INT4 || type == PARE_UINT4;
}

PareDataType
pare_data_type_unpacked (PareDataType packed)
{
  return packed == PARE_INT4 ? PARE_INT8 : packed == PARE_UINT4 ? PARE_UINT8 : packed;
}

/* Whole bytes first, so that the loop has no branch; then half a byte. */
#define UNPACK(name, type, target_type, low, high)                                                                     \
  static void name (const guint8 *restrict x, target_type *restrict y, gint64 n)                                       \
  {                                                                                                                    \
    for (gint64 i = 0; i < n / 2; i++)                                                                                 \
      {                                                                                                                \
        y[2 * i] = (type)(low);                                                                                        \
        y[2 * i + 1] = (type)(high);                                                                                   \
      }                                                                                                                \
    if (n % 2)                                                                                                         \
      {                                                                                                                \
        gint64 i = n / 2;                                                                                              \
        y[n - 1] = (type)(low);                                                                                        \
      }                                                                                                                \
  }
#define SIGNED_LOW (gint8) (x[i] << 4) >> 4
#define SIGNED_HIGH (gint8) x[i] >> 4
#define LOW x[i] & 15
#define HIGH x[i] >> 4
UNPACK (unpack_signed, gint8, gint8, SIGNED_LOW, SIGNED_HIGH)
UNPACK (unpack_unsigned, guint8, guint8, LOW, HIGH)
UNPACK (float_of_signed, gint8, float, SIGNED_LOW, SIGNED_HIGH)
UNPACK (float_of_unsigned, guint8, float, LOW, HIGH)

void
pare_unpack (PareDataType packed, gconstpointer source, gpointer target, gint64 n)
{
  if (packed == PARE_INT4)
    unpack_signed (source, target, n);
  else
    unpack_unsigned (source, target, n);
}

void
pare_pack (gconstpointer source, gpointer target, gint64 n)
{
  const guint8 *restrict x = source;
  guint8 *restrict y = target;

  for (gint64 i = 0; i < n / 2; i++)
    y[i] = (x[2 * i] & 15) | x[2 * i + 1] << 4;
  if (n % 2)
    y[n / 2] = x[n - 1] & 15;
}

void
pare_int4_to_float (gconstpointer source, gpointer target, gint64 n)
{
  float_of_signed (source, target, n);
}

void
pare_uint4_to_float (gconstpointer source, gpointer target, gint64 n)
{
  float_of_unsigned (source, target, n);
}

static void
float_to_packed (const float *x, guint8 *y, gint64 n, float low, float high)
{
  gint8 block[256];

  for (gint64 i = 0; i < n; i += G_N_ELEMENTS (block))
    {
      gint64 length = MIN (n - i, (gint64)G_N_ELEMENTS (block));
      for (gint64 k = 0; k < length; k++)
        {
          float value = x[i + k] == x[i + k] ? x[i + k] : 0;
          block[k] = (gint8)rintf (CLAMP (value, low, high));
        }
      pare_pack (block, y + i / 2, length);
    }
}

void
pare_float_to_int4 (gconstpointer source, gpointer target, gint64 n)
{
  float_to_packed (source, target, n, -8, 7);
}

void
pare_float_to_uint4 (gconstpointer source, gpointer target, gint64 n)
{
  float_to_packed (source, target, n, 0, 15);
}
