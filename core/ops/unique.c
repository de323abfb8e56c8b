/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Unique: the different elements, or slices along an axis, with where each first stands, which one each is, and how
 * often it occurs (ONNX operators, Unique). */
#include "ops/infer.h"
#include <string.h>

typedef struct
{
  PareDataType type;
  const guint8 *data;
  gint64 outer, n, inner; /* slice i is data[0..outer) [i] [0..inner) */
} Slices;

/* Slices in the order of the result. */
typedef struct
{
  gint64 count;
  gint64 *first;  /* position of each different one */
  gint64 *number; /* of each slice: which one it is */
} Found;

static void
found_clear (Found *found)
{
  g_free (found->first);
  g_free (found->number);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Found, found_clear)

static int
compare_elements (PareDataType type, const guint8 *a, const guint8 *b)
{
  double x, y;

  if (type == PARE_INT64 || type == PARE_UINT64)
    {
      gint64 i, j, flip = type == PARE_UINT64 ? G_MININT64 : 0;
      memcpy (&i, a, sizeof i);
      memcpy (&j, b, sizeof j);
      return (i ^ flip) < (j ^ flip) ? -1 : i != j;
    }
  pare_convert (type, a, PARE_FLOAT64, &x, 1);
  pare_convert (type, b, PARE_FLOAT64, &y, 1);
  /* Numbers that are none stand last. */
  return x != x ? y == y : y != y ? -1 : x < y ? -1 : x > y;
}

static int
compare_slices (gconstpointer a, gconstpointer b, gpointer data)
{
  const Slices *slices = data;
  gint64 i = *(const gint64 *)a, j = *(const gint64 *)b;
  gsize size = pare_data_type_bits (slices->type) / 8;

  for (gint64 o = 0; o < slices->outer; o++)
    for (gint64 k = 0; k < slices->inner; k++)
      {
        const guint8 *x = slices->data + ((o * slices->n + i) * slices->inner + k) * size;
        const guint8 *y = slices->data + ((o * slices->n + j) * slices->inner + k) * size;
        int order = compare_elements (slices->type, x, y);
        if (order)
          return order;
      }
  return 0;
}

/* Equal ones in the order in which they stand. */
static int
compare_positions (gconstpointer a, gconstpointer b, gpointer data)
{
  int order = compare_slices (a, b, data);

  return order ? order : *(const gint64 *)a < *(const gint64 *)b ? -1 : 1;
}

static int
compare_firsts (gconstpointer a, gconstpointer b, gpointer data)
{
  const gint64 *first = data;

  return first[*(const gint64 *)a] < first[*(const gint64 *)b] ? -1 : 1;
}

/* From ascending order to the order of first appearance. */
static void
order_by_appearance (const Slices *slices, Found *found)
{
  g_autofree gint64 *order = g_new (gint64, found->count + 1), *place = g_new (gint64, found->count + 1);
  gint64 *first = g_new (gint64, found->count + 1);

  for (gint64 i = 0; i < found->count; i++)
    order[i] = i;
  g_qsort_with_data (order, found->count, sizeof *order, compare_firsts, found->first);
  for (gint64 i = 0; i < found->count; i++)
    {
      place[order[i]] = i;
      first[i] = found->first[order[i]];
    }
  for (gint64 i = 0; i < slices->n; i++)
    found->number[i] = place[found->number[i]];
  g_free (found->first);
  found->first = first;
}

static void
find_unique (const Slices *slices, gboolean sorted, Found *found)
{
  g_autofree gint64 *order = g_new (gint64, slices->n + 1);

  *found = (Found){ 0, g_new (gint64, slices->n + 1), g_new (gint64, slices->n + 1) };
  for (gint64 i = 0; i < slices->n; i++)
    order[i] = i;
  g_qsort_with_data (order, slices->n, sizeof *order, compare_positions, (gpointer)slices);
  for (gint64 i = 0; i < slices->n; i++)
    {
      if (i == 0 || compare_slices (&order[i - 1], &order[i], (gpointer)slices))
        found->first[found->count++] = order[i];
      found->number[order[i]] = found->count - 1;
    }
  if (!sorted)
    order_by_appearance (slices, found);
}

static Slices
slices_of (const PareNode *node, PareDataType type, const PareShape *shape, gconstpointer data)
{
  Slices slices = { type, data, 1, 1, 1 };
  guint axis = 0;

  if (pare_node_attribute (node, "axis")
      && pare_axis_normalize (pare_node_get_int (node, "axis", 0), shape->rank, &axis))
    {
      slices.outer = pare_shape_span (shape, 0, axis);
      slices.n = shape->dims[axis];
      slices.inner = pare_shape_span (shape, axis + 1, shape->rank);
    }
  else
    slices.n = pare_shape_elements (shape);
  return slices;
}

static gboolean
unique_infer (PareInfer *infer, GError **error)
{
  const PareShape *x = &infer->inputs[0].shape;
  gboolean has_axis = pare_node_attribute (infer->node, "axis") != NULL;
  g_auto (Found) found = { 0 };
  PareShape vector = { 1, { 0 } };
  Slices slices;
  guint axis;

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || (has_axis && !pare_infer_axis (infer, pare_node_get_int (infer->node, "axis", 0), x->rank, &axis, error))
      || !pare_infer_require_constant (infer, 0, error))
    return FALSE;
  slices = slices_of (infer->node, infer->inputs[0].type, x, pare_tensor_data (infer->constants[0]));
  find_unique (&slices, TRUE, &found);
  vector.dims[0] = found.count;
  infer->outputs[0] = (PareSpec){ infer->inputs[0].type, has_axis ? *x : vector };
  if (has_axis)
    infer->outputs[0].shape.dims[axis] = found.count;
  for (guint i = 1; i < MIN (infer->n_outputs, 4); i++)
    infer->outputs[i] = (PareSpec){ PARE_INT64, vector };
  if (pare_infer_wants (infer, 2))
    infer->outputs[2].shape.dims[0] = slices.n;
  return TRUE;
}

static void
write_slices (const Slices *slices, const Found *found, guint8 *y)
{
  gsize size = slices->inner * pare_data_type_bits (slices->type) / 8;

  for (gint64 o = 0; size && o < slices->outer; o++)
    for (gint64 i = 0; i < found->count; i++, y += size)
      memcpy (y, slices->data + (o * slices->n + found->first[i]) * size, size);
}

static gboolean
unique_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  Slices slices = slices_of (kernel->node, x->type, &x->shape, x->data);
  g_auto (Found) found = { 0 };

  find_unique (&slices, pare_node_get_int (kernel->node, "sorted", 1) != 0, &found);
  write_slices (&slices, &found, kernel->outputs[0].data);
  if (pare_kernel_wants (kernel, 1) && found.count)
    memcpy (kernel->outputs[1].data, found.first, found.count * sizeof (gint64));
  if (pare_kernel_wants (kernel, 2) && slices.n)
    memcpy (kernel->outputs[2].data, found.number, slices.n * sizeof (gint64));
  if (pare_kernel_wants (kernel, 3))
    {
      gint64 *counts = kernel->outputs[3].data;
      for (gint64 i = 0; i < found.count; i++)
        counts[i] = 0;
      for (gint64 i = 0; i < slices.n; i++)
        counts[found.number[i]]++;
    }
  return TRUE;
}

PARE_OPERATORS (unique) = {
  { .name = "Unique", .since = 11, .infer = unique_infer, .forward = unique_forward },
  { NULL },
};
