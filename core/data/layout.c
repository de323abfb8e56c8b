/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Channel axes: moves them before or behind the spatial axes, normalizing on the way. */
#include "data/layout.h"

PareLayoutChange
pare_layout_change (const PareShape *shape, PareLayout from, PareLayout to)
{
  PareLayoutChange change = { from, to, 1, 1, 1, *shape };
  guint rank = shape->rank, first = rank > 3 ? 1 : 0; /* axis behind the batch */
  guint axis = from == PARE_LAYOUT_NCHW ? first : rank - 1;

  if (rank < 3)
    {
      change.spatial = pare_shape_elements (shape);
      return change;
    }
  change.batch = first ? shape->dims[0] : 1;
  change.channels = shape->dims[axis];
  change.spatial = pare_shape_span (shape, first, rank) / MAX (change.channels, 1);
  if (from != to)
    {
      guint spatial = from == PARE_LAYOUT_NCHW ? first + 1 : first;
      for (guint i = 0; i < rank - first - 1; i++)
        change.shape.dims[(to == PARE_LAYOUT_NCHW ? first + 1 : first) + i] = shape->dims[spatial + i];
      change.shape.dims[to == PARE_LAYOUT_NCHW ? first : rank - 1] = change.channels;
    }
  return change;
}

/* Where channel @c of image @n begins, and how far its elements are apart. */
static ParePlane
plane_of (const PareLayoutChange *change, PareLayout layout, gpointer data, gsize size, gint64 n, gint64 c)
{
  gint64 image = n * change->channels * change->spatial;
  gint64 offset = image + (layout == PARE_LAYOUT_NCHW ? c * change->spatial : c);

  return (ParePlane){ (guint8 *)data + offset * size, 0, layout == PARE_LAYOUT_NCHW ? 1 : change->channels };
}

gboolean
pare_layout_normalize (const PareLayoutChange *change, PareDataType type, gconstpointer from, float *to,
                       const PareChannel *channels)
{
  gsize size = pare_data_type_bits (type) / 8;

  for (gint64 n = 0; n < change->batch; n++)
    for (gint64 c = 0; c < change->channels; c++)
      {
        ParePlane source = plane_of (change, change->from, (gpointer)from, size, n, c);
        ParePlane target = plane_of (change, change->to, to, sizeof (float), n, c);
        if (!pare_normalize_plane (type, &source, &target, 1, change->spatial, &channels[c]))
          return FALSE;
      }
  return TRUE;
}
