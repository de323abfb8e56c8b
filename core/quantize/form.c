/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The output forms of a quantized graph, by name. */
#include "quantize/quantize.h"
#include "graph/named.h"

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
  return pare_find_named ("output form", name, (const void *const *)pare_form_table, error);
}
