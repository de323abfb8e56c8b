/* SPDX-License-Identifier: LGPL-2.1-or-later
 * TfIdfVectorizer: how often each n-gram of a pool occurs in a row, with up to some items skipped between its parts
 * (ONNX operators, TfIdfVectorizer). */
#include "exec/run.h"
#include "ops/infer.h"
#include <string.h>

/* Offsets of the pool by length of n-gram, and where the result of each n-gram goes. */
typedef struct
{
  const gint64 *counts, *indexes;
  const float *weights; /* NULL: all 1 */
  guint n_counts, n_indexes, pool;
  gint64 shortest, longest, skips, width;
  enum
  {
    TF,
    IDF,
    TFIDF
  } mode;
} Grams;

static gboolean
check_pool (const PareNode *node, Grams *grams, GError **error)
{
  gint64 total = 0;

  for (guint n = 1; n <= grams->n_counts; n++)
    {
      gint64 start = grams->counts[n - 1], end = n < grams->n_counts ? grams->counts[n] : grams->pool;
      if (start < 0 || start > end || end > grams->pool || (end - start) % n)
        total = G_MININT64 / 2;
      total += (end - start) / n;
    }
  for (guint i = 0; i < grams->n_indexes; i++)
    {
      if (grams->indexes[i] < 0 || grams->indexes[i] > G_MAXINT32)
        total = -1;
      grams->width = MAX (grams->width, grams->indexes[i] + 1);
    }
  if (total == grams->n_indexes && grams->width && grams->shortest >= 1 && grams->longest >= grams->shortest
      && grams->longest <= grams->n_counts && grams->skips >= 0)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, node,
                   "its pool of n-grams, their counts and indexes do not fit each other.");
  return FALSE;
}

static gboolean
read_grams (const PareNode *node, guint pool, Grams *grams, GError **error)
{
  static const char *const modes[] = { [TF] = "TF", [IDF] = "IDF", [TFIDF] = "TFIDF" };
  g_autofree char *mode = pare_node_get_string (node, "mode");
  guint n_weights;

  *grams = (Grams){ .pool = pool, .mode = TFIDF + 1 };
  grams->counts = pare_node_get_ints (node, "ngram_counts", &grams->n_counts);
  grams->indexes = pare_node_get_ints (node, "ngram_indexes", &grams->n_indexes);
  grams->weights = pare_node_get_floats (node, "weights", &n_weights);
  grams->shortest = pare_node_get_int (node, "min_gram_length", 0);
  grams->longest = pare_node_get_int (node, "max_gram_length", 0);
  grams->skips = pare_node_get_int (node, "max_skip_count", 0);
  for (guint i = 0; mode && i < G_N_ELEMENTS (modes); i++)
    if (g_str_equal (modes[i], mode))
      grams->mode = i;
  if (grams->mode <= TFIDF && (!grams->weights || n_weights == grams->n_indexes))
    return check_pool (node, grams, error);
  pare_node_error (error, PARE_ERROR_FORMAT, node,
                   "its mode is not TF, IDF or TFIDF, or there is not a weight for each n-gram.");
  return FALSE;
}

/* Adds 1 for each n-gram of @length that stands at @row, its parts @step apart. */
static void
count_at (const Grams *grams, const gint64 *pool, const gint64 *row, gint64 length, gint64 step, gint64 number,
          float *y)
{
  gint64 start = grams->counts[length - 1], end = length < grams->n_counts ? grams->counts[length] : grams->pool;

  for (; start < end; start += length, number++)
    {
      gint64 same = 0;
      while (same < length && row[same * step] == pool[start + same])
        same++;
      if (same == length)
        y[grams->indexes[number]]++;
    }
}

static void
count_row (const Grams *grams, const gint64 *pool, const gint64 *row, gint64 n, float *y)
{
  gint64 number = 0;

  for (gint64 length = 1; length <= grams->longest; length++)
    {
      gint64 end = length < grams->n_counts ? grams->counts[length] : grams->pool;
      gint64 most = length == 1 ? 1 : MIN (grams->skips, n) + 1;
      for (gint64 step = 1; length >= grams->shortest && step <= most; step++)
        for (gint64 i = 0; i + (length - 1) * step < n; i++)
          count_at (grams, pool, row + i, length, step, number, y);
      number += (end - grams->counts[length - 1]) / length;
    }
}

/* Counts into what the mode asks for. */
static void
weigh (const Grams *grams, float *y)
{
  for (guint i = 0; grams->mode != TF && i < grams->n_indexes; i++)
    {
      float *count = &y[grams->indexes[i]];
      if (grams->mode == IDF)
        *count = *count > 0;
      *count *= grams->weights ? grams->weights[i] : 1;
    }
}

static void
count_all (const Grams *grams, const gint64 *pool, const gint64 *x, const PareShape *shape, float *y)
{
  gint64 n = shape->rank ? shape->dims[shape->rank - 1] : 1, rows = shape->rank == 2 ? shape->dims[0] : 1;

  memset (y, 0, rows * grams->width * sizeof *y);
  for (gint64 row = 0; row < rows; row++)
    {
      count_row (grams, pool, x + row * n, n, y + row * grams->width);
      weigh (grams, y + row * grams->width);
    }
}

static PareShape
result_shape (const PareShape *x, const Grams *grams)
{
  return x->rank == 2 ? pare_shape (2, (gint64[]){ x->dims[0], grams->width }) : pare_shape (1, &grams->width);
}

static gboolean
tfidf_infer (PareInfer *infer, GError **error)
{
  static const PareDataType types[] = { PARE_INT32, PARE_INT64, 0 };
  Grams grams;
  guint pool;

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, types, error))
    return FALSE;
  if (infer->inputs[0].shape.rank < 1 || infer->inputs[0].shape.rank > 2
      || !pare_node_get_ints (infer->node, "pool_int64s", &pool))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "its input is neither [n] nor [rows,n], or it has no pool.");
      return FALSE;
    }
  if (!read_grams (infer->node, pool, &grams, error))
    return FALSE;
  infer->outputs[0] = (PareSpec){ PARE_FLOAT32, result_shape (&infer->inputs[0].shape, &grams) };
  return TRUE;
}

static gboolean
tfidf_forward (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0];
  g_autofree gint64 *items = g_new (gint64, pare_view_elements (x) + 1);
  const gint64 *pool;
  Grams grams;
  guint n;

  pool = pare_node_get_ints (kernel->node, "pool_int64s", &n);
  if (!read_grams (kernel->node, n, &grams, error))
    return FALSE;
  pare_convert (x->type, x->data, PARE_INT64, items, pare_view_elements (x));
  count_all (&grams, pool, items, &x->shape, kernel->outputs[0].data);
  return TRUE;
}

/* Words are counted as numbers: their first place in the pool. */
static gint64
number_of (const PareAttribute *pool, GBytes *word)
{
  for (guint i = 0; i < pool->n; i++)
    if (g_bytes_equal (pool->u.strings[i], word))
      return i;
  return -1;
}

static gboolean
tfidf_run (const PareRun *run, GError **error)
{
  const PareAttribute *words = pare_node_attribute (run->node, "pool_strings");
  const PareTensor *x = pare_run_input (run, 0);
  g_autofree gint64 *items = NULL, *pool = NULL;
  PareShape shape;
  Grams grams;
  float *y;

  if (!pare_run_counts (run, 1, 1, error) || !pare_run_require (run, 0, PARE_STRING, error))
    return FALSE;
  if (!words || words->type != PARE_ATTRIBUTE_STRINGS || x->shape.rank < 1 || x->shape.rank > 2)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, run->node,
                       "its input is neither [n] nor [rows,n], or it has no pool.");
      return FALSE;
    }
  if (!read_grams (run->node, words->n, &grams, error))
    return FALSE;
  items = g_new (gint64, x->strings->len + 1);
  pool = g_new (gint64, words->n + 1);
  for (guint i = 0; i < x->strings->len; i++)
    items[i] = number_of (words, x->strings->pdata[i]);
  for (guint i = 0; i < words->n; i++)
    pool[i] = number_of (words, words->u.strings[i]);
  shape = result_shape (&x->shape, &grams);
  y = g_new (float, pare_shape_elements (&shape) + 1);
  count_all (&grams, pool, items, &x->shape, y);
  run->outputs[0] = pare_tensor_new_take (PARE_FLOAT32, &shape, y);
  return TRUE;
}

PARE_OPERATORS (tfidf) = {
  { .name = "TfIdfVectorizer", .since = 9, .infer = tfidf_infer, .forward = tfidf_forward, .run = tfidf_run },
  { NULL },
};
