/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The header of .npy files: a Python dictionary with descr, fortran_order and shape (NumPy's NEP 1). */
#include "data/npyheader.h"
#include <string.h>

static const struct
{
  const char *descr; /* without byte order */
  PareDataType type;
} descrs[] = {
  { "f4", PARE_FLOAT32 }, { "f8", PARE_FLOAT64 }, { "f2", PARE_FLOAT16 }, { "u1", PARE_UINT8 },
  { "i1", PARE_INT8 },    { "u2", PARE_UINT16 },  { "i2", PARE_INT16 },   { "u4", PARE_UINT32 },
  { "i4", PARE_INT32 },   { "u8", PARE_UINT64 },  { "i8", PARE_INT64 },   { "b1", PARE_BOOL },
};

typedef struct
{
  const char *at;
  const char *reason;
} Parser;

static void
skip_space (Parser *parser)
{
  while (g_ascii_isspace (*parser->at))
    parser->at++;
}

static gboolean
take (Parser *parser, const char *word)
{
  gsize n = strlen (word);

  skip_space (parser);
  if (strncmp (parser->at, word, n) != 0)
    return FALSE;
  parser->at += n;
  return TRUE;
}

static char *
take_string (Parser *parser)
{
  const char *end;
  char *text, quote;

  skip_space (parser);
  quote = *parser->at;
  if ((quote != '\'' && quote != '"') || !(end = strchr (parser->at + 1, quote)))
    return NULL;
  text = g_strndup (parser->at + 1, end - parser->at - 1);
  parser->at = end + 1;
  return text;
}

static gboolean
take_descr (Parser *parser, PareNpyHeader *header)
{
  const char other = G_BYTE_ORDER == G_LITTLE_ENDIAN ? '>' : '<';
  g_autofree char *descr = take_string (parser);
  const char *name = descr;

  if (!descr)
    {
      parser->reason = "its elements are records, not numbers";
      return FALSE;
    }
  if (*name && strchr ("<>|=", *name))
    name++;
  for (guint i = 0; i < G_N_ELEMENTS (descrs); i++)
    if (strcmp (descrs[i].descr, name) == 0)
      header->type = descrs[i].type;
  header->swap = *descr == other && pare_data_type_bits (header->type) > 8;
  parser->reason = "its elements are of a type that tensors do not have";
  return header->type != PARE_UNDEFINED;
}

static gboolean
take_shape (Parser *parser, PareNpyHeader *header)
{
  parser->reason = "its shape is malformed";
  if (!take (parser, "("))
    return FALSE;
  header->shape.rank = 0;
  while (!take (parser, ")"))
    {
      char *end;
      guint64 size;
      skip_space (parser);
      if (!g_ascii_isdigit (*parser->at))
        return FALSE;
      size = g_ascii_strtoull (parser->at, &end, 10);
      parser->at = end;
      take (parser, "L"); /* Python 2 */
      if (size > G_MAXINT64 || header->shape.rank == PARE_MAX_RANK)
        return FALSE;
      header->shape.dims[header->shape.rank++] = size;
      if (!take (parser, ","))
        {
          if (!take (parser, ")"))
            return FALSE;
          break;
        }
    }
  return TRUE;
}

static gboolean
take_order (Parser *parser, PareNpyHeader *header)
{
  parser->reason = "fortran_order is neither True nor False";
  header->fortran = take (parser, "True");
  return header->fortran || take (parser, "False");
}

static const struct
{
  const char *key;
  gboolean (*take) (Parser *parser, PareNpyHeader *header);
} keys[] = { { "descr", take_descr }, { "fortran_order", take_order }, { "shape", take_shape } };

gboolean
pare_npy_header_parse (const char *text, PareNpyHeader *header, const char **reason)
{
  Parser parser = { text, "its header is no dictionary" };
  guint seen = 0;

  *header = (PareNpyHeader){ 0 };
  *reason = parser.reason;
  if (!take (&parser, "{"))
    return FALSE;
  while (!take (&parser, "}"))
    {
      g_autofree char *key = take_string (&parser);
      guint i = 0;
      while (key && i < G_N_ELEMENTS (keys) && strcmp (keys[i].key, key) != 0)
        i++;
      parser.reason = "its header is malformed";
      if (!key || i == G_N_ELEMENTS (keys) || !take (&parser, ":") || !keys[i].take (&parser, header))
        {
          *reason = parser.reason;
          return FALSE;
        }
      seen |= 1u << i;
      take (&parser, ",");
    }
  *reason = "its header lacks descr, fortran_order or shape";
  return seen == (1u << G_N_ELEMENTS (keys)) - 1;
}

GBytes *
pare_npy_header_new (PareDataType type, const PareShape *shape)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const char *descr = NULL;
  gsize size;

  for (guint i = 0; i < G_N_ELEMENTS (descrs); i++)
    if (descrs[i].type == type)
      descr = descrs[i].descr;
  if (!descr)
    return NULL;
  g_string_append_len (text, "\x93NUMPY\x01\x00\x00\x00", 10);
  g_string_append_printf (text, "{'descr': '%c%s', 'fortran_order': False, 'shape': (",
                          pare_data_type_bits (type) == 8   ? '|'
                          : G_BYTE_ORDER == G_LITTLE_ENDIAN ? '<'
                                                            : '>',
                          descr);
  for (guint i = 0; i < shape->rank; i++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT "%s", i ? ", " : "", shape->dims[i],
                            shape->rank == 1 ? "," : "");
  g_string_append (text, "), }");
  while (text->len % 64 != 63)
    g_string_append_c (text, ' ');
  g_string_append_c (text, '\n');
  size = text->len - 10;
  text->str[8] = size & 0xff;
  text->str[9] = size >> 8;
  return g_string_free_to_bytes (g_steal_pointer (&text));
}
