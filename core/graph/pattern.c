/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Patterns of n:m sparsity: reading, drawing and recognising them. */
#include "graph/pattern.h"
#include "graph/error.h"

gboolean
pare_pattern_parse (const char *text, guint *n, guint *m, GError **error)
{
  g_auto (GStrv) sides = g_strsplit (text ? text : "", ":", -1);
  guint64 kept, all;

  if (g_strv_length (sides) != 2 || !g_ascii_string_to_unsigned (sides[0], 10, 0, G_MAXUINT, &kept, NULL)
      || !g_ascii_string_to_unsigned (sides[1], 10, 0, G_MAXUINT, &all, NULL))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "'%s' is no pattern: write n:m, such as 2:4, or filter.",
                   text ? text : "");
      return FALSE;
    }
  if (kept < 1 || kept >= all || all > PARE_PATTERN_MOST)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "The pattern %s keeps %s: write n:m with n from 1 to below m, and m up to %u, such as 2:4.", text,
                   kept < 1      ? "nothing"
                   : kept >= all ? "everything"
                                 : "its order over too many entries",
                   PARE_PATTERN_MOST);
      return FALSE;
    }
  *n = kept;
  *m = all;
  return TRUE;
}

/* A tensor as lines along an axis: entry i of line (o, k) is at (o length + i) inner + k. */
typedef struct
{
  gint64 outer, length, inner;
} Lines;

static Lines
lines_along (const PareShape *shape, guint axis)
{
  g_assert (axis < shape->rank);
  return (Lines){ pare_shape_span (shape, 0, axis), shape->dims[axis], pare_shape_span (shape, axis + 1, shape->rank) };
}

/* Clears all but the @n highest of @width entries, @stride apart. */
static void
mask_group (const float *scores, gint64 width, gint64 stride, guint n, float *mask)
{
  for (gint64 i = 0; i < width; i++)
    {
      guint higher = 0;
      for (gint64 k = 0; k < width; k++)
        higher += scores[k * stride] > scores[i * stride] || (k < i && scores[k * stride] == scores[i * stride]);
      mask[i * stride] = higher < n;
    }
}

void
pare_pattern_mask (const float *scores, const PareShape *shape, guint axis, guint n, guint m, float *mask)
{
  Lines lines = lines_along (shape, axis);

  for (gint64 o = 0; o < lines.outer; o++)
    for (gint64 i = 0; i < lines.length; i += m)
      for (gint64 k = 0; k < lines.inner; k++)
        {
          gint64 first = (o * lines.length + i) * lines.inner + k;
          mask_group (scores + first, MIN (m, lines.length - i), lines.inner, n, mask + first);
        }
}

/* The most entries that are not @zero in any group of @m. */
static guint
densest_group (const PareTensor *tensor, guint axis, guint m, double zero)
{
  Lines lines = lines_along (&tensor->shape, axis);
  guint densest = 0;

  for (gint64 o = 0; o < lines.outer; o++)
    for (gint64 k = 0; k < lines.inner; k++)
      for (gint64 i = 0; i < lines.length; i += m)
        {
          guint kept = 0;
          for (gint64 j = i; j < MIN (i + m, lines.length); j++)
            kept += pare_tensor_get_double (tensor, (o * lines.length + j) * lines.inner + k) != zero;
          densest = MAX (densest, kept);
        }
  return densest;
}

gboolean
pare_pattern_holds (const PareTensor *tensor, guint axis, guint n, guint m, double zero)
{
  return densest_group (tensor, axis, m, zero) <= n;
}

gboolean
pare_pattern_find (const PareTensor *tensor, guint axis, double zero, guint *n, guint *m)
{
  static const guint sizes[] = { 2, 4, 8, 16 };
  double least = 1;

  if (pare_tensor_elements (tensor) <= 0)
    return FALSE;
  /* Groups that are mostly padding would make any pattern look sparser than it is. */
  for (guint i = 0; i < G_N_ELEMENTS (sizes) && sizes[i] <= MAX (tensor->shape.dims[axis], 4); i++)
    {
      guint size = sizes[i], kept = densest_group (tensor, axis, size, zero);
      /* What a short axis cannot exceed says nothing, nor do zeros alone. */
      if (kept == 0 || (gint64)kept >= MIN (size, tensor->shape.dims[axis]) || (double)kept / size >= least)
        continue;
      least = (double)kept / size;
      *n = kept;
      *m = size;
    }
  return least < 1;
}
