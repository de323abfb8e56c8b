/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Loop: a subgraph again and again, until a number of rounds or a condition ends it. Values are carried from round to
 * round, and what each round puts out besides is stacked (ONNX operators, Loop). */
#include "exec/run.h"
#include "graph/memory.h"
#include "ops/pieces.h"

/* More rounds than this are taken for an endless loop. */
#define MOST_ROUNDS 10000000

typedef struct
{
  const PareRun *run;
  const PareGraph *body;
  gint64 limit;
  gboolean has_condition;
  guint n_carried, n_stacked;
  PareTensor **state;  /* inputs of the body: round, condition, what is carried */
  PareTensor **result; /* outputs of the body: condition, what is carried, what is stacked */
  GPtrArray **stacks;
  gsize stacked; /* bytes */
} Loop;

static void
loop_clear (Loop *loop)
{
  for (guint i = 0; i < loop->n_carried + 2; i++)
    g_clear_pointer (&loop->state[i], pare_tensor_unref);
  for (guint i = 0; i < loop->n_stacked; i++)
    g_ptr_array_unref (loop->stacks[i]);
  g_free (loop->state);
  g_free (loop->result);
  g_free (loop->stacks);
}

static PareTensor *
scalar_int64 (gint64 value)
{
  static const PareShape scalar = { 0 };

  return pare_tensor_new_copy (PARE_INT64, &scalar, &value);
}

static PareTensor *
scalar_bool (guint8 value)
{
  static const PareShape scalar = { 0 };

  return pare_tensor_new_copy (PARE_BOOL, &scalar, &value);
}

static gboolean
check_counts (const PareRun *run, const PareGraph *body, GError **error)
{
  guint carried = run->n_inputs - 2;

  if (body->inputs->len == carried + 2 && body->outputs->len == run->n_outputs + 1 && run->n_outputs >= carried)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, run->node,
                   "its body has %u inputs and %u outputs, which do not fit %u carried values and %u outputs.",
                   body->inputs->len, body->outputs->len, carried, run->n_outputs);
  return FALSE;
}

static gboolean
loop_start (Loop *loop, const PareRun *run, GError **error)
{
  PareTensor *limit = NULL, *condition = NULL;

  if (!pare_run_counts (run, 0, G_MAXUINT, error) || !(loop->body = pare_run_body (run, "body", error)))
    return FALSE;
  if (run->n_inputs < 2)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, run->node, "it has %u inputs, but takes 2 or more.", run->n_inputs);
      return FALSE;
    }
  if ((run->inputs[0] && !pare_run_scalar (run, 0, &limit, error))
      || (run->inputs[1] && !pare_run_scalar (run, 1, &condition, error)) || !check_counts (run, loop->body, error))
    return FALSE;
  loop->run = run;
  loop->limit = limit ? pare_tensor_get_int (limit, 0) : G_MAXINT64;
  loop->has_condition = condition != NULL;
  loop->n_carried = run->n_inputs - 2;
  loop->n_stacked = run->n_outputs - loop->n_carried;
  loop->state = g_new0 (PareTensor *, run->n_inputs);
  loop->result = g_new0 (PareTensor *, loop->body->outputs->len);
  loop->stacks = g_new (GPtrArray *, loop->n_stacked + 1);
  for (guint i = 0; i < loop->n_stacked; i++)
    loop->stacks[i] = pare_pieces_new ();
  loop->state[1] = scalar_bool (condition ? pare_tensor_get_int (condition, 0) != 0 : TRUE);
  for (guint i = 2; i < run->n_inputs; i++)
    if (run->inputs[i])
      loop->state[i] = pare_tensor_ref (run->inputs[i]);
  return TRUE;
}

static gboolean
loop_round (Loop *loop, gint64 round, GError **error)
{
  if (round >= MOST_ROUNDS)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, loop->run->node, "it did not end after %d rounds.", MOST_ROUNDS);
      return FALSE;
    }
  g_clear_pointer (&loop->state[0], pare_tensor_unref);
  loop->state[0] = scalar_int64 (round);
  if (!pare_run_body_once (loop->run, "body", loop->state, loop->result, error))
    return FALSE;
  for (guint i = 0; i < loop->n_carried + 1; i++)
    {
      g_clear_pointer (&loop->state[i + 1], pare_tensor_unref);
      loop->state[i + 1] = loop->result[i];
    }
  for (guint i = 0; i < loop->n_stacked; i++)
    {
      PareTensor *piece = loop->result[1 + loop->n_carried + i];
      g_ptr_array_add (loop->stacks[i], piece);
      loop->stacked += pare_tensor_size (piece) + sizeof *piece;
    }
  return pare_memory_affords (loop->stacked, "What the loop puts out", "let it run fewer rounds", error);
}

/* FALSE in @more when the body's condition ends the loop. */
static gboolean
look_at_condition (const Loop *loop, gboolean *more, GError **error)
{
  const PareTensor *condition = loop->state[1];

  if (condition->type != PARE_BOOL || pare_tensor_elements (condition) != 1)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, loop->run->node, "its body's condition is not one truth value.");
      return FALSE;
    }
  *more = !loop->has_condition || pare_tensor_get_int (condition, 0);
  return TRUE;
}

/* Without any round, the stack is empty, and as wide as the file says. */
static PareTensor *
empty_stack (const Loop *loop, guint index)
{
  const PareValue *value = loop->body->outputs->pdata[1 + loop->n_carried + index];
  PareDataType type = pare_data_type_bits (value->type) ? value->type : PARE_FLOAT32;
  PareShape shape = { 1, { 0 } };

  for (guint i = 0; value->has_shape && i < MIN (value->shape.rank, PARE_MAX_RANK - 1); i++)
    shape.dims[shape.rank++] = MAX (value->shape.dims[i], 0);
  if (pare_shape_elements (&shape) != 0)
    shape.rank = 1;
  return pare_tensor_new_copy (type, &shape, NULL);
}

static gboolean
loop_finish (Loop *loop, GError **error)
{
  PareTensor **outputs = loop->run->outputs;

  for (guint i = 0; i < loop->n_carried; i++)
    outputs[i] = g_steal_pointer (&loop->state[i + 2]);
  for (guint i = 0; i < loop->n_stacked; i++)
    {
      outputs[loop->n_carried + i] = loop->stacks[i]->len
                                         ? pare_pieces_join (loop->run->node, loop->stacks[i], 0, TRUE, error)
                                         : empty_stack (loop, i);
      if (!outputs[loop->n_carried + i])
        return FALSE;
    }
  return TRUE;
}

static gboolean
loop_run (const PareRun *run, GError **error)
{
  Loop loop = { 0 };
  gboolean more, done;

  if (!loop_start (&loop, run, error))
    return FALSE;
  done = look_at_condition (&loop, &more, error);
  for (gint64 round = 0; done && more && round < loop.limit; round++)
    done = loop_round (&loop, round, error) && look_at_condition (&loop, &more, error);
  done = done && loop_finish (&loop, error);
  loop_clear (&loop);
  return done;
}

PARE_OPERATORS (loop) = {
  { .name = "Loop", .run = loop_run },
  { NULL },
};
