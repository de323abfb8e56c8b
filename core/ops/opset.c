/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Which versions of the standard operator set can be executed. */
#include "ops/opset.h"

gboolean
pare_graph_check_opset (const PareGraph *graph, GError **error)
{
  gint64 opset = pare_graph_opset (graph, "");

  if (opset <= PARE_OPSET_KNOWN)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_NOT_IMPLEMENTED,
               "The network is of operator set %" G_GINT64_FORMAT
               ", and only those up to %d can be executed; export it with an older one, such as opset_version=20.",
               opset, PARE_OPSET_KNOWN);
  return FALSE;
}
