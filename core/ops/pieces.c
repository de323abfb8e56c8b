/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Tensors cut apart along an axis and put together along one. */
#include "ops/pieces.h"
#include "graph/memory.h"
#include "ops/operator.h"
#include <string.h>

GPtrArray *
pare_pieces_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
}

static void
drop (PareShape *shape, guint axis)
{
  shape->rank--;
  memmove (shape->dims + axis, shape->dims + axis + 1, (shape->rank - axis) * sizeof *shape->dims);
}

static void
insert (PareShape *shape, guint axis, gint64 size)
{
  memmove (shape->dims + axis + 1, shape->dims + axis, (shape->rank - axis) * sizeof *shape->dims);
  shape->dims[axis] = size;
  shape->rank++;
}

PareTensor *
pare_piece_cut (const PareTensor *tensor, guint axis, gint64 start, gint64 length, gboolean drop_axis)
{
  PareShape shape = tensor->shape;
  gint64 outer = pare_shape_span (&shape, 0, axis), size = shape.dims[axis];
  gsize step = pare_data_size (tensor->type, pare_shape_span (&shape, axis + 1, shape.rank));
  const guint8 *source = pare_tensor_data (tensor);
  guint8 *data;

  g_assert (start >= 0 && length >= 0 && start + length <= size);
  shape.dims[axis] = length;
  data = g_malloc (MAX (outer * length * step, 1));
  for (gint64 o = 0; length * step > 0 && o < outer; o++)
    memcpy (data + o * length * step, source + (o * size + start) * step, length * step);
  if (drop_axis)
    drop (&shape, axis);
  return pare_tensor_new_take (tensor->type, &shape, data);
}

/* The shape of all together; @axis then is within range. */
static gboolean
joined_shape (const PareNode *node, const GPtrArray *pieces, gint64 axis, gboolean new_axis, PareShape *shape,
              guint *normalized, GError **error)
{
  const PareTensor *first = pieces->pdata[0];
  gint64 total = 0;

  *shape = first->shape;
  if (pare_data_type_bits (first->type) < 8 || shape->rank + new_axis > PARE_MAX_RANK
      || !pare_axis_normalize (axis, shape->rank + new_axis, normalized))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, node,
                       "tensors of %s of %u dimensions cannot be joined along axis %" G_GINT64_FORMAT ".",
                       pare_data_type_name (first->type), shape->rank, axis);
      return FALSE;
    }
  for (guint i = 0; i < pieces->len; i++)
    {
      const PareTensor *piece = pieces->pdata[i];
      PareShape other = piece->shape;
      if (!new_axis && other.rank == shape->rank)
        other.dims[*normalized] = shape->dims[*normalized];
      if (piece->type != first->type || !pare_shape_equal (&other, shape)
          || __builtin_add_overflow (total, new_axis ? 1 : piece->shape.dims[*normalized], &total))
        {
          g_autofree char *a = pare_shape_to_string (&first->shape), *b = pare_shape_to_string (&piece->shape);
          pare_node_error (error, PARE_ERROR_FORMAT, node, "%s %s and %s %s cannot be joined.",
                           pare_data_type_name (first->type), a, pare_data_type_name (piece->type), b);
          return FALSE;
        }
    }
  if (new_axis)
    insert (shape, *normalized, total);
  else
    shape->dims[*normalized] = total;
  return TRUE;
}

PareTensor *
pare_pieces_join (const PareNode *node, const GPtrArray *pieces, gint64 axis, gboolean new_axis, GError **error)
{
  PareShape shape;
  PareDataType type;
  gint64 outer;
  guint at;
  gsize row;
  guint8 *data, *target;

  if (!pieces->len)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, node, "there is nothing to join.");
      return NULL;
    }
  type = ((PareTensor *)pieces->pdata[0])->type;
  if (!joined_shape (node, pieces, axis, new_axis, &shape, &at, error))
    return NULL;
  if (pare_shape_elements (&shape) < 0)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, node, "what is joined has an impossible size.");
      return NULL;
    }
  if (!pare_memory_affords (pare_data_size (type, pare_shape_elements (&shape)), "What is joined", "join less", error))
    return NULL;
  outer = pare_shape_span (&shape, 0, at);
  row = pare_data_size (type, pare_shape_span (&shape, at, shape.rank));
  target = data = g_malloc (MAX (outer * row, 1));
  for (guint i = 0; i < pieces->len; i++)
    {
      const PareTensor *piece = pieces->pdata[i];
      gsize length = outer ? pare_tensor_size (piece) / outer : 0;
      for (gint64 o = 0; length && o < outer; o++)
        memcpy (target + o * row, (const guint8 *)pare_tensor_data (piece) + o * length, length);
      target += length;
    }
  return pare_tensor_new_take (type, &shape, data);
}
