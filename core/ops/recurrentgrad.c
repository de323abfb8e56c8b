/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Gradients of LSTM, GRU and RNN by back-propagation through time (Werbos 1990): pare.LSTMGrad, GRUGrad and RNNGrad.
 * The loop over time leaves the gradients by all products; those by the weights and by the inputs are then one matrix
 * product each. Outputs have the numbers of the forward node's inputs. */
#include "ops/infer.h"
#include "ops/recurrent.h"
#include <string.h>

/* Graph to graph */

static gboolean
is_differentiable (guint input)
{
  return input < PARE_RECURRENT_SAVED && input != PARE_RECURRENT_LENGTHS;
}

gboolean
pare_recurrent_backward (PareGradient *gradient, const PareNode *node, const PareCell *cell, GError **error)
{
  PareValue *inputs[PARE_RECURRENT_INPUTS] = { NULL };
  PareNode *made;

  if (pare_node_get_float (node, "clip", 0) > 0)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, node, "it cannot be differentiated with clip: remove it.");
      return FALSE;
    }
  for (guint i = 0; i < PARE_RECURRENT_SAVED; i++)
    inputs[i] = pare_node_input (node, i);
  for (guint i = 0; i < PARE_RECURRENT_STATES; i++)
    inputs[PARE_RECURRENT_DY + i] = pare_node_output (node, i) ? pare_gradient_of_output (gradient, i) : NULL;
  inputs[PARE_RECURRENT_SAVED] = pare_gradient_saved_output (gradient, PARE_RECURRENT_STATES);
  made = pare_graph_add_node (node->graph, PARE_DOMAIN, cell->gradient, pare_node_label (node), NULL);
  for (guint i = 0; i < PARE_RECURRENT_INPUTS; i++)
    pare_node_add_input (made, inputs[i]);
  for (guint i = 0; i < node->attributes->len; i++)
    pare_node_set_attribute (made, pare_attribute_copy (node->attributes->pdata[i], NULL));
  for (guint i = 0; i < PARE_RECURRENT_SAVED; i++)
    {
      gboolean wanted = is_differentiable (i) && inputs[i] && pare_gradient_wanted (gradient, i);
      g_autofree char *stem = wanted ? g_strconcat (inputs[i]->name, "_grad", NULL) : NULL;
      pare_node_add_output (made, wanted ? pare_graph_add_value_near (node->graph, stem) : NULL);
      if (wanted)
        pare_gradient_add (gradient, i, pare_node_output (made, i));
    }
  return TRUE;
}

/* The gradients of the outputs have the outputs' shapes: as many numbers is all that the loop relies on. */
static gboolean
check_gradients (const PareInfer *infer, const PareRecurrent *net, GError **error)
{
  gint64 state = net->directions * net->batch * net->hidden;
  const gint64 wanted[] = { [PARE_RECURRENT_SAVED] = state * net->steps * net->cell->saved,
                            [PARE_RECURRENT_DY] = state * net->steps,
                            [PARE_RECURRENT_DH] = state,
                            [PARE_RECURRENT_DC] = state };

  for (guint i = PARE_RECURRENT_SAVED; i < PARE_RECURRENT_INPUTS; i++)
    {
      if (i != PARE_RECURRENT_SAVED && !pare_infer_has (infer, i))
        continue;
      if (!pare_infer_require_float32 (infer, i, error))
        return FALSE;
      if (pare_shape_elements (&infer->inputs[i].shape) == wanted[i])
        continue;
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "input %u does not have the forward node's shape.", i);
      return FALSE;
    }
  return TRUE;
}

gboolean
pare_recurrentgrad_infer (PareInfer *infer, const PareCell *cell, GError **error)
{
  PareRecurrent net;
  PareInfer forward = *infer;

  /* The forward inputs are checked as the forward node does, which writes no output here. */
  forward.n_outputs = 0;
  for (guint i = 0; i < PARE_RECURRENT_SAVED; i++)
    if (pare_infer_has (infer, i) && i != PARE_RECURRENT_LENGTHS && !pare_infer_require_float32 (infer, i, error))
      return FALSE;
  if (!pare_recurrent_infer (&forward, cell, error)
      || !pare_recurrent_read (infer->node, cell, infer->inputs, &net, error) || !check_gradients (infer, &net, error))
    return FALSE;
  for (guint i = 0; i < PARE_RECURRENT_SAVED; i++)
    if (pare_infer_wants (infer, i))
      {
        if (!is_differentiable (i) || !pare_infer_has (infer, i))
          {
            pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "output %u is the gradient of nothing.", i);
            return FALSE;
          }
        infer->outputs[i] = infer->inputs[i];
      }
  return TRUE;
}

/* The loop over time */

/* One direction's gradients; rows of x where not said. */
typedef struct
{
  float *by_x, *by_h;     /* by the products with x and with h */
  float *hidden, *reset;  /* h before each step, and what the cell multiplies instead in its reset product */
  float *step_x, *step_h; /* by_x and by_h of a step: rows of items */
  float *states[4];       /* h, C, and those of the step before: rows of items */
  float *aside[2];        /* h and C of items that are over */
  float *first;           /* initial states: of h, then of C */
  float *spare;           /* for the cell */
} Memory;

/* Divides @scratch up, NULL: only tells how many bytes that takes. */
static gsize
memory_init (Memory *memory, const PareRecurrent *net, float *scratch)
{
  gint64 rows = net->cell->gates * net->hidden, all = net->steps * net->batch, items = net->batch * net->hidden;
  const PareRecurrentPart parts[] = {
    { &memory->by_x, all * rows },
    { &memory->by_h, all * rows },
    { &memory->hidden, all * net->hidden },
    { &memory->reset, net->cell->reset_product ? all * net->hidden : 0 },
    { &memory->step_x, net->batch * rows },
    { &memory->step_h, net->batch * rows },
    { &memory->states[0], items },
    { &memory->states[1], items },
    { &memory->states[2], items },
    { &memory->states[3], items },
    { &memory->aside[0], items },
    { &memory->aside[1], items },
    { &memory->first, 2 * items },
    { &memory->spare, items + 2 * net->hidden },
  };

  return pare_recurrent_carve (parts, G_N_ELEMENTS (parts), scratch);
}

gsize
pare_recurrentgrad_scratch (const PareInfer *infer, const PareCell *cell)
{
  PareRecurrent net;
  Memory memory;

  return pare_recurrent_read (infer->node, cell, infer->inputs, &net, NULL) ? memory_init (&memory, &net, NULL) : 0;
}

static const float *
data_of (const PareKernel *kernel, guint input)
{
  return pare_kernel_has (kernel, input) ? kernel->inputs[input].data : NULL;
}

static float *
output_of (const PareKernel *kernel, guint output)
{
  return pare_kernel_wants (kernel, output) ? kernel->outputs[output].data : NULL;
}

/* Between the rows of items of one direction and a tensor of states. */
static void
read_states (const PareRecurrent *net, guint direction, const float *tensor, float *rows)
{
  for (gint64 b = 0; b < net->batch; b++)
    if (tensor)
      memcpy (rows + b * net->hidden, tensor + pare_recurrent_state_row (net, direction, b) * net->hidden,
              net->hidden * sizeof (float));
    else
      memset (rows + b * net->hidden, 0, net->hidden * sizeof (float));
}

static void
write_states (const PareRecurrent *net, guint direction, const float *rows, float *tensor)
{
  for (gint64 b = 0; tensor && b < net->batch; b++)
    memcpy (tensor + pare_recurrent_state_row (net, direction, b) * net->hidden, rows + b * net->hidden,
            net->hidden * sizeof (float));
}

/* Adds the gradient of Y at the step. */
static void
add_output_gradients (const PareKernel *kernel, const PareStep *step, gint64 s)
{
  const PareRecurrent *net = step->net;
  const gint32 *lengths = (const gint32 *)data_of (kernel, PARE_RECURRENT_LENGTHS);
  const float *dy = data_of (kernel, PARE_RECURRENT_DY);

  for (gint64 b = 0; dy && b < net->batch; b++)
    {
      gint64 t = pare_recurrent_time (net, step->direction, lengths, s, b);
      const float *row = dy + pare_recurrent_y_row (net, t, step->direction, b) * net->hidden;
      for (gint64 j = 0; t >= 0 && j < net->hidden; j++)
        step->dh[b * net->hidden + j] += row[j];
    }
}

static gboolean
is_over (const PareKernel *kernel, const PareStep *step, gint64 s, gint64 b)
{
  const gint32 *lengths = (const gint32 *)data_of (kernel, PARE_RECURRENT_LENGTHS);

  return pare_recurrent_time (step->net, step->direction, lengths, s, b) < 0;
}

/* Items that are over kept their states: their gradients stay aside while the cell works, and come back afterwards. */
static void
set_aside (const PareKernel *kernel, const PareStep *step, gint64 s, Memory *memory)
{
  gint64 n = step->net->hidden;

  for (gint64 b = 0; b < step->net->batch; b++)
    if (is_over (kernel, step, s, b))
      {
        memcpy (memory->aside[0] + b * n, step->dh + b * n, n * sizeof (float));
        memcpy (memory->aside[1] + b * n, step->dc + b * n, n * sizeof (float));
        memset (step->dh + b * n, 0, n * sizeof (float));
        memset (step->dc + b * n, 0, n * sizeof (float));
      }
}

static void
take_back (const PareKernel *kernel, const PareStep *step, gint64 s, const Memory *memory)
{
  gint64 n = step->net->hidden;

  for (gint64 b = 0; b < step->net->batch; b++)
    if (is_over (kernel, step, s, b))
      {
        memcpy (step->dh_before + b * n, memory->aside[0] + b * n, n * sizeof (float));
        memcpy (step->dc_before + b * n, memory->aside[1] + b * n, n * sizeof (float));
      }
}

/* Keeps what the step leaves of its items at their rows of x. */
static void
file_items (const PareKernel *kernel, const PareStep *step, gint64 s, Memory *memory)
{
  const PareRecurrent *net = step->net;
  const gint32 *lengths = (const gint32 *)data_of (kernel, PARE_RECURRENT_LENGTHS);
  gint64 n = net->hidden, rows = net->cell->gates * n;

  for (gint64 b = 0; b < net->batch; b++)
    {
      gint64 t = pare_recurrent_time (net, step->direction, lengths, s, b), at;
      if (t < 0)
        continue;
      at = pare_recurrent_x_row (net, t, b);
      memcpy (memory->by_x + at * rows, step->by_x + b * rows, rows * sizeof (float));
      memcpy (memory->by_h + at * rows, step->by_h + b * rows, rows * sizeof (float));
      memcpy (memory->hidden + at * n, pare_step_hidden (step, b), n * sizeof (float));
      if (net->cell->reset_product)
        memcpy (memory->reset + at * n, step->state + (b * net->cell->saved + net->cell->reset_row) * n,
                n * sizeof (float));
    }
}

/* Gates whose recurrent product is with the hidden state itself. */
static gint64
plain_gates (const PareRecurrent *net)
{
  return net->cell->reset_product && !net->linear ? net->cell->reset_product : net->cell->gates;
}

static void
run_step (const PareKernel *kernel, PareStep *step, gint64 s, Memory *memory)
{
  const PareRecurrent *net = step->net;
  gint64 n = net->hidden, rows = net->cell->gates * n;
  PareMatrix by_h = { step->by_h, rows, 1 }, r = { step->r, n, 1 };

  memset (step->dh_before, 0, net->batch * n * sizeof (float));
  memset (step->dc_before, 0, net->batch * n * sizeof (float));
  add_output_gradients (kernel, step, s);
  set_aside (kernel, step, s, memory);
  net->cell->backward (step);
  pare_add_product (net->batch, n, plain_gates (net) * n, &by_h, &r, step->dh_before, n);
  take_back (kernel, step, s, memory);
  file_items (kernel, step, s, memory);
}

/* The gradients by weights, biases and input, from those by all products. */
static void
multiply_out (const PareKernel *kernel, const PareRecurrent *net, guint direction, const Memory *memory)
{
  gint64 n = net->hidden, rows = net->cell->gates * n, all = net->steps * net->batch, plain = plain_gates (net) * n;
  PareMatrix x = { data_of (kernel, PARE_RECURRENT_X), net->input, 1 };
  PareMatrix w = { data_of (kernel, PARE_RECURRENT_W) + direction * rows * net->input, net->input, 1 };
  PareMatrix hidden = { memory->hidden, n, 1 }, reset = { memory->reset, n, 1 };
  PareMatrix by_x = { memory->by_x, rows, 1 }, by_x_turned = { memory->by_x, 1, rows };
  PareMatrix by_h_turned = { memory->by_h, 1, rows }, by_reset_turned = { memory->by_h + plain, 1, rows };
  float *dx = output_of (kernel, PARE_RECURRENT_X), *dw = output_of (kernel, PARE_RECURRENT_W);
  float *dr = output_of (kernel, PARE_RECURRENT_R), *db = output_of (kernel, PARE_RECURRENT_B);

  if (dx)
    pare_add_product (all, net->input, rows, &by_x, &w, dx, net->input);
  if (dw)
    pare_add_product (rows, net->input, all, &by_x_turned, &x, dw + direction * rows * net->input, net->input);
  if (dr)
    {
      dr += direction * rows * n;
      pare_add_product (plain, n, all, &by_h_turned, &hidden, dr, n);
      pare_add_product (rows - plain, n, all, &by_reset_turned, &reset, dr + plain * n, n);
    }
  for (gint64 i = 0; db && i < all; i++)
    for (gint64 j = 0; j < rows; j++)
      {
        db[direction * 2 * rows + j] += memory->by_x[i * rows + j];
        db[(direction * 2 + 1) * rows + j] += memory->by_h[i * rows + j];
      }
}

static void
run_direction (const PareKernel *kernel, const PareRecurrent *net, guint direction, Memory *memory)
{
  gint64 n = net->hidden, rows = net->cell->gates * n, size = net->batch * net->cell->saved * n;
  const float *peephole = net->cell->has_cell_state ? data_of (kernel, PARE_RECURRENT_P) : NULL;
  float *dpeephole = output_of (kernel, PARE_RECURRENT_P);
  float *states = (float *)data_of (kernel, PARE_RECURRENT_SAVED) + direction * net->steps * size;
  PareStep step = { .net = net, .direction = direction, .h0 = memory->first, .c0 = memory->first + net->batch * n };

  memset (memory->by_x, 0, net->steps * net->batch * rows * sizeof (float));
  memset (memory->by_h, 0, net->steps * net->batch * rows * sizeof (float));
  read_states (net, direction, data_of (kernel, PARE_RECURRENT_H0), memory->first);
  read_states (net, direction, data_of (kernel, PARE_RECURRENT_C0), memory->first + net->batch * n);
  read_states (net, direction, data_of (kernel, PARE_RECURRENT_DH), memory->states[0]);
  read_states (net, direction, data_of (kernel, PARE_RECURRENT_DC), memory->states[1]);
  step.r = data_of (kernel, PARE_RECURRENT_R) + direction * rows * n;
  step.peephole = peephole ? peephole + direction * 3 * n : NULL;
  step.dpeephole = dpeephole ? dpeephole + direction * 3 * n : NULL;
  step.by_x = memory->step_x;
  step.by_h = memory->step_h;
  step.spare = memory->spare;
  for (gint64 s = net->steps - 1; s >= 0; s--)
    {
      guint now = (net->steps - 1 - s) % 2 * 2;
      step.state = states + s * size;
      step.before = s ? states + (s - 1) * size : NULL;
      step.dh = memory->states[now];
      step.dc = memory->states[now + 1];
      step.dh_before = memory->states[2 - now];
      step.dc_before = memory->states[3 - now];
      run_step (kernel, &step, s, memory);
    }
  write_states (net, direction, memory->states[net->steps % 2 * 2], output_of (kernel, PARE_RECURRENT_H0));
  write_states (net, direction, memory->states[net->steps % 2 * 2 + 1], output_of (kernel, PARE_RECURRENT_C0));
  multiply_out (kernel, net, direction, memory);
}

gboolean
pare_recurrentgrad_forward (const PareKernel *kernel, const PareCell *cell, GError **error)
{
  Memory memory;
  PareRecurrent net;

  if (!pare_recurrent_read_kernel (kernel, cell, &net, error))
    return FALSE;
  memory_init (&memory, &net, kernel->scratch);
  for (guint i = 0; i < kernel->n_outputs; i++)
    if (pare_kernel_wants (kernel, i))
      memset (kernel->outputs[i].data, 0, pare_view_elements (&kernel->outputs[i]) * sizeof (float));
  for (guint direction = 0; direction < net.directions; direction++)
    run_direction (kernel, &net, direction, &memory);
  return TRUE;
}
