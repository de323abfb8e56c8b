/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What LSTM, GRU and RNN share: their attributes, where things lie, and the loops over time. Private to the operators.
 */
#pragma once
#include "ops/gate.h"
#include "ops/operator.h"
#include "ops/rowproduct.h"
#include "train/gradient.h"

/* Inputs of the three, and of their gradients (which have the saved states and the outputs' gradients, too). */
enum
{
  PARE_RECURRENT_X,
  PARE_RECURRENT_W,
  PARE_RECURRENT_R,
  PARE_RECURRENT_B,
  PARE_RECURRENT_LENGTHS,
  PARE_RECURRENT_H0,
  PARE_RECURRENT_C0,
  PARE_RECURRENT_P,
  PARE_RECURRENT_SAVED,
  PARE_RECURRENT_DY,
  PARE_RECURRENT_DH,
  PARE_RECURRENT_DC,
  PARE_RECURRENT_INPUTS,
};

/* Outputs. The last is ours: what the gradient needs, [directions, steps, batch, saved * hidden]. */
enum
{
  PARE_RECURRENT_Y,
  PARE_RECURRENT_Y_H,
  PARE_RECURRENT_Y_C,
  PARE_RECURRENT_STATES,
};

typedef struct
{
  const PareGate *gate;
  float alpha, beta;
} PareGateUse;

typedef struct _PareCell PareCell;

/**
 * PareRecurrent:
 *
 * One node, with its sizes and attributes.
 */
typedef struct
{
  const PareCell *cell;
  gint64 steps, batch, input, hidden;
  guint directions;
  gboolean reverse[2];
  gboolean batch_first;
  gboolean coupled; /* LSTM: the forget gate is 1 - the input gate */
  gboolean linear;  /* GRU: the reset gate comes after the product */
  float clip;       /* 0: none */
  PareGateUse gates[2][3];
} PareRecurrent;

/**
 * PareStep:
 * @state: rows of @batch items, saved * hidden numbers each: what the cell writes; the hidden state comes last
 * @before: the same of the step before, or NULL for the first; then @h0 and @c0, rows of hidden numbers
 * @from_x: rows of gates * hidden numbers: W x + the biases (for GRU with linear: without those of the last recurrence)
 * @turned: R transposed, hidden x (gates * hidden)
 *
 * One step of one direction.
 */
typedef struct
{
  const PareRecurrent *net;
  guint direction;
  float *state;
  const float *before, *h0, *c0;
  const float *from_x;
  const float *r, *turned, *bias, *peephole; /* of this direction; the last two may be NULL */
  /* Backward: gradients by the state (in: of h and C; out: of those of the step before). */
  float *dh, *dc, *dh_before, *dc_before;
  float *by_x, *by_h; /* by the products with x and with h, rows of gates * hidden */
  float *dpeephole;
  float *spare;       /* @batch + 2 rows of hidden numbers, for whatever the cell wants */
} PareStep;

/**
 * PareCell:
 * @gates: matrices in W
 * @saved: rows of hidden numbers that a step leaves
 * @functions: activations per direction
 * @forward: one step for all items
 * @backward: the gradients of one step for all items
 */
struct _PareCell
{
  const char *gradient; /* the name of its gradient operator */
  guint gates, saved, functions;
  gboolean has_cell_state;
  guint reset_product, reset_row; /* GRU: the gate whose product is not with h but with this saved row; 0: none */
  const char *defaults[3];
  void (*forward) (const PareStep *step);
  void (*backward) (const PareStep *step);
};

/* Where the state before a step lies for item @b: the hidden state, and LSTM's cell state. */
const float *pare_step_hidden (const PareStep *step, gint64 b);
const float *pare_step_cell (const PareStep *step, gint64 b);
/* Adds the products of the hidden states before with columns [from, to) of the transposed R to rows @to_rows. */
void pare_step_add_recurrence (const PareStep *step, gint64 from, gint64 to, float *rows, gint64 row);
/* Applies the function, with clipping, or multiplies by its slope. */
void pare_step_activate (const PareStep *step, guint function, gint64 n, float *data);
void pare_step_slope (const PareStep *step, guint function, gint64 n, const float *y, float *gradient);

/* Reads the node behind @specs (X, W, R, ..). */
gboolean pare_recurrent_read (const PareNode *node, const PareCell *cell, const PareSpec *specs, PareRecurrent *net,
                              GError **error);
gboolean pare_recurrent_read_kernel (const PareKernel *kernel, const PareCell *cell, PareRecurrent *net,
                                     GError **error);
gboolean pare_recurrent_infer (PareInfer *infer, const PareCell *cell, GError **error);
gboolean pare_recurrent_forward (const PareKernel *kernel, const PareCell *cell, GError **error);
gsize pare_recurrent_scratch (const PareInfer *infer, const PareCell *cell);
gsize pare_recurrentgrad_scratch (const PareInfer *infer, const PareCell *cell);
gboolean pare_recurrent_backward (PareGradient *gradient, const PareNode *node, const PareCell *cell, GError **error);
guint64 pare_recurrent_macs (const PareInfer *infer);
gboolean pare_recurrentgrad_infer (PareInfer *infer, const PareCell *cell, GError **error);
gboolean pare_recurrentgrad_forward (const PareKernel *kernel, const PareCell *cell, GError **error);

/* Numbers between rows: where item @b at time @t lies in X and in Y, and state (direction, @b). */
gint64 pare_recurrent_x_row (const PareRecurrent *net, gint64 t, gint64 b);
gint64 pare_recurrent_y_row (const PareRecurrent *net, gint64 t, guint direction, gint64 b);
gint64 pare_recurrent_state_row (const PareRecurrent *net, guint direction, gint64 b);
/* The time that step @s of item @b looks at; -1 when the item is over. */
gint64 pare_recurrent_time (const PareRecurrent *net, guint direction, const gint32 *lengths, gint64 s, gint64 b);
/* A pointer that is to have @n numbers. */
typedef struct
{
  float **to;
  gint64 n;
} PareRecurrentPart;

/* Lets the pointers point into @memory, one after the other, and sets all numbers to zero. Returns the bytes that takes;
 * with @memory NULL it does no more. */
gsize pare_recurrent_carve (const PareRecurrentPart *parts, guint n, float *memory);

/* The operators of @cell and of its gradient, as functions and as the file's table. */
#define PARE_RECURRENT_OPERATORS(cell, title)                                                                          \
  static gboolean cell##_infer (PareInfer *infer, GError **error)                                                      \
  {                                                                                                                    \
    return pare_recurrent_infer (infer, &cell, error);                                                                 \
  }                                                                                                                    \
  static gboolean cell##_forward (const PareKernel *kernel, GError **error)                                            \
  {                                                                                                                    \
    if (pare_kernel_is_half (kernel))                                                                                  \
      return pare_forward_widened (kernel, cell##_forward, error);                                                     \
    return pare_recurrent_forward (kernel, &cell, error);                                                              \
  }                                                                                                                    \
  static gsize cell##_scratch (const PareInfer *infer)                                                                 \
  {                                                                                                                    \
    return pare_recurrent_scratch (infer, &cell);                                                                      \
  }                                                                                                                    \
  static gsize cell##grad_scratch (const PareInfer *infer)                                                             \
  {                                                                                                                    \
    return pare_recurrentgrad_scratch (infer, &cell);                                                                  \
  }                                                                                                                    \
  static gboolean cell##_backward (PareGradient *gradient, const PareNode *node, GError **error)                       \
  {                                                                                                                    \
    return pare_recurrent_backward (gradient, node, &cell, error);                                                     \
  }                                                                                                                    \
  static gboolean cell##grad_infer (PareInfer *infer, GError **error)                                                  \
  {                                                                                                                    \
    return pare_recurrentgrad_infer (infer, &cell, error);                                                             \
  }                                                                                                                    \
  static gboolean cell##grad_forward (const PareKernel *kernel, GError **error)                                        \
  {                                                                                                                    \
    return pare_recurrentgrad_forward (kernel, &cell, error);                                                          \
  }                                                                                                                    \
  PARE_OPERATORS (cell) = {                                                                                            \
    { .name = title,                                                                                                   \
      .since = 7,                                                                                                      \
      .infer = cell##_infer,                                                                                           \
      .forward = cell##_forward,                                                                                       \
      .scratch = cell##_scratch,                                                                                       \
      .backward = cell##_backward,                                                                                     \
      .macs = pare_recurrent_macs,                                                                                     \
      .quantize_note = "its state is carried from step to step in float" },                                            \
    { .name = title "Grad",                                                                                            \
      .domain = PARE_DOMAIN,                                                                                           \
      .infer = cell##grad_infer,                                                                                       \
      .forward = cell##grad_forward,                                                                                   \
      .scratch = cell##grad_scratch },                                                                                 \
    { NULL },                                                                                                          \
  };
