/* SPDX-License-Identifier: LGPL-2.1-or-later
 * One ONNX tensor in a file of its own, as the ONNX test data has them: its first axis counts the samples. */
#include "data/format.h"
#include "onnx/onnx.h"

/* TensorProto begins with dims, one by one or packed, or for a scalar with its type: the tags of fields 1 and 2. */
static gboolean
onnx_probe (const guint8 *head, gsize size)
{
  return head[0] == 0x08 || head[0] == 0x0a || head[0] == 0x10;
}

static gboolean
onnx_open (PareReader *reader, GError **error)
{
  PareTensor *tensor = pare_onnx_load_tensor (reader->path, error);
  PareSpec spec;

  reader->state = tensor;
  if (!tensor)
    return FALSE;
  if (tensor->shape.rank == 0 || !tensor->bytes || pare_data_type_bits (tensor->type) < 8)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "'%s' holds %s of rank %u; numbers are needed, with a first axis that counts the samples.",
                   reader->path, pare_data_type_name (tensor->type), tensor->shape.rank);
      return FALSE;
    }
  spec = (PareSpec){ tensor->type, pare_shape (tensor->shape.rank - 1, tensor->shape.dims + 1) };
  g_array_append_val (reader->specs, spec);
  reader->samples = tensor->shape.dims[0];
  return TRUE;
}

static gboolean
onnx_next (PareReader *reader, PareTensor **sample, GError **error)
{
  PareTensor *tensor = reader->state;
  const PareSpec *spec = &g_array_index (reader->specs, PareSpec, 0);
  gsize size = pare_data_size (spec->type, pare_shape_elements (&spec->shape));

  sample[0] = pare_tensor_new (spec->type, &spec->shape,
                               g_bytes_new_from_bytes (tensor->bytes, reader->position * size, size));
  return TRUE;
}

static void
onnx_close (PareReader *reader)
{
  g_clear_pointer ((PareTensor **)&reader->state, pare_tensor_unref);
}

const PareFormat pare_format_onnx = {
  .name = "onnx",
  .probe = onnx_probe,
  .open = onnx_open,
  .next = onnx_next,
  .close = onnx_close,
};
