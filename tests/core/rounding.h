/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Networks of one quantized layer, their samples, and what the layer computes: for the tests of roundings. */
#pragma once
#include "network.h"
#include "rounding/rounding.h"

#define ROUNDING_SAMPLES 48

/**
 * RoundingCase:
 * @op_type: of the layer, which is called layer
 * @x: shape of one sample
 * @weight: shape
 * @group: of a convolution; 0: not one
 * @per_tensor: one scale for all weights
 * @group_size: one for so many inputs of each output; 0: for all
 * @bias: it has one of its own; MatMul has an Add behind it instead
 */
typedef struct
{
  const char *op_type;
  PareShape x, weight;
  guint group;
  gboolean bias;
  gboolean per_tensor;
  guint group_size;
} RoundingCase;

/* Every kind of layer. */
extern const RoundingCase rounding_cases[];
extern const guint n_rounding_cases;

/* One network, before and after quantization to @bits; the graphs' references are the caller's. */
typedef struct
{
  PareGraph *floats, *quantized;
  PareTensor *batch;
  PareSamples *samples;
} RoundingNet;

/* Calls the node that computes @result layer: the label of a nameless one goes to the quantizer behind it. */
void rounding_name_layer (PareValue *result);

void rounding_net_init (RoundingNet *net, const RoundingCase *kind, guint bits);
void rounding_net_clear (RoundingNet *net);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RoundingNet, rounding_net_clear)

/* What the node labelled @label, or the Add behind it, computes from @batch. */
PareTensor *rounding_output (PareGraph *graph, const char *label, PareTensor *batch);
/* A copy of the quantized network after pare_graph_round(), which has to succeed. */
PareGraph *rounding_run (const RoundingNet *net, const PareRoundingSettings *settings, gboolean sampled);
/* Sum of squared differences of two tensors. */
double rounding_distance (const PareTensor *a, const PareTensor *b);
/* The pair that the layer's weight comes out of. */
ParePair rounding_pair (PareGraph *graph, const char *label);
