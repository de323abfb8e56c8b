/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Scan: a subgraph along an axis of its inputs, which carries a state and whose results are stacked (ONNX operators,
 * Scan). Until opset 8 there is a batch of such scans, along axis 0. */
#include "exec/run.h"
#include "ops/pieces.h"

typedef struct
{
  const PareRun *run;
  const PareGraph *body;
  gint64 length;
  guint n_states, n_scanned, n_stacked;
  guint *axes;                                  /* of each scanned input */
  const gint64 *reversed;                       /* of each scanned input: 1 when read from its end */
  const gint64 *reversed_outputs, *output_axes; /* NULL: all 0 */
} Scan;

/* The list @name of @n ints, or NULL when it is not there. */
static gboolean
read_ints (const PareRun *run, const char *name, guint n, const gint64 **list, GError **error)
{
  guint length;

  *list = pare_node_get_ints (run->node, name, &length);
  if (!*list || length == n)
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, run->node, "%s has %u numbers instead of %u.", name, length, n);
  return FALSE;
}

/* How many inputs there are, besides @skipped first ones, is how many the body takes. */
static gboolean
read_counts (Scan *scan, const PareRun *run, guint skipped, GError **error)
{
  gint64 scanned = pare_node_get_int (run->node, "num_scan_inputs", 0);
  guint n = run->n_inputs - skipped;

  scan->run = run;
  if (!pare_run_counts (run, 0, G_MAXUINT, error) || !(scan->body = pare_run_body (run, "body", error)))
    return FALSE;
  if (run->n_inputs <= skipped || scanned < 1 || scanned > n || scan->body->inputs->len != n
      || scan->body->outputs->len != run->n_outputs || run->n_outputs < n - scanned)
    {
      pare_node_error (error, PARE_ERROR_FORMAT, run->node, "its inputs and outputs do not fit those of its body.");
      return FALSE;
    }
  scan->n_scanned = scanned;
  scan->n_states = n - scanned;
  scan->n_stacked = run->n_outputs - scan->n_states;
  return TRUE;
}

/* One for @tensors: states, then what is scanned. */
static gboolean
find_length (Scan *scan, PareTensor *const *tensors, const gint64 *axes, GError **error)
{
  scan->length = -1;
  for (guint i = 0; i < scan->n_scanned; i++)
    {
      const PareTensor *x = tensors[scan->n_states + i];
      gint64 axis = axes ? axes[i] : 0;
      if (!x || pare_data_type_bits (x->type) < 8 || !pare_axis_normalize (axis, x->shape.rank, &scan->axes[i])
          || (i && x->shape.dims[scan->axes[i]] != scan->length))
        {
          pare_node_error (error, PARE_ERROR_FORMAT, scan->run->node,
                           "what is scanned is missing, has no axis %" G_GINT64_FORMAT " or another length there.",
                           axis);
          return FALSE;
        }
      scan->length = x->shape.dims[scan->axes[i]];
    }
  return TRUE;
}

static gboolean
scan_step (const Scan *scan, gint64 step, PareTensor *const *tensors, PareTensor **states, GPtrArray **stacks,
           GError **error)
{
  guint n = scan->n_states + scan->n_scanned;
  g_autofree PareTensor **inputs = g_new0 (PareTensor *, n);
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, scan->run->n_outputs);
  gboolean done;

  for (guint i = 0; i < scan->n_states; i++)
    inputs[i] = states[i];
  for (guint i = 0; i < scan->n_scanned; i++)
    inputs[scan->n_states + i]
        = pare_piece_cut (tensors[scan->n_states + i], scan->axes[i],
                          scan->reversed && scan->reversed[i] ? scan->length - 1 - step : step, 1, TRUE);
  done = pare_run_body_once (scan->run, "body", inputs, outputs, error);
  for (guint i = scan->n_states; i < n; i++)
    pare_tensor_unref (inputs[i]);
  for (guint i = 0; done && i < scan->n_states; i++)
    {
      pare_tensor_unref (states[i]);
      states[i] = outputs[i];
    }
  for (guint i = 0; done && i < scan->n_stacked; i++)
    g_ptr_array_insert (stacks[i], scan->reversed_outputs && scan->reversed_outputs[i] ? 0 : -1,
                        outputs[scan->n_states + i]);
  return done;
}

/* One scan of @tensors into @results. */
static gboolean
scan_all (const Scan *scan, PareTensor *const *tensors, PareTensor **results, GError **error)
{
  g_autofree GPtrArray **stacks = g_new (GPtrArray *, scan->n_stacked + 1);
  gboolean done = TRUE;

  for (guint i = 0; i < scan->n_states; i++)
    results[i] = pare_tensor_ref (tensors[i]);
  for (guint i = 0; i < scan->n_stacked; i++)
    stacks[i] = pare_pieces_new ();
  for (gint64 step = 0; done && step < scan->length; step++)
    done = scan_step (scan, step, tensors, results, stacks, error);
  for (guint i = 0; i < scan->n_stacked; i++)
    {
      if (done)
        results[scan->n_states + i]
            = pare_pieces_join (scan->run->node, stacks[i], scan->output_axes ? scan->output_axes[i] : 0, TRUE, error);
      done = done && results[scan->n_states + i];
      g_ptr_array_unref (stacks[i]);
    }
  return done;
}

static gboolean
check_states (const Scan *scan, PareTensor *const *tensors, GError **error)
{
  for (guint i = 0; i < scan->n_states; i++)
    if (!tensors[i])
      {
        pare_node_error (error, PARE_ERROR_FORMAT, scan->run->node, "state %u is missing.", i);
        return FALSE;
      }
  return TRUE;
}

/* Opset 8: input 0 is the lengths, axis 0 of all others the batch, axis 1 what is scanned. */
static gboolean
run_batch (Scan *scan, GError **error)
{
  const PareRun *run = scan->run;
  PareTensor *const *tensors = run->inputs + 1;
  guint n = run->n_inputs - 1;
  gint64 batch = tensors[n - 1] && tensors[n - 1]->shape.rank ? tensors[n - 1]->shape.dims[0] : 0;
  g_autofree PareTensor **sample = g_new0 (PareTensor *, n), **results = g_new0 (PareTensor *, run->n_outputs);
  g_autoptr (GPtrArray) lists = g_ptr_array_new_with_free_func ((GDestroyNotify)g_ptr_array_unref);
  gboolean done = !run->inputs[0] && batch > 0;

  for (guint i = 0; done && i < n; i++)
    done = tensors[i] && pare_data_type_bits (tensors[i]->type) >= 8 && tensors[i]->shape.rank
           && tensors[i]->shape.dims[0] == batch;
  if (!done)
    pare_node_error (error, PARE_ERROR_FORMAT, run->node,
                     "its inputs have no common batch, or sequences of given lengths, "
                     "which are not supported: convert the model to opset 9.");
  for (guint i = 0; i < run->n_outputs; i++)
    g_ptr_array_add (lists, pare_pieces_new ());
  for (gint64 b = 0; done && b < batch; b++)
    {
      for (guint i = 0; i < n; i++)
        sample[i] = pare_piece_cut (tensors[i], 0, b, 1, TRUE);
      done = find_length (scan, sample, NULL, error) && scan_all (scan, sample, results, error);
      for (guint i = 0; i < run->n_outputs; i++)
        if (results[i])
          g_ptr_array_add (lists->pdata[i], g_steal_pointer (&results[i]));
      for (guint i = 0; i < n; i++)
        g_clear_pointer (&sample[i], pare_tensor_unref);
    }
  for (guint i = 0; done && i < run->n_outputs; i++)
    done = (run->outputs[i] = pare_pieces_join (run->node, lists->pdata[i], 0, TRUE, error)) != NULL;
  return done;
}

static gboolean
scan_run (const PareRun *run, GError **error)
{
  gboolean batched = run->opset < 9;
  g_autofree guint *axes = g_new0 (guint, run->n_inputs + 1);
  const gint64 *input_axes;
  Scan scan = { .axes = axes };

  if (!read_counts (&scan, run, batched, error)
      || !read_ints (run, batched ? "directions" : "scan_input_directions", scan.n_scanned, &scan.reversed, error)
      || !read_ints (run, "scan_input_axes", scan.n_scanned, &input_axes, error)
      || !read_ints (run, "scan_output_directions", scan.n_stacked, &scan.reversed_outputs, error)
      || !read_ints (run, "scan_output_axes", scan.n_stacked, &scan.output_axes, error))
    return FALSE;
  if (batched)
    return run_batch (&scan, error);
  return check_states (&scan, run->inputs, error) && find_length (&scan, run->inputs, input_axes, error)
         && scan_all (&scan, run->inputs, run->outputs, error);
}

PARE_OPERATORS (scan) = {
  { .name = "Scan", .since = 8, .run = scan_run },
  { NULL },
};
