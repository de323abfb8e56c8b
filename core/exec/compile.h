/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "exec/inference.h"
#include "exec/onednn.h"

G_BEGIN_DECLS

/**
 * PareSlot:
 *
 * A place in memory that holds one value in one layout while a plan runs: in the arena, or a constant. Slots may share
 * their bytes (a reshaped value, a sum computed in place): @host is then the one that owns them.
 */
typedef struct _PareSlot PareSlot;
struct _PareSlot
{
  PareSpec spec;
  PareLayout *layout; /* NULL: row-major of a type that oneDNN does not know */
  gsize size;
  PareSlot *host;
  guint pending;      /* of a host: readers still to be compiled; it may be overwritten by the last one */
  gboolean pinned;    /* of a host: never overwritten (constants, outputs) */
  guint first, last;  /* of a host: steps between which the bytes are needed */
  gsize offset;       /* of a host in the arena */
  gpointer data;      /* known before binding for constants only */
  GBytes *bytes;      /* what keeps constant data alive */
};

/* What a compiled node may apply to its result on the way out, found by looking ahead in the graph. */
typedef struct
{
  ParePostOps post_ops;
  const PareValue *sum;  /* the other operand of an Add, NULL: none */
  PareTensor *bias;      /* a constant vector over the last axis that is added first, NULL: none */
  gboolean dequantized;  /* of QuantizeLinear: its DequantizeLinear follows at once */
} PareChain;

/* For the compile functions of operators. The node at hand: */
const PareInfer *pare_compile_infer (const PareCompile *compile);
/* What follows; only asked by operators that apply it. */
const PareChain *pare_compile_chain (const PareCompile *compile);

/* Input @index in @layout (NULL: row-major), reordered when it lies otherwise. */
PareSlot *pare_compile_input (PareCompile *compile, guint index, const PareLayout *layout, GError **error);
/* Input @index in whatever layout it lies. */
PareSlot *pare_compile_input_as_is (PareCompile *compile, guint index);
/* Input @index, whose row-major bytes are read as if they lay in @from, in @to. Weights are stored grouped or transposed. */
PareSlot *pare_compile_input_from (PareCompile *compile, guint index, const PareLayout *from, const PareLayout *to,
                                   GError **error);
/* A constant that is not in the graph. */
PareSlot *pare_compile_constant (PareCompile *compile, PareTensor *tensor);
/* Output @index in @layout (NULL: row-major). When the chain has a sum, the operand lies there already. */
PareSlot *pare_compile_output (PareCompile *compile, guint index, const PareLayout *layout, GError **error);
/* Output @index, row-major, which the step writes as if it lay in @seen_as (the same bytes). */
PareSlot *pare_compile_output_as (PareCompile *compile, guint index, const PareLayout *seen_as, GError **error);
/* Output @index over the bytes of @input, when those are not needed any more; else a new slot of the same layout. */
PareSlot *pare_compile_output_over (PareCompile *compile, guint index, PareSlot *input);

/* The operand of the chain's sum in @layout, for operators that add it on their own. */
PareSlot *pare_compile_sum (PareCompile *compile, const PareLayout *layout, GError **error);
/* Memory that the node needs while it runs and that no value names. */
PareSlot *pare_compile_temporary (PareCompile *compile, const PareSpec *spec, const PareLayout *layout);
/* Adds the step that writes @from in the layout of @to. */
gboolean pare_compile_reorder (PareCompile *compile, PareSlot *from, PareSlot *to, GError **error);

/* Adds the step that runs @primitive (taken) on @n arguments. */
void pare_compile_primitive (PareCompile *compile, ParePrimitive *primitive, guint n, const PareArg *args,
                             PareSlot *const *slots);
/* Adds a step of the operator's own. @state (taken) is freed with @free_state, which may be NULL. */
typedef gboolean (*PareStepFunc) (gpointer state, PareSlot *const *slots, GError **error);
void pare_compile_step (PareCompile *compile, PareStepFunc run, gpointer state, GDestroyNotify free_state, guint n,
                        PareSlot *const *slots);
/* Adds the step that sums inputs 0 and 1 of one shape where they lie; otherwise pare_compile_forward(). The compile
 * function of Add. */
gboolean pare_compile_add (PareCompile *compile, GError **error);
/* A function of two floats that is zero where both are; @n elements, @y may be @a or @b. */
typedef void (*PareBinary) (gint64 n, const float *a, const float *b, float *y, const float *arguments);
/* Adds the step that applies @function to inputs 0 and 1 of one shape where they lie, over one of them if possible;
 * otherwise, and when both are row-major, pare_compile_forward(). @a and @b are the function's arguments. */
gboolean pare_compile_binary (PareCompile *compile, PareBinary function, float a, float b, GError **error);
/* Output 0 is input 0 as it lies, of the same shape: nothing runs. */
gboolean pare_compile_alias (PareCompile *compile, GError **error);
/* What is known of all values, for looking ahead. */
const PareInference *pare_compile_inference (const PareCompile *compile);
/* Whether somebody outside of the nodes to run looks at @value: an output of the network, or with a tap. */
gboolean pare_compile_shows (const PareCompile *compile, const PareValue *value);
/* Output @index is part of the bytes of @input, in @layout: nothing runs. */
void pare_compile_output_within (PareCompile *compile, guint index, PareSlot *input, const PareLayout *layout);
/* Adds the step that runs the operator's forward on row-major memory. */
gboolean pare_compile_forward (PareCompile *compile, GError **error);

G_END_DECLS
