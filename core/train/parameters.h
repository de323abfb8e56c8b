/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"
#include "train/optimizer.h"

G_BEGIN_DECLS

/**
 * PareParameterKind:
 * @PARE_PARAMETER_WEIGHT: of a convolution, a matrix product, an embedding: has weight decay
 * @PARE_PARAMETER_PLAIN: biases, scales and shifts of normalisations: has none
 * @PARE_PARAMETER_QUANTIZER: scales and ranges of quantizers: has none, and a learning rate of its own
 * @PARE_PARAMETER_WEIGHT_QUANTIZER: the same of quantizers that round constants
 * @PARE_PARAMETER_STATISTIC: what BatchNormalization keeps of its input: is not trained but follows
 */
typedef enum
{
  PARE_PARAMETER_WEIGHT,
  PARE_PARAMETER_PLAIN,
  PARE_PARAMETER_QUANTIZER,
  PARE_PARAMETER_WEIGHT_QUANTIZER,
  PARE_PARAMETER_STATISTIC,
} PareParameterKind;

/**
 * PareParameter:
 * @value: in the training graph, an input of it
 * @data: the present numbers, @n of them, float32
 * @tensor: what the executor reads and what becomes of the constant: the same memory, or @data through @mask
 * @mask: 1 for what stays of n:m sparse weights; NULL where it does not change (train/mask.h)
 * @dense: what @data is on, when that is not @tensor
 * @state: of the optimizer; NULL where it keeps less
 *
 * A constant of the network that training changes.
 */
typedef struct
{
  PareParameterKind kind;
  PareValue *value;
  gint64 n;
  float *data;
  PareTensor *tensor;
  float *mask;
  PareTensor *dense;
  float *state[PARE_OPTIMIZER_STATES];
} PareParameter;

/* Makes a constant of @graph an input, behind those that there are. */
PareParameter *pare_parameter_open (PareGraph *graph, PareValue *value, PareParameterKind kind);
void pare_parameter_free (PareParameter *parameter);
/* Memory for the optimizer's state, zero. */
void pare_parameter_add_states (PareParameter *parameter, guint n);

/* Makes constants out of nodes that hold or repeat one, so that training finds the weights of any exporter. PyTorch's
 * writes parameters that happen to be equal once, and an Identity for each of the others (all normalisations, before
 * training): they are parameters of their own again. */
void pare_graph_take_constants (PareGraph *graph);
/* Turns the constants of @graph that can be trained (float32, more than one element, read by a node, a constant of
 * @original too) into inputs, at the end of the list. PtrArray of PareParameter. */
GPtrArray *pare_graph_open_parameters (PareGraph *graph, const PareGraph *original);
/* Makes a parameter the constant again that it was. */
void pare_parameter_close (PareParameter *parameter, PareGraph *graph);
/* Turns BatchNormalization nodes into their training form: batch statistics, and running ones as further inputs and as
 * outputs of the nodes. Adds them to @parameters, and what they become to @updated (of PareValue), in the same order. A
 * node whose statistics are not its own constants is left as it is. @graph is at opset 15 at least. */
void
pare_graph_open_statistics (PareGraph *graph, const PareGraph *original, GPtrArray *parameters, GPtrArray *updated);
/* Writes the present numbers into the constants of those names of @graph. */
void pare_parameters_apply (const GPtrArray *parameters, PareGraph *graph);

G_END_DECLS
