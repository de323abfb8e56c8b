/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Two networks side by side: every value that both have becomes an output of both, and the differences are summed. */
#include "comparison.h"
#include "exec/executor.h"
#include "integer/integer.h"

struct _PareComparison
{
  PareGraph *a, *b; /* copies with the compared values as outputs */
  PareExecutor *run_a, *run_b;
  GArray *deviations; /* of PareDeviation */
  GArray *slots;      /* of Slots: which outputs each compares */
  guint first_output;
  guint n_inputs;
  guint64 samples, agreeing;
};

/* Indices among the outputs of a and of b. */
typedef struct
{
  guint a, b;
} Slots;

static gboolean
is_quantizer (const PareNode *node)
{
  return node && (pare_node_is (node, "QuantizeLinear") || pare_node_is (node, "DequantizeLinear"));
}

/* What the consumers of @value get to see: the value behind its quantizer and dequantizer, when it has them. */
static PareValue *
behind_quantizer (PareValue *value)
{
  for (guint i = 0; i < value->consumers->len; i++)
    {
      PareNode *quantize = value->consumers->pdata[i];
      PareValue *integers = pare_node_is (quantize, "QuantizeLinear") ? pare_node_output (quantize, 0) : NULL;
      for (guint j = 0; integers && j < integers->consumers->len; j++)
        if (pare_node_is (integers->consumers->pdata[j], "DequantizeLinear"))
          return pare_node_output (integers->consumers->pdata[j], 0);
    }
  return value;
}

/* Index of @value among the outputs of @graph, to which it is added when need be. */
static guint
output_slot (PareGraph *graph, PareValue *value)
{
  guint index;

  if (g_ptr_array_find (graph->outputs, value, &index))
    return index;
  g_ptr_array_add (graph->outputs, value);
  return graph->outputs->len - 1;
}

static void
add_pair (PareComparison *comparison, PareValue *a, PareValue *b)
{
  PareDeviation deviation = { .name = a->name, .operator= a->producer ? a->producer->op_type : "" };
  Slots slots = { output_slot (comparison->a, a), output_slot (comparison->b, b) };

  g_array_append_val (comparison->deviations, deviation);
  g_array_append_val (comparison->slots, slots);
}

/* Inner values that both networks compute under one name. */
static void
pair_values (PareComparison *comparison, guint n_outputs)
{
  for (guint i = 0; i < comparison->a->nodes->len; i++)
    {
      PareNode *node = comparison->a->nodes->pdata[i];
      PareValue *a = is_quantizer (node) ? NULL : pare_node_output (node, 0);
      PareValue *b = a ? pare_graph_find_value (comparison->b, a->name) : NULL;
      guint index;
      if (!b || !b->producer || is_quantizer (b->producer)
          || (g_ptr_array_find (comparison->a->outputs, a, &index) && index < n_outputs))
        continue;
      add_pair (comparison, behind_quantizer (a), behind_quantizer (b));
      g_array_index (comparison->deviations, PareDeviation, comparison->deviations->len - 1).name = a->name;
      g_array_index (comparison->deviations, PareDeviation, comparison->deviations->len - 1).operator= node->op_type;
    }
}

static gboolean
check_outputs (const PareGraph *a, const PareGraph *b, GError **error)
{
  if (a->outputs->len == b->outputs->len && a->outputs->len > 0)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
               "'%s' has %u outputs and '%s' has %u: compare two forms of the same network.", a->path, a->outputs->len,
               b->path, b->outputs->len);
  return FALSE;
}

PareComparison *
pare_comparison_new (PareGraph *a, PareGraph *b, GError **error)
{
  guint n_outputs = a->outputs->len;
  PareComparison *comparison;
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (a);

  if (!check_outputs (a, b, error))
    return NULL;
  comparison = g_new0 (PareComparison, 1);
  comparison->a = pare_graph_to_floats (a);
  comparison->b = pare_graph_to_floats (b);
  comparison->deviations = g_array_new (FALSE, TRUE, sizeof (PareDeviation));
  comparison->slots = g_array_new (FALSE, TRUE, sizeof (Slots));
  comparison->n_inputs = inputs->len;
  pair_values (comparison, n_outputs);
  comparison->first_output = comparison->deviations->len;
  for (guint i = 0; i < n_outputs; i++)
    add_pair (comparison, comparison->a->outputs->pdata[i], comparison->b->outputs->pdata[i]);
  comparison->run_a = pare_executor_new (comparison->a);
  comparison->run_b = pare_executor_new (comparison->b);
  return comparison;
}

void
pare_comparison_free (PareComparison *comparison)
{
  pare_executor_free (comparison->run_a);
  pare_executor_free (comparison->run_b);
  g_array_unref (comparison->deviations);
  g_array_unref (comparison->slots);
  g_object_unref (comparison->a);
  g_object_unref (comparison->b);
  g_free (comparison);
}

/* Elements that belong to the first @valid samples of a batch; all, when the first axis is not the batch. */
static gint64
valid_elements (const PareTensor *tensor, gint64 batch, guint valid)
{
  gint64 n = pare_tensor_elements (tensor);

  return tensor->shape.rank > 0 && tensor->shape.dims[0] == batch ? n / MAX (batch, 1) * valid : n;
}

static gboolean
accumulate (PareDeviation *deviation, PareTensor *a, PareTensor *b, gint64 batch, guint valid, GError **error)
{
  g_autoptr (PareTensor) float_a = NULL, float_b = NULL;
  const float *x, *y;
  gint64 n;

  if (!pare_shape_equal (&a->shape, &b->shape))
    {
      g_autofree char *shape_a = pare_shape_to_string (&a->shape), *shape_b = pare_shape_to_string (&b->shape);
      g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                   "Value '%s' is %s in one model and %s in the other: compare two forms of the same network.",
                   deviation->name, shape_a, shape_b);
      return FALSE;
    }
  if (!pare_data_type_is_float (a->type) || !pare_data_type_is_float (b->type))
    return TRUE;
  float_a = pare_tensor_cast (a, PARE_FLOAT32);
  float_b = pare_tensor_cast (b, PARE_FLOAT32);
  x = pare_tensor_data (float_a);
  y = pare_tensor_data (float_b);
  n = valid_elements (a, batch, valid);
  for (gint64 i = 0; i < n; i++)
    {
      double p = x[i], q = y[i];
      deviation->signal += p * p;
      deviation->power += q * q;
      deviation->product += p * q;
      deviation->noise += (p - q) * (p - q);
    }
  return TRUE;
}

static gint64
largest (PareTensor *tensor, gint64 from, gint64 n)
{
  gint64 best = from;

  for (gint64 i = from; i < from + n; i++)
    if (pare_tensor_get_double (tensor, i) > pare_tensor_get_double (tensor, best))
      best = i;
  return best;
}

static void
count_agreement (PareComparison *comparison, PareTensor *a, PareTensor *b, gint64 batch, guint valid)
{
  gint64 n = pare_tensor_elements (a) / MAX (batch, 1);

  comparison->samples += valid;
  for (guint i = 0; n > 0 && i < valid; i++)
    comparison->agreeing += largest (a, i * n, n) == largest (b, i * n, n);
}

static void
clear_tensors (PareTensor **tensors, guint n)
{
  for (guint i = 0; i < n; i++)
    g_clear_pointer (&tensors[i], pare_tensor_unref);
}

/* The first model's inputs as @graph takes them, which may be of another precision. Of PareTensor. */
static GPtrArray *
inputs_of (PareGraph *graph, PareTensor *const *inputs, guint n)
{
  GPtrArray *taken = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  g_autoptr (GPtrArray) values = pare_graph_free_inputs (graph);

  for (guint i = 0; i < n; i++)
    {
      PareDataType type = i < values->len ? ((PareValue *)values->pdata[i])->type : inputs[i]->type;
      gboolean convert
          = inputs[i]->type != type && pare_data_type_is_float (type) && pare_data_type_is_float (inputs[i]->type);
      g_ptr_array_add (taken, convert ? pare_tensor_cast (inputs[i], type) : pare_tensor_ref (inputs[i]));
    }
  return taken;
}

static gboolean
run (PareGraph *graph, PareExecutor *executor, PareTensor *const *inputs, guint n, PareTensor **outputs, GError **error)
{
  g_autoptr (GPtrArray) taken = inputs_of (graph, inputs, n);

  return pare_executor_run (executor, (PareTensor **)taken->pdata, n, outputs, error);
}

gboolean
pare_comparison_feed (PareComparison *comparison, PareTensor *const *inputs, guint valid, GError **error)
{
  guint n_a = comparison->a->outputs->len, n_b = comparison->b->outputs->len;
  g_autofree PareTensor **a = g_new0 (PareTensor *, n_a), **b = g_new0 (PareTensor *, n_b);
  gint64 batch = comparison->n_inputs && inputs[0]->shape.rank ? inputs[0]->shape.dims[0] : 1;
  gboolean done = run (comparison->a, comparison->run_a, inputs, comparison->n_inputs, a, error)
                  && run (comparison->b, comparison->run_b, inputs, comparison->n_inputs, b, error);

  for (guint i = 0; done && i < comparison->slots->len; i++)
    {
      const Slots *slots = &g_array_index (comparison->slots, Slots, i);
      done = accumulate (&g_array_index (comparison->deviations, PareDeviation, i), a[slots->a], b[slots->b], batch,
                         valid, error);
    }
  if (done)
    count_agreement (comparison, a[0], b[0], batch, valid);
  clear_tensors (a, n_a);
  clear_tensors (b, n_b);
  return done;
}

guint
pare_comparison_length (const PareComparison *comparison, guint *first_output)
{
  *first_output = comparison->first_output;
  return comparison->deviations->len;
}

const PareDeviation *
pare_comparison_get (const PareComparison *comparison, guint index)
{
  return &g_array_index (comparison->deviations, PareDeviation, index);
}

guint64
pare_comparison_samples (const PareComparison *comparison, guint64 *agreeing)
{
  *agreeing = comparison->agreeing;
  return comparison->samples;
}
