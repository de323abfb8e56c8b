/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Convolutions of the shapes that Winograd's algorithm takes, and their gradients, against sums in double precision
 * straight from the definition. */
#include "exec/executor.h"
#include "train/gradient.h"
#include <math.h>

/* Of the largest entry: the algorithm's transforms lose a digit or two of float32's seven. */
#define TOLERANCE 2e-5

typedef struct
{
  const char *name;
  int batch, in, out, height, width, top, left, bottom, right;
} Case;

/* More than one piece of 32 tiles with the last one short, more than eight parts, sizes that leave tiles incomplete,
 * paddings that differ, and odd numbers of channel blocks. */
static const Case cases[] = {
  { "one-tile", 1, 16, 16, 4, 4, 1, 1, 1, 1 },          { "many-pieces", 9, 16, 32, 28, 28, 1, 1, 1, 1 },
  { "incomplete-tiles", 3, 48, 16, 9, 14, 1, 1, 1, 1 }, { "uneven-padding", 2, 32, 48, 7, 11, 0, 2, 1, 0 },
  { "no-padding", 2, 16, 16, 3, 10, 0, 0, 0, 0 },       { "wide-channels", 2, 16, 272, 7, 5, 1, 1, 1, 1 },
};

typedef struct
{
  const Case *c;
  int out_height, out_width;
  float *x, *w, *bias, *dy;
  double *y, *dx, *dw, *db;
} Reference;

static float *
random_floats (GRand *random, gsize n)
{
  float *numbers = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    numbers[i] = g_rand_double_range (random, -1, 1);
  return numbers;
}

/* One product of the definition: x at (n, i, @row, @column) with w at (o, i, k), k = 3 ky + kx. */
static void
accumulate (Reference *r, gsize x, gsize w, gsize y)
{
  r->y[y] += (double)r->x[x] * r->w[w];
  r->dx[x] += (double)r->dy[y] * r->w[w];
  r->dw[w] += (double)r->dy[y] * r->x[x];
}

static void
meet_kernel (Reference *r, int n, int o, int oy, int ox)
{
  const Case *c = r->c;
  gsize y = (((gsize)n * c->out + o) * r->out_height + oy) * r->out_width + ox;

  r->y[y] = r->bias[o];
  r->db[o] += r->dy[y];
  for (int i = 0; i < c->in; i++)
    for (int k = 0; k < 9; k++)
      {
        int row = oy + k / 3 - c->top, column = ox + k % 3 - c->left;
        if (row >= 0 && row < c->height && column >= 0 && column < c->width)
          accumulate (r, (((gsize)n * c->in + i) * c->height + row) * c->width + column, ((gsize)o * c->in + i) * 9 + k,
                      y);
      }
}

static Reference
reference_new (const Case *c)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  Reference r = { c, c->height + c->top + c->bottom - 2, c->width + c->left + c->right - 2 };
  gsize n_x = (gsize)c->batch * c->in * c->height * c->width, n_w = (gsize)c->out * c->in * 9;
  gsize n_y = (gsize)c->batch * c->out * r.out_height * r.out_width;

  r.x = random_floats (random, n_x);
  r.w = random_floats (random, n_w);
  r.bias = random_floats (random, c->out);
  r.dy = random_floats (random, n_y);
  r.y = g_new0 (double, n_y);
  r.dx = g_new0 (double, n_x);
  r.dw = g_new0 (double, n_w);
  r.db = g_new0 (double, c->out);
  for (int n = 0; n < c->batch; n++)
    for (int o = 0; o < c->out; o++)
      for (int oy = 0; oy < r.out_height; oy++)
        for (int ox = 0; ox < r.out_width; ox++)
          meet_kernel (&r, n, o, oy, ox);
  return r;
}

static void
reference_clear (Reference *r)
{
  gpointer all[] = { r->x, r->w, r->bias, r->dy, r->y, r->dx, r->dw, r->db };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    g_free (all[i]);
}

static PareValue *
add_input (PareGraph *graph, const char *name, PareShape shape, const float *data, GPtrArray *tensors)
{
  PareSpec spec = { PARE_FLOAT32, shape };
  PareValue *value = pare_graph_add_value (graph, name);

  pare_value_set_spec (value, &spec);
  g_ptr_array_add (graph->inputs, value);
  g_ptr_array_add (tensors, pare_tensor_new_floats (&shape, data));
  return value;
}

static PareNode *
add_node (PareGraph *graph, const Case *c, const char *domain, const char *op_type, PareValue *const *inputs,
          guint n_outputs)
{
  PareNode *node = pare_graph_add_node (graph, domain, op_type, op_type, NULL);

  for (guint i = 0; i < 3; i++)
    pare_node_add_input (node, inputs[i]);
  pare_node_set_attribute (node, pare_attribute_new_ints ("kernel_shape", 2, (gint64[]){ 3, 3 }));
  pare_node_set_attribute (node,
                           pare_attribute_new_ints ("pads", 4, (gint64[]){ c->top, c->left, c->bottom, c->right }));
  for (guint i = 0; i < n_outputs; i++)
    {
      PareValue *output = pare_graph_add_value_near (graph, op_type);
      pare_node_add_output (node, output);
      g_ptr_array_add (graph->outputs, output);
    }
  return node;
}

static void
assert_near (PareTensor *tensor, const double *expected)
{
  const float *actual = pare_tensor_data (tensor);
  gint64 n = pare_tensor_elements (tensor);
  double largest = 0;

  for (gint64 i = 0; i < n; i++)
    largest = MAX (largest, fabs (expected[i]));
  for (gint64 i = 0; i < n; i++)
    g_assert_cmpfloat_with_epsilon (actual[i], expected[i], TOLERANCE * largest);
}

static void
test_training_convolution_is_the_sum_of_its_definition (gconstpointer data)
{
  const Case *c = data;
  Reference r = reference_new (c);
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  g_autoptr (PareExecutor) executor = NULL;
  g_autoptr (GError) error = NULL;
  PareShape y_shape = pare_shape_of (4, c->batch, c->out, r.out_height, r.out_width);
  PareTensor *outputs[4] = { NULL };
  PareValue *x, *w, *bias, *dy;

  pare_graph_set_opset (graph, "", 13);
  x = add_input (graph, "x", pare_shape_of (4, c->batch, c->in, c->height, c->width), r.x, tensors);
  w = add_input (graph, "w", pare_shape_of (4, c->out, c->in, 3, 3), r.w, tensors);
  bias = add_input (graph, "bias", pare_shape_of (1, c->out), r.bias, tensors);
  dy = add_input (graph, "dy", y_shape, r.dy, tensors);
  add_node (graph, c, "", "Conv", (PareValue *[]){ x, w, bias }, 1);
  add_node (graph, c, PARE_DOMAIN, "ConvGradInput", (PareValue *[]){ dy, w, x }, 1);
  add_node (graph, c, PARE_DOMAIN, "ConvGradWeight", (PareValue *[]){ dy, x, w }, 2);
  executor = pare_executor_new (graph);
  for (guint run = 0; run < 2; run++) /* the second one finds memory that is not fresh */
    {
      pare_executor_run (executor, (PareTensor **)tensors->pdata, tensors->len, outputs, &error);
      g_assert_no_error (error);
      for (guint i = 0; i < 4; i++)
        {
          assert_near (outputs[i], (const double *[]){ r.y, r.dx, r.dw, r.db }[i]);
          pare_tensor_unref (outputs[i]);
        }
    }
  reference_clear (&r);
}

/* Weights that are part of the network are transformed when it is compiled, and data lies channels-last. */
static void
test_constant_weights_give_the_sum_of_the_definition (gconstpointer data)
{
  const Case *c = data;
  Reference r = reference_new (c);
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  g_autoptr (PareExecutor) executor = NULL;
  g_autoptr (GError) error = NULL;
  PareTensor *output = NULL;
  PareValue *inputs[3];

  pare_graph_set_opset (graph, "", 13);
  inputs[0] = add_input (graph, "x", pare_shape_of (4, c->batch, c->in, c->height, c->width), r.x, tensors);
  inputs[1] = pare_graph_add_value (graph, "w");
  inputs[2] = pare_graph_add_value (graph, "bias");
  for (guint i = 1; i < 3; i++)
    {
      PareShape shape = i == 1 ? pare_shape_of (4, c->out, c->in, 3, 3) : pare_shape_of (1, c->out);
      g_autoptr (PareTensor) constant = pare_tensor_new_floats (&shape, i == 1 ? r.w : r.bias);
      pare_value_set_constant (inputs[i], constant);
    }
  add_node (graph, c, "", "Conv", inputs, 1);
  executor = pare_executor_new (graph);
  for (guint run = 0; run < 2; run++)
    {
      pare_executor_run (executor, (PareTensor **)tensors->pdata, tensors->len, &output, &error);
      g_assert_no_error (error);
      assert_near (output, r.y);
      pare_tensor_unref (output);
    }
  reference_clear (&r);
}

/* The convolution writes the Relu's output at once. */
static void
test_sum_and_relu_follow_the_convolution (void)
{
  const Case *c = &cases[2];
  Reference r = reference_new (c);
  g_autoptr (PareGraph) graph = pare_graph_new ();
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);
  g_autoptr (PareExecutor) executor = NULL;
  g_autoptr (GError) error = NULL;
  PareShape y_shape = pare_shape_of (4, c->batch, c->out, r.out_height, r.out_width);
  PareTensor *outputs[2] = { NULL };
  PareValue *x, *w, *bias, *dy, *sum, *positive;
  PareNode *conv, *add, *relu;

  pare_graph_set_opset (graph, "", 13);
  x = add_input (graph, "x", pare_shape_of (4, c->batch, c->in, c->height, c->width), r.x, tensors);
  w = add_input (graph, "w", pare_shape_of (4, c->out, c->in, 3, 3), r.w, tensors);
  bias = add_input (graph, "bias", pare_shape_of (1, c->out), r.bias, tensors);
  dy = add_input (graph, "dy", y_shape, r.dy, tensors);
  conv = add_node (graph, c, "", "Conv", (PareValue *[]){ x, w, bias }, 1);
  add = pare_graph_add_node (graph, "", "Add", "add", NULL);
  relu = pare_graph_add_node (graph, "", "Relu", "relu", NULL);
  sum = pare_graph_add_value (graph, "sum");
  positive = pare_graph_add_value (graph, "positive");
  pare_node_add_input (add, conv->outputs->pdata[0]);
  pare_node_add_input (add, dy);
  pare_node_add_output (add, sum);
  pare_node_add_input (relu, sum);
  pare_node_add_output (relu, positive);
  graph->outputs->pdata[0] = positive;
  add_node (graph, c, PARE_DOMAIN, "ConvGradWeight", (PareValue *[]){ dy, x, w }, 1);
  executor = pare_executor_new (graph);
  pare_executor_run (executor, (PareTensor **)tensors->pdata, tensors->len, outputs, &error);
  g_assert_no_error (error);
  for (gint64 i = 0; i < pare_shape_elements (&y_shape); i++)
    r.y[i] = MAX (r.y[i] + r.dy[i], 0);
  assert_near (outputs[0], r.y);
  assert_near (outputs[1], r.dw);
  for (guint i = 0; i < 2; i++)
    pare_tensor_unref (outputs[i]);
  reference_clear (&r);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *training = g_strdup_printf ("/winograd/training/%s", cases[i].name);
      g_autofree char *constant = g_strdup_printf ("/winograd/constant/%s", cases[i].name);
      g_test_add_data_func (training, &cases[i], test_training_convolution_is_the_sum_of_its_definition);
      g_test_add_data_func (constant, &cases[i], test_constant_weights_give_the_sum_of_the_definition);
    }
  g_test_add_func ("/winograd/sum-and-relu", test_sum_and_relu_follow_the_convolution);
  return g_test_run ();
}
