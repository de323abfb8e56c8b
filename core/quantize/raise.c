/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Operators that have integers in the file, as pairs: the reverse of the form qoperator. Sources: the specification of
 * ONNX, and ONNX Runtime's documentation of the operators of com.microsoft. */
#include "quantize/raise.h"
#include "onnx/onnx.h"
#include "quantize/qoperator.h"
#include <string.h>

/* Since when DequantizeLinear takes one scale per channel. */
#define OPSET 13
#define NONE 255

/* Where an operand's integers, scale and zero point are among the inputs. */
typedef struct
{
  guint8 integers, scale, zero_point;
} Operand;

/**
 * Kind:
 * @op_type: what it stands for
 * @operands: how many; 0: as many as there are, from input 2 on
 * @bias: input of the bias in steps of the sums, NONE when it has none
 * @result: input of the result's scale, its zero point follows; NONE: the result is float
 * @addend: input of a float bias that is added behind, or NONE
 */
typedef struct
{
  const char *domain, *name, *op_type;
  guint operands;
  Operand at[2];
  guint8 bias, result, addend;
} Kind;

#define UNARY(name, op_type)                                                                                           \
  {                                                                                                                    \
    PARE_DOMAIN_MICROSOFT, name, op_type, 1, { { 0, 1, 2 } }, NONE, 3, NONE                                            \
  }
#define BINARY(domain, name, op_type, bias, result)                                                                    \
  {                                                                                                                    \
    domain, name, op_type, 2, { { 0, 1, 2 }, { 3, 4, 5 } }, bias, result, NONE                                         \
  }

static const Kind kinds[] = {
  BINARY ("", "QLinearConv", "Conv", 8, 6),
  BINARY ("", "QLinearMatMul", "MatMul", NONE, 6),
  BINARY (PARE_DOMAIN_MICROSOFT, "QGemm", "Gemm", 6, 7),
  BINARY (PARE_DOMAIN_MICROSOFT, "QLinearAdd", "Add", NONE, 6),
  BINARY (PARE_DOMAIN_MICROSOFT, "QLinearMul", "Mul", NONE, 6),
  { PARE_DOMAIN_MICROSOFT, "MatMulIntegerToFloat", "MatMul", 2, { { 0, 2, 4 }, { 1, 3, 5 } }, NONE, NONE, 6 },
  { PARE_DOMAIN_MICROSOFT, "QLinearConcat", "Concat", 0, { { 0 } }, NONE, 0, NONE },
  UNARY ("QLinearAveragePool", "AveragePool"),
  UNARY ("QLinearGlobalAveragePool", "GlobalAveragePool"),
  UNARY ("QLinearSigmoid", "Sigmoid"),
  UNARY ("QLinearLeakyRelu", "LeakyRelu"),
};

static const Kind *
find_kind (const PareNode *node)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (node->op_type, kinds[i].name) == 0
        && (*kinds[i].domain ? strcmp (node->domain, kinds[i].domain) == 0 : pare_node_is (node, kinds[i].name)))
      return &kinds[i];
  return NULL;
}

static guint
count_operands (const PareNode *node, const Kind *kind)
{
  return kind->operands ? kind->operands : (node->inputs->len - MIN (node->inputs->len, 2)) / 3;
}

static Operand
operand_at (const Kind *kind, guint index)
{
  return kind->operands ? kind->at[index] : (Operand){ 2 + 3 * index, 3 + 3 * index, 4 + 3 * index };
}

/* The axis along which operand @index may have several scales: that of a weight's channels. NONE: one scale alone. */
static guint
scale_axis (const PareNode *node, const Kind *kind, guint index)
{
  const PareTensor *weight = pare_node_constant (node, operand_at (kind, index).integers);
  gboolean transposed = pare_node_get_int (node, "transB", 0);

  if (index != 1 || !weight || weight->shape.rank < 2)
    return NONE;
  if (strcmp (kind->op_type, "Conv") == 0)
    return 0;
  return strcmp (kind->op_type, "MatMul") == 0 ? weight->shape.rank - 1
         : strcmp (kind->op_type, "Gemm") == 0 ? !transposed
                                               : NONE;
}

/* A constant scale, one or one per channel, and as many zero points. */
static gboolean
operand_fits (const PareNode *node, const Kind *kind, guint index)
{
  Operand at = operand_at (kind, index);
  const PareTensor *scale = pare_node_constant (node, at.scale), *zero_point = pare_node_constant (node, at.zero_point);
  guint axis = scale_axis (node, kind, index);

  if (!pare_node_input (node, at.integers) || !scale || scale->type != PARE_FLOAT32 || scale->shape.rank > 1
      || (pare_node_input (node, at.zero_point)
          && (!zero_point
              || (pare_tensor_elements (zero_point) != 1
                  && pare_tensor_elements (zero_point) != pare_tensor_elements (scale)))))
    return FALSE;
  if (zero_point && pare_data_size (zero_point->type, 1) != 1)
    return FALSE;
  return pare_tensor_elements (scale) == 1
         || (axis != NONE && pare_tensor_elements (scale) == pare_node_constant (node, at.integers)->shape.dims[axis]);
}

static gboolean
result_fits (const PareNode *node, const Kind *kind)
{
  const PareTensor *scale, *zero_point;

  if (kind->result == NONE)
    return TRUE;
  scale = pare_node_constant (node, kind->result);
  zero_point = pare_node_constant (node, kind->result + 1);
  return scale && scale->type == PARE_FLOAT32 && pare_tensor_elements (scale) == 1 && zero_point
         && pare_tensor_elements (zero_point) == 1;
}

static gboolean
bias_fits (const PareNode *node, const Kind *kind)
{
  const PareValue *value = kind->bias == NONE ? NULL : pare_node_input (node, kind->bias);

  return !value || (value->constant && value->constant->type == PARE_INT32 && value->constant->shape.rank == 1);
}

static gboolean
kind_fits (const PareNode *node, const Kind *kind)
{
  guint n = count_operands (node, kind);

  for (guint i = 0; i < n; i++)
    if (!operand_fits (node, kind, i))
      return FALSE;
  return n > 0 && node->outputs->len == 1 && node->outputs->pdata[0] && result_fits (node, kind)
         && bias_fits (node, kind) && !pare_node_get_int (node, "channels_last", 0)
         && (kind->bias == NONE || pare_node_get_float (node, "alpha", 1) == 1);
}

/* As many zero points as scales: some writers give one for all. */
static PareValue *
spread (PareGraph *graph, PareValue *zero_point, const PareTensor *scale)
{
  gint64 n = pare_tensor_elements (scale);
  g_autofree guint8 *bytes = g_malloc (MAX (n, 1));
  g_autoptr (PareTensor) tensor = NULL;

  if (!zero_point || pare_tensor_elements (zero_point->constant) == n)
    return zero_point;
  memset (bytes, *(const guint8 *)pare_tensor_data (zero_point->constant), n);
  tensor = pare_tensor_new_copy (zero_point->constant->type, &scale->shape, bytes);
  return pare_graph_add_constant (graph, zero_point->name, tensor);
}

/* @integers -> DequantizeLinear, before @node. */
static PareValue *
dequantize (PareNode *node, PareValue *integers, PareValue *scale, PareValue *zero_point, guint axis)
{
  g_autofree char *name = g_strconcat (integers->name, "_DequantizeLinear", NULL);
  g_autofree char *output = g_strconcat (integers->name, "_dequantized", NULL);
  PareNode *made = pare_graph_add_node (node->graph, "", "DequantizeLinear", name, node);

  zero_point = spread (node->graph, zero_point, scale->constant);
  pare_node_add_input (made, integers);
  pare_node_add_input (made, scale);
  if (zero_point)
    pare_node_add_input (made, zero_point);
  pare_node_add_output (made, pare_graph_add_value_near (node->graph, output));
  if (axis != NONE && pare_tensor_elements (scale->constant) > 1)
    pare_node_set_attribute (made, pare_attribute_new_int ("axis", axis));
  return made->outputs->pdata[0];
}

/* The bias in steps of data scale x weight scale. */
static PareValue *
dequantize_bias (PareNode *node, const Kind *kind)
{
  const PareTensor *x = pare_node_constant (node, kind->at[0].scale), *w = pare_node_constant (node, kind->at[1].scale);
  gint64 n = pare_tensor_elements (w);
  g_autofree float *steps = g_new (float, n);
  g_autoptr (PareTensor) scale = NULL;

  for (gint64 i = 0; i < n; i++)
    steps[i] = (float)pare_tensor_get_double (x, 0) * (float)pare_tensor_get_double (w, i);
  scale = pare_tensor_new_floats (&w->shape, steps);
  return dequantize (node, pare_node_input (node, kind->bias), pare_graph_add_constant (node->graph, "step", scale),
                     NULL, 0);
}

/* @made -> @op_type, whose output is to be added. */
static PareNode *
follow (PareNode *made, const char *op_type, PareNode *before)
{
  g_autofree char *name = g_strconcat (pare_node_label (before), "_", op_type, NULL);
  PareNode *node = pare_graph_add_node (made->graph, "", op_type, name, before);

  pare_node_add_output (made, pare_graph_add_value_near (made->graph, name));
  pare_node_add_input (node, made->outputs->pdata[0]);
  return node;
}

static void
raise_node (PareNode *node, const Kind *kind)
{
  PareGraph *graph = node->graph;
  PareValue *output = node->outputs->pdata[0];
  g_autoptr (GPtrArray) operands = g_ptr_array_new ();
  PareNode *made, *last;

  for (guint i = 0; i < count_operands (node, kind); i++)
    {
      Operand at = operand_at (kind, i);
      g_ptr_array_add (operands,
                       dequantize (node, pare_node_input (node, at.integers), pare_node_input (node, at.scale),
                                   pare_node_input (node, at.zero_point), scale_axis (node, kind, i)));
    }
  if (kind->bias != NONE && pare_node_input (node, kind->bias))
    g_ptr_array_add (operands, dequantize_bias (node, kind));
  made = last = pare_graph_add_node (graph, "", kind->op_type, node->name, node);
  for (guint i = 0; i < operands->len; i++)
    pare_node_add_input (made, operands->pdata[i]);
  pare_node_copy_attributes (made, node);
  pare_node_remove_attribute (made, "channels_last");
  if (kind->addend != NONE && pare_node_input (node, kind->addend))
    {
      last = follow (made, "Add", node);
      pare_node_add_input (last, pare_node_input (node, kind->addend));
    }
  if (kind->result != NONE)
    {
      last = follow (last, "QuantizeLinear", node);
      pare_node_add_input (last, pare_node_input (node, kind->result));
      pare_node_add_input (last, pare_node_input (node, kind->result + 1));
    }
  pare_graph_remove_node (graph, node);
  pare_node_add_output (last, output);
}

guint
pare_graph_raise_qoperators (PareGraph *graph)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  guint n = 0;

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const Kind *kind = find_kind (graph->nodes->pdata[i]);
      if (kind && kind_fits (graph->nodes->pdata[i], kind))
        g_ptr_array_add (nodes, graph->nodes->pdata[i]);
    }
  if (!nodes->len || !pare_onnx_upgrade_opset (graph, OPSET, NULL))
    return 0;
  for (; n < nodes->len; n++)
    raise_node (nodes->pdata[n], find_kind (nodes->pdata[n]));
  pare_graph_drop_unused_opset (graph, PARE_DOMAIN_MICROSOFT);
  return n;
}
