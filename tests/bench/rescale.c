/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Writes a copy of a network that computes the same with channels of very different size, which quantizers with one
 * scale per tensor take badly: rescale MODEL OUTPUT [LARGEST] Every channel between two layers is divided by a factor
 * between 1 / LARGEST and LARGEST (100), evenly spread over the logarithm, the same ones on every run. */
#include "equalize/scalegroup.h"
#include "fuse/fuse.h"
#include "onnx/onnx.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static gboolean
rescale (PareGraph *graph, double largest, GError **error)
{
  g_autoptr (GPtrArray) groups = pare_scale_groups_find (graph, NULL, error);
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  guint channels = 0;

  for (guint g = 0; groups && g < groups->len; g++)
    {
      PareScaleGroup *group = groups->pdata[g];
      g_autofree double *factors = g_new (double, group->n);
      for (guint c = 0; c < group->n; c++)
        factors[c] = exp (g_rand_double_range (random, -1, 1) * log (largest));
      if (!group->reason && !pare_scale_group_apply (group, factors, error))
        return FALSE;
      channels += group->reason ? 0 : group->n;
    }
  printf ("%u channels rescaled by up to %g\n", channels, largest);
  return groups != NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareGraph) graph = argc > 2 ? pare_onnx_load (argv[1], &error) : NULL;
  double largest = argc > 3 ? atof (argv[3]) : 100;

  if (argc < 3 || !(largest >= 1))
    fprintf (stderr, "rescale MODEL OUTPUT [LARGEST]\n");
  else if (graph && pare_graph_fuse (graph, NULL, NULL, &error) && rescale (graph, largest, &error))
    {
      pare_graph_remove_dead (graph);
      if (pare_onnx_save (graph, argv[2], PARE_ONNX_EXTERNAL_AUTO, &error))
        return 0;
    }
  if (error)
    fprintf (stderr, "%s\n", error->message);
  return 1;
}
