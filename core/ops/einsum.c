/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Einsum: the sum of products over the labels of an equation, for any number of inputs. One loop over the output's
 * labels and one over the summed ones; large matrix products are better written as MatMul. */
#include "ops/infer.h"
#include "ops/parallel.h"
#include "train/gradient.h"
#include <string.h>

#define MAX_INPUTS 4
#define ELLIPSIS '.'
/* Letters, and one label per dimension under the ellipsis. */
#define LABELS (128 + PARE_MAX_RANK)

/* Labels in the order output first, then summed; per input the stride of each. */
typedef struct
{
  guint n_inputs, n_output, n;
  gint64 dims[2 * PARE_MAX_RANK];
  gint64 strides[MAX_INPUTS][2 * PARE_MAX_RANK];
} Plan;

/* Labels of one term: letters, and numbers from 128 for the ellipsis, right-aligned as broadcasting is. */
typedef struct
{
  guint rank;
  guint labels[PARE_MAX_RANK];
} Term;

static gboolean
append (Term *term, guint label)
{
  if (term->rank == PARE_MAX_RANK)
    return FALSE;
  term->labels[term->rank++] = label;
  return TRUE;
}

/* Reads a term up to ',', '-' or the end; an ellipsis stands for @ellipsis dimensions. */
static gboolean
read_term (const char **text, guint ellipsis, Term *term)
{
  term->rank = 0;
  for (; **text && **text != ',' && **text != '-'; (*text)++)
    {
      if (g_ascii_isalpha (**text) && !append (term, **text))
        return FALSE;
      if (g_str_has_prefix (*text, "..."))
        {
          for (guint i = 0; i < ellipsis; i++)
            if (!append (term, 128 + PARE_MAX_RANK - ellipsis + i))
              return FALSE;
          *text += 2;
          continue;
        }
      if (!g_ascii_isalpha (**text) && **text != ' ')
        return FALSE;
    }
  return TRUE;
}

/* Dimensions that an ellipsis in the term at @text stands for, for an input of @rank. */
static guint
ellipsis_rank (const char *text, guint rank)
{
  guint letters = 0;
  gboolean found = FALSE;

  for (; *text && *text != ',' && *text != '-'; text++)
    {
      letters += g_ascii_isalpha (*text);
      found |= *text == ELLIPSIS;
    }
  return found && rank > letters ? rank - letters : 0;
}

typedef struct
{
  gint64 dims[LABELS];
  guint uses[LABELS];
  Term inputs[MAX_INPUTS], output;
} Equation;

static gboolean
take_input (Equation *equation, const Term *term, const PareShape *shape)
{
  if (term->rank != shape->rank)
    return FALSE;
  for (guint i = 0; i < term->rank; i++)
    {
      gint64 *dim = &equation->dims[term->labels[i]];
      if (equation->uses[term->labels[i]]++ == 0 || *dim == 1)
        *dim = shape->dims[i];
      else if (shape->dims[i] != *dim && shape->dims[i] != 1)
        return FALSE;
    }
  return TRUE;
}

/* Without "->" the output has the ellipsis, then the letters that occur once, in the alphabet's order. */
static gboolean
implicit_output (Equation *equation, guint ellipsis)
{
  for (guint label = LABELS - ellipsis; label < LABELS; label++)
    if (!append (&equation->output, label))
      return FALSE;
  for (guint label = 0; label < 128; label++)
    if (equation->uses[label] == 1 && !append (&equation->output, label))
      return FALSE;
  return TRUE;
}

static gboolean
read_equation (const char *text, const PareShape *const *shapes, guint n, Equation *equation)
{
  guint ellipsis = 0;

  memset (equation, 0, sizeof *equation);
  for (guint i = 0; i < n; i++)
    {
      guint rank = ellipsis_rank (text, shapes[i]->rank);
      ellipsis = MAX (ellipsis, rank);
      if (!read_term (&text, rank, &equation->inputs[i]) || !take_input (equation, &equation->inputs[i], shapes[i])
          || (*text == ',') != (i + 1 < n))
        return FALSE;
      text += *text == ',';
    }
  if (!*text)
    return implicit_output (equation, ellipsis);
  if (!g_str_has_prefix (text, "->"))
    return FALSE;
  text += 2;
  if (!read_term (&text, ellipsis, &equation->output) || *text)
    return FALSE;
  for (guint i = 0; i < equation->output.rank; i++)
    if (!equation->uses[equation->output.labels[i]])
      return FALSE;
  return TRUE;
}

/* FALSE when the equation does not fit the inputs, or an output label is given twice. */
static gboolean
make_plan (const PareNode *node, const PareShape *const *shapes, guint n, Plan *plan)
{
  g_autofree char *text = pare_node_get_string (node, "equation");
  g_autofree Equation *equation = g_new (Equation, 1);
  gint place[LABELS];
  gint64 steps = 1;

  if (!text || !read_equation (text, shapes, n, equation))
    return FALSE;
  *plan = (Plan){ .n_inputs = n };
  for (guint label = 0; label < LABELS; label++)
    place[label] = -1;
  for (guint i = 0; i < equation->output.rank; i++)
    {
      guint label = equation->output.labels[i];
      if (place[label] >= 0)
        return FALSE;
      place[label] = plan->n;
      plan->dims[plan->n++] = equation->dims[label];
    }
  plan->n_output = plan->n;
  for (guint label = 0; label < LABELS; label++)
    if (equation->uses[label] && place[label] < 0)
      {
        if (plan->n == G_N_ELEMENTS (plan->dims))
          return FALSE;
        place[label] = plan->n;
        plan->dims[plan->n++] = equation->dims[label];
      }
  /* The loops are counted in one number each. */
  for (guint d = 0; d < plan->n; d++)
    if (__builtin_mul_overflow (steps, MAX (plan->dims[d], 1), &steps))
      return FALSE;
  for (guint i = 0; i < n; i++)
    {
      gint64 strides[PARE_MAX_RANK];
      pare_shape_strides (shapes[i], strides);
      /* A label that occurs twice in a term walks the diagonal: the strides add up. */
      for (guint d = 0; d < shapes[i]->rank; d++)
        if (shapes[i]->dims[d] != 1)
          plan->strides[i][place[equation->inputs[i].labels[d]]] += strides[d];
    }
  return TRUE;
}

static gboolean
einsum_infer (PareInfer *infer, GError **error)
{
  static const PareDataType types[] = { PARE_FLOAT32, PARE_FLOAT64, PARE_TYPES_HALF, 0 };
  const PareShape *shapes[MAX_INPUTS];
  PareShape *to = &infer->outputs[0].shape;
  Plan plan;

  if (!pare_infer_counts (infer, 1, MAX_INPUTS, error))
    return FALSE;
  for (guint i = 0; i < infer->n_inputs; i++)
    {
      if (!pare_infer_require (infer, i, types, error))
        return FALSE;
      shapes[i] = &infer->inputs[i].shape;
    }
  if (!make_plan (infer->node, shapes, infer->n_inputs, &plan))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its equation does not fit its inputs.");
      return FALSE;
    }
  infer->outputs[0].type = infer->inputs[0].type;
  to->rank = plan.n_output;
  memcpy (to->dims, plan.dims, plan.n_output * sizeof *to->dims);
  return TRUE;
}

typedef struct
{
  const Plan *plan;
  double *const *inputs;
  double *y;
  gint64 summed;
} Job;

/* Adds the offsets of position @at of labels [from, to). */
static void
add_offsets (const Plan *plan, gint64 at, guint from, guint to, gint64 offsets[MAX_INPUTS])
{
  for (guint d = to; d-- > from; at /= plan->dims[d])
    for (guint i = 0; i < plan->n_inputs; i++)
      offsets[i] += at % plan->dims[d] * plan->strides[i][d];
}

static void
sum_products (gint64 from, gint64 to, gconstpointer data)
{
  const Job *job = data;
  const Plan *plan = job->plan;

  for (gint64 k = from; k < to; k++)
    {
      gint64 base[MAX_INPUTS] = { 0 };
      double sum = 0;
      add_offsets (plan, k, 0, plan->n_output, base);
      for (gint64 s = 0; s < job->summed; s++)
        {
          gint64 offsets[MAX_INPUTS];
          double product = 1;
          memcpy (offsets, base, sizeof base);
          add_offsets (plan, s, plan->n_output, plan->n, offsets);
          for (guint i = 0; i < plan->n_inputs; i++)
            product *= job->inputs[i][offsets[i]];
          sum += product;
        }
      job->y[k] = sum;
    }
}

static gboolean
einsum_forward (const PareKernel *kernel, GError **error)
{
  const PareView *y = &kernel->outputs[0];
  g_autoptr (GPtrArray) memories = g_ptr_array_new_with_free_func (g_free);
  g_autofree double *sums = g_new (double, MAX (pare_view_elements (y), 1));
  const PareShape *shapes[MAX_INPUTS];
  Plan plan;
  Job job;

  for (guint i = 0; i < kernel->n_inputs; i++)
    {
      const PareView *x = &kernel->inputs[i];
      double *wide = g_new (double, MAX (pare_view_elements (x), 1));
      g_ptr_array_add (memories, wide);
      pare_convert (x->type, x->data, PARE_FLOAT64, wide, pare_view_elements (x));
      shapes[i] = &x->shape;
    }
  make_plan (kernel->node, shapes, kernel->n_inputs, &plan);
  job = (Job){ &plan, (double *const *)memories->pdata, sums, 1 };
  for (guint d = plan.n_output; d < plan.n; d++)
    job.summed *= plan.dims[d];
  pare_parallel (pare_view_elements (y), PARE_GRAIN / 8 / MAX (job.summed, 1), sum_products, &job);
  pare_convert (PARE_FLOAT64, sums, y->type, y->data, pare_view_elements (y));
  return TRUE;
}

/* EinsumGrad (inputs.., dy): the gradient by input @index. The same loops, with each product but for that input added
 * to where the input was read: right for repeated labels and sizes that broadcast, too. */
static gboolean
gradient_infer (PareInfer *infer, GError **error)
{
  static const guint order[MAX_INPUTS] = { 0, 1, 2, 3 };
  gint64 index = pare_node_get_int (infer->node, "index", 0);

  if (!pare_infer_counts (infer, 2, MAX_INPUTS + 1, error)
      || !pare_infer_gradient (infer, einsum_infer, infer->n_inputs - 1, order, infer->n_inputs - 1, error))
    return FALSE;
  for (guint i = 0; i < infer->n_inputs; i++)
    if (infer->inputs[i].type != PARE_FLOAT32 || index < 0 || index + 1 >= infer->n_inputs)
      {
        pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "it has no such input of floats.");
        return FALSE;
      }
  infer->outputs[0] = infer->inputs[index];
  return TRUE;
}

static void
add_products (const Plan *plan, gint64 summed, const float *const *inputs, guint index, gint64 k, float dy,
              double *sums)
{
  gint64 base[MAX_INPUTS] = { 0 };

  add_offsets (plan, k, 0, plan->n_output, base);
  for (gint64 s = 0; s < summed; s++)
    {
      gint64 offsets[MAX_INPUTS];
      double product = dy;
      memcpy (offsets, base, sizeof base);
      add_offsets (plan, s, plan->n_output, plan->n, offsets);
      for (guint i = 0; i < plan->n_inputs; i++)
        product *= i == index ? 1 : inputs[i][offsets[i]];
      sums[offsets[index]] += product;
    }
}

static gboolean
gradient_forward (const PareKernel *kernel, GError **error)
{
  const PareView *dx = &kernel->outputs[0], *dy = &kernel->inputs[kernel->n_inputs - 1];
  g_autofree double *sums = g_new0 (double, MAX (pare_view_elements (dx), 1));
  guint index = pare_node_get_int (kernel->node, "index", 0);
  const PareShape *shapes[MAX_INPUTS];
  const float *inputs[MAX_INPUTS];
  gint64 summed = 1;
  Plan plan;

  for (guint i = 0; i + 1 < kernel->n_inputs; i++)
    {
      shapes[i] = &kernel->inputs[i].shape;
      inputs[i] = kernel->inputs[i].data;
    }
  make_plan (kernel->node, shapes, kernel->n_inputs - 1, &plan);
  for (guint d = plan.n_output; d < plan.n; d++)
    summed *= plan.dims[d];
  for (gint64 k = 0; k < pare_view_elements (dy); k++)
    add_products (&plan, summed, inputs, index, k, ((const float *)dy->data)[k], sums);
  return pare_convert (PARE_FLOAT64, sums, PARE_FLOAT32, dx->data, pare_view_elements (dx));
}

static gboolean
einsum_backward (PareGradient *gradient, const PareNode *node, GError **error)
{
  g_autofree char *equation = pare_node_get_string (node, "equation");
  PareValue *inputs[MAX_INPUTS + 1];
  guint n = MIN (node->inputs->len, MAX_INPUTS);

  for (guint i = 0; i < n; i++)
    inputs[i] = node->inputs->pdata[i];
  inputs[n] = pare_gradient_of_output (gradient, 0);
  for (guint i = 0; i < n; i++)
    if (pare_gradient_wanted (gradient, i))
      pare_gradient_add (gradient, i,
                         pare_gradient_node (gradient, PARE_DOMAIN, "EinsumGrad", n + 1, inputs,
                                             pare_attribute_new_string ("equation", equation ? equation : ""),
                                             pare_attribute_new_int ("index", i), NULL));
  return TRUE;
}

PARE_OPERATORS (einsum) = {
  { .name = "Einsum", .since = 12, .infer = einsum_infer, .forward = einsum_forward, .backward = einsum_backward },
  { .name = "EinsumGrad", .domain = PARE_DOMAIN, .infer = gradient_infer, .forward = gradient_forward },
  { NULL },
};
