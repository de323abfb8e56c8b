/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "ops/operator.h"

G_BEGIN_DECLS

/* A way to choose the scale of weights (quantize/weight-algorithm.h). */
typedef struct _PareWeightAlgorithm PareWeightAlgorithm;

/* What can be said of one layer; fields that say nothing are -1. */
typedef struct
{
  int enable;      /* 0: leave the layer in float */
  int weight_bits; /* 2 to 8, or 16 */
  int per_channel;
  int activation_bits;  /* 2 to 8, or 16: of what it reads; where layers that read one value differ, the most */
  int group_size;       /* 0: none */
  int weight_algorithm; /* index into pare_weight_algorithms() */
  int symmetric;        /* of what it reads; where layers that read one value differ, it is symmetric */
} PareQuantizeLayer;

/* One that says nothing. */
#define PARE_QUANTIZE_LAYER_UNSET                                                                                      \
  {                                                                                                                    \
    -1, -1, -1, -1, -1, -1, -1                                                                                             \
  }

/**
 * PareQuantizeSettings:
 * @bits: of weights, 2 to 8 or 16
 * @activation_bits: of activations, 2 to 8 or 16
 * @edge_bits: at least so many have the weights and input activations of layers without a weighted layer before or
 *   behind them: the first and the last ones, which lose most and cost least
 * @per_channel: weights have one scale per output channel
 * @group_size: 0, or weights have one scale for so many input channels of each output channel
 * @weight_algorithm: how scales of weights are chosen; NULL: "auto"
 * @weights_only: activations stay in float, and no ranges are needed
 * @symmetric: activations have signed integers and zero point 0 (else unsigned integers with a zero point)
 * @skip_layers: labels of nodes to leave in float, NULL-terminated, or NULL
 * @layers: label -> PareQuantizeLayer overrides, or NULL
 */
typedef struct
{
  guint bits;
  guint activation_bits;
  guint edge_bits;
  gboolean per_channel;
  guint group_size;
  const PareWeightAlgorithm *weight_algorithm;
  gboolean weights_only;
  gboolean symmetric;
  const char *const *skip_layers;
  GHashTable *layers;
} PareQuantizeSettings;

/* The defaults: 8 bits everywhere, per channel, unsigned activations. */
void pare_quantize_settings_init (PareQuantizeSettings *settings);

/* Values whose range the quantizer will ask for: what the calibrator taps. Of PareValue, each once. */
GPtrArray *pare_quantize_values (PareGraph *graph, const PareQuantizeSettings *settings, GError **error);

/* Inserts QuantizeLinear and DequantizeLinear pairs into @graph, which becomes the simulated form: weights stay float.
 * Every layer gets a record entry (stage "graphquantizer"). Fails when a needed range is missing. The operator set is
 * raised to 13, or to 21 where 16 bits or groups need that. */
gboolean pare_graph_quantize (PareGraph *graph, const PareQuantizeSettings *settings, GError **error);

/* Output forms. */
typedef struct
{
  const char *name; /* what the user writes as form= */
  const char *description;
  gboolean (*lower) (PareGraph *graph, GError **error);
} PareForm;

const PareForm *const *pare_forms (guint *n);
const PareForm *pare_form_find (const char *name, GError **error);
/* For forms of 8-bit integers: FALSE, and an error that names the layer, when @graph has conversions to other ones. */
gboolean pare_graph_require_bytes (const PareGraph *graph, const char *form, GError **error);

G_END_DECLS
