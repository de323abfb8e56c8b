/* SPDX-License-Identifier: LGPL-2.1-or-later
 * StringConcat (ONNX operator of that name): strings one behind the other, element by element. */
#include "ops/stringpairs.h"

static void
join (GBytes *a, GBytes *b, gint64 at, gpointer result)
{
  GByteArray *joined = g_byte_array_new ();

  g_byte_array_append (joined, g_bytes_get_data (a, NULL), g_bytes_get_size (a));
  g_byte_array_append (joined, g_bytes_get_data (b, NULL), g_bytes_get_size (b));
  g_ptr_array_add (result, g_byte_array_free_to_bytes (joined));
}

static gboolean
concat_run (const PareRun *run, GError **error)
{
  GPtrArray *strings;
  PareShape shape;

  if (!pare_string_pairs_check (run, &shape, error))
    return FALSE;
  strings = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  pare_string_pairs (run, &shape, join, strings);
  run->outputs[0] = pare_tensor_new_strings (&shape, strings);
  return TRUE;
}

PARE_OPERATORS (stringconcat) = {
  { .name = "StringConcat", .since = 20, .run = concat_run },
  { NULL },
};
