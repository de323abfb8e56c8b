/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Adagrad, Adam and Momentum: one step of an optimizer as an operator of ai.onnx.preview.training. Inputs: the learning
 * rate R, the number of steps T, then all parameters X, all gradients G and all states; outputs: new X and states. */
#include "ops/infer.h"
#include <math.h>

typedef struct
{
  double rate, epsilon, alpha, beta, post;
  gboolean nesterov;
  double gradient_weight; /* of Momentum: beta, but 1 in the first step */
} Step;

/* One parameter @x with gradient @g (with the norm's part) and its states, in place. */
typedef void (*UpdateFunc) (const Step *step, double g, double *x, double *states);

static void
adagrad (const Step *step, double g, double *x, double *states)
{
  states[0] += g * g;
  *x -= step->rate * g / (sqrt (states[0]) + step->epsilon);
}

static void
adam (const Step *step, double g, double *x, double *states)
{
  states[0] = step->alpha * states[0] + (1 - step->alpha) * g;
  states[1] = step->beta * states[1] + (1 - step->beta) * g * g;
  *x -= step->rate * states[0] / (sqrt (states[1]) + step->epsilon);
  *x *= 1 - step->post;
}

static void
momentum (const Step *step, double g, double *x, double *states)
{
  states[0] = step->alpha * states[0] + step->gradient_weight * g;
  *x -= step->rate * (step->nesterov ? g + step->alpha * states[0] : states[0]);
}

static const struct
{
  const char *name;
  UpdateFunc update;
  guint states;
} kinds[] = { { "Adagrad", adagrad, 1 }, { "Adam", adam, 2 }, { "Momentum", momentum, 1 } };

static guint
kind_of (const PareNode *node)
{
  guint kind = 0;

  while (!g_str_equal (kinds[kind].name, node->op_type))
    kind++;
  return kind;
}

static gboolean
step_infer (PareInfer *infer, GError **error)
{
  guint lists = kinds[kind_of (infer->node)].states + 2, n;

  if (!pare_infer_counts (infer, 2 + lists, G_MAXUINT, error) || !pare_infer_require_float32 (infer, 0, error)
      || !pare_infer_require (infer, 1, pare_types_index, error))
    return FALSE;
  n = (infer->n_inputs - 2) / lists;
  if ((infer->n_inputs - 2) % lists || infer->n_outputs != n * (lists - 1)
      || pare_shape_elements (&infer->inputs[0].shape) != 1 || pare_shape_elements (&infer->inputs[1].shape) != 1)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node,
                       "its inputs are not a rate, a number of steps, and %u for each of %u parameters.", lists, n);
      return FALSE;
    }
  for (guint i = 2; i < infer->n_inputs; i++)
    {
      if (!pare_infer_require_float32 (infer, i, error))
        return FALSE;
      if (pare_shape_equal (&infer->inputs[i].shape, &infer->inputs[2 + (i - 2) % n].shape))
        continue;
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "input %u has not the shape of its parameter.", i);
      return FALSE;
    }
  for (guint i = 0; i < infer->n_outputs; i++)
    infer->outputs[i] = infer->inputs[2 + i % n];
  return TRUE;
}

static Step
read_step (const PareKernel *kernel)
{
  const PareNode *node = kernel->node;
  g_autofree char *mode = pare_node_get_string (node, "mode");
  gboolean is_adam = g_str_equal (node->op_type, "Adam");
  double steps = 0;
  Step step = {
    .rate = *(const float *)kernel->inputs[0].data,
    .epsilon = pare_node_get_float (node, "epsilon", 1e-6f),
    .alpha = pare_node_get_float (node, "alpha", 0.9f),
    .beta = pare_node_get_float (node, "beta", 0.999f),
    .post = pare_node_get_float (node, "norm_coefficient_post", 0),
    .nesterov = mode && g_str_equal (mode, "nesterov"),
  };

  pare_convert (kernel->inputs[1].type, kernel->inputs[1].data, PARE_FLOAT64, &steps, 1);
  step.gradient_weight = steps > 0 ? step.beta : 1;
  if (is_adam && steps > 0)
    step.rate *= sqrt (1 - pow (step.beta, steps)) / (1 - pow (step.alpha, steps));
  if (!is_adam)
    step.rate /= 1 + steps * pare_node_get_float (node, "decay_factor", 0);
  return step;
}

static gboolean
step_forward (const PareKernel *kernel, GError **error)
{
  guint kind = kind_of (kernel->node), states = kinds[kind].states, n = (kernel->n_inputs - 2) / (states + 2);
  double norm = pare_node_get_float (kernel->node, "norm_coefficient", 0);
  Step step = read_step (kernel);

  for (guint p = 0; p < n; p++)
    for (gint64 i = 0; i < pare_view_elements (&kernel->inputs[2 + p]); i++)
      {
        double x = ((const float *)kernel->inputs[2 + p].data)[i], state[2];
        double g = norm * x + ((const float *)kernel->inputs[2 + n + p].data)[i];
        for (guint s = 0; s < states; s++)
          state[s] = ((const float *)kernel->inputs[2 + (2 + s) * n + p].data)[i];
        kinds[kind].update (&step, g, &x, state);
        if (pare_kernel_wants (kernel, p))
          ((float *)kernel->outputs[p].data)[i] = x;
        for (guint s = 0; s < states; s++)
          if (pare_kernel_wants (kernel, (1 + s) * n + p))
            ((float *)kernel->outputs[(1 + s) * n + p].data)[i] = state[s];
      }
  return TRUE;
}

#define DOMAIN "ai.onnx.preview.training"

PARE_OPERATORS (trainingstep) = {
  { .name = "Adagrad", .domain = DOMAIN, .infer = step_infer, .forward = step_forward },
  { .name = "Adam", .domain = DOMAIN, .infer = step_infer, .forward = step_forward },
  { .name = "Momentum", .domain = DOMAIN, .infer = step_infer, .forward = step_forward },
  { NULL },
};
