/* SPDX-License-Identifier: LGPL-2.1-or-later
 * RegexFullMatch (ONNX operator of that name): whether all of a string matches a pattern. The specification wants RE2's
 * syntax; Perl's, which is used here, has all of it but a few names of classes. */
#include "exec/run.h"

static GRegex *
compile (const PareRun *run, GError **error)
{
  g_autofree char *pattern = pare_node_get_string (run->node, "pattern");
  g_autofree char *whole = g_strdup_printf ("^(?:%s)\\z", pattern ? pattern : "");
  g_autoptr (GError) reason = NULL;
  GRegex *regex;

  if (!pattern)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, run->node, "its attribute pattern is missing.");
      return NULL;
    }
  regex = g_regex_new (whole, G_REGEX_DOLLAR_ENDONLY, 0, &reason);
  if (!regex)
    pare_node_error (error, PARE_ERROR_FORMAT, run->node, "its pattern '%s' is malformed: %s", pattern,
                     reason->message);
  return regex;
}

static gboolean
match_run (const PareRun *run, GError **error)
{
  g_autoptr (GRegex) regex = NULL;
  g_autofree guint8 *matches = NULL;
  const PareTensor *x;

  if (!pare_run_counts (run, 1, 1, error) || !pare_run_require (run, 0, PARE_STRING, error)
      || !(regex = compile (run, error)))
    return FALSE;
  x = run->inputs[0];
  matches = g_new0 (guint8, x->strings->len + 1);
  for (guint i = 0; i < x->strings->len; i++)
    {
      gsize size;
      const char *text = g_bytes_get_data (x->strings->pdata[i], &size);
      g_autoptr (GError) reason = NULL;
      if (!g_utf8_validate_len (size ? text : "", size, NULL))
        {
          pare_node_error (error, PARE_ERROR_FORMAT, run->node, "string %u is not UTF-8.", i);
          return FALSE;
        }
      matches[i] = g_regex_match_full (regex, size ? text : "", size, 0, 0, NULL, &reason);
      if (reason) /* the engine gives up on patterns that explode */
        {
          pare_node_error (error, PARE_ERROR_FORMAT, run->node, "string %u cannot be matched: %s.", i, reason->message);
          return FALSE;
        }
    }
  run->outputs[0] = pare_tensor_new_copy (PARE_BOOL, &x->shape, matches);
  return TRUE;
}

PARE_OPERATORS (regexfullmatch) = {
  { .name = "RegexFullMatch", .since = 20, .run = match_run },
  { NULL },
};
