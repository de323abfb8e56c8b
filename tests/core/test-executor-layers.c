/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Layers on oneDNN, of all shapes, against the naive network. */
#include "network.h"
#include <malloc.h>
#include <string.h>

typedef struct
{
  const char *name;
  gint64 x[5], w[5];
  guint rank;
  int groups;
  gint64 strides[3], dilations[3], pads[6], extra[3];
  gboolean bias;
} Window;

static const Window convolutions[] = {
  { "pointwise of 3 channels", { 2, 3, 5, 7 }, { 5, 3, 1, 1 }, 4, 1, .bias = TRUE },
  { "17 to 5 channels", { 1, 17, 6, 6 }, { 5, 17, 3, 3 }, 4, 1, .pads = { 1, 1, 1, 1 } },
  { "32 channels, as blocked", { 2, 32, 9, 9 }, { 48, 32, 3, 3 }, 4, 1, .pads = { 1, 1, 1, 1 }, .bias = TRUE },
  { "strides", { 1, 4, 11, 8 }, { 6, 4, 3, 2 }, 4, 1, .strides = { 3, 2 } },
  { "dilations", { 1, 4, 11, 12 }, { 6, 4, 3, 3 }, 4, 1, .dilations = { 2, 3 }, .bias = TRUE },
  { "uneven pads", { 1, 3, 6, 6 }, { 7, 3, 4, 3 }, 4, 1, .pads = { 0, 2, 3, 1 } },
  { "strides, dilations and pads", { 2, 5, 12, 9 }, { 3, 5, 3, 3 }, 4, 1, { 2, 2 }, { 2, 1 }, { 2, 0, 1, 2 } },
  { "groups", { 1, 6, 7, 7 }, { 9, 2, 3, 3 }, 4, 3, .bias = TRUE },
  { "depthwise of 17 channels", { 2, 17, 8, 8 }, { 17, 1, 3, 3 }, 4, 17, { 2, 2 }, .pads = { 1, 1, 1, 1 } },
  { "depthwise with a multiplier", { 1, 5, 8, 8 }, { 15, 1, 3, 3 }, 4, 5, .bias = TRUE },
  { "one axis", { 2, 3, 20 }, { 5, 3, 7 }, 3, 1, { 2 }, { 2 }, { 3, 1 }, .bias = TRUE },
  { "three axes", { 1, 3, 5, 6, 7 }, { 5, 3, 2, 3, 3 }, 5, 1, { 1, 2, 1 }, .pads = { 1, 0, 1, 0, 1, 1 } },
  { "kernel as large as the input", { 2, 3, 4, 5 }, { 5, 3, 4, 5 }, 4, 1, .bias = TRUE },
};

static const Window transposed[] = {
  { "plain", { 1, 3, 4, 5 }, { 3, 5, 3, 3 }, 4, 1, .bias = TRUE },
  { "strides and pads", { 2, 5, 4, 4 }, { 5, 3, 4, 4 }, 4, 1, { 2, 2 }, .pads = { 1, 1, 1, 1 } },
  { "uneven pads", { 1, 4, 5, 5 }, { 4, 6, 3, 3 }, 4, 1, { 2, 1 }, .pads = { 0, 1, 2, 0 }, .bias = TRUE },
  { "groups", { 1, 6, 4, 4 }, { 6, 3, 3, 3 }, 4, 3, { 2, 2 }, .bias = TRUE },
  { "depthwise", { 1, 17, 4, 4 }, { 17, 1, 2, 2 }, 4, 17, { 2, 2 } },
  { "output_padding", { 1, 3, 4, 4 }, { 3, 5, 3, 3 }, 4, 1, { 2, 2 }, .pads = { 1, 1, 1, 1 }, .extra = { 1, 1 } },
  { "dilations", { 1, 3, 5, 5 }, { 3, 4, 3, 3 }, 4, 1, .dilations = { 2, 2 }, .bias = TRUE },
  { "one axis", { 1, 3, 9 }, { 3, 5, 4 }, 3, 1, { 3 } },
  { "three axes", { 1, 3, 3, 4, 5 }, { 3, 2, 2, 2, 3 }, 5, 1, { 2, 1, 1 } },
};

static PareValue *
add_window (Net *net, const Window *c, const char *op_type)
{
  gboolean turned = strcmp (op_type, "ConvTranspose") == 0;
  PareValue *inputs[3]
      = { net_input (net, "x", pare_shape (c->rank, c->x)), net_random (net, "w", pare_shape (c->rank, c->w), -1, 1) };
  PareValue *y;

  if (c->bias)
    inputs[2] = net_random (net, "b", pare_shape_of (1, (int)(turned ? c->w[1] * c->groups : c->w[0])), -1, 1);
  y = net_op (net, op_type, "y", 2 + c->bias, inputs);
  pare_node_set_attribute (y->producer, pare_attribute_new_int ("group", c->groups));
  if (c->strides[0])
    net_set_ints (y, "strides", c->rank - 2, c->strides);
  if (c->dilations[0])
    net_set_ints (y, "dilations", c->rank - 2, c->dilations);
  net_set_ints (y, "pads", 2 * (c->rank - 2), c->pads);
  if (c->extra[0])
    net_set_ints (y, "output_padding", c->rank - 2, c->extra);
  net_output (net, y);
  return y;
}

static void
test_convolution (gconstpointer data)
{
  g_auto (Net) net = net_new ();

  add_window (&net, data, "Conv");
  network_check (&net);
}

static void
test_transposed (gconstpointer data)
{
  g_auto (Net) net = net_new ();

  add_window (&net, data, "ConvTranspose");
  network_check (&net);
}

/* What the pads in the attributes do, auto_pad or output_shape does as well. */
static void
check_other_spelling (const Window *window, const char *op_type, PareAttribute *other)
{
  g_auto (Net) net = net_new ();
  PareNode *node = add_window (&net, window, op_type)->producer;
  g_autoptr (GPtrArray) inputs = network_inputs (&net, 1);
  g_autoptr (GPtrArray) expected = network_expect (net.graph, inputs), found = NULL;

  pare_node_remove_attribute (node, "pads");
  pare_node_set_attribute (node, other);
  found = network_run (net.graph, inputs);
  network_assert_close (found, expected, 1e-5);
}

static void
test_auto_pad (void)
{
  /* 7 with stride 2: 4 outputs, which reach over 4 (kernel 2): 1 pad; 8 with stride 2 and kernel 3: 1 pad. */
  Window upper = { "", { 1, 3, 7, 8 }, { 5, 3, 2, 3 }, 4, 1, { 2, 2 }, .pads = { 0, 0, 1, 1 } };
  Window lower = { "", { 1, 3, 7, 8 }, { 5, 3, 2, 3 }, 4, 1, { 2, 2 }, .pads = { 1, 1, 0, 0 } };
  Window valid = { "", { 1, 3, 7, 8 }, { 5, 3, 2, 3 }, 4, 1, { 2, 2 } };

  check_other_spelling (&upper, "Conv", pare_attribute_new_string ("auto_pad", "SAME_UPPER"));
  check_other_spelling (&lower, "Conv", pare_attribute_new_string ("auto_pad", "SAME_LOWER"));
  check_other_spelling (&valid, "Conv", pare_attribute_new_string ("auto_pad", "VALID"));
}

static void
test_output_shape (void)
{
  /* Without pads 4 becomes 2 * 3 + 3 = 9; to make it 8 one is cut: the larger half at the beginning, as
   * the specification says since version 11, and ONNX Runtime does. */
  Window window = { "", { 1, 3, 4, 4 }, { 3, 5, 3, 3 }, 4, 1, { 2, 2 }, .pads = { 1, 1, 0, 0 } };

  check_other_spelling (&window, "ConvTranspose", pare_attribute_new_ints ("output_shape", 2, (gint64[]){ 8, 8 }));
}

/* Gemm */

static void
check_gemm (gboolean trans_a, gboolean trans_b, float alpha, float beta, const PareShape *c, gboolean constant_b)
{
  g_auto (Net) net = net_new ();
  PareShape b_shape = trans_b ? pare_shape_of (2, 5, 7) : pare_shape_of (2, 7, 5);
  PareValue *inputs[3] = { net_input (&net, "a", trans_a ? pare_shape_of (2, 7, 3) : pare_shape_of (2, 3, 7)),
                           constant_b ? net_random (&net, "b", b_shape, -1, 1) : net_input (&net, "b", b_shape) };
  PareValue *y;

  if (c)
    inputs[2] = constant_b ? net_random (&net, "c", *c, -1, 1) : net_input (&net, "c", *c);
  y = net_op (&net, "Gemm", "y", c ? 3 : 2, inputs);
  pare_node_set_attribute (y->producer, pare_attribute_new_int ("transA", trans_a));
  pare_node_set_attribute (y->producer, pare_attribute_new_int ("transB", trans_b));
  pare_node_set_attribute (y->producer, pare_attribute_new_float ("alpha", alpha));
  pare_node_set_attribute (y->producer, pare_attribute_new_float ("beta", beta));
  net_output (&net, y);
  network_check (&net);
}

static void
test_gemm_transposes (void)
{
  for (guint i = 0; i < 8; i++)
    check_gemm (i & 1, i >> 1 & 1, 1, 1, NULL, i >> 2);
}

static void
test_gemm_factors (void)
{
  PareShape row = pare_shape_of (1, 5);

  for (guint i = 0; i < 4; i++)
    check_gemm (FALSE, i & 1, i & 2 ? 0.5f : 1, i & 2 ? 1 : -3, &row, TRUE);
}

static void
test_gemm_broadcasts_c (void)
{
  const PareShape shapes[] = { { 0 },
                               pare_shape_of (1, 1),
                               pare_shape_of (1, 5),
                               pare_shape_of (2, 1, 5),
                               pare_shape_of (2, 3, 1),
                               pare_shape_of (2, 3, 5),
                               pare_shape_of (2, 1, 1) };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (shapes); i++)
    check_gemm (FALSE, TRUE, 1, 1, &shapes[i / 2], i & 1);
}

/* MatMul, against products of single elements */

static double
element (const PareTensor *tensor, guint batch_rank, const gint64 *batch, gint64 row, gint64 column)
{
  guint own = tensor->shape.rank - 2, missing = batch_rank - own;
  gint64 offset = 0;

  for (guint i = 0; i < own; i++)
    offset = offset * tensor->shape.dims[i] + (tensor->shape.dims[i] == 1 ? 0 : batch[missing + i]);
  return pare_tensor_get_double (tensor,
                                 (offset * tensor->shape.dims[own] + row) * tensor->shape.dims[own + 1] + column);
}

static PareTensor *
matrix_of (const PareTensor *tensor, gboolean column)
{
  PareShape shape = tensor->shape;

  if (shape.rank == 1)
    shape = column ? pare_shape_of (2, (int)shape.dims[0], 1) : pare_shape_of (2, 1, (int)shape.dims[0]);
  return pare_tensor_reshape (tensor, &shape);
}

static void
check_matmul (PareShape a_shape, PareShape b_shape, const char *y_shape, gboolean constant)
{
  g_auto (Net) net = net_new ();
  PareValue *a = net_input (&net, "a", a_shape), *b = net_input (&net, "b", b_shape);
  g_autoptr (GPtrArray) inputs = network_inputs (&net, 1), outputs = NULL;
  g_autoptr (PareTensor) left = matrix_of (inputs->pdata[0], FALSE), right = matrix_of (inputs->pdata[1], TRUE);
  g_autofree char *found = NULL;

  net_output (&net, OP (&net, "MatMul", "y", a, b));
  if (constant)
    {
      pare_value_set_constant (b, inputs->pdata[1]);
      g_ptr_array_set_size (inputs, 1);
    }
  outputs = network_run (net.graph, inputs);
  found = pare_shape_to_string (&((PareTensor *)outputs->pdata[0])->shape);
  g_assert_cmpstr (found, ==, y_shape);

  guint batch_rank = MAX (left->shape.rank, right->shape.rank) - 2;
  gint64 m = left->shape.dims[left->shape.rank - 2], k = left->shape.dims[left->shape.rank - 1];
  gint64 n = right->shape.dims[right->shape.rank - 1];
  gint64 sizes[4] = { 1, 1, 1, 1 };
  for (guint i = 0; i < batch_rank; i++)
    for (guint side = 0; side < 2; side++)
      {
        const PareShape *shape = side ? &right->shape : &left->shape;
        guint missing = batch_rank - (shape->rank - 2);
        sizes[i] = MAX (sizes[i], i < missing ? 1 : shape->dims[i - missing]);
      }
  for (gint64 i = 0; i < pare_tensor_elements (outputs->pdata[0]); i++)
    {
      gint64 batch[4], rest = i / (m * n);
      double sum = 0;
      for (guint d = batch_rank; d-- > 0; rest /= sizes[d])
        batch[d] = rest % sizes[d];
      for (gint64 j = 0; j < k; j++)
        sum += element (left, batch_rank, batch, i / n % m, j) * element (right, batch_rank, batch, j, i % n);
      g_assert_cmpfloat_with_epsilon (pare_tensor_get_double (outputs->pdata[0], i), sum, 1e-5);
    }
}

static void
test_matmul_shapes (void)
{
  for (guint constant = 0; constant < 2; constant++)
    {
      check_matmul (pare_shape_of (2, 3, 4), pare_shape_of (2, 4, 5), "[3,5]", constant);
      check_matmul (pare_shape_of (1, 4), pare_shape_of (2, 4, 5), "[5]", constant);
      check_matmul (pare_shape_of (2, 3, 4), pare_shape_of (1, 4), "[3]", constant);
      check_matmul (pare_shape_of (1, 4), pare_shape_of (1, 4), "[]", constant);
      check_matmul (pare_shape_of (3, 2, 3, 4), pare_shape_of (2, 4, 5), "[2,3,5]", constant);
      check_matmul (pare_shape_of (3, 2, 3, 4), pare_shape_of (3, 2, 4, 5), "[2,3,5]", constant);
      check_matmul (pare_shape_of (2, 3, 4), pare_shape_of (3, 2, 4, 5), "[2,3,5]", constant);
      check_matmul (pare_shape_of (4, 2, 1, 3, 4), pare_shape_of (3, 6, 4, 5), "[2,6,3,5]", constant);
      check_matmul (pare_shape_of (4, 2, 3, 17, 9), pare_shape_of (4, 2, 3, 9, 33), "[2,3,17,33]", constant);
      check_matmul (pare_shape_of (3, 2, 3, 4), pare_shape_of (1, 4), "[2,3]", constant);
      check_matmul (pare_shape_of (1, 4), pare_shape_of (3, 2, 4, 5), "[2,5]", constant);
    }
}

static void
test_empty_sum_is_zero (void)
{
  check_matmul (pare_shape_of (2, 3, 0), pare_shape_of (2, 0, 2), "[3,2]", FALSE);
}

/* BatchNormalization where it lies: behind a convolution blocked, else plain. */
static void
test_batch_normalization (void)
{
  for (guint i = 0; i < 4; i++)
    {
      g_auto (Net) net = net_new ();
      PareValue *x = net_input (&net, "x", pare_shape_of (4, 2, i & 1 ? 17 : 32, 5, 5));
      int channels = i & 1 ? 17 : 32;

      if (i & 2)
        x = OP (&net, "Conv", "h", x, net_random (&net, "w", pare_shape_of (4, channels, channels, 3, 3), -1, 1));
      net_output (&net, net_batchnorm (&net, "y", x, channels));
      network_check (&net);
    }
}

/* Convolutions one after the other, so that layouts meet. */
static void
test_layouts_between_layers (void)
{
  const int channels[] = { 3, 17, 32, 5, 16, 1 };
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 2, 3, 9, 10));

  for (guint i = 1; i < G_N_ELEMENTS (channels); i++)
    {
      g_autofree char *name = g_strdup_printf ("h%u", i), *weight = g_strdup_printf ("w%u", i);
      PareValue *w = net_random (&net, weight, pare_shape_of (4, channels[i], channels[i - 1], 3, 3), -0.2, 0.2);
      x = OP (&net, "Conv", name, x, w);
      net_set_ints (x, "pads", 4, (gint64[]){ 1, 1, 1, 1 });
    }
  net_output (&net, x);
  network_check (&net);
}

static void
add_windows (const char *folder, const Window *windows, guint n, GTestDataFunc test)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *path = g_strconcat ("/layers/", folder, "/", windows[i].name, NULL);
      g_test_add_data_func (path, &windows[i], test);
    }
}

#define ADD(name) g_test_add_func ("/layers/" #name, test_##name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  mallopt (M_PERTURB, 0xaa); /* memory that nothing was written to is no zeros */
  add_windows ("convolution", convolutions, G_N_ELEMENTS (convolutions), test_convolution);
  add_windows ("transposed", transposed, G_N_ELEMENTS (transposed), test_transposed);
  ADD (auto_pad);
  ADD (output_shape);
  ADD (gemm_transposes);
  ADD (gemm_factors);
  ADD (gemm_broadcasts_c);
  ADD (matmul_shapes);
  ADD (empty_sum_is_zero);
  ADD (batch_normalization);
  ADD (layouts_between_layers);
  return g_test_run ();
}
