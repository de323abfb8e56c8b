/* SPDX-License-Identifier: LGPL-2.1-or-later
 * BatchNormalization in training: outputs, running averages and gradients against plain loops in double precision, in
 * the layouts in which convolutions leave their results. */
#include "evaluate-node.h"
#include "exec/executor.h"
#include "train/gradient.h"
#include <math.h>

#define EPSILON 1e-3
#define MOMENTUM 0.7

/* An identity convolution in front brings the input into oneDNN's layout; what comes behind is compared with loops. */
typedef struct
{
  gint64 batch, channels, size;
  gboolean convolution, relu, sum; /* sum: with the factors of the loss */
} Case;

static const Case cases[] = {
  { 5, 3, 7, FALSE, FALSE },       { 5, 3, 7, FALSE, TRUE },       { 3, 32, 5, TRUE, FALSE },
  { 3, 32, 5, TRUE, TRUE },        { 2, 20, 6, TRUE, TRUE },       { 9, 16, 1, TRUE, FALSE },
  { 64, 16, 12, TRUE, TRUE },      { 5, 3, 7, FALSE, TRUE, TRUE }, { 4, 20, 6, TRUE, TRUE, TRUE },
  { 4, 32, 3, TRUE, FALSE, TRUE },
};

static float
number (gint64 i, double phase)
{
  return 1.5 * sin (i * 0.7391 + phase) + 0.3;
}

static PareValue *
add_input (PareGraph *graph, GPtrArray *tensors, const PareShape *shape, double phase, double least)
{
  PareValue *value = pare_graph_add_value_near (graph, "input");
  PareSpec spec = { PARE_FLOAT32, *shape };
  gint64 n = pare_shape_elements (shape);
  g_autofree float *data = g_new (float, n);

  for (gint64 i = 0; i < n; i++)
    data[i] = MAX (number (i, phase), least);
  pare_value_set_spec (value, &spec);
  g_ptr_array_add (graph->inputs, value);
  g_ptr_array_add (tensors, pare_tensor_new_floats (shape, data));
  return value;
}

static PareNode *
add_node (PareGraph *graph, const char *op_type, guint n, PareValue *const *inputs)
{
  PareNode *node = pare_graph_add_node (graph, "", op_type, op_type, NULL);

  for (guint i = 0; i < n; i++)
    pare_node_add_input (node, inputs[i]);
  pare_node_add_output (node, pare_graph_add_value_near (graph, op_type));
  return node;
}

static PareValue *
add_identity_convolution (PareGraph *graph, PareValue *x, gint64 channels)
{
  PareShape shape = pare_shape (4, (gint64[]){ channels, channels, 1, 1 });
  g_autofree float *data = g_new0 (float, channels *channels);
  g_autoptr (PareTensor) weight = NULL;

  for (gint64 c = 0; c < channels; c++)
    data[c * channels + c] = 1;
  weight = pare_tensor_new_floats (&shape, data);
  return add_node (graph, "Conv", 2, (PareValue *[]){ x, pare_graph_add_constant (graph, "weight", weight) })
      ->outputs->pdata[0];
}

static void
assert_near (PareTensor *actual, gint64 index, double expected, const char *what)
{
  double value = pare_tensor_get_double (actual, index);

  if (fabs (value - expected) > 2e-4 * MAX (fabs (expected), 1))
    g_error ("%s, element %" G_GINT64_FORMAT ": %g instead of %g", what, index, value, expected);
}

/* Everything for channel @c by the definition. @t: x, scale, shift, mean, variance, factors; @o: running mean and
 * variance, y, gradients by x, scale, shift. */
static void
check_channel (const Case *at, gint64 c, GPtrArray *t, PareTensor **o)
{
  const float *x = pare_tensor_data (t->pdata[0]), *r = pare_tensor_data (t->pdata[5]);
  double scale = pare_tensor_get_double (t->pdata[1], c), shift = pare_tensor_get_double (t->pdata[2], c);
  gint64 inner = at->size * at->size, n = at->batch * inner;
  double mean = 0, variance = 0, inverse, by_scale = 0, by_shift = 0;
  g_autofree double *normal = g_new (double, n), *g = g_new (double, n);
#define AT(i) (((i) / inner * at->channels + c) * inner + (i) % inner)

  for (gint64 i = 0; i < n; i++)
    mean += x[AT (i)] / (double)n;
  for (gint64 i = 0; i < n; i++)
    variance += (x[AT (i)] - mean) * (x[AT (i)] - mean) / n;
  inverse = 1 / sqrt (variance + EPSILON);
  for (gint64 i = 0; i < n; i++)
    {
      double y;
      normal[i] = (x[AT (i)] - mean) * inverse;
      y = normal[i] * scale + shift + (at->sum ? r[AT (i)] : 0);
      g[i] = at->relu && y <= 0 ? 0 : r[AT (i)];
      by_scale += g[i] * normal[i];
      by_shift += g[i];
      assert_near (o[2], AT (i), at->relu ? MAX (y, 0) : y, "y");
    }
  assert_near (o[0], c, pare_tensor_get_double (t->pdata[3], c) * MOMENTUM + mean * (1 - MOMENTUM), "running mean");
  assert_near (o[1], c, pare_tensor_get_double (t->pdata[4], c) * MOMENTUM + variance * (1 - MOMENTUM),
               "running variance");
  for (gint64 i = 0; i < n; i++)
    assert_near (o[3], AT (i), scale * inverse * (g[i] - (by_shift + normal[i] * by_scale) / n), "gradient by x");
  assert_near (o[4], c, by_scale, "gradient by scale");
  assert_near (o[5], c, by_shift, "gradient by shift");
}

static void
test_training_matches_loops (gconstpointer data)
{
  const Case *at = data;
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  g_autoptr (PareExecutor) executor = NULL;
  g_autoptr (GError) error = NULL;
  PareShape shape = pare_shape (4, (gint64[]){ at->batch, at->channels, at->size, at->size });
  PareShape vector = pare_shape (1, &at->channels);
  PareValue *in[6], *gradients[3], *loss;
  PareTensor *outputs[6];
  PareNode *node, *last;

  pare_graph_set_opset (graph, "", 17);
  for (guint i = 0; i < 6; i++)
    in[i] = add_input (graph, tensors, i == 0 || i == 5 ? &shape : &vector, i, i == 4 ? 0.1 : -10);
  node = add_node (graph, "BatchNormalization", 5,
                   (PareValue *[]){ at->convolution ? add_identity_convolution (graph, in[0], at->channels) : in[0],
                                    in[1], in[2], in[3], in[4] });
  pare_node_set_attribute (node, pare_attribute_new_int ("training_mode", 1));
  pare_node_set_attribute (node, pare_attribute_new_float ("epsilon", EPSILON));
  pare_node_set_attribute (node, pare_attribute_new_float ("momentum", MOMENTUM));
  for (guint i = 0; i < 2; i++)
    {
      pare_node_add_output (node, pare_graph_add_value_near (graph, "running"));
      g_ptr_array_add (graph->outputs, node->outputs->pdata[1 + i]);
    }
  last = at->sum ? add_node (graph, "Add", 2, (PareValue *[]){ in[5], node->outputs->pdata[0] }) : node;
  if (at->relu)
    last = add_node (graph, "Relu", 1, (PareValue *[]){ last->outputs->pdata[0] });
  g_ptr_array_add (graph->outputs, last->outputs->pdata[0]);
  last = add_node (graph, "Mul", 2, (PareValue *[]){ last->outputs->pdata[0], in[5] });
  last = add_node (graph, "ReduceSum", 1, (PareValue *[]){ last->outputs->pdata[0] });
  pare_node_set_attribute (last, pare_attribute_new_int ("keepdims", 0));
  loss = last->outputs->pdata[0];
  pare_graph_add_gradients (graph, loss, 3, in, gradients, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 3; i++)
    g_ptr_array_add (graph->outputs, gradients[i]);

  executor = pare_executor_new (graph);
  pare_executor_run (executor, (PareTensor **)tensors->pdata, tensors->len, outputs, &error);
  g_assert_no_error (error);
  for (gint64 c = 0; c < at->channels; c++)
    check_channel (at, c, tensors, outputs);
  for (guint i = 0; i < 6; i++)
    pare_tensor_unref (outputs[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strdup_printf ("/batchnormalization-training/matches-loops/%u", i);
      g_test_add_data_func (path, &cases[i], test_training_matches_loops);
    }
  return g_test_run ();
}
