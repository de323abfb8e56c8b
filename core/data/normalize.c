/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Normalization of channels: (x * scale - mean) / std, from any number type and any interleaving to float. */
#include "data/normalize.h"
#include <math.h>

GArray *
pare_channel_values_parse (const char *text, const char *property, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text, ",", -1);
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (float));

  for (guint i = 0; words[i]; i++)
    {
      char *end;
      float value = g_ascii_strtod (g_strstrip (words[i]), &end);
      if (end == words[i] || *end || !isfinite (value))
        {
          g_set_error (
              error, PARE_ERROR, PARE_ERROR_SETTINGS,
              "The %s '%s' is no list of numbers; write one, or one for each channel, as in 0.485,0.456,0.406.",
              property, text);
          return NULL;
        }
      g_array_append_val (values, value);
    }
  if (values->len == 0)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "The %s is empty; write one number, or one for each channel.", property);
      return NULL;
    }
  return g_steal_pointer (&values);
}

/* One row. Inlined with a constant @step for the interleavings that matter, so that the compiler vectorizes it. */
#define DEFINE_ROW(name, type)                                                                                         \
  static inline __attribute__ ((always_inline)) void name##_step (const type *from, gsize from_step, float *to,        \
                                                                  gsize to_step, gsize n, const PareChannel *channel)  \
  {                                                                                                                    \
    const float scale = channel->scale, mean = channel->mean, std = channel->std;                                      \
    for (gsize i = 0; i < n; i++)                                                                                      \
      to[i * to_step] = ((float)from[i * from_step] * scale - mean) / std;                                             \
  }                                                                                                                    \
  static void name (const void *from, gsize from_step, float *to, gsize to_step, gsize n, const PareChannel *channel)  \
  {                                                                                                                    \
    if (to_step == 1 && from_step == 1)                                                                                \
      name##_step (from, 1, to, 1, n, channel);                                                                        \
    else if (to_step == 1 && from_step == 3)                                                                           \
      name##_step (from, 3, to, 1, n, channel);                                                                        \
    else if (to_step == 1 && from_step == 4)                                                                           \
      name##_step (from, 4, to, 1, n, channel);                                                                        \
    else                                                                                                               \
      name##_step (from, from_step, to, to_step, n, channel);                                                          \
  }

DEFINE_ROW (row_uint8, guint8)
DEFINE_ROW (row_int8, gint8)
DEFINE_ROW (row_uint16, guint16)
DEFINE_ROW (row_int16, gint16)
DEFINE_ROW (row_uint32, guint32)
DEFINE_ROW (row_int32, gint32)
DEFINE_ROW (row_uint64, guint64)
DEFINE_ROW (row_int64, gint64)
DEFINE_ROW (row_float, float)
DEFINE_ROW (row_double, double)

typedef void (*RowFunc) (const void *from, gsize from_step, float *to, gsize to_step, gsize n,
                         const PareChannel *channel);

static const RowFunc rows_of[PARE_DATA_TYPES] = {
  [PARE_UINT8] = row_uint8,   [PARE_INT8] = row_int8,      [PARE_UINT16] = row_uint16, [PARE_INT16] = row_int16,
  [PARE_UINT32] = row_uint32, [PARE_INT32] = row_int32,    [PARE_UINT64] = row_uint64, [PARE_INT64] = row_int64,
  [PARE_FLOAT32] = row_float, [PARE_FLOAT64] = row_double,
};

gboolean
pare_normalize_plane (PareDataType type, const ParePlane *from, const ParePlane *to, gsize rows, gsize columns,
                      const PareChannel *channel)
{
  RowFunc row = (guint)type < PARE_DATA_TYPES ? rows_of[type] : NULL;

  if (!row)
    return FALSE;
  for (gsize y = 0; y < rows; y++)
    row ((const guint8 *)from->data + y * from->row, from->step, (float *)((guint8 *)to->data + y * to->row), to->step,
         columns, channel);
  return TRUE;
}
