/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Checks labels and brings them into the form that the loss takes. */
#include "train/target.h"

static void
set_shape_error (GError **error, const PareSpec *output, const PareTensor *labels, const char *advice)
{
  g_autofree char *have = pare_shape_to_string (&labels->shape), *want = pare_shape_to_string (&output->shape);

  g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
               "The labels of a batch are %s %s, which does not fit the network's output %s: %s.",
               pare_data_type_name (labels->type), have, want, advice);
}

/* The output's shape without the axis of the classes. */
static PareShape
positions_of (const PareShape *output)
{
  PareShape shape = { .rank = output->rank - 1, .dims = { output->dims[0] } };

  for (guint i = 2; i < output->rank; i++)
    shape.dims[i - 1] = output->dims[i];
  return shape;
}

static PareTensor *
class_numbers (const PareSpec *output, PareTensor *labels, guint valid, guint64 first, GError **error)
{
  gint64 classes = output->shape.dims[1];
  PareShape shape = positions_of (&output->shape);
  gint64 n = pare_shape_elements (&shape), each = n / shape.dims[0];
  g_autofree gint64 *numbers = g_new (gint64, n);

  for (gint64 i = 0; i < n; i++)
    {
      double label = pare_tensor_get_double (labels, i);
      gboolean fits = label >= 0 && label < classes && label == (gint64)label;
      if (!fits && i / each < valid)
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                       "Sample %" G_GUINT64_FORMAT
                       " has the label %g, but the network knows the classes 0 to %" G_GINT64_FORMAT
                       ": check that data and labels belong together.",
                       first + i / each, label, classes - 1);
          return NULL;
        }
      numbers[i] = fits ? (gint64)label : 0;
    }
  return pare_tensor_new_take (PARE_INT64, &shape, g_steal_pointer (&numbers));
}

static PareTensor *
numbers_like (const PareSpec *output, PareTensor *labels, GError **error)
{
  g_autoptr (PareTensor) floats = pare_tensor_cast (labels, PARE_FLOAT32);

  for (gint64 i = 0, n = pare_tensor_elements (floats); i < n; i++)
    if (!(((const float *)pare_tensor_data (floats))[i] - ((const float *)pare_tensor_data (floats))[i] == 0))
      {
        g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                     "The labels of a batch hold a number that is not finite: check the labels.");
        return NULL;
      }
  return pare_tensor_reshape (floats, &output->shape);
}

PareTensor *
pare_target_new (const PareLoss *loss, const PareSpec *output, PareTensor *labels, guint valid, guint64 first,
                 GError **error)
{
  gint64 all = pare_shape_elements (&output->shape), n = pare_tensor_elements (labels);

  if (output->shape.rank < 2 || output->type != PARE_FLOAT32 || all <= 0)
    {
      set_shape_error (error, output, labels, "it must be float32 of shape [batch,..] with at least one number each");
      return NULL;
    }
  if (loss->classifies && n == all / output->shape.dims[1])
    return class_numbers (output, labels, valid, first, error);
  if (n == all && (!loss->classifies || pare_data_type_is_float (labels->type)))
    return numbers_like (output, labels, error);
  set_shape_error (error, output, labels,
                   loss->classifies ? "give one class number per sample, or one probability per class"
                                    : "give one number per number of the output");
  return NULL;
}

PareTensor *
pare_target_weights (gint64 batch, guint valid)
{
  float *weights = g_new0 (float, batch);
  PareShape shape = { 1, { batch } };

  for (guint i = 0; i < MIN (valid, batch); i++)
    weights[i] = 1.0f / valid;
  return pare_tensor_new_take (PARE_FLOAT32, &shape, weights);
}
