/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Shapes: sizes outermost first, row-major strides, NumPy broadcasting. */
#include "graph/shape.h"
#include <stdarg.h>
#include <string.h>

PareShape
pare_shape (guint rank, const gint64 *dims)
{
  PareShape shape = { .rank = rank };

  g_assert (rank <= PARE_MAX_RANK);
  if (rank)
    memcpy (shape.dims, dims, rank * sizeof *dims);
  return shape;
}

PareShape
pare_shape_of (guint rank, ...)
{
  PareShape shape = { .rank = rank };
  va_list dims;

  g_assert (rank <= PARE_MAX_RANK);
  va_start (dims, rank);
  for (guint i = 0; i < rank; i++)
    shape.dims[i] = va_arg (dims, int);
  va_end (dims);
  return shape;
}

gboolean
pare_shape_equal (const PareShape *a, const PareShape *b)
{
  return a->rank == b->rank && memcmp (a->dims, b->dims, a->rank * sizeof *a->dims) == 0;
}

gboolean
pare_shape_is_fixed (const PareShape *shape)
{
  for (guint i = 0; i < shape->rank; i++)
    if (shape->dims[i] < 0)
      return FALSE;
  return TRUE;
}

gint64
pare_shape_elements (const PareShape *shape)
{
  gint64 elements = 1;

  if (!pare_shape_is_fixed (shape))
    return -1;
  for (guint i = 0; i < shape->rank; i++)
    if (shape->dims[i] == 0)
      return 0;
  for (guint i = 0; i < shape->rank; i++)
    if (__builtin_mul_overflow (elements, shape->dims[i], &elements))
      return -1;
  return elements;
}

gint64
pare_shape_span (const PareShape *shape, guint from, guint to)
{
  gint64 span = 1;

  for (guint i = from; i < to; i++)
    span *= shape->dims[i];
  return span;
}

void
pare_shape_strides (const PareShape *shape, gint64 strides[PARE_MAX_RANK])
{
  gint64 stride = 1;

  for (guint i = shape->rank; i-- > 0;)
    {
      strides[i] = stride;
      stride *= shape->dims[i];
    }
}

gboolean
pare_shape_broadcast (const PareShape *a, const PareShape *b, PareShape *result)
{
  PareShape wide = { .rank = MAX (a->rank, b->rank) };

  for (guint i = 0; i < wide.rank; i++)
    {
      gint64 x = i + a->rank < wide.rank ? 1 : a->dims[i + a->rank - wide.rank];
      gint64 y = i + b->rank < wide.rank ? 1 : b->dims[i + b->rank - wide.rank];
      if (x != y && x != 1 && y != 1)
        return FALSE;
      wide.dims[i] = x == 1 ? y : x;
    }
  *result = wide;
  return TRUE;
}

gboolean
pare_axis_normalize (gint64 axis, guint rank, guint *normalized)
{
  if (axis < -(gint64)rank || axis >= (gint64)rank)
    return FALSE;
  *normalized = axis < 0 ? axis + rank : axis;
  return TRUE;
}

char *
pare_shape_to_string (const PareShape *shape)
{
  GString *text = g_string_new ("[");

  for (guint i = 0; i < shape->rank; i++)
    {
      if (i)
        g_string_append_c (text, ',');
      if (shape->dims[i] < 0)
        g_string_append_c (text, '?');
      else
        g_string_append_printf (text, "%" G_GINT64_FORMAT, shape->dims[i]);
    }
  g_string_append_c (text, ']');
  return g_string_free (text, FALSE);
}
