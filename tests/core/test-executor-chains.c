/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What the executor merges, overwrites and shares must not show in the results. */
#include "network.h"
#include <malloc.h>
#include <string.h>

/* 3 x 3, padded: the size stays. */
static PareValue *
conv (Net *net, const char *output, PareValue *x, int in, int out)
{
  g_autofree char *weight = g_strconcat (output, "_w", NULL), *bias = g_strconcat (output, "_b", NULL);
  PareValue *y = OP (net, "Conv", output, x, net_random (net, weight, pare_shape_of (4, out, in, 3, 3), -0.3, 0.3),
                     net_random (net, bias, pare_shape_of (1, out), -0.3, 0.3));

  net_set_ints (y, "pads", 4, (gint64[]){ 1, 1, 1, 1 });
  return y;
}

static PareValue *
image (Net *net, int channels)
{
  return net_input (net, "x", pare_shape_of (4, 2, channels, 6, 7));
}

static PareValue *
number (Net *net, const char *name, float value)
{
  g_autoptr (PareTensor) tensor = pare_tensor_new_scalar_float (value);

  return pare_graph_add_constant (net->graph, name, tensor);
}

static PareValue *
reshape (Net *net, const char *output, PareValue *x, guint rank, const gint64 *dims)
{
  g_autofree char *name = g_strconcat (output, "_shape", NULL);
  g_autoptr (PareTensor) shape = pare_tensor_new_int64s (rank, dims);

  return OP (net, "Reshape", output, x, pare_graph_add_constant (net->graph, name, shape));
}

static void
test_activations_behind_convolutions (void)
{
  g_auto (Net) net = net_new ();
  PareValue *h = OP (&net, "Relu", "h", conv (&net, "c1", image (&net, 3), 3, 17));

  net_output (&net, OP (&net, "Clip", "y", conv (&net, "c2", h, 17, 5), number (&net, "low", -0.1f),
                        number (&net, "high", 0.2f)));
  network_check (&net);
}

static void
test_residual_block (void)
{
  for (int channels = 16; channels <= 17; channels++)
    {
      g_auto (Net) net = net_new ();
      PareValue *h = OP (&net, "Relu", "h", conv (&net, "c1", image (&net, 3), 3, channels));
      PareValue *sum = OP (&net, "Add", "sum", conv (&net, "c2", h, channels, channels), h);
      net_output (&net, conv (&net, "y", OP (&net, "Relu", "s", sum), channels, 5));
      network_check (&net);
    }
}

/* The sum must not be computed where its operand lies. */
static void
test_operand_of_sum_is_read_later (void)
{
  for (guint order = 0; order < 2; order++)
    {
      g_auto (Net) net = net_new ();
      PareValue *h = conv (&net, "c1", image (&net, 3), 3, 16), *c = conv (&net, "c2", h, 16, 16);
      PareValue *sum = order ? OP (&net, "Add", "sum", h, c) : OP (&net, "Add", "sum", c, h);
      net_output (&net, OP (&net, "Mul", "y", OP (&net, "Relu", "r", sum), h));
      network_check (&net);
    }
}

static void
test_sum_of_two_convolutions (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = image (&net, 3);
  PareValue *sum = OP (&net, "Add", "sum", conv (&net, "a", x, 3, 16), conv (&net, "b", x, 3, 16));

  net_output (&net, OP (&net, "Relu", "y", sum));
  network_check (&net);
}

/* A sum of sums: each of three convolutions could take another one in. */
static void
test_sum_of_three_convolutions (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = image (&net, 3), *a = conv (&net, "a", x, 3, 16), *b = conv (&net, "b", x, 3, 16);
  PareValue *ab = OP (&net, "Relu", "r", OP (&net, "Add", "ab", a, b));

  net_output (&net, OP (&net, "Add", "y", conv (&net, "c", ab, 16, 16), ab));
  network_check (&net);
}

static void
test_output_in_the_middle_of_a_chain (void)
{
  g_auto (Net) net = net_new ();
  PareValue *c = conv (&net, "c", image (&net, 3), 3, 17), *r = OP (&net, "Relu", "r", c);

  net_output (&net, c);
  net_output (&net, OP (&net, "Add", "y", r, c));
  net_output (&net, r);
  network_check (&net);
}

static void
test_value_added_to_itself (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = image (&net, 3), *c = conv (&net, "c", x, 3, 17);

  net_output (&net, OP (&net, "Add", "twice", c, c));
  net_output (&net, OP (&net, "Add", "x2", x, x));
  network_check (&net);
}

/* One operand lies in blocks, the other as it came. */
static void
test_sum_of_layouts (void)
{
  for (guint order = 0; order < 2; order++)
    {
      g_auto (Net) net = net_new ();
      PareValue *x = image (&net, 32), *other = net_input (&net, "other", pare_shape_of (4, 2, 32, 6, 7));
      PareValue *c = conv (&net, "c", x, 32, 32), *r = OP (&net, "Relu", "r", other);
      net_output (&net, c);
      net_output (&net, order ? OP (&net, "Add", "y", c, r) : OP (&net, "Add", "y", r, c));
      network_check (&net);
    }
}

static void
test_broadcast_sum_behind_convolution (void)
{
  g_auto (Net) net = net_new ();
  PareValue *c = conv (&net, "c", image (&net, 3), 3, 17);

  net_output (&net, OP (&net, "Add", "y", c, net_input (&net, "row", pare_shape_of (4, 1, 17, 1, 1))));
  network_check (&net);
}

/* Relu overwrites the reshaped bytes, which x still needs. */
static void
test_reshaped_value_is_read_again (void)
{
  for (guint blocked = 0; blocked < 2; blocked++)
    {
      g_auto (Net) net = net_new ();
      PareValue *x = image (&net, 3), *h = blocked ? conv (&net, "c", x, 3, 17) : OP (&net, "Add", "c", x, x);
      int channels = blocked ? 17 : 3;
      PareValue *flat = reshape (&net, "flat", h, 2, (gint64[]){ 2, channels * 42 });
      PareValue *back = reshape (&net, "back", OP (&net, "Relu", "r", flat), 4, (gint64[]){ 2, channels, 6, 7 });
      net_output (&net, OP (&net, "Sub", "y", back, h));
      network_check (&net);
    }
}

static void
test_activation_of_a_reshaped_input (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = image (&net, 3);

  net_output (&net, OP (&net, "Relu", "y", reshape (&net, "flat", x, 2, (gint64[]){ 2, 126 })));
  net_output (&net, x);
  network_check (&net);
}

static void
test_products_take_bias_sum_and_activation (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (3, 2, 3, 8)), *y;

  y = OP (&net, "MatMul", "p", x, net_random (&net, "w", pare_shape_of (2, 8, 8), -1, 1));
  y = OP (&net, "Add", "biased", net_random (&net, "b", pare_shape_of (1, 8), -1, 1), y);
  y = OP (&net, "Relu", "y", OP (&net, "Add", "sum", x, y));
  net_output (&net, y);
  network_check (&net);
}

/* [m, k] x [k] is no row of columns: the vector that is added runs along the rows. */
static void
test_vector_behind_matrix_times_vector (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = net_input (&net, "a", pare_shape_of (2, 3, 4));
  PareValue *product = OP (&net, "MatMul", "p", a, net_random (&net, "v", pare_shape_of (1, 4), -1, 1));
  PareValue *bias = net_random (&net, "b", pare_shape_of (1, 3), -1, 1);
  g_autoptr (GPtrArray) inputs = network_inputs (&net, 1), plain = NULL, found = NULL;
  g_autofree float *sum = g_new (float, 3);

  net_output (&net, product);
  plain = network_run (net.graph, inputs);
  net.graph->outputs->pdata[0] = OP (&net, "Add", "y", product, bias);
  found = network_run (net.graph, inputs);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpfloat_with_epsilon (
        pare_tensor_get_double (found->pdata[0], i),
        pare_tensor_get_double (plain->pdata[0], i) + pare_tensor_get_double (bias->constant, i), 1e-6);
}

static void
test_constant_product_in_front_of_a_sum (void)
{
  g_auto (Net) net = net_new ();
  PareValue *constant = OP (&net, "Gemm", "g", net_random (&net, "a", pare_shape_of (2, 3, 4), -1, 1),
                            net_random (&net, "b", pare_shape_of (2, 4, 5), -1, 1));

  net_output (&net, OP (&net, "Add", "y", constant, net_input (&net, "x", pare_shape_of (2, 3, 5))));
  network_check (&net);
}

static void
test_outputs_that_nothing_computes (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = image (&net, 3), *constant = net_random (&net, "k", pare_shape_of (2, 2, 3), -1, 1);

  net_input (&net, "unused", pare_shape_of (1, 5));
  net_output (&net, x);
  net_output (&net, constant);
  net_output (&net, OP (&net, "Relu", "y", x));
  net_output (&net, x);
  network_check (&net);
}

/* QuantizeLinear and DequantizeLinear behind a convolution, in front of another one. With @seen the integers are an
 * output, too, and so the pair is not merged. */
static GPtrArray *
run_pair (PareDataType type, int zero_point, gboolean seen)
{
  g_auto (Net) net = net_new ();
  PareShape scalar = { 0 };
  gint16 zero = zero_point;
  g_autoptr (PareTensor) zeros = pare_tensor_new_copy (type, &scalar, &zero);
  PareValue *scale = number (&net, "scale", 0.0123f);
  PareValue *zero_value = pare_graph_add_constant (net.graph, "zero", zeros);
  PareValue *c = OP (&net, "Relu", "r", conv (&net, "c", image (&net, 3), 3, 17));
  PareValue *q = OP (&net, "QuantizeLinear", "q", c, scale, zero_value);
  PareValue *d = OP (&net, "DequantizeLinear", "d", q, scale, zero_value);
  g_autoptr (GPtrArray) inputs = NULL;

  net_output (&net, d);
  net_output (&net, conv (&net, "y", d, 17, 4));
  if (seen)
    net_output (&net, q);
  inputs = network_inputs (&net, 1);
  return network_run (net.graph, inputs);
}

static void
test_pairs_of_conversions_round_once (void)
{
  const struct
  {
    PareDataType type;
    int zero_point;
  } cases[] = { { PARE_UINT8, 0 }, { PARE_UINT8, 77 }, { PARE_INT8, 0 }, { PARE_INT8, -128 }, { PARE_INT16, 100 } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) merged = run_pair (cases[i].type, cases[i].zero_point, FALSE);
      g_autoptr (GPtrArray) separate = run_pair (cases[i].type, cases[i].zero_point, TRUE);
      for (guint k = 0; k < 2; k++)
        g_assert_true (pare_tensor_equal (merged->pdata[k], separate->pdata[k]));
    }
}

#define ADD(name) g_test_add_func ("/chains/" #name, test_##name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  mallopt (M_PERTURB, 0xaa); /* memory that nothing was written to is no zeros */
  ADD (activations_behind_convolutions);
  ADD (residual_block);
  ADD (operand_of_sum_is_read_later);
  ADD (sum_of_two_convolutions);
  ADD (sum_of_three_convolutions);
  ADD (output_in_the_middle_of_a_chain);
  ADD (value_added_to_itself);
  ADD (sum_of_layouts);
  ADD (broadcast_sum_behind_convolution);
  ADD (reshaped_value_is_read_again);
  ADD (activation_of_a_reshaped_input);
  ADD (products_take_bias_sum_and_activation);
  ADD (vector_behind_matrix_times_vector);
  ADD (constant_product_in_front_of_a_sum);
  ADD (outputs_that_nothing_computes);
  ADD (pairs_of_conversions_round_once);
  return g_test_run ();
}
