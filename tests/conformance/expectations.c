/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The checked-in list of models that do not run, and why. */
#include "expectations.h"
#include <string.h>

GHashTable *
expectations_load (const char *path)
{
  GHashTable *table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i]; i++)
    {
      char *colon = strstr (lines[i], ": ");
      if (*lines[i] == '#' || !*lines[i])
        continue;
      g_assert_nonnull (colon);
      g_assert_true (g_hash_table_insert (table, g_strndup (lines[i], colon - lines[i]), g_strdup (colon + 2)));
    }
  return table;
}

/* Where the data is at fault, or cannot be hit. */
static const struct
{
  const char *pattern, *reason;
} known[] = {
  { "node/test_adam_multiple", "The data was computed with an epsilon of 0.01, which the model does not say." },
  { "node/test_bernoulli*", "Random numbers: no two implementations agree." },
  { "node/test_cast_FLOAT_to_BFLOAT16", "The data cuts bits off; the specification rounds to nearest." },
  { "node/test_castlike_*BFLOAT16*", "The model says [3,4] of an input whose data is [1]." },
  { "node/test_resize_downsample_scales_*_align_corners",
    "The data takes the size times the scale unrounded; ONNX Runtime takes the size of the result." },
  { "node/test_training_dropout*", "Random numbers: the data is of NumPy's generator." },
  { "simple/test_gradient_of_*", "Gradient, a preview: networks are differentiated before they run, not by a node." },
};

char *
expectations_reason (const char *model, const char *problem)
{
  const char *op, *end;

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_pattern_match_simple (known[i].pattern, model))
      return g_strdup (known[i].reason);

  /* "Node 'label' (Operator): text" */
  if (!g_str_has_prefix (problem, "Node '") || !(op = strstr (problem, "' (")) || !(end = strstr (op, "): ")))
    return g_strdup (problem);
  if (strstr (end, "is unknown"))
    return g_strdup_printf ("%.*s is missing.", (int)(end - op - 3), op + 3);
  return g_strdup_printf ("%.*s: %s", (int)(end - op - 3), op + 3, end + 3);
}
