/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/inference.h"

G_BEGIN_DECLS

/**
 * PareLayer:
 * @name: the node's label
 * @output: shape of its first output, when @has_shape
 * @parameters: elements of its constants, each counted at the first layer that reads it
 * @macs: multiply-accumulates
 * @bits: of its largest constant; 0 when it has none
 * @group_size: so many input channels of that share a scale; 0: not so
 * @sparsity: share of zeros in its largest constant
 * @n: of every @m consecutive input channels of its weight at most so many are not zero; 0 when there is no such
 * pattern
 * @quantized: its operands come out of DequantizeLinear
 *
 * A node that is neither a constant nor part of a quantizer. Strings belong to the graph.
 */
typedef struct
{
  const char *name;
  const char *operator;
  gboolean has_shape;
  PareShape output;
  gint64 parameters;
  gint64 macs;
  guint bits;
  gint64 group_size;
  double sparsity;
  guint n, m;
  gboolean quantized;
} PareLayer;

/* @layers: of PareLayer; the rest are totals. @note: why shapes could not be inferred, or NULL. */
typedef struct
{
  GArray *layers;
  gint64 parameters;
  gint64 macs;
  guint quantized;
  char *note;
} PareLayers;

/* For @batch and @size in place of open sizes. A graph that cannot be inferred still has layers. */
PareLayers *pare_layers_new (PareGraph *graph, gint64 batch, gint64 size);
void pare_layers_free (PareLayers *layers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareLayers, pare_layers_free)

G_END_DECLS
