/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The output forms of a quantized graph, by name. */
#include "quantize/quantize.h"
#include <string.h>

extern const PareForm *const pare_form_table[];

const PareForm *const *
pare_forms (guint *n)
{
  for (*n = 0; pare_form_table[*n];)
    ++*n;
  return pare_form_table;
}

const PareForm *
pare_form_find (const char *name, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const char *nearest;

  for (guint i = 0; pare_form_table[i]; i++)
    {
      if (strcmp (pare_form_table[i]->name, name) == 0)
        return pare_form_table[i];
      g_ptr_array_add (names, (gpointer) pare_form_table[i]->name);
    }
  g_ptr_array_add (names, NULL);
  nearest = pare_nearest_name (name, (const char *const *) names->pdata);
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "There is no output form '%s': did you mean '%s'?", name,
               nearest ? nearest : (const char *) names->pdata[0]);
  return NULL;
}
