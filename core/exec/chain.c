/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Looking ahead for what a convolution or matrix product can do while it writes its result. */
#include "exec/chain.h"
#include <string.h>

struct _PareChains
{
  GHashTable *chains; /* head -> PareChain */
  GHashTable *heads;  /* last node of a chain -> head */
  GHashTable *absorbed;
};

/* The one reader of @value, when nothing else needs to see it. */
static const PareNode *
next_node (const PareValue *value, GHashTable *taps)
{
  return g_hash_table_contains (taps, value) ? NULL : pare_value_only_reader (value);
}

static gboolean
chain_eltwise (PareChain *chain, const PareNode *node)
{
  const PareOperator *op = pare_operator_of (node);
  ParePostOp *post_op = &chain->post_ops.ops[chain->post_ops.n];

  if (!op || !op->eltwise || !op->eltwise (node, &post_op->eltwise))
    return FALSE;
  post_op->is_sum = FALSE;
  chain->post_ops.n++;
  return TRUE;
}

static gboolean
chain_add (PareChain *chain, const PareNode *node, const PareValue *value, const PareInference *inference,
           gboolean vector_bias)
{
  const PareSpec *mine = pare_inference_spec (inference, value), *its;
  const PareValue *other;
  PareTensor *constant;

  if (!pare_node_is (node, "Add") || pare_node_attribute (node, "axis") || mine->type != PARE_FLOAT32 || !mine->shape.rank)
    return FALSE;
  other = node->inputs->pdata[node->inputs->pdata[0] == value];
  its = pare_inference_spec (inference, other);
  constant = pare_inference_constant (inference, other);
  if (other == value)
    return FALSE;
  if (vector_bias && constant && !chain->bias && !chain->sum && !chain->post_ops.n && its->shape.rank == 1
      && its->shape.dims[0] == mine->shape.dims[mine->shape.rank - 1])
    {
      chain->bias = constant;
      return TRUE;
    }
  if (constant || chain->sum || !pare_shape_equal (&mine->shape, &its->shape))
    return FALSE;
  chain->sum = other;
  chain->post_ops.ops[chain->post_ops.n++].is_sum = TRUE;
  return TRUE;
}

/* A normalization in training takes a sum, then a Relu: each may be missing. */
static gboolean
chain_normalized (PareChain *chain, const PareNode *node, const PareValue *value, const PareInference *inference)
{
  const ParePostOp *op = &chain->post_ops.ops[chain->post_ops.n];

  if (chain->post_ops.n && !op[-1].is_sum)
    return FALSE;
  if (chain_add (chain, node, value, inference, FALSE))
    return TRUE;
  if (!chain_eltwise (chain, node))
    return FALSE;
  if (op->eltwise.kind == PARE_ELTWISE_RELU && op->eltwise.alpha == 0)
    return TRUE;
  chain->post_ops.n--;
  return FALSE;
}

/* A value that is quantized and at once dequantized with the same parameters: one rounding, no integers. */
static gboolean
chain_dequantize (PareChain *chain, const PareNode *head, const PareNode *node)
{
  if (!pare_node_is (node, "DequantizeLinear") || pare_node_input (node, 0) != pare_node_output (head, 0)
      || pare_node_get_int (node, "output_dtype", PARE_FLOAT32) != PARE_FLOAT32)
    return FALSE;
  for (guint i = 1; i < 3; i++)
    {
      PareTensor *a = pare_node_constant (head, i), *b = pare_node_constant (node, i);
      if (pare_node_input (head, i) == pare_node_input (node, i))
        continue;
      if (!a || !b || !pare_tensor_equal (a, b))
        return FALSE;
    }
  chain->dequantized = TRUE;
  return TRUE;
}

static void
find_chain (PareChains *chains, const PareNode *head, const PareInference *inference, GHashTable *taps)
{
  PareChain chain = { 0 };
  const PareNode *last = head, *next;
  const PareValue *value = head->outputs->pdata[0];
  gboolean is_product = pare_node_is (head, "MatMul") || g_str_equal (head->op_type, "IntegerMatMul");
  gboolean has_columns = is_product && pare_inference_spec (inference, head->inputs->pdata[1])->shape.rank > 1;
  gboolean is_quantizer = pare_node_is (head, "QuantizeLinear");
  gboolean is_normalization = pare_node_is (head, "BatchNormalization");

  while (!chain.dequantized && chain.post_ops.n < G_N_ELEMENTS (chain.post_ops.ops) && (next = next_node (value, taps))
         && !g_hash_table_contains (chains->absorbed, next) && !g_hash_table_contains (chains->heads, next)
         && (is_quantizer ? chain_dequantize (&chain, head, next)
             : is_normalization
                 ? chain_normalized (&chain, next, value, inference)
                 : chain_eltwise (&chain, next) || chain_add (&chain, next, value, inference, has_columns)))
    {
      g_hash_table_add (chains->absorbed, (gpointer)next);
      last = next;
      value = next->outputs->pdata[0];
    }
  g_hash_table_insert (chains->chains, (gpointer)head, g_memdup2 (&chain, sizeof chain));
  g_hash_table_insert (chains->heads, (gpointer)last, (gpointer)head);
  if (last != head)
    {
      g_hash_table_add (chains->absorbed, (gpointer)head);
      g_hash_table_remove (chains->absorbed, last);
    }
}

PareChains *
pare_chains_new (const PareGraph *graph, const PareInference *inference, GHashTable *taps)
{
  PareChains *chains = g_new0 (PareChains, 1);

  chains->chains = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  chains->heads = g_hash_table_new (NULL, NULL);
  chains->absorbed = g_hash_table_new (NULL, NULL);
  /* Backwards: of two convolutions that are added, the later one takes the sum, and the earlier runs where it stands.
   */
  for (guint i = graph->nodes->len; i-- > 0;)
    {
      const PareNode *node = graph->nodes->pdata[i];
      const PareOperator *op = pare_operator_of (node);
      /* What is constant does not run, and so takes nothing in. */
      gboolean runs = op && op->applies_chain && !pare_inference_constant (inference, node->outputs->pdata[0]);
      g_autofree PareInfer *infer = runs ? pare_inference_describe (inference, node) : NULL;
      if (infer && op->applies_chain (infer))
        find_chain (chains, node, inference, taps);
    }
  return chains;
}

void
pare_chains_free (PareChains *chains)
{
  g_hash_table_unref (chains->chains);
  g_hash_table_unref (chains->heads);
  g_hash_table_unref (chains->absorbed);
  g_free (chains);
}

const PareNode *
pare_chains_head_at (const PareChains *chains, const PareNode *node)
{
  const PareNode *head = g_hash_table_lookup (chains->heads, node);

  if (head)
    return head;
  return g_hash_table_contains (chains->absorbed, node) ? NULL : node;
}

const PareChain *
pare_chains_of (const PareChains *chains, const PareNode *head)
{
  return g_hash_table_lookup (chains->chains, head);
}
