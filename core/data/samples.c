/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Takes batches apart into samples and puts samples together to batches. */
#include "data/samples.h"
#include "data/store.h"
#include <string.h>

struct _PareSamples
{
  guint n_inputs;
  GArray *specs; /* of a batch */
  PareStore *store;
};

PareSamples *
pare_samples_new (guint n_inputs, guint64 memory_limit)
{
  PareSamples *samples = g_new0 (PareSamples, 1);

  samples->n_inputs = n_inputs;
  samples->specs = g_array_new (FALSE, FALSE, sizeof (PareSpec));
  samples->store = pare_store_new (memory_limit, NULL);
  return samples;
}

void
pare_samples_free (PareSamples *samples)
{
  pare_store_free (samples->store);
  g_array_unref (samples->specs);
  g_free (samples);
}

guint64
pare_samples_count (PareSamples *samples)
{
  return pare_store_count (samples->store);
}

const GArray *
pare_samples_specs (const PareSamples *samples)
{
  return samples->specs;
}

guint
pare_samples_batch (const PareSamples *samples)
{
  return g_array_index (samples->specs, PareSpec, 0).shape.dims[0];
}

static gboolean
has_samples (const PareTensor *tensor, gint64 batch)
{
  return tensor->shape.rank > 0 && tensor->shape.dims[0] == batch && batch > 0;
}

/* Whether a batch holds samples like those that came before, of which there may be more. */
static gboolean
is_alike (const PareTensor *tensor, const PareSpec *spec)
{
  PareShape shape = tensor->shape;

  if (shape.rank)
    shape.dims[0] = spec->shape.dims[0];
  return tensor->type == spec->type && pare_shape_equal (&shape, &spec->shape);
}

static gboolean
check_batch (PareSamples *samples, PareTensor *const *batch, GError **error)
{
  for (guint i = 0; i < samples->n_inputs; i++)
    {
      PareSpec spec = { batch[i]->type, batch[i]->shape }, *known;
      gint64 size = batch[0]->shape.rank ? batch[0]->shape.dims[0] : 0;
      if (!has_samples (batch[i], size))
        {
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                       "Input %u of the network has no axis that counts samples: learning from samples needs one.", i);
          return FALSE;
        }
      if (samples->specs->len <= i)
        g_array_append_val (samples->specs, spec);
      known = &g_array_index (samples->specs, PareSpec, i);
      if (!is_alike (batch[i], known))
        {
          g_autofree char *have = pare_shape_to_string (&spec.shape), *want = pare_shape_to_string (&known->shape);
          g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                       "Samples of different shapes came (%s after %s): resize them to one size.", have, want);
          return FALSE;
        }
      known->shape.dims[0] = MAX (known->shape.dims[0], size);
    }
  return TRUE;
}

static void
bytes_clear (gpointer bytes)
{
  g_clear_pointer ((GBytes **)bytes, g_bytes_unref);
}

static gboolean
add_sample (PareSamples *samples, PareTensor *const *batch, guint index, GError **error)
{
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (GBytes *));

  g_array_set_clear_func (pieces, bytes_clear);
  for (guint i = 0; i < samples->n_inputs; i++)
    {
      gsize size = pare_tensor_size (batch[i]) / batch[i]->shape.dims[0];
      GBytes *piece = g_bytes_new_from_bytes (batch[i]->bytes, index * size, size);
      g_array_append_val (pieces, piece);
    }
  return pare_store_append (samples->store, (GBytes *const *)pieces->data, pieces->len, error);
}

gboolean
pare_samples_add (PareSamples *samples, PareTensor *const *batch, guint n, guint valid, GError **error)
{
  g_assert (n >= samples->n_inputs);
  if (!check_batch (samples, batch, error))
    return FALSE;
  for (guint i = 0; i < valid; i++)
    if (!add_sample (samples, batch, i, error))
      return FALSE;
  return TRUE;
}

GPtrArray *
pare_samples_stack (PareSamples *samples, const guint64 *indices, guint n, GError **error)
{
  g_autoptr (GPtrArray) batch = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  guint capacity = pare_samples_batch (samples);

  g_assert (n > 0 && n <= capacity);
  for (guint i = 0; i < samples->n_inputs; i++)
    {
      const PareSpec *spec = &g_array_index (samples->specs, PareSpec, i);
      gsize size = pare_data_size (spec->type, pare_shape_elements (&spec->shape));
      g_ptr_array_add (batch, pare_tensor_new_take (spec->type, &spec->shape, g_malloc (size)));
    }
  for (guint s = 0; s < capacity; s++)
    {
      g_autoptr (GPtrArray) pieces = pare_store_read (samples->store, indices[MIN (s, n - 1)], error);
      if (!pieces)
        return NULL;
      for (guint i = 0; i < samples->n_inputs; i++)
        {
          gsize size;
          gconstpointer data = g_bytes_get_data (pieces->pdata[i], &size);
          if (size)
            memcpy ((char *)pare_tensor_data (batch->pdata[i]) + s * size, data, size);
        }
    }
  return g_steal_pointer (&batch);
}
