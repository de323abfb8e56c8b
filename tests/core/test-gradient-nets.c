/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Gradients through several nodes, where values lie in blocked layouts (with padding: the channels are no multiple of a
 * block), are read more than once, and are overwritten; against differences along one direction. */
#include "exec/executor.h"
#include "train/gradient.h"
#include <math.h>

#define CHANNELS 21
#define STEP 1e-3

typedef struct
{
  PareGraph *graph;
  PareValue *loss;
  GPtrArray *tensors; /* of the inputs */
} Net;

static void
net_clear (Net *net)
{
  g_clear_object (&net->graph);
  g_clear_pointer (&net->tensors, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Net, net_clear)

static PareTensor *
random_tensor (const PareShape *shape, guint32 seed, double scale)
{
  gint64 n = pare_shape_elements (shape);
  g_autofree float *data = g_new (float, n);
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);

  for (gint64 i = 0; i < n; i++)
    data[i] = g_rand_double_range (rand, -scale, scale);
  return pare_tensor_new_floats (shape, data);
}

static PareValue *
add_input (Net *net, PareShape shape, double scale)
{
  PareValue *value = pare_graph_add_value_near (net->graph, "x");
  const PareSpec spec = { PARE_FLOAT32, shape };

  pare_value_set_spec (value, &spec);
  g_ptr_array_add (net->graph->inputs, value);
  g_ptr_array_add (net->tensors, random_tensor (&shape, net->tensors->len + 1, scale));
  return value;
}

static PareNode *
add_node (Net *net, const char *op_type, PareValue *a, PareValue *b)
{
  PareNode *node = pare_graph_add_node (net->graph, "", op_type, op_type, NULL);

  pare_node_add_input (node, a);
  if (b)
    pare_node_add_input (node, b);
  pare_node_add_output (node, pare_graph_add_value_near (net->graph, op_type));
  return node;
}

static PareValue *
call (Net *net, const char *op_type, PareValue *a, PareValue *b)
{
  return add_node (net, op_type, a, b)->outputs->pdata[0];
}

static PareValue *
convolve (Net *net, PareValue *x, int in, int out)
{
  PareNode *node = add_node (net, "Conv", x, add_input (net, pare_shape_of (4, out, in, 3, 3), 0.2));

  pare_node_set_attribute (node, pare_attribute_new_ints ("pads", 4, (gint64[]){ 1, 1, 1, 1 }));
  return node->outputs->pdata[0];
}

static PareValue *
relu (Net *net, PareValue *x)
{
  return call (net, "Relu", x, NULL);
}

static PareValue *
sigmoid_unit (Net *net, PareValue *x)
{
  return call (net, "Mul", x, call (net, "Sigmoid", x, NULL));
}

static PareValue *
pass (Net *net, PareValue *x)
{
  return call (net, "Dropout", call (net, "Identity", call (net, "Relu", x, NULL), NULL), NULL);
}

static PareValue *
hard_swish (Net *net, PareValue *x)
{
  return call (net, "HardSwish", x, NULL);
}

static PareValue *
residual (Net *net, PareValue *x)
{
  return call (net, "Add", relu (net, convolve (net, x, CHANNELS, CHANNELS)), x);
}

static PareValue *
squeeze_and_excite (Net *net, PareValue *x)
{
  PareValue *mean = call (net, "GlobalAveragePool", x, NULL);

  return call (net, "Mul", x, call (net, "Sigmoid", mean, NULL));
}

static PareValue *
difference_of_branches (Net *net, PareValue *x)
{
  return call (net, "Sub", call (net, "Tanh", x, NULL), convolve (net, x, CHANNELS, CHANNELS));
}

static PareValue *
square (Net *net, PareValue *x)
{
  return call (net, "Mul", x, x);
}

static PareValue *
bias (Net *net, PareValue *x)
{
  return call (net, "Add", x, add_input (net, pare_shape_of (3, CHANNELS, 1, 1), 0.5));
}

/* What stands between two convolutions. */
static const struct
{
  const char *name;
  PareValue *(*build) (Net *net, PareValue *x);
} middles[] = {
  { "relu", relu },
  { "pass", pass },
  { "sigmoid-unit", sigmoid_unit },
  { "residual", residual },
  { "squeeze-and-excite", squeeze_and_excite },
  { "square", square },
  { "branches", difference_of_branches },
  { "bias", bias },
  { "hard-swish", hard_swish },
};

static void
build (Net *net, PareValue *(*middle) (Net *net, PareValue *x))
{
  PareValue *x, *y;
  PareNode *sum;

  net->graph = pare_graph_new ();
  net->tensors = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  pare_graph_set_opset (net->graph, "", 17);
  x = add_input (net, pare_shape_of (4, 2, 3, 6, 7), 1);
  y = convolve (net, middle (net, convolve (net, x, 3, CHANNELS)), CHANNELS, 5);
  sum = add_node (net, "ReduceSum", call (net, "Tanh", y, NULL), NULL);
  pare_node_set_attribute (sum, pare_attribute_new_int ("keepdims", 0));
  net->loss = sum->outputs->pdata[0];
  g_ptr_array_add (net->graph->outputs, net->loss);
}

static double
loss_at (PareExecutor *executor, GPtrArray *tensors)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PareTensor) loss = NULL;

  pare_executor_run (executor, (PareTensor **)tensors->pdata, tensors->len, &loss, &error);
  g_assert_no_error (error);
  return pare_tensor_get_double (loss, 0);
}

/* How far the loss moves per step when input @index does along its gradient, made as long as 1 per element. */
static double
slope_along (PareExecutor *executor, GPtrArray *tensors, guint index, const PareTensor *gradient, double norm)
{
  PareTensor *here = tensors->pdata[index];
  gint64 n = pare_tensor_elements (here);
  double loss[2], step = STEP * sqrt (n);

  for (guint side = 0; side < 2; side++)
    {
      g_autofree float *data = g_new (float, n);
      g_autoptr (PareTensor) moved = NULL;
      for (gint64 i = 0; i < n; i++)
        data[i]
            = pare_tensor_get_double (here, i) + (side ? step : -step) * pare_tensor_get_double (gradient, i) / norm;
      moved = pare_tensor_new_floats (&here->shape, data);
      tensors->pdata[index] = moved;
      loss[side] = loss_at (executor, tensors);
      tensors->pdata[index] = here;
    }
  return (loss[1] - loss[0]) / (2 * step);
}

/* Along the gradient itself the slope is the gradient's norm. */
static void
test_slope_along_gradient_is_its_norm (gconstpointer data)
{
  guint middle = GPOINTER_TO_UINT (data);
  g_auto (Net) net = { 0 };
  g_autoptr (PareGraph) plain = NULL;
  g_autoptr (PareExecutor) forward = NULL, backward = NULL;
  g_autoptr (GPtrArray) gradients = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  g_autoptr (GError) error = NULL;
  PareValue *values[8];

  build (&net, middles[middle].build);
  plain = pare_graph_copy (net.graph);
  forward = pare_executor_new (plain);
  pare_graph_add_gradients (net.graph, net.loss, net.tensors->len, (PareValue **)net.graph->inputs->pdata, values,
                            &error);
  g_assert_no_error (error);
  g_ptr_array_set_size (net.graph->outputs, 0);
  for (guint i = 0; i < net.tensors->len; i++)
    g_ptr_array_add (net.graph->outputs, values[i]);
  g_ptr_array_set_size (gradients, net.tensors->len);
  backward = pare_executor_new (net.graph);
  pare_executor_run (backward, (PareTensor **)net.tensors->pdata, net.tensors->len, (PareTensor **)gradients->pdata,
                     &error);
  g_assert_no_error (error);
  for (guint i = 0; i < net.tensors->len; i++)
    {
      double norm = 0, slope;
      for (gint64 k = 0; k < pare_tensor_elements (gradients->pdata[i]); k++)
        norm += pow (pare_tensor_get_double (gradients->pdata[i], k), 2);
      norm = sqrt (norm);
      slope = slope_along (forward, net.tensors, i, gradients->pdata[i], norm);
      g_assert_cmpfloat (norm, >, 1e-2);
      if (!(fabs (slope - norm) <= 0.02 * norm))
        g_error ("%s: along the gradient by input %u the slope is %g instead of %g", middles[middle].name, i, slope,
                 norm);
    }
}

/* The mask depends on the data, so that differences would not do: what was kept grew by 1 / (1 - ratio) = 4 / 3. */
static void
test_dropout_passes_the_gradient_of_what_it_kept (void)
{
  const PareShape shape = pare_shape_of (2, 100, 50), scalar = { 0 };
  const guint8 yes = TRUE;
  g_auto (Net) net = { pare_graph_new (), NULL, g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref) };
  g_autoptr (PareTensor) ratio = pare_tensor_new_scalar_float (0.25f);
  g_autoptr (PareTensor) mode = pare_tensor_new_copy (PARE_BOOL, &scalar, &yes);
  g_autoptr (PareTensor) y = NULL, dx = NULL;
  g_autoptr (PareExecutor) executor = NULL;
  g_autoptr (GError) error = NULL;
  PareTensor *outputs[2] = { NULL };
  PareValue *x, *gradient;
  PareNode *node, *sum;
  guint kept = 0;

  pare_graph_set_opset (net.graph, "", 17);
  x = add_input (&net, shape, 1);
  node = add_node (&net, "Dropout", x, pare_graph_add_constant (net.graph, "ratio", ratio));
  pare_node_add_input (node, pare_graph_add_constant (net.graph, "mode", mode));
  sum = add_node (&net, "ReduceSum", node->outputs->pdata[0], NULL);
  pare_graph_add_gradients (net.graph, sum->outputs->pdata[0], 1, &x, &gradient, &error);
  g_assert_no_error (error);
  g_ptr_array_add (net.graph->outputs, node->outputs->pdata[0]);
  g_ptr_array_add (net.graph->outputs, gradient);
  executor = pare_executor_new (net.graph);
  pare_executor_run (executor, (PareTensor **)net.tensors->pdata, 1, outputs, &error);
  g_assert_no_error (error);
  y = outputs[0];
  dx = outputs[1];
  for (gint64 i = 0; i < 5000; i++)
    {
      gboolean is_kept = pare_tensor_get_double (y, i) != 0;
      double want = is_kept ? pare_tensor_get_double (net.tensors->pdata[0], i) / 0.75 : 0;
      g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (y, i), want, 1e-6);
      g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (dx, i), is_kept ? 4.0 / 3 : 0, 1e-6);
      kept += is_kept;
    }
  /* Five standard deviations of a binomial distribution about 3,750. */
  g_assert_cmpuint (kept, >, 3750 - 153);
  g_assert_cmpuint (kept, <, 3750 + 153);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (middles); i++)
    {
      g_autofree char *path = g_strdup_printf ("/gradient/nets/%s", middles[i].name);
      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_slope_along_gradient_is_its_norm);
    }
  g_test_add_func ("/gradient/dropout", test_dropout_passes_the_gradient_of_what_it_kept);
  return g_test_run ();
}
