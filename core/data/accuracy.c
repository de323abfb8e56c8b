/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Top-1, top-5 and cross-entropy of a classifier. */
#include "data/accuracy.h"
#include "graph/error.h"
#include <math.h>

static void
add_sample (PareAccuracy *accuracy, const float *scores, gint64 classes, gint64 label)
{
  gint64 better = 0;
  double highest = -INFINITY, sum = 0;

  for (gint64 i = 0; i < classes; i++)
    {
      better += scores[i] > scores[label] || (scores[i] == scores[label] && i < label);
      highest = MAX (highest, scores[i]);
    }
  /* Log-sum-exp with the highest taken out, so that nothing overflows. */
  for (gint64 i = 0; i < classes; i++)
    sum += exp (scores[i] - highest);
  accuracy->n++;
  /* Nothing is better than a score that is no number; it is no hit all the same. */
  accuracy->top1 += better == 0 && !isnan (scores[label]);
  accuracy->top5 += better < 5 && !isnan (scores[label]);
  accuracy->loss += log (sum) + highest - scores[label];
}

gboolean
pare_accuracy_add (PareAccuracy *accuracy, PareTensor *scores, PareTensor *labels, guint n, GError **error)
{
  gint64 batch = scores->shape.rank ? scores->shape.dims[0] : 0;
  gint64 classes = scores->shape.rank > 1 ? scores->shape.dims[1] : 0;
  g_autoptr (PareTensor) floats = NULL;

  if (!pare_data_type_is_float (scores->type) || batch < n || classes < 1
      || pare_tensor_elements (scores) != batch * classes)
    {
      g_autofree char *shape = pare_shape_to_string (&scores->shape);
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "The network's first output is %s %s: a classifier's scores are floats of shape [batch,classes].",
                   pare_data_type_name (scores->type), shape);
      return FALSE;
    }
  if (pare_tensor_elements (labels) != batch || labels->type == PARE_STRING)
    {
      g_autofree char *shape = pare_shape_to_string (&labels->shape);
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "The labels of %" G_GINT64_FORMAT " samples are %s %s: give one class number per sample.", batch,
                   pare_data_type_name (labels->type), shape);
      return FALSE;
    }
  floats = pare_tensor_cast (scores, PARE_FLOAT32);
  for (guint i = 0; i < n; i++)
    {
      double label = pare_tensor_get_double (labels, i);
      if (!(label >= 0 && label < classes))
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                       "Sample %" G_GUINT64_FORMAT
                       " has the label %g, but the network knows the classes 0 to %" G_GINT64_FORMAT
                       ": check that data and labels belong together.",
                       accuracy->n, label, classes - 1);
          return FALSE;
        }
      add_sample (accuracy, (const float *)pare_tensor_data (floats) + i * classes, classes, label);
    }
  return TRUE;
}
