/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Look-up of algorithms; the table is generated from the list in meson.build. */
#include "rounding/rounding.h"
#include "graph/named.h"

extern const PareRounding *const pare_rounding_table[];

const PareRounding *const *
pare_roundings (guint *n)
{
  for (*n = 0; pare_rounding_table[*n];)
    ++*n;
  return pare_rounding_table;
}

const PareRounding *
pare_rounding_find (const char *name, gboolean samples, GError **error)
{
  const PareRounding *rounding;

  if (g_strcmp0 (name, PARE_ROUNDING_AUTO) == 0)
    name = samples ? "gptq" : "nearest";
  rounding = pare_find_named ("rounding algorithm", name, (const void *const *)pare_rounding_table, error);
  if (!rounding || samples || !rounding->needs_samples)
    return rounding;
  g_set_error (
      error, PARE_ERROR, PARE_ERROR_NO_DATA,
      "The rounding algorithm %s looks at activations, and no sample came: link samples to the tensors pad, or "
      "choose nearest.",
      name);
  return NULL;
}

void
pare_rounding_settings_init (PareRoundingSettings *settings)
{
  *settings = (PareRoundingSettings){ .algorithm = PARE_ROUNDING_AUTO,
                                      .levels = 16,
                                      .memory_limit = G_GUINT64_CONSTANT (1) << 30 };
}
