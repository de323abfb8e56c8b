/* SPDX-License-Identifier: LGPL-2.1-or-later
 * ReduceSum, Mean, Max, Min, Prod, L1, L2, SumSquare, LogSum and LogSumExp. Accumulation is in float64 (integers in
 * int64) and always in the same order. */
#include "ops/infer.h"
#include "ops/parallel.h"
#include "ops/strided.h"
#include "ops/vector.h"
#include "sparsify/channels.h"
#include "train/gradient.h"
#include <math.h>

/* The input as [outer, reduced, inner], all dense. */
typedef struct
{
  gint64 outer, reduced, inner;
  gconstpointer x;
  gpointer sums; /* [outer, inner], of double or gint64 */
} Layout;

#define LANES 8

/* For one accumulator type: @first is the neutral element, @next folds x into s, @join folds one lane into another. */
#define REDUCTION(prefix, name, type, wide, first, next, join)                                                         \
  static prefix void name (gint64 from, gint64 to, gconstpointer data)                                                 \
  {                                                                                                                    \
    const Layout *layout = data;                                                                                       \
    gint64 n = layout->reduced, inner = layout->inner;                                                                 \
    for (gint64 k = from; k < to; k++)                                                                                 \
      {                                                                                                                \
        const type *restrict row = (const type *)layout->x + k * n * inner;                                            \
        wide *restrict sums = (wide *)layout->sums + k * inner;                                                        \
        if (inner == 1)                                                                                                \
          {                                                                                                            \
            wide lanes[LANES];                                                                                         \
            gint64 i = 0;                                                                                              \
            for (int lane = 0; lane < LANES; lane++)                                                                   \
              lanes[lane] = first;                                                                                     \
            for (; i + LANES <= n; i += LANES)                                                                         \
              for (int lane = 0; lane < LANES; lane++)                                                                 \
                {                                                                                                      \
                  const wide s = lanes[lane], x = row[i + lane];                                                       \
                  lanes[lane] = next;                                                                                  \
                }                                                                                                      \
            for (; i < n; i++)                                                                                         \
              {                                                                                                        \
                const wide s = lanes[0], x = row[i];                                                                   \
                lanes[0] = next;                                                                                       \
              }                                                                                                        \
            for (int lane = 1; lane < LANES; lane++)                                                                   \
              {                                                                                                        \
                const wide s = lanes[0], x = lanes[lane];                                                              \
                lanes[0] = join;                                                                                       \
              }                                                                                                        \
            sums[0] = lanes[0];                                                                                        \
            continue;                                                                                                  \
          }                                                                                                            \
        for (gint64 i = 0; i < inner; i++)                                                                             \
          sums[i] = first;                                                                                             \
        for (gint64 r = 0; r < n; r++, row += inner)                                                                   \
          for (gint64 i = 0; i < inner; i++)                                                                           \
            {                                                                                                          \
              const wide s = sums[i], x = row[i];                                                                      \
              sums[i] = next;                                                                                          \
            }                                                                                                          \
      }                                                                                                                \
  }
#define FLOAT_REDUCTIONS(name, first, next, join)                                                                      \
  REDUCTION (PARE_VECTOR, name##_f32, float, double, first, next, join)                                                \
  REDUCTION (, name##_f64, double, double, first, next, join)

FLOAT_REDUCTIONS (sum, 0, s + x, s + x)
FLOAT_REDUCTIONS (l1, 0, s + fabs (x), s + x)
FLOAT_REDUCTIONS (square, 0, s + x * x, s + x)
FLOAT_REDUCTIONS (product, 1, s *x, s *x)
FLOAT_REDUCTIONS (max, -INFINITY, x > s || x != x ? x : s, x > s || x != x ? x : s)
FLOAT_REDUCTIONS (min, INFINITY, x < s || x != x ? x : s, x < s || x != x ? x : s)
#define WRAP(a, operation, b) (gint64) ((guint64)(a)operation (guint64) (b))
REDUCTION (, sum_i64, gint64, gint64, 0, WRAP (s, +, x), WRAP (s, +, x))
REDUCTION (, l1_i64, gint64, gint64, 0, WRAP (s, +, x < 0 ? WRAP (0, -, x) : x), WRAP (s, +, x))
REDUCTION (, square_i64, gint64, gint64, 0, WRAP (s, +, WRAP (x, *, x)), WRAP (s, +, x))
REDUCTION (, product_i64, gint64, gint64, 1, WRAP (s, *, x), WRAP (s, *, x))
REDUCTION (, max_i64, gint64, gint64, G_MININT64, MAX (s, x), MAX (s, x))
REDUCTION (, min_i64, gint64, gint64, G_MAXINT64, MIN (s, x), MIN (s, x))

/* ln sum e^x, with the largest x taken out first. */
#define LOG_SUM_EXP(name, type)                                                                                        \
  static void name (gint64 from, gint64 to, gconstpointer data)                                                        \
  {                                                                                                                    \
    const Layout *layout = data;                                                                                       \
    for (gint64 i = from * layout->inner; i < to * layout->inner; i++)                                                 \
      {                                                                                                                \
        const type *x                                                                                                  \
            = (const type *)layout->x + i / layout->inner * layout->reduced * layout->inner + i % layout->inner;       \
        double largest = -INFINITY, total = 0;                                                                         \
        for (gint64 r = 0; r < layout->reduced; r++)                                                                   \
          largest = MAX (largest, x[r * layout->inner]);                                                               \
        for (gint64 r = 0; r < layout->reduced; r++)                                                                   \
          total += exp (x[r * layout->inner] - (isinf (largest) ? 0 : largest));                                       \
        ((double *)layout->sums)[i] = log (total) + (isinf (largest) ? 0 : largest);                                   \
      }                                                                                                                \
  }
LOG_SUM_EXP (log_sum_exp_f32, float)
LOG_SUM_EXP (log_sum_exp_f64, double)

static double
mean_of (double sum, gint64 n)
{
  return sum / n;
}

static double
root_of (double sum, gint64 n)
{
  return sqrt (sum);
}

static double
log_of (double sum, gint64 n)
{
  return log (sum);
}

typedef struct
{
  const char *name;
  PareLoop f32, f64, i64;
  double (*finish) (double sum, gint64 n);
  double extreme; /* of the largest and the smallest of no integers, which have no infinity: the end of their range */
} Reduction;

static const Reduction reductions[] = {
  { "ReduceSum", sum_f32, sum_f64, sum_i64 },
  { "ReduceMean", sum_f32, sum_f64, sum_i64, mean_of },
  { "ReduceMax", max_f32, max_f64, max_i64, .extreme = -INFINITY },
  { "ReduceMin", min_f32, min_f64, min_i64, .extreme = INFINITY },
  { "ReduceProd", product_f32, product_f64, product_i64 },
  { "ReduceL1", l1_f32, l1_f64, l1_i64 },
  { "ReduceL2", square_f32, square_f64, square_i64, root_of },
  { "ReduceSumSquare", square_f32, square_f64, square_i64 },
  { "ReduceLogSum", sum_f32, sum_f64, sum_i64, log_of },
  { "ReduceLogSumExp", log_sum_exp_f32, log_sum_exp_f64, NULL },
};

static const Reduction *
reduction_of (const PareNode *node)
{
  for (guint i = 0; i < G_N_ELEMENTS (reductions); i++)
    if (pare_node_is (node, reductions[i].name))
      return &reductions[i];
  return NULL;
}

/* Axes that are empty or not given mean all of them, or with noop_with_empty_axes none. */
static void
default_axes (const PareNode *node, guint n, guint rank, gboolean marks[PARE_MAX_RANK])
{
  if (n == 0 && !pare_node_get_int (node, "noop_with_empty_axes", 0))
    for (guint i = 0; i < rank; i++)
      marks[i] = TRUE;
}

static gboolean
reduce_infer (PareInfer *infer, GError **error)
{
  gboolean marks[PARE_MAX_RANK], keep = pare_node_get_int (infer->node, "keepdims", 1);
  g_autofree gint64 *axes = NULL;
  const PareShape *from;
  PareShape *to = &infer->outputs[0].shape;
  guint n;

  if (!pare_infer_counts (infer, 1, 2, error) || !pare_infer_require (infer, 0, pare_types_plain, error)
      || !pare_infer_ints (infer, 1, "axes", &axes, &n, error))
    return FALSE;
  if (!reduction_of (infer->node)->i64 && !pare_infer_require (infer, 0, pare_types_float, error))
    return FALSE;
  from = &infer->inputs[0].shape;
  if (!pare_infer_axes (infer, axes, n, from->rank, marks, error))
    return FALSE;
  default_axes (infer->node, n, from->rank, marks);
  infer->outputs[0].type = infer->inputs[0].type;
  to->rank = 0;
  for (guint i = 0; i < from->rank; i++)
    if (!marks[i] || keep)
      to->dims[to->rank++] = marks[i] ? 1 : from->dims[i];
  return TRUE;
}

/* The first reduced axis and the last; FALSE when axes that stay lie between them. Sizes of 1 do not count. */
static gboolean
find_span (const PareShape *shape, const gboolean marks[PARE_MAX_RANK], guint *first, guint *last)
{
  gboolean any = FALSE;

  *first = *last = shape->rank;
  for (guint i = 0; i < shape->rank; i++)
    if (marks[i] && shape->dims[i] != 1)
      {
        *first = any ? *first : i;
        *last = i;
        any = TRUE;
      }
  for (guint i = *first; i < *last; i++)
    if (!marks[i] && shape->dims[i] != 1)
      return FALSE;
  return TRUE;
}

/* A copy with the reduced axes at the end. */
static gpointer
move_to_end (const PareView *x, const gboolean marks[PARE_MAX_RANK])
{
  PareBox box = { .size = pare_data_type_bits (x->type) / 8 };
  gint64 strides[PARE_MAX_RANK];
  gpointer copy = g_malloc (MAX (pare_data_size (x->type, pare_view_elements (x)), 1));

  pare_shape_strides (&x->shape, strides);
  for (guint i = 0; i < x->shape.rank; i++)
    if (!marks[i])
      pare_box_add (&box, x->shape.dims[i], strides[i], 0);
  for (guint i = 0; i < x->shape.rank; i++)
    if (marks[i])
      pare_box_add (&box, x->shape.dims[i], strides[i], 0);
  pare_box_pack_target (&box);
  pare_box_copy (&box, x->data, copy);
  return copy;
}

/* Fills in @layout; returns the rearranged copy when one was needed. */
static gpointer
arrange (const PareView *x, const gboolean marks[PARE_MAX_RANK], Layout *layout)
{
  guint first, last;
  gboolean together = find_span (&x->shape, marks, &first, &last);
  gpointer copy = together ? NULL : move_to_end (x, marks);

  *layout = (Layout){ 1, 1, 1, copy ? copy : x->data, NULL };
  for (guint i = 0; i < x->shape.rank; i++)
    *(marks[i] ? &layout->reduced : i < first || !together ? &layout->outer : &layout->inner) *= x->shape.dims[i];
  return copy;
}

/* Everything but floats is reduced as int64. */
static gpointer
widen (PareView *x)
{
  gint64 n = pare_view_elements (x);
  gint64 *wide;

  if (x->type == PARE_FLOAT32 || x->type == PARE_FLOAT64)
    return NULL;
  wide = g_new (gint64, MAX (n, 1));
  pare_convert (x->type, x->data, PARE_INT64, wide, n);
  x->type = PARE_INT64;
  x->data = wide;
  return wide;
}

static void
fill_extreme (const Reduction *reduction, const PareView *y)
{
  gint64 n = pare_view_elements (y);
  g_autofree double *extremes = g_new (double, MAX (n, 1));

  /* The lowest truth value is false. */
  for (gint64 i = 0; i < n; i++)
    extremes[i] = y->type == PARE_BOOL ? reduction->extreme > 0 : reduction->extreme;
  pare_convert (PARE_FLOAT64, extremes, y->type, y->data, n);
}

static void
finish (const Reduction *reduction, gint64 n, PareDataType type, gpointer sums, const PareView *y)
{
  gint64 elements = pare_view_elements (y);
  gdouble *wide = sums;
  gint64 *whole = sums;

  if (n == 0 && reduction->extreme != 0 && type == PARE_INT64)
    {
      fill_extreme (reduction, y);
      return;
    }
  if (reduction->finish && type == PARE_INT64)
    for (gint64 i = 0; i < elements; i++)
      whole[i] = n ? (gint64)reduction->finish (whole[i], n) : 0;
  else if (reduction->finish)
    for (gint64 i = 0; i < elements; i++)
      wide[i] = reduction->finish (wide[i], n);
  pare_convert (type == PARE_INT64 ? PARE_INT64 : PARE_FLOAT64, sums, y->type, y->data, elements);
}

static gboolean
reduce_forward (const PareKernel *kernel, GError **error)
{
  const Reduction *reduction = reduction_of (kernel->node);
  const PareView *y = &kernel->outputs[0];
  PareView x = kernel->inputs[0];
  gboolean marks[PARE_MAX_RANK] = { FALSE };
  g_autofree gint64 *axes = NULL;
  g_autofree gpointer wide = NULL, copy = NULL, sums = NULL;
  Layout layout;
  guint n, axis;

  if (pare_kernel_is_half (kernel))
    return pare_forward_widened (kernel, reduce_forward, error);
  axes = pare_kernel_ints (kernel, 1, "axes", &n);
  for (guint i = 0; i < n; i++)
    if (pare_axis_normalize (axes[i], x.shape.rank, &axis))
      marks[axis] = TRUE;
  default_axes (kernel->node, n, x.shape.rank, marks);
  wide = widen (&x);
  copy = arrange (&x, marks, &layout);
  layout.sums = sums = g_new (gint64, MAX (pare_view_elements (y), 1));
  pare_parallel (layout.outer, PARE_GRAIN / MAX (layout.reduced * layout.inner, 1),
                 x.type == PARE_FLOAT32   ? reduction->f32
                 : x.type == PARE_FLOAT64 ? reduction->f64
                                          : reduction->i64,
                 &layout);
  finish (reduction, layout.reduced, x.type, sums, y);
  return TRUE;
}

/* @value, which lies like the result, with the reduced axes put back as sizes of 1. */
static PareValue *
keep_axes (PareGradient *gradient, const PareNode *node, PareValue *value)
{
  PareValue *axes = pare_node_input (node, 1);
  const gint64 *given;
  guint n;

  if (pare_node_get_int (node, "keepdims", 1))
    return value;
  given = pare_node_get_ints (node, "axes", &n);
  if (!axes && !n)
    return value; /* a scalar, or nothing was reduced */
  return pare_gradient_call (gradient, "Unsqueeze", value, axes ? axes : pare_gradient_int64s (gradient, n, given));
}

static PareValue *
expand_to (PareGradient *gradient, PareValue *value, PareValue *like)
{
  return pare_gradient_call (gradient, "Expand", value, pare_gradient_call (gradient, "Shape", like, NULL));
}

static gboolean
sum_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *dy = keep_axes (gradient, node, pare_gradient_of_output (gradient, 0));

  pare_gradient_add (gradient, 0, expand_to (gradient, dy, pare_node_input (node, 0)));
  return TRUE;
}

static PareValue *
size_of (PareGradient *gradient, PareValue *value)
{
  PareValue *size = pare_gradient_call (gradient, "Size", value, NULL);

  return pare_gradient_node (gradient, "", "Cast", 1, &size, pare_attribute_new_int ("to", PARE_FLOAT32), NULL);
}

static gboolean
mean_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *x = pare_node_input (node, 0);
  PareValue *dy = keep_axes (gradient, node, pare_gradient_of_output (gradient, 0));
  PareValue *share
      = pare_gradient_call (gradient, "Div", size_of (gradient, pare_node_output (node, 0)), size_of (gradient, x));

  pare_gradient_add (gradient, 0, expand_to (gradient, pare_gradient_call (gradient, "Mul", dy, share), x));
  return TRUE;
}

/* Max and Min: shared evenly between the elements that equal the result. */
static gboolean
extreme_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  PareValue *x = pare_node_input (node, 0);
  PareValue *dy = keep_axes (gradient, node, pare_gradient_of_output (gradient, 0));
  PareValue *y = keep_axes (gradient, node, pare_node_output (node, 0));
  PareValue *equal = pare_gradient_call (gradient, "Equal", x, y);
  PareValue *chosen
      = pare_gradient_node (gradient, "", "Cast", 1, &equal, pare_attribute_new_int ("to", PARE_FLOAT32), NULL);
  PareValue *count = pare_gradient_node (gradient, PARE_DOMAIN, "ReduceToShape", 2, (PareValue *[]){ chosen, y }, NULL);

  pare_gradient_add (gradient, 0,
                     pare_gradient_call (gradient, "Mul", chosen, pare_gradient_call (gradient, "Div", dy, count)));
  return TRUE;
}

/* The others: dx = dy times a factor of x and y, which @factor builds. */
static gboolean
scaled_backward (PareGradient *gradient, const PareNode *node,
                 PareValue *(*factor) (PareGradient *gradient, PareValue *x, PareValue *y))
{
  PareValue *dy = keep_axes (gradient, node, pare_gradient_of_output (gradient, 0));
  PareValue *y = keep_axes (gradient, node, pare_node_output (node, 0));

  pare_gradient_add (gradient, 0,
                     pare_gradient_call (gradient, "Mul", factor (gradient, pare_node_input (node, 0), y), dy));
  return TRUE;
}

static PareValue *
product_factor (PareGradient *gradient, PareValue *x, PareValue *y)
{
  return pare_gradient_call (gradient, "Div", y, x);
}

static PareValue *
l1_factor (PareGradient *gradient, PareValue *x, PareValue *y)
{
  return pare_gradient_call (gradient, "Sign", x, NULL);
}

static PareValue *
l2_factor (PareGradient *gradient, PareValue *x, PareValue *y)
{
  return pare_gradient_call (gradient, "Div", x, y);
}

static PareValue *
square_factor (PareGradient *gradient, PareValue *x, PareValue *y)
{
  return pare_gradient_call (gradient, "Mul", x, pare_gradient_scalar (gradient, 2));
}

static PareValue *
log_sum_factor (PareGradient *gradient, PareValue *x, PareValue *y)
{
  PareValue *inverse = pare_gradient_call (gradient, "Exp", pare_gradient_call (gradient, "Neg", y, NULL), NULL);

  return expand_to (gradient, inverse, x);
}

static PareValue *
log_sum_exp_factor (PareGradient *gradient, PareValue *x, PareValue *y)
{
  return pare_gradient_call (gradient, "Exp", pare_gradient_call (gradient, "Sub", x, y), NULL);
}

#define SCALED_BACKWARD(name)                                                                                          \
  static gboolean name##_backward (PareGradient *gradient, const PareNode *node, GError **error)                       \
  {                                                                                                                    \
    return scaled_backward (gradient, node, name##_factor);                                                            \
  }
SCALED_BACKWARD (product)
SCALED_BACKWARD (l1)
SCALED_BACKWARD (l2)
SCALED_BACKWARD (square)
SCALED_BACKWARD (log_sum)
SCALED_BACKWARD (log_sum_exp)

#define REDUCE(op, derivative)                                                                                         \
  .name = op, .infer = reduce_infer, .forward = reduce_forward, .backward = derivative, .channels = reduce_channels

/* Channels pass on axes that stay; what is reduced over them depends on all. */
static void
reduce_channels (PareChannelWalk *channels)
{
  const PareInfer *infer = pare_channels_infer (channels);
  gboolean marks[PARE_MAX_RANK], keep = pare_node_get_int (infer->node, "keepdims", 1);
  const PareShape *from = &infer->inputs[0].shape;
  g_autofree gint64 *axes = NULL;
  guint n, to = 0;

  if (!pare_infer_ints (infer, 1, "axes", &axes, &n, NULL)
      || !pare_infer_axes (infer, axes, n, from->rank, marks, NULL))
    {
      pare_channels_block (channels, 0, "");
      return;
    }
  default_axes (infer->node, n, from->rank, marks);
  for (guint axis = 0; axis < from->rank; axis++)
    {
      const guint *along = pare_channels_along (channels, 0, axis);
      if (along && marks[axis])
        pare_channels_keep (channels, from->dims[axis], along, ", which reduces over them");
      if (!marks[axis])
        pare_channels_give (channels, 0, to, along);
      to += !marks[axis] || keep;
    }
}

PARE_OPERATORS (reduce) = {
  { REDUCE ("ReduceMean", mean_backward), .factors = PARE_FACTORS_MOVE,
    .quantize_note = "its sums need more than 8 bits, and runtimes have no int8 kernel for it" },
  { REDUCE ("ReduceSum", sum_backward) },
  { REDUCE ("ReduceMax", extreme_backward) },
  { REDUCE ("ReduceMin", extreme_backward) },
  { REDUCE ("ReduceProd", product_backward) },
  { REDUCE ("ReduceL1", l1_backward) },
  { REDUCE ("ReduceL2", l2_backward) },
  { REDUCE ("ReduceSumSquare", square_backward) },
  { REDUCE ("ReduceLogSum", log_sum_backward) },
  { REDUCE ("ReduceLogSumExp", log_sum_exp_backward) },
  { NULL },
};
