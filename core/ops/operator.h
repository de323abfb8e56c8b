/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

typedef struct _PareCompile PareCompile;
typedef struct _PareRun PareRun;
typedef struct _PareGradient PareGradient;
typedef struct _PareChannelWalk PareChannelWalk;

/**
 * PareInfer:
 * @node: the node in question
 * @opset: version of the operator set that the node belongs to
 * @inputs: type and fixed shape of each input; type PARE_UNDEFINED where an optional input is omitted
 * @constants: tensor of each input that is known before execution, else NULL
 * @outputs: to be filled in; type PARE_UNDEFINED where the node omits the output
 *
 * What shape inference knows of one node, for given shapes of the network's inputs.
 */
typedef struct
{
  const PareNode *node;
  gint64 opset;
  guint n_inputs;
  const PareSpec *inputs;
  PareTensor *const *constants;
  guint n_outputs;
  PareSpec *outputs;
} PareInfer;

/* A tensor in memory, row-major. @data is NULL and @type PARE_UNDEFINED for an omitted input or output. */
typedef struct
{
  PareDataType type;
  PareShape shape;
  gpointer data;
} PareView;

/**
 * PareKernel:
 *
 * One execution of a node on plain row-major memory. Outputs are allocated with the inferred shapes.
 * An input and an output never overlap unless the operator says so with @in_place. @scratch is what the operator asked
 * for; what lies there is left from others.
 */
typedef struct
{
  const PareNode *node;
  gint64 opset;
  guint n_inputs;
  const PareView *inputs;
  guint n_outputs;
  const PareView *outputs;
  gpointer scratch;
} PareKernel;

/* How the quantizer treats an operator: chosen by what ONNX Runtime executes as int8. */
typedef enum
{
  PARE_QUANTIZE_NONE,     /* stays in float */
  PARE_QUANTIZE_WEIGHTED, /* data x constant weight (+ bias): Conv, Gemm, MatMul */
  PARE_QUANTIZE_JOIN,     /* several data inputs, an output range of its own: Add, Concat */
  PARE_QUANTIZE_UNARY,    /* one data input, an output range of its own: averages, Sigmoid */
  PARE_QUANTIZE_PASS,     /* moves data: the output takes over the input's parameters: MaxPool, Reshape */
  PARE_QUANTIZE_CLAMP,    /* disappears into the quantizer behind it: Relu, Clip */
  PARE_QUANTIZE_NORMALIZE, /* disappears into the layer before it: BatchNormalization; without one, stays in float */
} PareQuantizeKind;

/* Which input is the weight and what its axes mean. Groups divide its axis 0. */
typedef struct
{
  guint input;       /* index of the weight among the inputs */
  guint bias;        /* index of the bias among the inputs (it may be absent) */
  gboolean has_bias; /* the operator knows a bias at all */
  guint out_axis;
  guint in_axis;
  gint64 groups;
  gboolean channels_last; /* of data and result: channels are the last axis, else axis 1 */
} PareWeightTrait;

/* A function of one element, of the kinds that oneDNN applies while it writes the result of another operator. */
typedef enum
{
  PARE_ELTWISE_RELU, /* x > 0 ? x : alpha x */
  PARE_ELTWISE_CLIP, /* min (max (x, alpha), beta) */
  PARE_ELTWISE_LOGISTIC,
  PARE_ELTWISE_TANH,
  PARE_ELTWISE_ELU,        /* x > 0 ? x : alpha (exp x - 1) */
  PARE_ELTWISE_GELU,       /* the exact one, with erf */
  PARE_ELTWISE_HARD_SWISH, /* x min (max (x / 6 + 1/2, 0), 1) */
  PARE_ELTWISE_LINEAR,     /* alpha x + beta */
} PareEltwiseKind;

typedef struct
{
  PareEltwiseKind kind;
  float alpha, beta;
} PareEltwise;

/* What becomes of a factor s > 0 that each channel of the data has. */
typedef enum
{
  PARE_FACTORS_STOP,  /* nothing simple */
  PARE_FACTORS_PASS,  /* f (s x) = s f (x) for input 0, axis by axis, whatever else is read: Relu, pools, Mul */
  PARE_FACTORS_MOVE,  /* the same, with the channels on another axis perhaps: Reshape, Transpose, ReduceMean */
  PARE_FACTORS_JOIN,  /* f (s x, s y) = s f (x, y), element by element: Add, Max */
} PareFactors;

/* Constants that multiply the result and are added to it, one number per channel: of normalizations, and Mul. */
typedef struct
{
  guint scale, shift; /* indices among the inputs; the shift may be absent */
  gint axis;          /* of the result that they run along; below zero it counts from the end: -1 is the last one */
} PareAffineTrait;

/* Where the elements of a value lie: element (i, j, ..) at offset + i strides[0] + j strides[1] .. */
typedef struct
{
  PareShape shape;
  gint64 strides[PARE_MAX_RANK];
  gint64 offset;
} PareStrided;

/**
 * PareOperator:
 * @name: operator name in the specification
 * @domain: operator set; NULL for the standard one
 * @since: first opset version that this file speaks, 1 unless said
 * @infer: output types and shapes from the inputs'
 * @forward: the operator on plain memory; also what folds constants
 * @compile: the operator on oneDNN; preferred to @forward when given. May leave the work to @forward by
 *   returning pare_compile_forward()
 * @run: the operator on whole tensors, outside of plans (exec/run.h): for control flow, sequences and strings. Without
 *   @infer it always runs so; with it, where @infer says PARE_ERROR_DATA_DEPENDENT or an input is no plain tensor
 * @backward: appends the nodes that compute the gradients by its inputs from those by its outputs (train/gradient.h);
 *   NULL: not differentiable. Inputs of an integer type, indices and shapes get none
 * @applies_chain: TRUE when @compile, on this node, applies what pare_compile_chain() says: the activation, bias and
 *   sum that follow it
 * @alias: the output is the input's bytes under another shape (Reshape): nothing runs
 * @view: of operators that only arrange elements anew: where those of output @output lie when nothing is moved and those
 *   of input 0 lie at @input; FALSE when that cannot be said with strides. Operators with @alias have it without
 * @strided_inputs: bit i is set when @compile takes input i wherever its elements lie (exec/view.h)
 * @in_place: @forward may write its output over an input of the same type and size
 * @scratch: bytes of working memory that @forward wants, of whatever type the inputs are
 * @shape_inputs: bit i is set when only the shape and type of input i are read, never its data: nobody keeps it for
 * that
 * @by_sample: TRUE when sample i (axis 0) of the output depends on sample i of the inputs alone, whatever their number;
 * NULL: never
 * @macs: multiply-accumulates, by inferred shapes; NULL for operators without any
 * @weight: fills in the trait; FALSE when this node's weight is not a constant or is laid out in an unusual way
 * @taps: of a weighted layer with a kernel: for every position of one sample's and channel's output and every position
 * of the kernel the index into the input's channel that meets there, -1 in the padding. NULL: a kernel of one position
 * @eltwise: fills in the function of one element that this node is; FALSE when its arguments are not constant
 * @affine: of a normalization or Mul: fills in the trait; FALSE when its numbers do not run along one axis
 * @factors: what becomes of factors of channels (equalize/scalegroup.h)
 * @channels: how channels pass from its inputs to its outputs (sparsify/channels.h); NULL: whatever reaches it has to
 * stay
 * @quantize: treatment by the quantizer
 * @quantize_note: why the quantizer leaves it in float, for the record; NULL: no int8 kernel
 *
 * Everything that any part of Pare asks about an operator. One file holds one operator or one tight family, as
 * PARE_OPERATORS (conv) = { { .name = "Conv", .. }, { NULL } }; with the file's name in core/ops/meson.build.
 */
typedef struct
{
  const char *name;
  const char *domain;
  gint64 since;
  gboolean (*infer) (PareInfer *infer, GError **error);
  gboolean (*forward) (const PareKernel *kernel, GError **error);
  gboolean (*compile) (PareCompile *compile, GError **error);
  gboolean (*run) (const PareRun *run, GError **error);
  gboolean (*backward) (PareGradient *gradient, const PareNode *node, GError **error);
  gboolean (*applies_chain) (const PareInfer *infer);
  gboolean alias;
  gboolean (*view) (const PareInfer *infer, guint output, const PareStrided *input, PareStrided *strided);
  guint strided_inputs;
  gboolean in_place;
  gsize (*scratch) (const PareInfer *infer);
  guint shape_inputs;
  gboolean (*by_sample) (const PareInfer *infer);
  guint64 (*macs) (const PareInfer *infer);
  gboolean (*weight) (const PareNode *node, PareWeightTrait *trait);
  gboolean (*taps) (const PareNode *node, const PareShape *x, const PareShape *w, const PareShape *y, gint64 *indices,
                    GError **error);
  gboolean (*eltwise) (const PareNode *node, PareEltwise *eltwise);
  gboolean (*affine) (const PareNode *node, PareAffineTrait *trait);
  PareFactors factors;
  void (*channels) (PareChannelWalk *channels);
  PareQuantizeKind quantize;
  const char *quantize_note;
} PareOperator;

#define PARE_OPERATORS(file) const PareOperator pare_operators_##file[]

/* The operator of @node, or NULL when nothing here knows it. */
const PareOperator *pare_operator_of (const PareNode *node);
/* Whether executing @node needs the data of its input @index, and not the shape alone. */
gboolean pare_node_reads (const PareNode *node, guint index);
/* The one node that reads the data of @value; NULL when there are none or more, or it is an output of the graph. */
PareNode *pare_value_only_reader (const PareValue *value);
/* All operators, ordered by file and then as in the file; @n receives their number. */
const PareOperator *const *pare_operators (guint *n);
/* Its weight trait, when it has one and the weight is constant. */
gboolean pare_node_weight (const PareNode *node, PareWeightTrait *trait);

/* Puts "Node 'name' (Conv): " before the message, unless it names a node already. */
void pare_node_prefix_error (GError **error, const PareNode *node);
/* "Node 'name' (Conv): <format>" */
void
pare_node_error (GError **error, PareError code, const PareNode *node, const char *format, ...) G_GNUC_PRINTF (4, 5);
/* FALSE and an error unless input @index is there, and has one of the types of @types (ended by 0; NULL: any). */
gboolean pare_infer_require (const PareInfer *infer, guint index, const PareDataType *types, GError **error);
/* FALSE and PARE_ERROR_DATA_DEPENDENT unless input @index is a known constant: its values decide the output's shape. */
gboolean pare_infer_require_constant (const PareInfer *infer, guint index, GError **error);
/* Ints that moved from an attribute to an input as the opsets went on (axes, splits): from input @index when it is
 * there, else from the attribute. *@values is newly allocated, NULL when neither is there. */
gboolean
pare_infer_ints (const PareInfer *infer, guint index, const char *attribute, gint64 **values, guint *n, GError **error);
/* The same at execution. */
gint64 *pare_kernel_ints (const PareKernel *kernel, guint index, const char *attribute, guint *n);
/* An infer function: output 0 is as input 0. */
gboolean pare_infer_same (PareInfer *infer, GError **error);

/* Runs @node's forward on @inputs (NULL where omitted) with inferred shapes; @outputs receives new tensors (NULL where
 * omitted). For folding constants. */
gboolean pare_evaluate_node (const PareNode *node, PareTensor *const *inputs, PareTensor **outputs, GError **error);

G_END_DECLS
