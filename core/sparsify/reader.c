/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Readers: columns of a layer's matrices and the channels that they belong to. */
#include "sparsify/reader.h"

void
pare_channel_reader_free (gpointer data)
{
  PareChannelReader *reader = data;

  g_free (reader->channels);
  g_free (reader->weights);
  g_free (reader->xx);
  g_free (reader->mean);
  g_free (reader);
}

gboolean
pare_channel_reader_possible (const PareNode *node, PareLayerMatrix *matrix)
{
  return pare_layer_matrix_init (matrix, node) && matrix->columns <= PARE_CHANNEL_READER_MOST_COLUMNS;
}

/* Where the slice has input @input of group @group: along axis 0 the groups stand one after the other, along axis 1
 * they share the entries. */
static gint
channel_of (const PareChannelGroup *channels, const PareChannelSlice *slice, const PareLayerMatrix *matrix,
            gint64 group, gint64 input)
{
  gint64 index = matrix->trait.in_axis == 0 ? group * matrix->inputs + input : input;

  return index < slice->n ? pare_channel_group_channel (channels, slice, index) : -1;
}

static double
energy_of (const PareMoments *moments)
{
  double energy = 0, n = MAX (moments->rows, 1);

  for (gint64 o = 0; o < moments->groups * moments->outputs; o++)
    energy += moments->yy[o] / n - moments->y[o] / n * (moments->y[o] / n);
  return energy;
}

static PareChannelReader *
reader_new (const PareChannelGroup *channels, const PareChannelSlice *slice, const PareLayerMatrix *matrix,
            const PareMoments *moments, gint64 group, const double *weights)
{
  PareChannelReader *reader = g_new0 (PareChannelReader, 1);
  gint64 k = matrix->columns;
  g_autofree double *yx = NULL;

  reader->node = slice->node;
  reader->group = group;
  reader->outputs = matrix->outputs;
  reader->columns = k;
  reader->channels = g_new (gint, k);
  reader->weights = g_memdup2 (weights + group * matrix->outputs * k, matrix->outputs * k * sizeof (double));
  reader->mean = g_new (double, k);
  pare_moments_covariance (moments, group, matrix->trait.has_bias, &reader->xx, &yx);
  for (gint64 c = 0; c < k; c++)
    {
      reader->channels[c] = channel_of (channels, slice, matrix, group, c / matrix->taps);
      reader->mean[c] = moments->x[group * k + c] / MAX (moments->rows, 1);
    }
  reader->energy = energy_of (moments);
  return reader;
}

void
pare_channel_readers_add (GPtrArray *readers, const PareChannelGroup *group, const PareChannelSlice *slice,
                          const PareLayerMatrix *matrix, const PareMoments *moments)
{
  g_autofree double *weights = pare_layer_matrix_read (matrix, slice->node);

  for (gint64 g = 0; g < matrix->groups; g++)
    g_ptr_array_add (readers, reader_new (group, slice, matrix, moments, g, weights));
}
