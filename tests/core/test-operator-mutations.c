/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Every operator on what it does not expect: no inputs, inputs of any type, rank and size, absurd numbers in them and
 * in the attributes. Whatever comes out, it is a result or an error that names the node, and no crash. */
#include "exec/executor.h"
#include "ops/operator.h"
#include <string.h>

#define TRIALS 120

/* Nothing that is between small and more than any memory. */
static const gint64 numbers[]
    = { 0, 1, 2, 3, 5, -1, -2, -7, G_MAXINT32, G_MININT32, G_MAXINT64, G_MININT64, G_MAXINT64 / 2, (gint64)1 << 40 };

static const PareDataType types[] = { PARE_FLOAT32, PARE_FLOAT32, PARE_FLOAT32, PARE_INT64, PARE_INT64,    PARE_INT32,
                                      PARE_BOOL,    PARE_FLOAT16, PARE_FLOAT64, PARE_UINT8, PARE_BFLOAT16, PARE_INT8 };

static const char *const int_attributes[] = { "axis",
                                              "group",
                                              "to",
                                              "blocksize",
                                              "keepdims",
                                              "k",
                                              "dtype",
                                              "p",
                                              "exclusive",
                                              "reverse",
                                              "auto_pad_",
                                              "ceil_mode",
                                              "hidden_size",
                                              "num_outputs",
                                              "size",
                                              "batch_dims",
                                              "batch_axis",
                                              "time_axis",
                                              "allowzero",
                                              "output_height",
                                              "output_width",
                                              "samples_",
                                              "sampling_ratio",
                                              "select_last_index",
                                              "upper",
                                              "storage_order",
                                              "new_axis",
                                              "num_scan_inputs",
                                              "linear_before_reset",
                                              "start",
                                              "end",
                                              "max_skip_count",
                                              "min_gram_length",
                                              "max_gram_length",
                                              "onesided",
                                              "transA",
                                              "transB",
                                              "fmod",
                                              "noop_with_empty_axes",
                                              "stash_type",
                                              "n",
                                              "m",
                                              "bits",
                                              "detect_negative" };

static const char *const list_attributes[]
    = { "axes",          "perm",        "kernel_shape",    "pads",    "strides", "dilations",  "output_padding",
        "output_shape",  "split",       "starts",          "ends",    "steps",   "value_ints", "ngram_counts",
        "ngram_indexes", "pool_int64s", "scan_input_axes", "repeats", "shape" };

static const char *const words[]
    = { "", "max", "SAME_UPPER", "constant", "linear", "bilinear", "ij,jk->ik", "RIGHT", "TF" };
static const char *const word_attributes[]
    = { "mode", "auto_pad", "equation", "direction", "reduction", "coordinate_transformation_mode", "nearest_mode" };

#define PICK(random, array) (array)[g_rand_int_range (random, 0, G_N_ELEMENTS (array))]

static PareShape
random_shape (GRand *random)
{
  PareShape shape = { g_rand_int_range (random, 0, 6), { 0 } };

  for (guint i = 0; i < shape.rank; i++)
    shape.dims[i] = g_rand_int_range (random, g_rand_boolean (random), 5);
  return shape;
}

/* Mostly small numbers, so that some trials come far. */
static PareTensor *
random_tensor (GRand *random)
{
  PareShape shape = random_shape (random), vector = pare_shape_of (1, g_rand_int_range (random, 0, 5));
  PareDataType type = PICK (random, types);
  g_autoptr (PareTensor) exact = NULL;
  g_autofree gint64 *values = NULL;
  gboolean absurd = g_rand_int_range (random, 0, 4) == 0;

  if (type == PARE_INT64 && g_rand_boolean (random))
    shape = vector;
  values = g_new (gint64, pare_shape_elements (&shape) + 1);
  for (gint64 i = 0; i < pare_shape_elements (&shape); i++)
    values[i] = absurd ? PICK (random, numbers) : g_rand_int_range (random, -1, 4);
  exact = pare_tensor_new_copy (PARE_INT64, &shape, values);
  return pare_tensor_cast (exact, type);
}

static PareTensor *
random_argument (GRand *random)
{
  GPtrArray *items;

  switch (g_rand_int_range (random, 0, 24))
    {
    case 0:
      items = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
      g_ptr_array_add (items, random_tensor (random));
      return pare_tensor_new_sequence (items);
    case 1:
      items = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
      g_ptr_array_add (items, g_bytes_new_static ("monday", 6));
      return pare_tensor_new_strings (&(PareShape){ 1, { 1 } }, items);
    case 2:
      return pare_tensor_new_absent ();
    default:
      return random_tensor (random);
    }
}

static void
add_attributes (GRand *random, PareNode *node)
{
  gint64 list[4];

  for (int i = g_rand_int_range (random, 0, 12); i > 0; i--)
    pare_node_set_attribute (node, pare_attribute_new_int (PICK (random, int_attributes), PICK (random, numbers)));
  for (int i = g_rand_int_range (random, 0, 6); i > 0; i--)
    {
      for (guint k = 0; k < G_N_ELEMENTS (list); k++)
        list[k] = g_rand_boolean (random) ? PICK (random, numbers) : g_rand_int_range (random, 0, 3);
      pare_node_set_attribute (
          node, pare_attribute_new_ints (PICK (random, list_attributes), g_rand_int_range (random, 0, 5), list));
    }
  for (int i = g_rand_int_range (random, 0, 3); i > 0; i--)
    pare_node_set_attribute (node, pare_attribute_new_string (PICK (random, word_attributes), PICK (random, words)));
}

/* A network of one node: some of its inputs are constants, the others go to @fed. */
static PareGraph *
make_network (GRand *random, const PareOperator *op, GPtrArray *fed)
{
  PareGraph *graph = pare_graph_new ();
  PareNode *node;
  const char *domain = op->domain ? op->domain : "";
  guint n_inputs = g_rand_int_range (random, 0, 7), n_outputs = g_rand_int_range (random, 0, 4);

  pare_graph_set_opset (graph, domain, g_rand_boolean (random) ? 17 : g_rand_int_range (random, 1, 22));
  node = pare_graph_add_node (graph, domain, op->name, "the node", NULL);
  for (guint i = 0; i < n_inputs; i++)
    {
      PareValue *value = g_rand_int_range (random, 0, 8) ? pare_graph_add_value_near (graph, "x") : NULL;
      g_autoptr (PareTensor) tensor = random_argument (random);
      pare_node_add_input (node, value);
      if (value && tensor->type < PARE_DATA_TYPES && g_rand_boolean (random))
        pare_value_set_constant (value, tensor);
      else if (value)
        {
          g_ptr_array_add (graph->inputs, value);
          g_ptr_array_add (fed, pare_tensor_ref (tensor));
        }
    }
  for (guint i = 0; i < n_outputs; i++)
    {
      PareValue *value = pare_graph_add_value_near (graph, "y");
      pare_node_add_output (node, value);
      g_ptr_array_add (graph->outputs, value);
    }
  add_attributes (random, node);
  return graph;
}

static void
run_trial (const PareOperator *op, guint32 seed)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  g_autoptr (GPtrArray) fed = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  g_autoptr (PareGraph) graph = make_network (random, op, fed);
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, graph->outputs->len + 1);
  g_autoptr (GError) error = NULL;

  if (pare_executor_run (executor, (PareTensor **)fed->pdata, fed->len, outputs, &error))
    for (guint i = 0; i < graph->outputs->len; i++)
      pare_tensor_unref (outputs[i]);
  else if (error->domain != PARE_ERROR || (!strstr (error->message, "the node") && !strstr (error->message, "memory")))
    g_error ("%s, seed %u: '%s' does not name the node", op->name, seed, error->message);
}

static void
test_operator (gconstpointer data)
{
  const PareOperator *op = data;
  /* The seed is told before the trial: a crash tells no more. */
  gboolean tell = g_getenv ("PARE_TELL_SEED") != NULL;

  for (guint32 seed = 0; seed < TRIALS; seed++)
    {
      if (tell)
        g_printerr ("%s %u\n", op->name, seed);
      run_trial (op, seed * 7919 + g_str_hash (op->name));
    }
}

int
main (int argc, char **argv)
{
  guint n;
  const PareOperator *const *operators = pare_operators (&n);

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *path
          = g_strdup_printf ("/operators/mutations/%s%s%s", operators[i]->domain ? operators[i]->domain : "",
                             operators[i]->domain ? "." : "", operators[i]->name);
      g_test_add_data_func (path, operators[i], test_operator);
    }
  return g_test_run ();
}
