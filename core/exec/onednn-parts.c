/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The gradient of a convolution by its weights, part by part of the batch. */
#include "exec/onednn-private.h"
#include <omp.h>
#include <string.h>

/* More threads than this find nothing to do. */
#define MAX_PARTS 8
/* Large weights have fewer parts, two at the least: forming and summing the parts would take longer than it saves. */
#define MAX_ELEMENTS (1 << 22)
#define ALIGNMENT 64

struct _PareParts
{
  ParePrimitive *primitive;
  PareLayout *layouts[PARE_PARTS_ARGS];
  gsize sizes[PARE_PARTS_ARGS];
  guint n, n_args;
  dnnl_exec_arg_t args[MAX_PARTS][PARE_PARTS_ARGS];
};

static const PareArg kinds[]
    = { PARE_ARG_SRC, PARE_ARG_DIFF_DST, PARE_ARG_DIFF_WEIGHTS, PARE_ARG_SCRATCHPAD, PARE_ARG_DIFF_BIAS };

/* By the shapes alone: results must not depend on the machine. */
static guint
count_parts (gint64 batch, const PareSpec *weights)
{
  gint64 limit = CLAMP (MAX_ELEMENTS / MAX (pare_shape_elements (&weights->shape), 1), 2, MAX_PARTS);

  while (batch % limit)
    limit--;
  return batch ? limit : 1;
}

static PareSpec
part_of (const PareSpec *spec, guint parts)
{
  PareSpec part = *spec;

  part.shape.dims[0] /= parts;
  return part;
}

static ParePrimitive *
create_for_one_thread (const PareSpec *src, const PareSpec *weights, const PareSpec *bias, const PareSpec *dst,
                       const PareWindow *window, gboolean transposed, GError **error)
{
  int threads = omp_get_max_threads ();
  ParePrimitive *primitive;

  omp_set_num_threads (1);
  primitive = pare_onednn_convolution_backward_weights (src, weights, bias, dst, window, transposed, error);
  omp_set_num_threads (threads);
  return primitive;
}

/* The layout of argument @arg and the bytes of it that belong to a part; FALSE when that cannot be told. */
static gboolean
measure (PareParts *parts, ParePartsArg arg, gint64 batch)
{
  gsize size;

  if (arg == PARE_PARTS_SCRATCHPAD)
    size = pare_primitive_scratchpad (parts->primitive);
  else
    {
      parts->layouts[arg] = pare_primitive_layout (parts->primitive, kinds[arg]);
      size = pare_layout_size (parts->layouts[arg]);
    }
  if (arg <= PARE_PARTS_DIFF_DST && parts->n > 1)
    {
      g_autoptr (PareLayout) part = g_steal_pointer (&parts->layouts[arg]);
      parts->layouts[arg] = pare_layout_with_batch (part, batch);
    }
  else
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  parts->sizes[arg] = size;
  return arg == PARE_PARTS_SCRATCHPAD || parts->layouts[arg];
}

/* Its memory objects, which receive their addresses later. */
static gboolean
add_part (PareParts *parts, guint index, GError **error)
{
  for (guint i = 0; i < parts->n_args; i++)
    {
      const dnnl_memory_desc_t *md
          = i == PARE_PARTS_SCRATCHPAD
                ? dnnl_primitive_desc_query_md (parts->primitive->desc, dnnl_query_scratchpad_md, 0)
                : dnnl_primitive_desc_query_md (parts->primitive->desc, dnnl_query_exec_arg_md,
                                                pare_onednn_argument (kinds[i]));
      dnnl_exec_arg_t *arg = &parts->args[index][i];
      arg->arg = pare_onednn_argument (kinds[i]);
      if (!pare_onednn_check (dnnl_memory_create (&arg->memory, md, pare_onednn_engine (), DNNL_MEMORY_NONE), "memory",
                              error))
        return FALSE;
    }
  return TRUE;
}

static PareParts *
parts_try (guint n, const PareSpec *src, const PareSpec *weights, const PareSpec *bias, const PareSpec *dst,
           const PareWindow *window, gboolean transposed, GError **error)
{
  g_autoptr (PareParts) parts = g_new0 (PareParts, 1);
  const PareSpec part_src = part_of (src, n), part_dst = part_of (dst, n);

  parts->n = n;
  parts->n_args = bias ? PARE_PARTS_ARGS : PARE_PARTS_DIFF_BIAS;
  parts->primitive = create_for_one_thread (&part_src, weights, bias, &part_dst, window, transposed, error);
  if (!parts->primitive)
    return NULL;
  for (guint i = 0; i < parts->n_args; i++)
    if (!measure (parts, i, src->shape.dims[0]))
      return NULL;
  for (guint i = 0; i < n; i++)
    if (!add_part (parts, i, error))
      return NULL;
  return g_steal_pointer (&parts);
}

PareParts *
pare_parts_new (const PareSpec *src, const PareSpec *weights, const PareSpec *bias, const PareSpec *dst,
                const PareWindow *window, gboolean transposed, GError **error)
{
  PareParts *parts
      = parts_try (count_parts (src->shape.dims[0], weights), src, weights, bias, dst, window, transposed, NULL);

  /* Where samples are interleaved in memory, there is one part. */
  return parts ? parts : parts_try (1, src, weights, bias, dst, window, transposed, error);
}

void
pare_parts_free (PareParts *parts)
{
  for (guint i = 0; i < parts->n; i++)
    for (guint a = 0; a < parts->n_args; a++)
      if (parts->args[i][a].memory)
        dnnl_memory_destroy (parts->args[i][a].memory);
  for (guint a = 0; a < PARE_PARTS_ARGS; a++)
    g_clear_pointer (&parts->layouts[a], pare_layout_free);
  g_clear_pointer (&parts->primitive, pare_primitive_free);
  g_free (parts);
}

guint
pare_parts_count (const PareParts *parts)
{
  return parts->n;
}

PareLayout *
pare_parts_layout (const PareParts *parts, ParePartsArg arg)
{
  return parts->layouts[arg] ? pare_layout_copy (parts->layouts[arg]) : NULL;
}

gsize
pare_parts_size (const PareParts *parts, ParePartsArg arg)
{
  return parts->sizes[arg];
}

static dnnl_status_t
run_part (PareParts *parts, guint index, gpointer const *data)
{
  for (guint i = 0; i < parts->n_args; i++)
    {
      guint8 *at = (guint8 *)data[i] + index * parts->sizes[i];
      dnnl_status_t status = dnnl_memory_set_data_handle_v2 (parts->args[index][i].memory, at, NULL);
      if (status != dnnl_success)
        return status;
    }
  return dnnl_primitive_execute (parts->primitive->primitive, pare_onednn_stream (), parts->n_args, parts->args[index]);
}

gboolean
pare_parts_run (PareParts *parts, gpointer const *data, GError **error)
{
  dnnl_status_t results[MAX_PARTS];

#pragma omp parallel if (parts->n > 1)
  {
    omp_set_num_threads (1); /* of this thread, in this region: what the primitive was created for */
#pragma omp for schedule(dynamic)
    for (guint i = 0; i < parts->n; i++)
      results[i] = run_part (parts, i, data);
  }
  for (guint i = 0; i < parts->n; i++)
    if (!pare_onednn_check (results[i], "gradient of a convolution by its weight", error))
      return FALSE;
  return TRUE;
}
