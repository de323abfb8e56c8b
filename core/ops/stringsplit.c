/* SPDX-License-Identifier: LGPL-2.1-or-later
 * StringSplit (ONNX operator of that name): each string's parts between delimiters, filled up with empty strings to the
 * largest number of parts; and their numbers. */
#include "exec/run.h"
#include "graph/memory.h"
#include <string.h>

/* The parts of @text, at most @most + 1 when @most is not negative. Without a delimiter, between runs of blanks. */
static char **
split (const char *text, const char *delimiter, gint64 most)
{
  GPtrArray *parts = g_ptr_array_new ();
  const char *blanks = " \t\n\r\f\v";

  if (delimiter)
    return *text ? g_strsplit (text, delimiter, most < 0 || most >= G_MAXINT - 1 ? 0 : (int)most + 1)
                 : g_strsplit ("", delimiter, 0);
  while (*(text += strspn (text, blanks)))
    {
      gsize length = most >= 0 && parts->len == most ? strlen (text) : strcspn (text, blanks);
      g_ptr_array_add (parts, g_strndup (text, length));
      text += length;
    }
  g_ptr_array_add (parts, NULL);
  return (char **)g_ptr_array_free (parts, FALSE);
}

/* [.., @longest] strings from a list per element. */
static PareTensor *
collect (GPtrArray *lists, const PareShape *from, guint longest)
{
  GPtrArray *strings = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  PareShape shape = *from;

  shape.dims[shape.rank++] = longest;
  for (guint i = 0; i < lists->len; i++)
    {
      char **parts = lists->pdata[i];
      guint n = g_strv_length (parts);
      for (guint k = 0; k < longest; k++)
        g_ptr_array_add (strings, k < n ? g_bytes_new (parts[k], strlen (parts[k])) : g_bytes_new_static ("", 0));
    }
  return pare_tensor_new_strings (&shape, strings);
}

static gboolean
split_run (const PareRun *run, GError **error)
{
  g_autofree char *delimiter = pare_node_get_string (run->node, "delimiter");
  gint64 most = pare_node_get_int (run->node, "maxsplit", -1);
  g_autoptr (GPtrArray) lists = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  g_autofree gint64 *counts = NULL;
  const PareTensor *x;
  guint longest = 0;

  if (!pare_run_counts (run, 1, 1, error) || !pare_run_require (run, 0, PARE_STRING, error))
    return FALSE;
  x = run->inputs[0];
  if (x->shape.rank == PARE_MAX_RANK)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, run->node, "its input has too many axes.");
      return FALSE;
    }
  counts = g_new (gint64, x->strings->len + 1);
  for (guint i = 0; i < x->strings->len; i++)
    {
      gsize size;
      const char *data = g_bytes_get_data (x->strings->pdata[i], &size);
      g_autofree char *text = g_strndup (size ? data : "", size);
      char **parts = split (text, delimiter && *delimiter ? delimiter : NULL, most);
      counts[i] = g_strv_length (parts);
      longest = MAX (longest, counts[i]);
      g_ptr_array_add (lists, parts);
    }
  /* One long string makes a long row of every other. */
  if (!pare_memory_affords ((guint64)longest * x->strings->len * 64, "Its result", "split shorter strings", error))
    return FALSE;
  run->outputs[0] = collect (lists, &x->shape, longest);
  if (run->n_outputs > 1 && run->node->outputs->pdata[1])
    run->outputs[1] = pare_tensor_new_take (PARE_INT64, &x->shape, g_steal_pointer (&counts));
  return TRUE;
}

PARE_OPERATORS (stringsplit) = {
  { .name = "StringSplit", .since = 20, .run = split_run },
  { NULL },
};
