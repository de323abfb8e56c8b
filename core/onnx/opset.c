/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Raising the version of the standard operator set. */
#include "onnx/onnx.h"

gboolean
pare_onnx_upgrade_opset (PareGraph *graph, gint64 version, GError **error)
{
  if (pare_graph_opset (graph, "") >= version)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_NOT_IMPLEMENTED, "Raising the opset is not implemented.");
  return FALSE;
}
