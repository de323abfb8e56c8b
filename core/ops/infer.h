/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What infer functions of many operators check the same way. Private to the operators. */
#pragma once
#include "ops/operator.h"

#define PARE_TYPES_HALF PARE_FLOAT16, PARE_BFLOAT16
#define PARE_TYPES_FLOAT PARE_FLOAT32, PARE_FLOAT64, PARE_TYPES_HALF
#define PARE_TYPES_INTEGER                                                                                             \
  PARE_UINT8, PARE_INT8, PARE_UINT16, PARE_INT16, PARE_UINT32, PARE_INT32, PARE_UINT64, PARE_INT64
#define PARE_TYPES_NUMBER PARE_TYPES_FLOAT, PARE_TYPES_INTEGER
#define PARE_TYPES_PACKED PARE_UINT4, PARE_INT4
#define PARE_TYPES_PLAIN PARE_TYPES_NUMBER, PARE_BOOL

/* Each ended by 0. */
extern const PareDataType pare_types_float32[];
extern const PareDataType pare_types_widened[]; /* float32, and what pare_forward_widened() makes of it */
extern const PareDataType pare_types_float[];
extern const PareDataType pare_types_number[];
extern const PareDataType pare_types_plain[];  /* whatever has whole bytes per element: numbers and bool */
extern const PareDataType pare_types_stored[]; /* the same and packed integers: what operators take that only move */
extern const PareDataType pare_types_index[];  /* int32 and int64 */
extern const PareDataType pare_types_bool[];

/* FALSE and an error unless the node has between @low and @high inputs, and at least one output. */
gboolean pare_infer_counts (const PareInfer *infer, guint low, guint high, GError **error);
/* Input @index is present. */
gboolean pare_infer_has (const PareInfer *infer, guint index);
/* Output @index is wanted: write infer->outputs[index] only then. */
gboolean pare_infer_wants (const PareInfer *infer, guint index);
/* FALSE and an error unless inputs from @index on are omitted or of input 0's type. */
gboolean pare_infer_require_one_type (const PareInfer *infer, guint index, GError **error);
/* FALSE and an error unless input @index is float32: what most arithmetic is written for. */
gboolean pare_infer_require_float32 (const PareInfer *infer, guint index, GError **error);
/* FALSE and an error unless input @index has as many dimensions as @rank. */
gboolean pare_infer_require_rank (const PareInfer *infer, guint index, guint rank, GError **error);
/* Normalises @axis into [0, rank), or says that it is out of range. */
gboolean pare_infer_axis (const PareInfer *infer, gint64 axis, guint rank, guint *normalized, GError **error);
/* Marks each of the @n axes in @marks; out of range or twice is an error. */
gboolean pare_infer_axes (const PareInfer *infer, const gint64 *axes, guint n, guint rank,
                          gboolean marks[PARE_MAX_RANK], GError **error);
/* For the internal operators that compute a gradient: input @dy must be what @forward makes of the inputs that @order
 * (of length @n) names, under the node's attributes and the opset that graphs are differentiated at. */
gboolean pare_infer_gradient (const PareInfer *infer, gboolean (*forward) (PareInfer *infer, GError **error), guint n,
                              const guint *order, guint dy, GError **error);
/* @n is a legal rank of an output, else an error. */
gboolean pare_infer_rank (const PareInfer *infer, gint64 n, GError **error);

/* Input or output @index is there at execution. */
gboolean pare_kernel_has (const PareKernel *kernel, guint index);
gboolean pare_kernel_wants (const PareKernel *kernel, guint index);
/* FALSE and an error unless input @index is float32. */
gboolean pare_kernel_require_float32 (const PareKernel *kernel, guint index, GError **error);
/* Elements of a view. */
gint64 pare_view_elements (const PareView *view);

typedef gboolean (*PareForward) (const PareKernel *kernel, GError **error);
/* TRUE when an input or output is float16 or bfloat16. */
gboolean pare_kernel_is_half (const PareKernel *kernel);
/* Runs @forward in float32: half inputs are widened, half outputs rounded. */
gboolean pare_forward_widened (const PareKernel *kernel, PareForward forward, GError **error);
/* TRUE when input 0 is of 4 bits. */
gboolean pare_kernel_is_packed (const PareKernel *kernel);
/* Runs @forward on one element per byte: packed inputs are unpacked, packed outputs packed. For what only moves. */
gboolean pare_forward_unpacked (const PareKernel *kernel, PareForward forward, GError **error);
/* A forward function: output 0 is a copy of input 0's bytes. */
gboolean pare_forward_copy (const PareKernel *kernel, GError **error);
