/* SPDX-License-Identifier: LGPL-2.1-or-later
 * resave IN OUT inline|external|OPSET: loads a model and saves it, as it is or raised to an operator set; for judges
 * that do not link libpare. */
#include "onnx/onnx.h"
#include <stdlib.h>
#include <string.h>

static gboolean
resave (const char *from, const char *to, const char *how, GError **error)
{
  g_autoptr (PareGraph) graph = pare_onnx_load (from, error);
  gboolean external = strcmp (how, "external") == 0;

  if (!graph)
    return FALSE;
  if (g_ascii_isdigit (*how) && !pare_onnx_upgrade_opset (graph, atoi (how), error))
    return FALSE;
  return pare_onnx_save (graph, to, external ? PARE_ONNX_EXTERNAL_ALWAYS : PARE_ONNX_EXTERNAL_AUTO, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  if (argc != 4)
    g_printerr ("usage: resave IN OUT inline|external|OPSET\n");
  if (argc != 4)
    return 2;
  if (resave (argv[1], argv[2], argv[3], &error))
    return 0;
  g_printerr ("%s\n", error->message);
  return 1;
}
