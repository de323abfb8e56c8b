/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Settings of decomposition: defaults, text, and what is wrong with them. */
#include "decompose/settings.h"
#include "decompose/choice.h"
#include "graph/named.h"
#include "graph/overrides.h"
#include <string.h>

static const PareOverrideField fields[] = {
  { "enable", PARE_OVERRIDE_BOOLEAN, G_STRUCT_OFFSET (PareDecomposeLayer, enable) },
  { "rank", PARE_OVERRIDE_INTEGER, G_STRUCT_OFFSET (PareDecomposeLayer, rank), .minimum = 1, .maximum = G_MAXINT },
};

void
pare_decompose_settings_init (PareDecomposeSettings *settings)
{
  *settings = (PareDecomposeSettings){ .policy = "macs",
                                       .method = "auto",
                                       .ratio = 0.5,
                                       .energy = 0.9,
                                       .align = 1,
                                       .size = 224,
                                       .rows = 256,
                                       .memory_limit = G_GUINT64_CONSTANT (1) << 30 };
}

GHashTable *
pare_decompose_layers_parse (const char *text, GError **error)
{
  static const PareDecomposeLayer unset = { -1, -1 };

  return pare_overrides_parse (text, fields, G_N_ELEMENTS (fields), &unset, sizeof unset, error);
}

static gboolean
check_share (const char *name, double share, GError **error)
{
  if (share > 0 && share < 1)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "The %s is %g, which is no share: give a number between 0 and 1, neither of them included.", name,
               share);
  return FALSE;
}

static gboolean
check_method (const char *method, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  g_ptr_array_add (names, (gpointer) "auto");
  for (const PareFactorization *const *how = pare_factorization_table; *how; how++)
    if (!g_ptr_array_find_with_equal_func (names, (*how)->method, g_str_equal, NULL))
      g_ptr_array_add (names, (gpointer)(*how)->method);
  if (g_ptr_array_find_with_equal_func (names, method, g_str_equal, NULL))
    return TRUE;
  g_ptr_array_add (names, NULL);
  pare_set_error_unknown (error, "method", method, (const char *const *)names->pdata, NULL);
  return FALSE;
}

gboolean
pare_decompose_settings_check (const PareDecomposeSettings *settings, const PareGraph *graph, GError **error)
{
  return pare_policy_find (settings->policy, error) && check_method (settings->method, error)
         && check_share ("ratio", settings->ratio, error) && check_share ("energy", settings->energy, error)
         && pare_overrides_check_layers (settings->layers, graph, error)
         && pare_graph_find_layers (graph, settings->skip_layers, error);
}

static const PareDecomposeLayer *
find_override (const PareDecomposeSettings *settings, const char *label)
{
  return pare_overrides_find (settings->layers, label);
}

gboolean
pare_decompose_settings_skip (const PareDecomposeSettings *settings, const char *label)
{
  const PareDecomposeLayer *override = find_override (settings, label);

  return (override && override->enable == 0)
         || (settings->skip_layers && g_strv_contains (settings->skip_layers, label));
}

int
pare_decompose_settings_rank (const PareDecomposeSettings *settings, const char *label)
{
  const PareDecomposeLayer *override = find_override (settings, label);

  return override ? override->rank : -1;
}
