/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Row functions of two inputs x and z for every numeric type, from one expression. Private to the operators. */
#pragma once
#include "ops/broadcast.h"
#include "ops/vector.h"

/* Each operand is a row or one element; the three cases are three loops that vectorise. */
#define PARE_ROW(prefix, function, type, out, expression)                                                              \
  static prefix void function (gint64 n, const gconstpointer *inputs, const gint64 *steps, gpointer output)            \
  {                                                                                                                    \
    const type *a = inputs[0], *b = inputs[1];                                                                         \
    out *y = output;                                                                                                   \
    if (steps[0] && steps[1])                                                                                          \
      {                                                                                                                \
        PARE_INDEPENDENT for (gint64 i = 0; i < n; i++)                                                                \
        {                                                                                                              \
          G_GNUC_UNUSED const type x = a[i], z = b[i];                                                                 \
          y[i] = (out)(expression);                                                                                    \
        }                                                                                                              \
      }                                                                                                                \
    else if (steps[1])                                                                                                 \
      {                                                                                                                \
        G_GNUC_UNUSED const type x = *a;                                                                               \
        PARE_INDEPENDENT for (gint64 i = 0; i < n; i++)                                                                \
        {                                                                                                              \
          G_GNUC_UNUSED const type z = b[i];                                                                           \
          y[i] = (out)(expression);                                                                                    \
        }                                                                                                              \
      }                                                                                                                \
    else                                                                                                               \
      {                                                                                                                \
        G_GNUC_UNUSED const type z = *b;                                                                               \
        PARE_INDEPENDENT for (gint64 i = 0; i < n; i++)                                                                \
        {                                                                                                              \
          const type x = a[i * steps[0]];                                                                              \
          y[i] = (out)(expression);                                                                                    \
        }                                                                                                              \
      }                                                                                                                \
  }

/* Results of the operands' type. */
#define PARE_FLOAT_ROWS(op, expression)                                                                                \
  PARE_ROW (PARE_VECTOR, op##_f32, float, float, expression)                                                           \
  PARE_ROW (, op##_f64, double, double, expression)
#define PARE_INTEGER_ROWS(op, signed_expression, unsigned_expression)                                                  \
  PARE_ROW (, op##_u8, guint8, guint8, unsigned_expression)                                                            \
  PARE_ROW (, op##_i8, gint8, gint8, signed_expression)                                                                \
  PARE_ROW (, op##_u16, guint16, guint16, unsigned_expression)                                                         \
  PARE_ROW (, op##_i16, gint16, gint16, signed_expression)                                                             \
  PARE_ROW (, op##_u32, guint32, guint32, unsigned_expression)                                                         \
  PARE_ROW (, op##_i32, gint32, gint32, signed_expression)                                                             \
  PARE_ROW (, op##_u64, guint64, guint64, unsigned_expression)                                                         \
  PARE_ROW (, op##_i64, gint64, gint64, signed_expression)

/* Results that are bool. */
#define PARE_TRUTH_ROWS(op, expression)                                                                                \
  PARE_ROW (PARE_VECTOR, op##_f32, float, guint8, expression)                                                          \
  PARE_ROW (, op##_f64, double, guint8, expression)                                                                    \
  PARE_ROW (, op##_u8, guint8, guint8, expression)                                                                     \
  PARE_ROW (, op##_i8, gint8, guint8, expression)                                                                      \
  PARE_ROW (, op##_u16, guint16, guint8, expression)                                                                   \
  PARE_ROW (, op##_i16, gint16, guint8, expression)                                                                    \
  PARE_ROW (, op##_u32, guint32, guint8, expression)                                                                   \
  PARE_ROW (, op##_i32, gint32, guint8, expression)                                                                    \
  PARE_ROW (, op##_u64, guint64, guint8, expression)                                                                   \
  PARE_ROW (, op##_i64, gint64, guint8, expression)

/* Initialisers of a table by type. */
#define PARE_INTEGER_TABLE(op)                                                                                         \
  [PARE_UINT8] = op##_u8, [PARE_INT8] = op##_i8, [PARE_UINT16] = op##_u16, [PARE_INT16] = op##_i16,                    \
  [PARE_UINT32] = op##_u32, [PARE_INT32] = op##_i32, [PARE_UINT64] = op##_u64, [PARE_INT64] = op##_i64
#define PARE_NUMBER_TABLE(op) [PARE_FLOAT32] = op##_f32, [PARE_FLOAT64] = op##_f64, PARE_INTEGER_TABLE (op)
