/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What every kind of input needs for its result: numbers to normalize with, and memory. */
#include "data/wire.h"
#include "gsttensorizer.h"

static float
value_of (const GArray *values, guint channel)
{
  return g_array_index (values, float, values->len == 1 ? 0 : channel);
}

PareChannel *
tensorizer_new_channels (GstTensorizer *self, guint n, double automatic, GError **error)
{
  const struct
  {
    const char *name;
    const GArray *values;
  } lists[] = { { "mean", self->mean }, { "std", self->std } };
  PareChannel *channels;

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    if (lists[i].values->len != 1 && lists[i].values->len != n)
      {
        g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                     "The %s has %u values and the data has %u channel%s; give one value, or one for each channel.",
                     lists[i].name, lists[i].values->len, n, n == 1 ? "" : "s");
        return NULL;
      }
  channels = g_new (PareChannel, MAX (n, 1));
  for (guint c = 0; c < n; c++)
    channels[c]
        = (PareChannel){ self->scale < 0 ? automatic : self->scale, value_of (self->mean, c), value_of (self->std, c) };
  return channels;
}

float *
tensorizer_append (GstBuffer *buffer, const PareSpec *spec, gboolean flexible, GstMemory **memory, GstMapInfo *map)
{
  gsize header = flexible ? PARE_WIRE_HEADER : 0;

  *memory = gst_allocator_alloc (NULL, header + sizeof (float) * pare_shape_elements (&spec->shape), NULL);
  gst_memory_map (*memory, map, GST_MAP_WRITE);
  if (flexible)
    pare_wire_write_header (spec, map->data);
  gst_buffer_append_memory (buffer, *memory);
  return (float *)(map->data + header);
}
