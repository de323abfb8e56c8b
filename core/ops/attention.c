/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Attention of the domain "pare": softmax (scale Q K + mask) V over the last axis, for Q [.., rows, depth],
 * K [.., depth, keys], V [.., keys, width] and, if any, mask, whose axes before the last two are broadcast. What
 * networks spell out in two products and a Softmax; Vaswani et al., "Attention is all you need", 2017, section 3.2.1.
 * Inputs are read and the result is written in whatever order their heads lie, and no scores are written to memory. */
#include "ops/attentionrows.h"
#include "exec/view.h"
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/samples.h"
#include "ops/vector16.h"
#include "train/gradient.h"

/* Each has a scratch of its own; which rows it computes does not depend on the number of threads. */
#define STRIPS 16
/* Rows that share what is loaded of keys and values. */
#define SHARED_ROWS 128

enum
{
  Q,
  K,
  V,
  MASK,
  OPERANDS
};

typedef struct
{
  PareAttentionSizes sizes;
  PareShape batch;
  gint64 chunks; /* of rows, of each head */
  guint strips;
  gsize scratch; /* floats of one strip */
  gboolean has_mask;
  PareStrided operands[OPERANDS], y; /* a stride of 0 repeats */
} Attention;

typedef struct
{
  const Attention *attention;
  const float *data[OPERANDS];
  float *y, *scratch;
} Run;

static gboolean
refuse (const PareInfer *infer, GError **error)
{
  g_autofree char *q = pare_shape_to_string (&infer->inputs[Q].shape);
  g_autofree char *k = pare_shape_to_string (&infer->inputs[K].shape);
  g_autofree char *v = pare_shape_to_string (&infer->inputs[V].shape);

  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "queries %s, keys %s and values %s do not fit.", q, k, v);
  return FALSE;
}

static gboolean
attention_infer (PareInfer *infer, GError **error)
{
  const PareShape *q, *k, *v;
  PareShape scores, all, mask;
  guint rank;

  if (!pare_infer_counts (infer, 3, 4, error))
    return FALSE;
  for (guint i = 0; i < infer->n_inputs; i++)
    if (!pare_infer_require (infer, i, pare_types_float32, error))
      return FALSE;
  q = &infer->inputs[Q].shape;
  k = &infer->inputs[K].shape;
  v = &infer->inputs[V].shape;
  rank = q->rank;
  if (rank < 2 || k->rank != rank || v->rank != rank || q->dims[rank - 1] != k->dims[rank - 2]
      || k->dims[rank - 1] != v->dims[rank - 2])
    return refuse (infer, error);
  scores = pare_shape (rank - 2, q->dims);
  for (guint i = K; i <= V; i++)
    {
      PareShape batch = pare_shape (rank - 2, infer->inputs[i].shape.dims), before = scores;
      if (!pare_shape_broadcast (&before, &batch, &scores))
        return refuse (infer, error);
    }
  scores.dims[scores.rank++] = q->dims[rank - 2];
  scores.dims[scores.rank++] = k->dims[rank - 1];
  if (infer->n_inputs > MASK)
    {
      mask = infer->inputs[MASK].shape;
      if (!pare_shape_broadcast (&scores, &mask, &all) || !pare_shape_equal (&all, &scores))
        return refuse (infer, error);
    }
  scores.dims[rank - 1] = v->dims[rank - 1];
  infer->outputs[0] = (PareSpec){ PARE_FLOAT32, scores };
  return TRUE;
}

/* The operand under the batch's axes, with strides of 0 where it is repeated. */
static PareStrided
spread (const PareStrided *operand, const PareShape *batch)
{
  PareStrided spread = { .shape.rank = batch->rank + 2, .offset = operand->offset };
  guint missing = spread.shape.rank - operand->shape.rank;

  for (guint i = missing; i < spread.shape.rank; i++)
    {
      spread.shape.dims[i] = operand->shape.dims[i - missing];
      spread.strides[i] = spread.shape.dims[i] == 1 ? 0 : operand->strides[i - missing];
    }
  return spread;
}

/* Everything but what the operands' strides are. */
static Attention
plan_attention (const PareNode *node, const PareShape *q, const PareShape *k, const PareShape *y)
{
  guint rank = q->rank;
  Attention attention = { .batch = pare_shape (rank - 2, y->dims) };
  gint64 heads = pare_shape_elements (&attention.batch);

  attention.sizes = (PareAttentionSizes){ q->dims[rank - 2],
                                          q->dims[rank - 1],
                                          k->dims[rank - 1],
                                          y->dims[rank - 1],
                                          pare_node_get_float (node, "scale", 1),
                                          pare_vectors16_supported () };
  attention.chunks = (attention.sizes.rows + SHARED_ROWS - 1) / SHARED_ROWS;
  attention.strips = MIN (STRIPS, heads * attention.chunks);
  attention.scratch = pare_attention_scratch (&attention.sizes);
  return attention;
}

static PareStridedMatrix
matrix_at (const Run *run, guint operand, gint64 head)
{
  const Attention *attention = run->attention;
  const PareStrided *strided = &attention->operands[operand];
  guint rank = attention->batch.rank;
  gint64 at = strided->offset;

  for (guint i = rank; i-- > 0; head /= attention->batch.dims[i])
    at += head % attention->batch.dims[i] * strided->strides[i];
  return (PareStridedMatrix){ run->data[operand] + at, strided->strides[rank], strided->strides[rank + 1] };
}

static float *
result_at (const Run *run, gint64 head)
{
  const Attention *attention = run->attention;
  gint64 at = attention->y.offset;

  for (guint i = attention->batch.rank; i-- > 0; head /= attention->batch.dims[i])
    at += head % attention->batch.dims[i] * attention->y.strides[i];
  return run->y + at;
}

/* Strips [from, to) of the chunks of all heads. */
static void
run_strips (gint64 from, gint64 to, gconstpointer data)
{
  const Run *run = data;
  const Attention *attention = run->attention;
  const PareAttentionSizes *sizes = &attention->sizes;
  gint64 chunks = pare_shape_elements (&attention->batch) * attention->chunks;

  for (gint64 strip = from; strip < to; strip++)
    {
      PareAttentionScratch scratch = pare_attention_scratch_at (sizes, run->scratch + strip * attention->scratch);
      gint64 loaded = -1;
      for (gint64 i = strip * chunks / attention->strips; i < (strip + 1) * chunks / attention->strips; i++)
        {
          gint64 head = i / attention->chunks, row = i % attention->chunks * SHARED_ROWS;
          PareStridedMatrix q = matrix_at (run, Q, head), mask = { NULL, 0, 0 };
          if (head != loaded)
            {
              PareStridedMatrix k = matrix_at (run, K, head), v = matrix_at (run, V, head);
              pare_attention_load (sizes, &k, &v, &scratch);
              loaded = head;
            }
          if (attention->has_mask)
            mask = matrix_at (run, MASK, head);
          pare_attention_rows (sizes, row, MIN (row + SHARED_ROWS, sizes->rows), &q, &mask, &scratch,
                               result_at (run, head), attention->y.strides[attention->batch.rank]);
        }
    }
}

static gboolean
run_attention (gpointer state, PareSlot *const *slots, GError **error)
{
  Run run = { .attention = state, .y = slots[OPERANDS]->data, .scratch = slots[OPERANDS + 1]->data };

  for (guint i = 0; i < OPERANDS; i++)
    run.data[i] = slots[i] ? slots[i]->data : NULL;
  pare_parallel (run.attention->strips, 1, run_strips, &run);
  return TRUE;
}

static gboolean
attention_compile (PareCompile *compile, GError **error)
{
  const PareInfer *infer = pare_compile_infer (compile);
  g_autofree Attention *attention = g_new (Attention, 1);
  PareSlot *slots[OPERANDS + 2] = { NULL };
  PareSpec scratch = { PARE_FLOAT32, { .rank = 1 } };

  *attention = plan_attention (infer->node, &infer->inputs[Q].shape, &infer->inputs[K].shape, &infer->outputs[0].shape);
  attention->has_mask = infer->n_inputs > MASK;
  for (guint i = 0; i < infer->n_inputs; i++)
    {
      PareStrided strided;
      slots[i] = pare_compile_input_strided (compile, i, &strided, error);
      if (!slots[i])
        return FALSE;
      attention->operands[i] = spread (&strided, &attention->batch);
    }
  slots[OPERANDS] = pare_compile_output_for_reader (compile, &attention->y, error);
  if (!slots[OPERANDS])
    return FALSE;
  scratch.shape.dims[0] = attention->strips * attention->scratch;
  slots[OPERANDS + 1] = pare_compile_temporary (compile, &scratch, NULL);
  pare_compile_step (compile, run_attention, g_steal_pointer (&attention), g_free, OPERANDS + 2, slots);
  return TRUE;
}

/* Axis 0 has to be one of heads. */
static gboolean
attention_by_sample (const PareInfer *infer)
{
  return infer->outputs[0].shape.rank > 2 && pare_samples_joined (infer);
}

static guint64
attention_macs (const PareInfer *infer)
{
  const PareShape *q = &infer->inputs[Q].shape, *y = &infer->outputs[0].shape, *k = &infer->inputs[K].shape;
  guint last = q->rank - 1;

  return (guint64)pare_shape_span (y, 0, last) * k->dims[last] * (q->dims[last] + y->dims[last]);
}

PARE_OPERATORS (attention) = {
  { .name = "Attention",
    .domain = PARE_DOMAIN,
    .infer = attention_infer,
    .compile = attention_compile,
    .strided_inputs = 1 << Q | 1 << K | 1 << V,
    .by_sample = attention_by_sample,
    .macs = attention_macs },
  { NULL },
};
