/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The surgery: each factor is a node of the layer's operator. Whatever the layer does along an axis of its kernel
 * (strides, dilations, padding) is done by the one factor that slides along it. */
#include "decompose/rewrite.h"

/* Attributes with one number per axis of the kernel, or two (all beginnings, then all ends), and what a factor has that
 * does not slide along it. */
static const struct
{
  const char *name;
  gint64 idle;
} axis_attributes[] = {
  { "kernel_shape", 1 }, { "strides", 1 }, { "dilations", 1 }, { "pads", 0 }, { "output_padding", 0 },
};

static void
set_axes (PareNode *node, const PareDecomposable *layer, const PareFactor *factor)
{
  for (guint i = 0; i < G_N_ELEMENTS (axis_attributes); i++)
    {
      guint n;
      const gint64 *whole = pare_node_get_ints (layer->node, axis_attributes[i].name, &n);
      g_autofree gint64 *split = g_memdup2 (whole, n * sizeof *whole);
      for (guint k = 0; k < n; k++)
        if (!factor->keeps[k % layer->shape.axes])
          split[k] = axis_attributes[i].idle;
      if (whole)
        pare_node_set_attribute (node, pare_attribute_new_ints (axis_attributes[i].name, n, split));
    }
}

static void
copy_attributes (PareNode *node, const PareNode *from)
{
  for (guint i = 0; i < from->attributes->len; i++)
    pare_node_set_attribute (node, pare_attribute_copy (from->attributes->pdata[i], node->graph));
}

static PareValue *
add_weight (PareGraph *graph, const PareDecomposable *layer, const PareFactor *factor, const char *name,
            const double *weights)
{
  PareLayerMatrix matrix = pare_decomposable_factor (layer, factor);
  g_autoptr (PareTensor) tensor = pare_layer_matrix_tensor (&matrix, weights);
  g_autofree char *stem = g_strconcat (name, ".weight", NULL);

  return pare_graph_add_constant (graph, stem, tensor);
}

static PareValue *
add_bias (PareGraph *graph, const char *name, gint64 n, const double *bias)
{
  PareShape shape = { .rank = 1, .dims = { n } };
  float *numbers = g_new0 (float, n);
  g_autoptr (PareTensor) tensor = NULL;
  g_autofree char *stem = g_strconcat (name, ".bias", NULL);

  for (gint64 i = 0; bias && i < n; i++)
    numbers[i] = (float)bias[i];
  tensor = pare_tensor_new_take (PARE_FLOAT32, &shape, numbers);
  return pare_graph_add_constant (graph, stem, tensor);
}

/* The bias of a factor, NULL for none. Gemm could not do without before opset 11. */
static PareValue *
find_bias (PareGraph *graph, const PareDecomposable *layer, const PareFactor *factor, const char *name, gboolean last,
           const double *bias)
{
  const PareWeightTrait *trait = &layer->matrix.trait;
  gint64 n = layer->matrix.groups * factor->outputs;

  if (!trait->has_bias)
    return NULL;
  if (last)
    return bias ? add_bias (graph, name, n, bias) : pare_node_input (layer->node, trait->bias);
  return trait->channels_last && pare_graph_opset (graph, layer->node->domain) < 11 ? add_bias (graph, name, n, NULL)
                                                                                    : NULL;
}

static PareNode *
add_factor (PareGraph *graph, const PareDecomposable *layer, const PareFactor *factor, const char *name, PareValue *x,
            const double *weights)
{
  const PareNode *whole = layer->node;
  PareNode *node = pare_graph_add_node (graph, whole->domain, whole->op_type, name, layer->node);

  copy_attributes (node, whole);
  set_axes (node, layer, factor);
  pare_node_add_input (node, x);
  pare_node_add_input (node, add_weight (graph, layer, factor, name, weights));
  return node;
}

void
pare_decompose_rewrite (PareGraph *graph, const PareDecomposable *layer, guint n, const PareFactor *factors,
                        double *const *weights, const double *bias)
{
  PareNode *whole = layer->node;
  PareValue *x = pare_node_input (whole, 0), *y = pare_node_output (whole, 0);
  g_autofree char *label = g_strdup (pare_node_label (whole));
  PareNode *node = NULL;

  for (guint f = 0; f < n; f++)
    {
      g_autofree char *name = g_strdup_printf ("%s.%u", label, f);
      gboolean last = f + 1 == n;
      PareValue *factor_bias;
      node = add_factor (graph, layer, &factors[f], name, x, weights[f]);
      factor_bias = find_bias (graph, layer, &factors[f], name, last, bias);
      if (factor_bias)
        pare_node_add_input (node, factor_bias);
      if (last)
        break;
      x = pare_graph_add_value_near (graph, name);
      x->type = y->type;
      pare_node_add_output (node, x);
    }
  pare_graph_remove_node (graph, whole);
  pare_node_add_output (node, y);
}
