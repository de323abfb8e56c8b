/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How other/tensors spells specs: dimensions and types as text, innermost size first, and the header of flexible
 * tensors. */
#include "data/wire.h"
#include <string.h>

/* Words of the header, 32 bits each in host order. */
#define HEADER_MAGIC 0xfeedcced
#define HEADER_VERSION 0xde001000
#define HEADER_TYPE 2
#define HEADER_DIMS 3
#define HEADER_RANK 16
#define HEADER_FORMAT 19 /* 1 is flexible */
#define HEADER_MEDIA 20  /* 4 is a tensor */

/* Sizes in bytes stay below this, so that sums of them cannot overflow. */
#define MOST_ELEMENTS (G_MAXINT64 / 1024)

/* The index is the number of the type in a flexible header. */
static const PareDataType wire_types[] = {
  PARE_INT32,   PARE_UINT32,  PARE_INT16, PARE_UINT16, PARE_INT8,    PARE_UINT8,
  PARE_FLOAT64, PARE_FLOAT32, PARE_INT64, PARE_UINT64, PARE_FLOAT16,
};

gboolean
pare_wire_carries (PareDataType type)
{
  for (guint i = 0; i < G_N_ELEMENTS (wire_types); i++)
    if (wire_types[i] == type)
      return TRUE;
  return FALSE;
}

/* Sizes innermost first to a shape; FALSE when no memory could hold it. */
static gboolean
shape_from_inner (guint rank, const gint64 *inner, PareShape *shape)
{
  gint64 elements;

  shape->rank = rank;
  for (guint i = 0; i < rank; i++)
    shape->dims[i] = inner[rank - 1 - i];
  elements = pare_shape_elements (shape);
  return rank > 0 && elements > 0 && elements <= MOST_ELEMENTS;
}

/* "3:224:224:1" to [1,224,224,3]. A size of 0 ends the rank, as NNStreamer pads with zeros. */
static gboolean
parse_dimensions (const char *text, PareShape *shape, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text, ":", -1);
  gint64 inner[PARE_MAX_RANK];
  guint rank = 0;
  gboolean good = TRUE;

  for (guint i = 0; good && words[i]; i++)
    {
      guint64 size;
      good = g_ascii_string_to_unsigned (g_strstrip (words[i]), 10, 0, G_MAXINT32, &size, NULL);
      if (good && size == 0)
        break;
      if (rank < PARE_MAX_RANK)
        inner[rank++] = size;
      else
        good = good && size == 1;
    }
  if (!good || !shape_from_inner (rank, inner, shape))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "The tensor dimensions '%s' are no list of at most %d sizes such as 3:224:224:1.", text,
                   PARE_MAX_RANK);
      return FALSE;
    }
  return TRUE;
}

GArray *
pare_wire_parse_specs (const char *dimensions, const char *types, GError **error)
{
  g_auto (GStrv) shape_words = g_strsplit_set (dimensions, ",.", -1);
  g_auto (GStrv) type_words = g_strsplit_set (types, ",.", -1);
  guint n = g_strv_length (shape_words);
  g_autoptr (GArray) specs = g_array_new (FALSE, TRUE, sizeof (PareSpec));

  if (n == 0 || n > PARE_WIRE_TENSORS || n != g_strv_length (type_words))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "The tensor dimensions '%s' and types '%s' are not for the same 1 to %d tensors.", dimensions, types,
                   PARE_WIRE_TENSORS);
      return NULL;
    }
  for (guint i = 0; i < n; i++)
    {
      PareSpec spec = { .type = pare_data_type_from_name (g_strstrip (type_words[i])) };
      if (!pare_wire_carries (spec.type))
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT, "The tensor type '%s' does not travel in other/tensors.",
                       type_words[i]);
          return NULL;
        }
      if (!parse_dimensions (shape_words[i], &spec.shape, error))
        return NULL;
      g_array_append_val (specs, spec);
    }
  return g_steal_pointer (&specs);
}

char *
pare_wire_dimensions (guint n, const PareSpec *specs)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    {
      g_string_append (text, i ? "," : "");
      /* A scalar has no innermost size; the caps need one. */
      if (specs[i].shape.rank == 0)
        g_string_append_c (text, '1');
      for (guint axis = specs[i].shape.rank; axis-- > 0;)
        g_string_append_printf (text, "%" G_GINT64_FORMAT "%s", specs[i].shape.dims[axis], axis ? ":" : "");
    }
  return g_string_free (text, FALSE);
}

char *
pare_wire_types (guint n, const PareSpec *specs)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s%s", i ? "," : "", pare_data_type_name (specs[i].type));
  return g_string_free (text, FALSE);
}

gboolean
pare_wire_parse_header (const guint8 *data, gsize size, PareSpec *spec)
{
  guint32 words[PARE_WIRE_HEADER / 4];
  gint64 inner[HEADER_RANK];
  guint rank = 0;

  if (size < PARE_WIRE_HEADER)
    return FALSE;
  memcpy (words, data, sizeof words);
  if (words[0] != HEADER_MAGIC || words[HEADER_TYPE] >= G_N_ELEMENTS (wire_types))
    return FALSE;
  for (; rank < HEADER_RANK && words[HEADER_DIMS + rank] != 0; rank++)
    inner[rank] = words[HEADER_DIMS + rank];
  while (rank > PARE_MAX_RANK && inner[rank - 1] == 1)
    rank--;
  if (rank > PARE_MAX_RANK || !shape_from_inner (rank, inner, &spec->shape))
    return FALSE;
  spec->type = wire_types[words[HEADER_TYPE]];
  return pare_data_size (spec->type, pare_shape_elements (&spec->shape)) == size - PARE_WIRE_HEADER;
}

void
pare_wire_write_header (const PareSpec *spec, guint8 *data)
{
  guint32 words[PARE_WIRE_HEADER / 4] = { HEADER_MAGIC, HEADER_VERSION };
  guint rank = spec->shape.rank;

  while (words[HEADER_TYPE] < G_N_ELEMENTS (wire_types) && wire_types[words[HEADER_TYPE]] != spec->type)
    words[HEADER_TYPE]++;
  g_assert (words[HEADER_TYPE] < G_N_ELEMENTS (wire_types));
  words[HEADER_DIMS] = 1;
  for (guint i = 0; i < rank; i++)
    words[HEADER_DIMS + i] = spec->shape.dims[rank - 1 - i];
  words[HEADER_FORMAT] = 1;
  words[HEADER_MEDIA] = 4;
  memcpy (data, words, sizeof words);
}
