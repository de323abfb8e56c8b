/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Exchanges of two channels, the best one for each channel in turn (after Pool & Yu, Channel Permutations for N:M
 * Sparsity, 2021). */
#include "sparsify/order.h"
#include "graph/pattern.h"

/* An exchange has to save more than this share of the energy. */
#define LEAST_GAIN 1e-6
#define MOST_ROUNDS 20

/* A layer that reads the channels: its weights' squares, [rows][@width], by their place along the axis of inputs. */
typedef struct
{
  gint64 rows, width;
  float *squares;
  gint64 *places; /* of each channel */
} Reader;

static void
reader_clear (gpointer data)
{
  Reader *reader = data;

  g_free (reader->squares);
  g_free (reader->places);
}

void
pare_order_init (PareOrder *order, guint channels, guint n, guint m)
{
  *order = (PareOrder){ .channels = channels,
                        .n = n,
                        .m = m,
                        .readers = g_array_new (FALSE, FALSE, sizeof (Reader)),
                        .order = g_new (guint, channels) };
  g_array_set_clear_func (order->readers, reader_clear);
  for (guint c = 0; c < channels; c++)
    order->order[c] = c;
}

void
pare_order_clear (PareOrder *order)
{
  g_clear_pointer (&order->readers, g_array_unref);
  g_clear_pointer (&order->order, g_free);
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

void
pare_order_add_reader (PareOrder *order, const PareTensor *weight, guint axis, gint64 *places)
{
  Reader reader = { .places = places };

  read_squares (weight, axis, &reader);
  g_array_append_val (order->readers, reader);
}

/* The energy that stays in the group of inputs around @place, when input @out is replaced by what is at @in. */
static double
kept_energy (const PareOrder *order, const Reader *reader, gint64 place, gint64 out, gint64 in)
{
  gint64 first = place / order->m * order->m, width = MIN (order->m, reader->width - first);
  float squares[PARE_PATTERN_MOST];
  double kept = 0;

  for (gint64 r = 0; r < reader->rows; r++)
    {
      const float *row = reader->squares + r * reader->width;
      for (gint64 i = 0; i < width; i++)
        {
          /* The highest first, as far as they stay. */
          float square = row[first + i == out ? in : first + i];
          gint64 at = MIN (i, order->n);
          for (; at > 0 && squares[at - 1] < square; at--)
            squares[at] = squares[at - 1];
          squares[at] = square;
        }
      for (gint64 i = 0; i < MIN (order->n, width); i++)
        kept += squares[i];
    }
  return kept;
}

double
pare_order_energy (const PareOrder *order)
{
  double kept = 0;

  for (guint k = 0; k < order->readers->len; k++)
    {
      const Reader *reader = &g_array_index (order->readers, Reader, k);
      for (gint64 place = 0; place < reader->width; place += order->m)
        kept += kept_energy (order, reader, place, -1, -1);
    }
  return kept;
}

/* What an exchange of two channels saves. */
static double
gain (const PareOrder *order, guint a, guint b)
{
  double sum = 0;

  for (guint k = 0; k < order->readers->len; k++)
    {
      const Reader *reader = &g_array_index (order->readers, Reader, k);
      gint64 p = reader->places[a], q = reader->places[b];
      if (p / order->m != q / order->m)
        sum += kept_energy (order, reader, p, p, q) + kept_energy (order, reader, q, q, p)
               - kept_energy (order, reader, p, -1, -1) - kept_energy (order, reader, q, -1, -1);
    }
  return sum;
}

static void
exchange (PareOrder *order, guint a, guint b)
{
  guint kept = order->order[a];

  order->order[a] = order->order[b];
  order->order[b] = kept;
  for (guint k = 0; k < order->readers->len; k++)
    {
      const Reader *reader = &g_array_index (order->readers, Reader, k);
      for (gint64 r = 0; r < reader->rows; r++)
        {
          float *row = reader->squares + r * reader->width, square = row[reader->places[a]];
          row[reader->places[a]] = row[reader->places[b]];
          row[reader->places[b]] = square;
        }
    }
}

/* The best partner for every channel in turn, until nobody finds one. */
void
pare_order_search (PareOrder *order)
{
  double least = LEAST_GAIN * pare_order_energy (order);
  gboolean changed = TRUE;

  for (guint round = 0; changed && round < MOST_ROUNDS; round++)
    {
      changed = FALSE;
      for (guint a = 0; a < order->channels; a++)
        {
          double most = least;
          guint best = a;
          for (guint b = 0; b < order->channels; b++)
            {
              double saved = b == a ? 0 : gain (order, a, b);
              if (saved > most)
                {
                  most = saved;
                  best = b;
                }
            }
          if (best != a)
            exchange (order, a, best);
          changed |= best != a;
        }
    }
}
