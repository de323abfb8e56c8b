/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Walks over weights with the scales of their numbers. */
#include "quantize/granularity.h"

static gint64
groups_of (const PareGranularity *granularity, const PareShape *weight)
{
  return (weight->dims[granularity->axis] + granularity->group_size - 1) / granularity->group_size;
}

PareShape
pare_granularity_scales (const PareGranularity *granularity, const PareShape *weight)
{
  PareShape shape = *weight;

  if (granularity->axis < 0)
    return (PareShape){ 0 };
  if (granularity->group_size == 0)
    return pare_shape (1, &weight->dims[granularity->axis]);
  shape.dims[granularity->axis] = groups_of (granularity, weight);
  return shape;
}

gint64
pare_granularity_index (const PareGranularity *granularity, const PareShape *weight, gint64 index)
{
  guint axis = MAX (granularity->axis, 0);
  gint64 inner, size, i;

  if (granularity->axis < 0)
    return 0;
  inner = pare_shape_span (weight, axis + 1, weight->rank);
  size = weight->dims[axis];
  i = index / inner % size;
  if (!granularity->group_size)
    return i;
  return (index / inner / size * groups_of (granularity, weight) + i / granularity->group_size) * inner + index % inner;
}

void
pare_granularity_walk (const PareGranularity *granularity, const PareShape *weight, PareGranularityRow row,
                       gpointer user_data)
{
  guint axis = MAX (granularity->axis, 0);
  gint64 outer, size, inner, groups;

  if (granularity->axis < 0)
    {
      row (0, pare_shape_elements (weight), 0, 0, user_data);
      return;
    }
  outer = pare_shape_span (weight, 0, axis);
  size = weight->dims[axis];
  inner = pare_shape_span (weight, axis + 1, weight->rank);
  groups = granularity->group_size ? groups_of (granularity, weight) : 0;
  for (gint64 o = 0; o < outer; o++)
    for (gint64 i = 0; i < size; i++)
      {
        gint64 offset = (o * size + i) * inner;
        if (granularity->group_size)
          row (offset, inner, (o * groups + i / granularity->group_size) * inner, 1, user_data);
        else
          row (offset, inner, i, 0, user_data);
      }
}
