/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Attention as exporters spell it out is executed as one operator, without moving its heads, and computes what the two
 * products and the Softmax do. */
#include "network.h"
#include "ops/attentionrows.h"
#include "ops/vector16.h"
#include <math.h>

typedef struct
{
  const char *name;
  double scale;        /* of the scores, 1: none */
  double q, k;         /* factors on queries and keys, 1: none */
  gboolean divides;    /* the scale is a Div, and the axis is counted from the front */
  PareShape mask;      /* rank 0: none */
  gboolean mask_first; /* mask + scores */
  gboolean heads_last; /* queries, keys and values come as [batch, rows, heads, depth], and so goes the result */
  const char *executed;
} Spelling;

static const Spelling spellings[] = {
  { "plain", 1, 1, 1, .executed = "Attention*" },
  { "torch", 0.25, 1, 1, .heads_last = TRUE, .executed = "Transpose Transpose Transpose Attention* Transpose" },
  { "divided", 0.5, 1, 1, .divides = TRUE, .executed = "Attention*" },
  { "paddle", 1, 0.25, 1, .heads_last = TRUE, .executed = "Transpose Transpose Transpose Attention* Transpose" },
  { "scaled-on-both", 1, 0.5, 0.5, .executed = "Attention*" },
  { "masked-by-keys", 0.25, 1, 1, FALSE, { 4, { 1, 1, 1, 37 } }, .executed = "Attention*" },
  { "masked-by-pairs", 0.25, 1, 1, TRUE, { 2, { 19, 37 } }, TRUE, .executed = "Attention*" },
  { "masked-by-rows", 1, 1, 1, FALSE, { 3, { 3, 19, 1 } }, .executed = "Attention*" },
};

static PareValue *
heads (Net *net, const char *name, PareValue *x, gboolean transposed)
{
  static const gint64 orders[2][4] = { { 0, 2, 1, 3 }, { 0, 2, 3, 1 } };
  PareValue *y = OP (net, "Transpose", name, x);

  net_set_ints (y, "perm", 4, orders[transposed]);
  return y;
}

static PareValue *
times (Net *net, const char *name, PareValue *x, double factor)
{
  return factor == 1 ? x : OP (net, "Mul", name, x, net_number (net, factor));
}

static PareValue *
scores_of (Net *net, const Spelling *spelling, PareValue *q, PareValue *k)
{
  PareValue *scores = OP (net, "MatMul", "scores", q, k), *mask;

  scores = spelling->divides ? OP (net, "Div", "scaled", scores, net_number (net, 1 / spelling->scale))
                             : times (net, "scaled", scores, spelling->scale);
  if (!spelling->mask.rank)
    return scores;
  mask = net_random (net, "mask", spelling->mask, -2, 2);
  return spelling->mask_first ? OP (net, "Add", "masked", mask, scores) : OP (net, "Add", "masked", scores, mask);
}

static PareValue *
softmax (Net *net, PareValue *x, gint64 axis)
{
  PareValue *y = OP (net, "Softmax", "softmax", x);

  pare_node_set_attribute (y->producer, pare_attribute_new_int ("axis", axis));
  return y;
}

static void
test_a_spelling (gconstpointer data)
{
  const Spelling *spelling = data;
  g_auto (Net) net = net_new ();
  gboolean last = spelling->heads_last;
  PareValue *q = net_input (&net, "q", last ? pare_shape_of (4, -1, 19, 3, 8) : pare_shape_of (4, -1, 3, 19, 8));
  PareValue *k = net_input (&net, "k", last ? pare_shape_of (4, -1, 37, 3, 8) : pare_shape_of (4, -1, 3, 8, 37));
  PareValue *v = net_input (&net, "v", last ? pare_shape_of (4, -1, 37, 3, 20) : pare_shape_of (4, -1, 3, 37, 20));
  PareValue *y;

  if (last)
    {
      q = heads (&net, "qheads", q, FALSE);
      k = heads (&net, "kheads", k, TRUE);
      v = heads (&net, "vheads", v, FALSE);
    }
  q = times (&net, "qscaled", q, spelling->q);
  k = times (&net, "kscaled", k, spelling->k);
  y = softmax (&net, scores_of (&net, spelling, q, k), spelling->divides ? 3 : -1);
  y = OP (&net, "MatMul", "result", y, v);
  net_output (&net, last ? heads (&net, "y", y, FALSE) : y);
  network_check_executed (&net, spelling->executed);
}

/* Queries, keys and values [3, batch, 4, 21, 6] come from one product, as in torchvision and timm. */
static PareValue *
one_projection (Net *net)
{
  PareValue *x = net_input (net, "x", pare_shape_of (3, -1, 21, 12));
  PareValue *all = OP (net, "MatMul", "all", x, net_random (net, "w", pare_shape_of (2, 12, 72), -1, 1));

  all = OP (net, "Reshape", "seen", all, net_integers (net, 5, (gint64[]){ -1, 21, 3, 4, 6 }));
  all = OP (net, "Transpose", "moved", all);
  net_set_ints (all, "perm", 5, (gint64[]){ 2, 0, 3, 1, 4 });
  return all;
}

/* From [batch, 4, 21, 6] back to [batch, 21, 24], and through one more product. */
static void
finish (Net *net, PareValue *q, PareValue *k, PareValue *v)
{
  PareValue *transposed = OP (net, "Transpose", "transposed", k), *y;

  net_set_ints (transposed, "perm", 4, (gint64[]){ 0, 1, 3, 2 });
  y = OP (net, "Mul", "scaled", OP (net, "MatMul", "scores", q, transposed), net_number (net, 0.4));
  y = heads (net, "back", OP (net, "MatMul", "result", softmax (net, y, -1), v), FALSE);
  y = OP (net, "Reshape", "joined", y, net_integers (net, 3, (gint64[]){ -1, 21, 24 }));
  net_output (net, OP (net, "MatMul", "y", y, net_random (net, "u", pare_shape_of (2, 24, 5), -1, 1)));
}

static void
test_one_projection_that_is_split (void)
{
  static const char *const names[] = { "q", "k", "v" };
  g_auto (Net) net = net_new ();
  PareValue *all = one_projection (&net), *parts[3];
  PareNode *split = pare_graph_add_node (net.graph, "", "Split", "split", NULL);

  pare_node_add_input (split, all);
  for (guint i = 0; i < 3; i++)
    {
      PareValue *part = pare_graph_add_value_near (net.graph, "part");
      pare_node_add_output (split, part);
      parts[i] = OP (&net, "Squeeze", names[i], part, net_integers (&net, 1, (gint64[]){ 0 }));
    }
  finish (&net, parts[0], parts[1], parts[2]);
  network_check_executed (
      &net, "MatMul Reshape Transpose Split Squeeze Squeeze Squeeze Transpose Attention* Transpose Reshape MatMul");
}

static PareValue *
slice (Net *net, const char *name, PareValue *all, gint64 index)
{
  PareShape scalar = { 0 };
  g_autoptr (PareTensor) tensor = pare_tensor_new_copy (PARE_INT64, &scalar, &index);

  return OP (net, "Gather", name, all, pare_graph_add_constant (net->graph, "index", tensor));
}

static void
test_one_projection_that_is_indexed (void)
{
  g_auto (Net) net = net_new ();
  PareValue *all = one_projection (&net);
  PareValue *q = slice (&net, "q", all, 0), *k = slice (&net, "k", all, 1), *v = slice (&net, "v", all, -1);

  finish (&net, q, k, v);
  network_check_executed (
      &net, "MatMul Reshape Transpose Gather Gather Gather Transpose Attention* Transpose Reshape MatMul");
}

/* Somebody else wants the weights: they have to be there. */
static void
test_weights_that_are_an_output_stay (void)
{
  g_auto (Net) net = net_new ();
  PareValue *q = net_input (&net, "q", pare_shape_of (3, -1, 5, 8)),
            *k = net_input (&net, "k", pare_shape_of (3, -1, 8, 7));
  PareValue *v = net_input (&net, "v", pare_shape_of (3, -1, 7, 4)), *weights;

  weights = softmax (&net, OP (&net, "MatMul", "scores", q, k), -1);
  net_output (&net, weights);
  net_output (&net, OP (&net, "MatMul", "y", weights, v));
  network_check_executed (&net, "MatMul Softmax MatMul");
}

/* Along the queries it is no attention; nor with a matrix for all heads, or with a mask that adds an axis. */
static void
test_what_resembles_attention_stays (void)
{
  g_auto (Net) across = net_new (), shared = net_new (), masked = net_new ();
  Net *nets[] = { &across, &shared, &masked };

  for (guint i = 0; i < 3; i++)
    {
      PareValue *q = net_input (nets[i], "q", pare_shape_of (3, -1, 5, 8));
      PareValue *k = net_random (nets[i], "k", i == 1 ? pare_shape_of (2, 8, 7) : pare_shape_of (3, 1, 8, 7), -1, 1);
      PareValue *v = net_random (nets[i], "v", pare_shape_of (3, 1, 7, 4), -1, 1);
      PareValue *scores = OP (nets[i], "MatMul", "scores", q, k);
      if (i == 2)
        scores = OP (nets[i], "Add", "masked", scores, net_random (nets[i], "m", pare_shape_of (4, 2, 1, 5, 7), -1, 1));
      net_output (nets[i], OP (nets[i], "MatMul", "y", softmax (nets[i], scores, i == 0 ? 1 : -1), v));
    }
  network_check_executed (&across, "MatMul Softmax MatMul");
  network_check_executed (&shared, "MatMul Softmax MatMul");
  network_check_executed (&masked, "MatMul Add Softmax MatMul");
}

/* Keys and values are one for all samples and heads. */
static void
test_operands_are_repeated (void)
{
  g_auto (Net) net = net_new ();
  PareValue *q = net_input (&net, "q", pare_shape_of (4, -1, 3, 150, 8));
  PareValue *k = net_random (&net, "k", pare_shape_of (4, 1, 1, 8, 7), -1, 1);
  PareValue *v = net_random (&net, "v", pare_shape_of (4, 1, 3, 7, 4), -1, 1);

  net_output (&net, OP (&net, "MatMul", "y", softmax (&net, OP (&net, "MatMul", "scores", q, k), -1), v));
  network_check_executed (&net, "Attention*");
}

/* In double precision, from the definition. */
static double
expect (const PareAttentionSizes *sizes, const float *q, const float *k, const float *v, const float *mask, gint64 row,
        gint64 column)
{
  double sum = 0, result = 0;

  for (gint64 j = 0; j < sizes->keys; j++)
    {
      double score = 0, weight;
      for (gint64 d = 0; d < sizes->depth; d++)
        score += (double)q[row * sizes->depth + d] * k[j * sizes->depth + d];
      weight = exp (sizes->scale * score + mask[j]);
      sum += weight;
      result += weight * v[j * sizes->width + column];
    }
  return result / sum;
}

/* With and without vectors of this processor; keys come transposed, one of them is masked out entirely. */
static void
test_rows_by_definition (gconstpointer data)
{
  PareAttentionSizes sizes = { 11, 5, 33, 17, 0.7f, GPOINTER_TO_INT (data) };
  g_autoptr (GRand) random = g_rand_new_with_seed (5);
  float q[11 * 5], k[33 * 5], v[33 * 17], mask[33], y[11 * 17];
  g_autofree float *memory = g_new (float, pare_attention_scratch (&sizes));
  PareAttentionScratch scratch = pare_attention_scratch_at (&sizes, memory);
  PareStridedMatrix queries = { q, 5, 1 }, keys = { k, 1, 5 }, values = { v, 17, 1 }, masks = { mask, 0, 1 };

  if (sizes.vectors16 && !pare_vectors16_supported ())
    {
      g_test_skip ("this processor has no such vectors");
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (q); i++)
    q[i] = g_rand_double_range (random, -4, 4);
  for (guint i = 0; i < G_N_ELEMENTS (k); i++)
    k[i] = g_rand_double_range (random, -4, 4);
  for (guint i = 0; i < G_N_ELEMENTS (v); i++)
    v[i] = g_rand_double_range (random, -1, 1);
  for (guint i = 0; i < G_N_ELEMENTS (mask); i++)
    mask[i] = i == 4 ? -INFINITY : g_rand_double_range (random, -1, 1);
  pare_attention_load (&sizes, &keys, &values, &scratch);
  pare_attention_rows (&sizes, 0, 11, &queries, &masks, &scratch, y, 17);
  for (gint64 i = 0; i < 11; i++)
    for (gint64 j = 0; j < 17; j++)
      g_assert_cmpfloat (fabs (y[i * 17 + j] - expect (&sizes, q, k, v, mask, i, j)), <, 2e-6);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++)
    {
      g_autofree char *path = g_strdup_printf ("/attention/spelling/%s", spellings[i].name);
      g_test_add_data_func (path, &spellings[i], test_a_spelling);
    }
  g_test_add_func ("/attention/one-projection-that-is-split", test_one_projection_that_is_split);
  g_test_add_func ("/attention/one-projection-that-is-indexed", test_one_projection_that_is_indexed);
  g_test_add_func ("/attention/weights-that-are-an-output-stay", test_weights_that_are_an_output_stay);
  g_test_add_func ("/attention/what-resembles-attention-stays", test_what_resembles_attention_stays);
  g_test_add_func ("/attention/operands-are-repeated", test_operands_are_repeated);
  g_test_add_data_func ("/attention/rows-by-definition/vectors", GINT_TO_POINTER (TRUE), test_rows_by_definition);
  g_test_add_data_func ("/attention/rows-by-definition/plain", GINT_TO_POINTER (FALSE), test_rows_by_definition);
  return g_test_run ();
}
