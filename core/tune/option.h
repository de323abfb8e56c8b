/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What can be chosen for single layers of a network that is quantized. */
#pragma once
#include "graph/graph.h"
#include "quantize/quantize.h"

G_BEGIN_DECLS

/**
 * PareTuneOption:
 * @bits: of the weight; 0: the layer stays in float
 * @activation_bits: of what it reads; 0: those of the network
 * @sensitivity: what this one choice costs the network while all other layers are in float
 * @price: bytes of weights, or bit operations
 */
typedef struct
{
  guint bits, activation_bits;
  double sensitivity, price;
} PareTuneOption;

/**
 * PareTuneLayer:
 * @label: as users write it
 * @parameters: elements of its weight
 * @macs: multiply-accumulates for one sample
 * @options: of PareTuneOption, at least one
 */
typedef struct
{
  char *label;
  guint64 parameters, macs;
  GArray *options;
} PareTuneLayer;

/* The layers of @graph, which is calibrated and float, that @settings would quantize, each with one option: what
 * @settings give it. @inputs (of PareSpec): a batch. Of PareTuneLayer. An error when there are none. */
GPtrArray *
pare_tune_layers_new (PareGraph *graph, const PareQuantizeSettings *settings, const GArray *inputs, GError **error);
/* Further options, each above the last: @ladder is a list such as "8,16,float" of bits of the weight, 16 for 16 bits of
 * the activations, or float. Steps that do not raise a layer are left out for it. */
gboolean pare_tune_layers_climb (GPtrArray *layers, const char *ladder, GError **error);
/* In place of the options: one for each of the bits in @candidates, such as "8,6,4", from few to many. */
gboolean pare_tune_layers_offer (GPtrArray *layers, const char *candidates, GError **error);
/* Names an option: "4 bits", "8 bits, activations 16", "float". */
char *pare_tune_option_name (const PareTuneOption *option);

G_END_DECLS
