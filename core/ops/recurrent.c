/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What LSTM, GRU and RNN share: their attributes, where things lie, and the forward loop over time. All products with
 * the inputs are one matrix product before the loop. */
#include "ops/recurrent.h"
#include "ops/infer.h"
#include <string.h>

static const PareDataType int32_types[] = { PARE_INT32, 0 };

gint64
pare_recurrent_x_row (const PareRecurrent *net, gint64 t, gint64 b)
{
  return net->batch_first ? b * net->steps + t : t * net->batch + b;
}

gint64
pare_recurrent_y_row (const PareRecurrent *net, gint64 t, guint direction, gint64 b)
{
  return net->batch_first ? (b * net->steps + t) * net->directions + direction
                          : (t * net->directions + direction) * net->batch + b;
}

gint64
pare_recurrent_state_row (const PareRecurrent *net, guint direction, gint64 b)
{
  return net->batch_first ? b * net->directions + direction : direction * net->batch + b;
}

gint64
pare_recurrent_time (const PareRecurrent *net, guint direction, const gint32 *lengths, gint64 s, gint64 b)
{
  gint64 n = lengths ? CLAMP (lengths[b], 0, net->steps) : net->steps;

  return s >= n ? -1 : net->reverse[direction] ? n - 1 - s : s;
}

gsize
pare_recurrent_carve (const PareRecurrentPart *parts, guint n, float *memory)
{
  gsize total = 0;

  for (guint i = 0; i < n; i++)
    {
      if (memory)
        *parts[i].to = memory + total;
      total += parts[i].n;
    }
  if (memory)
    memset (memory, 0, total * sizeof *memory);
  return total * sizeof *memory;
}

/* Steps */

const float *
pare_step_hidden (const PareStep *step, gint64 b)
{
  gint64 hidden = step->net->hidden, saved = step->net->cell->saved;

  return step->before ? step->before + ((b + 1) * saved - 1) * hidden : step->h0 + b * hidden;
}

const float *
pare_step_cell (const PareStep *step, gint64 b)
{
  gint64 hidden = step->net->hidden, saved = step->net->cell->saved;

  return step->before ? step->before + ((b + 1) * saved - 2) * hidden : step->c0 + b * hidden;
}

void
pare_step_add_recurrence (const PareStep *step, gint64 from, gint64 to, float *rows, gint64 row)
{
  const PareRecurrent *net = step->net;
  PareMatrix h = { pare_step_hidden (step, 0), step->before ? net->cell->saved * net->hidden : net->hidden, 1 };
  PareMatrix r = { step->turned + from, net->cell->gates * net->hidden, 1 };

  pare_add_product (net->batch, to - from, net->hidden, &h, &r, rows, row);
}

void
pare_step_activate (const PareStep *step, guint function, gint64 n, float *data)
{
  const PareGateUse *use = &step->net->gates[step->direction][function];
  float clip = step->net->clip;

  /* LSTM's third is of the cell state, which is no sum of products: ONNX Runtime does not clip it either. */
  for (gint64 i = 0; clip > 0 && function < 2 && i < n; i++)
    data[i] = CLAMP (data[i], -clip, clip);
  use->gate->apply (n, data, use->alpha, use->beta);
}

void
pare_step_slope (const PareStep *step, guint function, gint64 n, const float *y, float *gradient)
{
  const PareGateUse *use = &step->net->gates[step->direction][function];

  use->gate->slope (n, y, gradient, use->alpha, use->beta);
}

/* Reading the node */

static gboolean
read_direction (const PareNode *node, PareRecurrent *net, GError **error)
{
  g_autofree char *direction = pare_node_get_string (node, "direction");

  net->directions = 1;
  if (!direction || !strcmp (direction, "forward"))
    return TRUE;
  net->reverse[0] = !strcmp (direction, "reverse");
  if (net->reverse[0])
    return TRUE;
  net->directions = 2;
  net->reverse[1] = TRUE;
  if (!strcmp (direction, "bidirectional"))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, node, "direction '%s' is none of forward, reverse and bidirectional.",
                   direction);
  return FALSE;
}

/* alpha and beta are lists with one entry for each function that takes one. */
static gboolean
read_gates (const PareNode *node, PareRecurrent *net, GError **error)
{
  const PareAttribute *names = pare_node_attribute (node, "activations");
  guint n_alpha, n_beta, functions = net->cell->functions;
  const float *alpha = pare_node_get_floats (node, "activation_alpha", &n_alpha);
  const float *beta = pare_node_get_floats (node, "activation_beta", &n_beta);

  if (names && (names->type != PARE_ATTRIBUTE_STRINGS || names->n != functions * net->directions))
    {
      pare_node_error (error, PARE_ERROR_FORMAT, node, "it needs %u activations.", functions * net->directions);
      return FALSE;
    }
  for (guint i = 0; i < functions * net->directions; i++)
    {
      PareGateUse *use = &net->gates[i / functions][i % functions];
      g_autofree char *name
          = names ? g_strndup (g_bytes_get_data (names->u.strings[i], NULL), g_bytes_get_size (names->u.strings[i]))
                  : g_strdup (net->cell->defaults[i % functions]);
      if (!(use->gate = pare_gate_find (name)))
        {
          pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, node, "the activation '%s' is unknown.", name);
          return FALSE;
        }
      use->alpha = use->gate->takes_alpha && n_alpha ? (n_alpha--, *alpha++) : use->gate->alpha;
      use->beta = use->gate->takes_beta && n_beta ? (n_beta--, *beta++) : use->gate->beta;
    }
  return TRUE;
}

gboolean
pare_recurrent_read (const PareNode *node, const PareCell *cell, const PareSpec *specs, PareRecurrent *net,
                     GError **error)
{
  const PareShape *x = &specs[PARE_RECURRENT_X].shape, *r = &specs[PARE_RECURRENT_R].shape;

  *net = (PareRecurrent){ .cell = cell };
  net->batch_first = pare_node_get_int (node, "layout", 0) != 0;
  net->coupled = pare_node_get_int (node, "input_forget", 0) != 0;
  net->linear = pare_node_get_int (node, "linear_before_reset", 0) != 0;
  net->clip = pare_node_get_float (node, "clip", 0);
  if (x->rank != 3 || r->rank != 3)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, node, "its input and weights need three dimensions each.");
      return FALSE;
    }
  net->steps = x->dims[net->batch_first];
  net->batch = x->dims[!net->batch_first];
  net->input = x->dims[2];
  net->hidden = r->dims[2];
  return read_direction (node, net, error) && read_gates (node, net, error);
}

/* Shape of each input that may be there; 0 at its end. */
static gboolean
check_shapes (const PareInfer *infer, const PareRecurrent *net, GError **error)
{
  gint64 d = net->directions, rows = net->cell->gates * net->hidden;
  gint64 first = net->batch_first ? net->batch : d, second = net->batch_first ? d : net->batch;
  const PareShape wanted[] = {
    [PARE_RECURRENT_X] = infer->inputs[PARE_RECURRENT_X].shape,
    [PARE_RECURRENT_W] = { 3, { d, rows, net->input } },
    [PARE_RECURRENT_R] = { 3, { d, rows, net->hidden } },
    [PARE_RECURRENT_B] = { 2, { d, 2 * rows } },
    [PARE_RECURRENT_LENGTHS] = { 1, { net->batch } },
    [PARE_RECURRENT_H0] = { 3, { first, second, net->hidden } },
    [PARE_RECURRENT_C0] = { 3, { first, second, net->hidden } },
    [PARE_RECURRENT_P] = { 2, { d, 3 * net->hidden } },
  };

  /* An input of no numbers may claim any number of steps. */
  const PareShape largest = { 4, { net->steps, net->batch, 16, MAX (net->hidden, 1) } };

  if (pare_shape_elements (&largest) < 0)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "it has impossibly many steps.");
      return FALSE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    {
      g_autofree char *have = NULL, *want = NULL;
      if (!pare_infer_has (infer, i))
        continue;
      if (!pare_infer_require (infer, i, i == PARE_RECURRENT_LENGTHS ? int32_types : pare_types_widened, error))
        return FALSE;
      if (pare_shape_equal (&infer->inputs[i].shape, &wanted[i]))
        continue;
      have = pare_shape_to_string (&infer->inputs[i].shape);
      want = pare_shape_to_string (&wanted[i]);
      pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "input %u has the shape %s instead of %s.", i, have,
                       want);
      return FALSE;
    }
  return TRUE;
}

gboolean
pare_recurrent_infer (PareInfer *infer, const PareCell *cell, GError **error)
{
  PareDataType type = infer->n_inputs ? infer->inputs[0].type : PARE_UNDEFINED;
  PareRecurrent net;
  PareShape y, state;

  for (guint i = 0; i < 3; i++)
    if (!pare_infer_require (infer, i, pare_types_widened, error))
      return FALSE;
  if (!pare_recurrent_read (infer->node, cell, infer->inputs, &net, error) || !check_shapes (infer, &net, error))
    return FALSE;
  state = net.batch_first ? (PareShape){ 3, { net.batch, net.directions, net.hidden } }
                          : (PareShape){ 3, { net.directions, net.batch, net.hidden } };
  y = net.batch_first ? (PareShape){ 4, { net.batch, net.steps, net.directions, net.hidden } }
                      : (PareShape){ 4, { net.steps, net.directions, net.batch, net.hidden } };
  if (pare_infer_wants (infer, PARE_RECURRENT_Y))
    infer->outputs[PARE_RECURRENT_Y] = (PareSpec){ type, y };
  for (guint i = PARE_RECURRENT_Y_H; i <= PARE_RECURRENT_Y_C; i++)
    if (pare_infer_wants (infer, i))
      infer->outputs[i] = (PareSpec){ type, state };
  if (pare_infer_wants (infer, PARE_RECURRENT_STATES))
    infer->outputs[PARE_RECURRENT_STATES]
        = (PareSpec){ PARE_FLOAT32, { 4, { net.directions, net.steps, net.batch, cell->saved * net.hidden } } };
  return TRUE;
}

/* The forward pass */

/* One direction's working memory. */
typedef struct
{
  float *from_x; /* of all rows of x */
  float *step_x; /* those of the step */
  float *turned_w, *turned_r;
  float *first;  /* initial states: of h, then of C */
  float *states; /* two steps, or all where they are an output */
} Memory;

/* Divides @scratch up, NULL: only tells how many bytes that takes. */
static gsize
memory_init (Memory *memory, const PareRecurrent *net, float *scratch)
{
  gint64 rows = net->cell->gates * net->hidden;
  const PareRecurrentPart parts[] = {
    { &memory->from_x, net->steps * net->batch * rows },
    { &memory->step_x, net->batch * rows },
    { &memory->turned_w, rows * net->input },
    { &memory->turned_r, rows * net->hidden },
    { &memory->first, 2 * net->batch * net->hidden },
    { &memory->states, 2 * net->batch * net->cell->saved * net->hidden },
  };

  return pare_recurrent_carve (parts, G_N_ELEMENTS (parts), scratch);
}

gsize
pare_recurrent_scratch (const PareInfer *infer, const PareCell *cell)
{
  PareRecurrent net;
  Memory memory;

  return pare_recurrent_read (infer->node, cell, infer->inputs, &net, NULL) ? memory_init (&memory, &net, NULL) : 0;
}

static gconstpointer
data_of (const PareKernel *kernel, guint input)
{
  return pare_kernel_has (kernel, input) ? kernel->inputs[input].data : NULL;
}

/* All rows begin as the biases, which hold for both products but where the cell adds the recurrence's itself. */
static void
multiply_inputs (const PareKernel *kernel, const PareRecurrent *net, guint direction, Memory *memory)
{
  gint64 rows = net->cell->gates * net->hidden, all = net->steps * net->batch;
  gint64 both = net->linear ? rows - net->hidden : rows;
  const float *bias = data_of (kernel, PARE_RECURRENT_B);
  PareMatrix x = { kernel->inputs[PARE_RECURRENT_X].data, net->input, 1 }, w = { memory->turned_w, rows, 1 };

  pare_transpose (rows, net->input,
                  (const float *)kernel->inputs[PARE_RECURRENT_W].data + direction * rows * net->input,
                  memory->turned_w);
  memset (memory->from_x, 0, all * rows * sizeof (float));
  for (gint64 i = 0; bias && i < all; i++)
    for (gint64 j = 0; j < rows; j++)
      memory->from_x[i * rows + j]
          = bias[direction * 2 * rows + j] + (j < both ? bias[(direction * 2 + 1) * rows + j] : 0);
  pare_add_product (all, rows, net->input, &x, &w, memory->from_x, rows);
}

static void
gather_first_states (const PareKernel *kernel, const PareRecurrent *net, guint direction, float *first)
{
  const float *sources[]
      = { data_of (kernel, PARE_RECURRENT_H0), net->cell->has_cell_state ? data_of (kernel, PARE_RECURRENT_C0) : NULL };

  for (guint i = 0; i < 2; i++)
    for (gint64 b = 0; b < net->batch; b++)
      {
        float *to = first + (i * net->batch + b) * net->hidden;
        if (sources[i])
          memcpy (to, sources[i] + pare_recurrent_state_row (net, direction, b) * net->hidden,
                  net->hidden * sizeof (float));
        else
          memset (to, 0, net->hidden * sizeof (float));
      }
}

/* Items that are over keep their states. */
static void
keep_states (const PareStep *step, gint64 b)
{
  gint64 hidden = step->net->hidden, saved = step->net->cell->saved;
  float *row = step->state + b * saved * hidden;

  memcpy (row + (saved - 1) * hidden, pare_step_hidden (step, b), hidden * sizeof (float));
  if (step->net->cell->has_cell_state)
    memcpy (row + (saved - 2) * hidden, pare_step_cell (step, b), hidden * sizeof (float));
}

static void
run_step (const PareKernel *kernel, PareStep *step, gint64 s, Memory *memory)
{
  const PareRecurrent *net = step->net;
  const gint32 *lengths = data_of (kernel, PARE_RECURRENT_LENGTHS);
  gint64 rows = net->cell->gates * net->hidden, hidden = net->hidden;

  for (gint64 b = 0; b < net->batch; b++)
    {
      gint64 t = MAX (pare_recurrent_time (net, step->direction, lengths, s, b), 0);
      memcpy (memory->step_x + b * rows, memory->from_x + pare_recurrent_x_row (net, t, b) * rows,
              rows * sizeof (float));
    }
  net->cell->forward (step);
  for (gint64 b = 0; b < net->batch; b++)
    {
      gint64 t = pare_recurrent_time (net, step->direction, lengths, s, b);
      if (t < 0)
        keep_states (step, b);
      else if (pare_kernel_wants (kernel, PARE_RECURRENT_Y))
        memcpy ((float *)kernel->outputs[PARE_RECURRENT_Y].data
                    + pare_recurrent_y_row (net, t, step->direction, b) * hidden,
                step->state + ((b + 1) * net->cell->saved - 1) * hidden, hidden * sizeof (float));
    }
}

/* Those behind the last step. */
static void
write_last_states (const PareKernel *kernel, const PareStep *step)
{
  const PareRecurrent *net = step->net;

  for (guint i = PARE_RECURRENT_Y_H; i <= PARE_RECURRENT_Y_C; i++)
    for (gint64 b = 0; pare_kernel_wants (kernel, i) && b < net->batch; b++)
      memcpy ((float *)kernel->outputs[i].data + pare_recurrent_state_row (net, step->direction, b) * net->hidden,
              i == PARE_RECURRENT_Y_H ? pare_step_hidden (step, b) : pare_step_cell (step, b),
              net->hidden * sizeof (float));
}

static void
run_direction (const PareKernel *kernel, const PareRecurrent *net, guint direction, Memory *memory)
{
  gint64 rows = net->cell->gates * net->hidden, size = net->batch * net->cell->saved * net->hidden;
  gboolean keep = pare_kernel_wants (kernel, PARE_RECURRENT_STATES);
  float *states
      = keep ? (float *)kernel->outputs[PARE_RECURRENT_STATES].data + direction * net->steps * size : memory->states;
  const float *bias = data_of (kernel, PARE_RECURRENT_B), *peephole = data_of (kernel, PARE_RECURRENT_P);
  PareStep step = { .net = net,
                    .direction = direction,
                    .from_x = memory->step_x,
                    .turned = memory->turned_r,
                    .h0 = memory->first,
                    .c0 = memory->first + net->batch * net->hidden };

  step.r = (const float *)kernel->inputs[PARE_RECURRENT_R].data + direction * rows * net->hidden;
  step.bias = bias ? bias + direction * 2 * rows : NULL;
  step.peephole = net->cell->has_cell_state && peephole ? peephole + direction * 3 * net->hidden : NULL;
  pare_transpose (rows, net->hidden, step.r, memory->turned_r);
  multiply_inputs (kernel, net, direction, memory);
  gather_first_states (kernel, net, direction, memory->first);
  for (gint64 s = 0; s < net->steps; s++)
    {
      step.state = states + (keep ? s : s & 1) * size;
      run_step (kernel, &step, s, memory);
      step.before = step.state;
    }
  write_last_states (kernel, &step);
}

gboolean
pare_recurrent_read_kernel (const PareKernel *kernel, const PareCell *cell, PareRecurrent *net, GError **error)
{
  PareSpec specs[PARE_RECURRENT_INPUTS] = { 0 };

  for (guint i = 0; i < MIN (kernel->n_inputs, PARE_RECURRENT_INPUTS); i++)
    specs[i] = (PareSpec){ kernel->inputs[i].type, kernel->inputs[i].shape };
  return pare_recurrent_read (kernel->node, cell, specs, net, error);
}

static gboolean
check_lengths (const PareKernel *kernel, const PareRecurrent *net, GError **error)
{
  const gint32 *lengths = data_of (kernel, PARE_RECURRENT_LENGTHS);

  for (gint64 b = 0; lengths && b < net->batch; b++)
    if (lengths[b] < 0 || lengths[b] > net->steps)
      {
        pare_node_error (error, PARE_ERROR_FORMAT, kernel->node,
                         "sequence_lens has %d for item %" G_GINT64_FORMAT ", where 0 to %" G_GINT64_FORMAT
                         " steps are possible.",
                         lengths[b], b, net->steps);
        return FALSE;
      }
  return TRUE;
}

gboolean
pare_recurrent_forward (const PareKernel *kernel, const PareCell *cell, GError **error)
{
  Memory memory;
  PareRecurrent net;

  if (!pare_recurrent_read_kernel (kernel, cell, &net, error) || !check_lengths (kernel, &net, error))
    return FALSE;
  memory_init (&memory, &net, kernel->scratch);
  if (pare_kernel_wants (kernel, PARE_RECURRENT_Y))
    memset (kernel->outputs[PARE_RECURRENT_Y].data, 0,
            pare_view_elements (&kernel->outputs[PARE_RECURRENT_Y]) * sizeof (float));
  for (guint direction = 0; direction < net.directions; direction++)
    run_direction (kernel, &net, direction, &memory);
  return TRUE;
}

guint64
pare_recurrent_macs (const PareInfer *infer)
{
  const PareShape *x = &infer->inputs[PARE_RECURRENT_X].shape;

  return (guint64)x->dims[0] * x->dims[1]
         * (pare_shape_elements (&infer->inputs[PARE_RECURRENT_W].shape)
            + pare_shape_elements (&infer->inputs[PARE_RECURRENT_R].shape));
}
