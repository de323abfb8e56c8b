/* SPDX-License-Identifier: LGPL-2.1-or-later
 * RandomNormal, RandomUniform, their Like forms, Bernoulli and Multinomial (ONNX operators of these names). The
 * specification leaves the generator open. Here a number is a function of the seed, or without one of the node's name,
 * and of its position: a run can be repeated. */
#include "ops/random.h"
#include "ops/infer.h"
#include <math.h>
#include <string.h>

typedef struct _Draw Draw;
typedef double (*DrawFunc) (const Draw *draw, gint64 i);

/* @a and @b: mean and deviation, or the ends of the range. */
struct _Draw
{
  guint64 key;
  double a, b;
  const float *x; /* probabilities, or logarithms of such */
  gint64 classes, samples;
};

static double
draw_uniform (const Draw *draw, gint64 i)
{
  return draw->a + (draw->b - draw->a) * pare_random_uniform (draw->key, i);
}

/* Box and Muller, 1958. */
static double
draw_normal (const Draw *draw, gint64 i)
{
  double radius = sqrt (-2 * log (1 - pare_random_uniform (draw->key, 2 * i)));

  return draw->a + draw->b * radius * cos (2 * G_PI * pare_random_uniform (draw->key, 2 * i + 1));
}

static double
draw_truth (const Draw *draw, gint64 i)
{
  return pare_random_uniform (draw->key, i) < draw->x[i];
}

/* The class with the largest log probability + Gumbel noise (Gumbel, 1954): no sum is needed. */
static double
draw_class (const Draw *draw, gint64 i)
{
  const float *row = draw->x + i / draw->samples * draw->classes;
  double largest = -INFINITY;
  gint64 best = 0;

  for (gint64 c = 0; c < draw->classes; c++)
    {
      double noise = -log (-log (1 - pare_random_uniform (draw->key, i * draw->classes + c)));
      if (row[c] + noise > largest)
        {
          largest = row[c] + noise;
          best = c;
        }
    }
  return best;
}

static const struct
{
  const char *name;
  DrawFunc draw;
  const char *a, *b;
  float default_a, default_b;
} distributions[] = {
  { "RandomNormal", draw_normal, "mean", "scale", 0, 1 },
  { "RandomNormalLike", draw_normal, "mean", "scale", 0, 1 },
  { "RandomUniform", draw_uniform, "low", "high", 0, 1 },
  { "RandomUniformLike", draw_uniform, "low", "high", 0, 1 },
  { "Bernoulli", draw_truth },
  { "Multinomial", draw_class },
};

static guint
distribution_of (const PareNode *node)
{
  guint i = 0;

  while (!g_str_equal (node->op_type, distributions[i].name))
    g_assert (++i < G_N_ELEMENTS (distributions));
  return i;
}

/* The attribute dtype, when it is one of @types (ended by 0). */
static gboolean
read_type (PareInfer *infer, PareDataType usual, const PareDataType *types, GError **error)
{
  gint64 type = pare_node_get_int (infer->node, "dtype", usual);

  for (; *types; types++)
    if (*types == type)
      {
        infer->outputs[0].type = type;
        return TRUE;
      }
  pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node,
                   "its dtype %" G_GINT64_FORMAT " is none that is drawn here.", type);
  return FALSE;
}

static gboolean
shape_infer (PareInfer *infer, GError **error)
{
  guint n;
  const gint64 *dims = pare_node_get_ints (infer->node, "shape", &n);

  if (!pare_infer_counts (infer, 0, 0, error) || !pare_infer_rank (infer, n, error)
      || !read_type (infer, PARE_FLOAT32, pare_types_float, error))
    return FALSE;
  infer->outputs[0].shape = pare_shape (n, dims);
  if (dims && pare_shape_elements (&infer->outputs[0].shape) >= 0)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its shape is missing or impossible.");
  return FALSE;
}

static gboolean
like_infer (PareInfer *infer, GError **error)
{
  PareDataType type;

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, NULL, error))
    return FALSE;
  type = infer->inputs[0].type;
  infer->outputs[0].shape = infer->inputs[0].shape;
  return read_type (infer, pare_data_type_is_float (type) ? type : PARE_FLOAT32, pare_types_float, error);
}

static gboolean
bernoulli_infer (PareInfer *infer, GError **error)
{
  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_float, error))
    return FALSE;
  infer->outputs[0].shape = infer->inputs[0].shape;
  return read_type (infer, infer->inputs[0].type, pare_types_plain, error);
}

static gboolean
multinomial_infer (PareInfer *infer, GError **error)
{
  gint64 samples = pare_node_get_int (infer->node, "sample_size", 1);

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_float, error)
      || !pare_infer_require_rank (infer, 0, 2, error) || !read_type (infer, PARE_INT32, pare_types_index, error))
    return FALSE;
  infer->outputs[0].shape = (PareShape){ .rank = 2, .dims = { infer->inputs[0].shape.dims[0], samples } };
  if (samples >= 1 && infer->inputs[0].shape.dims[1] >= 1 && pare_shape_elements (&infer->outputs[0].shape) >= 0)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "it has no classes to draw from, or no samples to draw.");
  return FALSE;
}

static guint64
key_of (const PareNode *node)
{
  float seed = pare_node_get_float (node, "seed", 0);
  guint32 bits;

  memcpy (&bits, &seed, sizeof bits);
  return pare_mix (pare_node_attribute (node, "seed") ? bits : (guint64)g_str_hash (pare_node_label (node)) << 32);
}

static gboolean
random_forward (const PareKernel *kernel, GError **error)
{
  const PareView *y = &kernel->outputs[0];
  guint at = distribution_of (kernel->node);
  gint64 n = pare_view_elements (y), n_x = distributions[at].a ? 0 : pare_view_elements (&kernel->inputs[0]);
  g_autofree float *x = g_new (float, MAX (n_x, 1));
  g_autofree double *numbers = g_new (double, MAX (n, 1));
  Draw draw = { .key = key_of (kernel->node), .x = x };

  if (distributions[at].a)
    {
      draw.a = pare_node_get_float (kernel->node, distributions[at].a, distributions[at].default_a);
      draw.b = pare_node_get_float (kernel->node, distributions[at].b, distributions[at].default_b);
    }
  else
    {
      pare_convert (kernel->inputs[0].type, kernel->inputs[0].data, PARE_FLOAT32, x, n_x);
      draw.classes = kernel->inputs[0].shape.rank == 2 ? kernel->inputs[0].shape.dims[1] : 1;
      draw.samples = y->shape.rank == 2 ? y->shape.dims[1] : 1;
    }
#pragma omp parallel for schedule(static) if (n > 65536)
  for (gint64 i = 0; i < n; i++)
    numbers[i] = distributions[at].draw (&draw, i);
  pare_convert (PARE_FLOAT64, numbers, y->type, y->data, n);
  return TRUE;
}

PARE_OPERATORS (random) = {
  { .name = "RandomNormal", .infer = shape_infer, .forward = random_forward },
  { .name = "RandomUniform", .infer = shape_infer, .forward = random_forward },
  { .name = "RandomNormalLike", .infer = like_infer, .forward = random_forward, .shape_inputs = 1 << 0 },
  { .name = "RandomUniformLike", .infer = like_infer, .forward = random_forward, .shape_inputs = 1 << 0 },
  { .name = "Bernoulli", .since = 15, .infer = bernoulli_infer, .forward = random_forward },
  { .name = "Multinomial", .since = 7, .infer = multinomial_infer, .forward = random_forward },
  { NULL },
};
