/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Exchanges channels of a dependency group for as long as more energy survives the n:m pattern of the layers that read
 * them, and then reorders every constant that has to do with them. */
#include "sparsify/permute.h"
#include "sparsify/channels-private.h"
#include "graph/pattern.h"
#include <string.h>

#define STAGE "graphsparsifier"

/* An exchange has to save more than this share of the energy. */
#define LEAST_GAIN 1e-6
#define MOST_ROUNDS 20

/* A layer that reads the channels: its weights' squares, [rows][@width], by their place along the axis of inputs. */
typedef struct
{
  gint64 rows, width;
  float *squares;
  gint64 *places; /* of each channel of the group */
} Reader;

typedef struct
{
  const PareChannelGroups *groups;
  const PareChannelGroup *group;
  guint n, m;
  GArray *readers; /* of Reader */
  guint *order;    /* channel whose numbers are at each channel's place now */
} Search;

static void
reader_clear (gpointer data)
{
  Reader *reader = data;

  g_free (reader->squares);
  g_free (reader->places);
}

/* Whether @channels holds each channel of the group as often as any other; @times receives how often. */
static gboolean
is_whole (const PareChannelGroup *group, guint n, const guint *channels, guint *times)
{
  g_autofree guint *counts = g_new0 (guint, group->n);

  for (guint i = 0; i < n; i++)
    if (channels[i] >= group->first && channels[i] - group->first < group->n)
      counts[channels[i] - group->first]++;
  for (guint c = 1; c < group->n; c++)
    if (counts[c] != counts[0])
      return FALSE;
  *times = counts[0];
  return TRUE;
}

/* The constant of a slice, when the slices of this group are all that reads it. */
static PareValue *
own_constant (const PareChannelGroup *group, const PareChannelSlice *slice)
{
  PareValue *value = pare_node_input (slice->node, slice->input);

  if (slice->folded || !value->constant || value->consumers->len != 1 || value->sparsity.mode != PARE_SPARSITY_NONE)
    return NULL;
  return value;
}

/* Why the channels of @group have to stay where they are, or NULL. */
static const char *
reason_against (const PareChannelGroups *groups, const PareChannelGroup *group)
{
  guint times;

  if (group->reason)
    return group->reason;
  for (guint i = 0; i < groups->extents->len; i++)
    {
      const PareChannelExtent *extent = groups->extents->pdata[i];
      if (!is_whole (group, extent->n, extent->channels, &times))
        return "its channels go separate ways";
    }
  for (guint i = 0; i < group->slices->len; i++)
    {
      const PareChannelSlice *slice = group->slices->pdata[i];
      if (!is_whole (group, slice->n, slice->channels, &times))
        return "its channels go separate ways";
      if (!own_constant (group, slice))
        return "a constant of its channels is shared, computed or sparse already";
    }
  return NULL;
}

/* The numbers along @axis, one line after another. */
static void
read_squares (const PareTensor *tensor, guint axis, Reader *reader)
{
  const float *data = pare_tensor_data (tensor);
  gint64 inner = pare_shape_span (&tensor->shape, axis + 1, tensor->shape.rank);

  reader->width = tensor->shape.dims[axis];
  reader->rows = pare_tensor_elements (tensor) / reader->width;
  reader->squares = g_new (float, reader->rows * reader->width);
  for (gint64 r = 0; r < reader->rows; r++)
    for (gint64 i = 0; i < reader->width; i++)
      {
        float w = data[(r / inner * reader->width + i) * inner + r % inner];
        reader->squares[r * reader->width + i] = w * w;
      }
}

/* Layers in which a channel is one input, and whose inputs are masked in groups. */
static void
find_readers (Search *search)
{
  const PareChannelGroup *group = search->group;

  for (guint i = 0; i < group->slices->len; i++)
    {
      const PareChannelSlice *slice = group->slices->pdata[i];
      const PareTensor *tensor = own_constant (group, slice)->constant;
      Reader reader = { 0 };
      guint times;
      if (slice->role != PARE_CHANNELS_CONSUMED || tensor->type != PARE_FLOAT32 || slice->n <= search->n
          || !is_whole (group, slice->n, slice->channels, &times) || times != 1)
        continue;
      read_squares (tensor, slice->axis, &reader);
      reader.places = g_new (gint64, group->n);
      for (guint k = 0; k < slice->n; k++)
        {
          gint channel = pare_channel_group_channel (group, slice, k);
          if (channel >= 0)
            reader.places[channel] = k;
        }
      g_array_append_val (search->readers, reader);
    }
}

/* The energy that stays in the group of inputs around @place, when input @out is replaced by what is at @in. */
static double
kept_energy (const Search *search, const Reader *reader, gint64 place, gint64 out, gint64 in)
{
  gint64 first = place / search->m * search->m, width = MIN (search->m, reader->width - first);
  float squares[PARE_PATTERN_MOST];
  double kept = 0;

  for (gint64 r = 0; r < reader->rows; r++)
    {
      const float *row = reader->squares + r * reader->width;
      for (gint64 i = 0; i < width; i++)
        {
          /* The highest first, as far as they stay. */
          float square = row[first + i == out ? in : first + i];
          gint64 at = MIN (i, search->n);
          for (; at > 0 && squares[at - 1] < square; at--)
            squares[at] = squares[at - 1];
          squares[at] = square;
        }
      for (gint64 i = 0; i < MIN (search->n, width); i++)
        kept += squares[i];
    }
  return kept;
}

static double
total_energy (const Search *search)
{
  double kept = 0;

  for (guint k = 0; k < search->readers->len; k++)
    {
      const Reader *reader = &g_array_index (search->readers, Reader, k);
      for (gint64 place = 0; place < reader->width; place += search->m)
        kept += kept_energy (search, reader, place, -1, -1);
    }
  return kept;
}

/* What an exchange of two channels saves. */
static double
gain (const Search *search, guint a, guint b)
{
  double sum = 0;

  for (guint k = 0; k < search->readers->len; k++)
    {
      const Reader *reader = &g_array_index (search->readers, Reader, k);
      gint64 p = reader->places[a], q = reader->places[b];
      if (p / search->m != q / search->m)
        sum += kept_energy (search, reader, p, p, q) + kept_energy (search, reader, q, q, p)
               - kept_energy (search, reader, p, -1, -1) - kept_energy (search, reader, q, -1, -1);
    }
  return sum;
}

static void
exchange (Search *search, guint a, guint b)
{
  guint kept = search->order[a];

  search->order[a] = search->order[b];
  search->order[b] = kept;
  for (guint k = 0; k < search->readers->len; k++)
    {
      const Reader *reader = &g_array_index (search->readers, Reader, k);
      for (gint64 r = 0; r < reader->rows; r++)
        {
          float *row = reader->squares + r * reader->width, square = row[reader->places[a]];
          row[reader->places[a]] = row[reader->places[b]];
          row[reader->places[b]] = square;
        }
    }
}

/* The best partner for every channel in turn, until nobody finds one. */
static void
find_order (Search *search)
{
  double least = LEAST_GAIN * total_energy (search);
  gboolean changed = TRUE;

  for (guint round = 0; changed && round < MOST_ROUNDS; round++)
    {
      changed = FALSE;
      for (guint a = 0; a < search->group->n; a++)
        {
          double most = least;
          guint best = a;
          for (guint b = 0; b < search->group->n; b++)
            {
              double saved = b == a ? 0 : gain (search, a, b);
              if (saved > most)
                {
                  most = saved;
                  best = b;
                }
            }
          if (best != a)
            exchange (search, a, best);
          changed |= best != a;
        }
    }
}

/* Index of the axis that each index takes its numbers from: the same occurrence of the channel that comes here. */
static gint64 *
sources (const Search *search, const PareChannelSlice *slice)
{
  const PareChannelGroup *group = search->group;
  gint64 *from = g_new (gint64, slice->n);
  g_autofree guint *seen = g_new0 (guint, group->n);
  g_autoptr (GPtrArray) places = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);

  for (guint c = 0; c < group->n; c++)
    g_ptr_array_add (places, g_array_new (FALSE, FALSE, sizeof (gint64)));
  for (gint64 i = 0; i < slice->n; i++)
    {
      gint channel = pare_channel_group_channel (group, slice, i);
      if (channel >= 0)
        g_array_append_val ((GArray *)places->pdata[channel], i);
    }
  for (gint64 i = 0; i < slice->n; i++)
    {
      gint channel = pare_channel_group_channel (group, slice, i);
      from[i]
          = channel < 0 ? i : g_array_index ((GArray *)places->pdata[search->order[channel]], gint64, seen[channel]++);
    }
  return from;
}

static void
reorder (const Search *search, const PareChannelSlice *slice)
{
  PareValue *value = own_constant (search->group, slice);
  const PareTensor *old = value->constant;
  g_autofree gint64 *from = sources (search, slice);
  gint64 outer = pare_shape_span (&old->shape, 0, slice->axis);
  gsize line = pare_tensor_size (old) / (outer * slice->n);
  const char *source = pare_tensor_data (old);
  char *target = g_malloc (pare_tensor_size (old));
  g_autoptr (PareTensor) tensor = pare_tensor_new_take (old->type, &old->shape, target);

  for (gint64 o = 0; o < outer; o++)
    for (gint64 i = 0; i < slice->n; i++)
      memcpy (target + (o * slice->n + i) * line, source + (o * slice->n + from[i]) * line, line);
  pare_value_set_constant (value, tensor);
}

static void
permute_group (Search *search, PareRecord *record)
{
  const PareChannelGroup *group = search->group;
  double before, after;

  find_readers (search);
  if (!search->readers->len)
    return;
  before = total_energy (search);
  find_order (search);
  after = total_energy (search);
  for (guint i = 0; after > before && i < group->slices->len; i++)
    reorder (search, group->slices->pdata[i]);
  pare_record_add (record, STAGE, group->name, after > before ? "permuted" : "not permuted",
                   after > before ? NULL : "no exchange of two channels keeps more", "channels", (double)group->n,
                   "energy kept before", before, "energy kept after", after, NULL);
}

gboolean
pare_graph_permute_channels (PareGraph *graph, const GArray *specs, guint n, guint m, GError **error)
{
  g_autoptr (PareChannelGroups) groups = pare_channel_groups_new (graph, specs, error);

  if (!groups)
    g_prefix_error (error, "Channels cannot be brought into another order (permute=false leaves them alone): ");
  for (guint i = 0; groups && i < pare_channel_groups_length (groups); i++)
    {
      const PareChannelGroup *group = pare_channel_groups_get (groups, i);
      const char *reason = reason_against (groups, group);
      g_autoptr (GArray) readers = g_array_new (FALSE, FALSE, sizeof (Reader));
      g_autofree guint *order = g_new (guint, group->n);
      Search search = { groups, group, n, m, readers, order };
      g_array_set_clear_func (readers, reader_clear);
      for (guint c = 0; c < group->n; c++)
        order[c] = c;
      if (reason)
        pare_record_add (graph->record, STAGE, group->name, "not permuted", reason, NULL);
      else
        permute_group (&search, graph->record);
    }
  return groups != NULL;
}
