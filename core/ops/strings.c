/* SPDX-License-Identifier: LGPL-2.1-or-later
 * StringNormalizer: takes words out and changes the case of the others (ONNX operators, StringNormalizer). */
#include "exec/run.h"
#include <string.h>

typedef enum
{
  KEEP,
  LOWER,
  UPPER
} Change;

static gboolean
read_change (const PareRun *run, Change *change, GError **error)
{
  static const char *const names[] = { [KEEP] = "NONE", [LOWER] = "LOWER", [UPPER] = "UPPER" };
  g_autofree char *name = pare_node_get_string (run->node, "case_change_action");

  *change = KEEP;
  for (guint i = 0; name && i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (names[i], name))
      {
        *change = (Change)i;
        return TRUE;
      }
  if (!name)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, run->node, "case_change_action '%s' is not NONE, LOWER or UPPER.", name);
  return FALSE;
}

static GBytes *
change_case (GBytes *word, Change change)
{
  gsize size;
  const char *text = g_bytes_get_data (word, &size);
  char *changed;

  /* What is no UTF-8 has no case. */
  if (change == KEEP || !size || !g_utf8_validate (text, size, NULL))
    return g_bytes_ref (word);
  changed = change == LOWER ? g_utf8_strdown (text, size) : g_utf8_strup (text, size);
  return g_bytes_new_take (changed, strlen (changed));
}

static gboolean
is_stopword (const PareAttribute *stopwords, GBytes *word, gboolean case_matters)
{
  g_autoptr (GBytes) plain = change_case (word, case_matters ? KEEP : LOWER);

  for (guint i = 0; stopwords && i < stopwords->n; i++)
    {
      g_autoptr (GBytes) stop = change_case (stopwords->u.strings[i], case_matters ? KEEP : LOWER);
      if (g_bytes_equal (stop, plain))
        return TRUE;
    }
  return FALSE;
}

/* A vector of words, or a row of them. */
static gboolean
check_shape (const PareRun *run, GError **error)
{
  const PareShape *shape;

  if (!pare_run_counts (run, 1, 1, error) || !pare_run_require (run, 0, PARE_STRING, error))
    return FALSE;
  shape = &run->inputs[0]->shape;
  if (shape->rank == 1 || (shape->rank == 2 && shape->dims[0] == 1))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, run->node, "its input is neither [n] nor [1,n].");
  return FALSE;
}

static gboolean
normalizer_run (const PareRun *run, GError **error)
{
  const PareAttribute *stopwords = pare_node_attribute (run->node, "stopwords");
  gboolean case_matters = pare_node_get_int (run->node, "is_case_sensitive", 0) != 0;
  GPtrArray *words;
  PareShape shape;
  Change change;

  if (!check_shape (run, error) || !read_change (run, &change, error))
    return FALSE;
  if (stopwords && stopwords->type != PARE_ATTRIBUTE_STRINGS)
    stopwords = NULL;
  words = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  for (guint i = 0; i < run->inputs[0]->strings->len; i++)
    {
      GBytes *word = run->inputs[0]->strings->pdata[i];
      if (!is_stopword (stopwords, word, case_matters))
        g_ptr_array_add (words, change_case (word, change));
    }
  /* The specification wants one empty word rather than none. */
  if (!words->len)
    g_ptr_array_add (words, g_bytes_new_static ("", 0));
  shape = run->inputs[0]->shape;
  shape.dims[shape.rank - 1] = words->len;
  run->outputs[0] = pare_tensor_new_strings (&shape, words);
  return TRUE;
}

PARE_OPERATORS (strings) = {
  { .name = "StringNormalizer", .since = 10, .run = normalizer_run },
  { NULL },
};
