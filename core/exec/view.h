/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Values that are other values seen differently: a Transpose or Split that moves nothing, because whoever reads it
 * takes elements wherever they lie, or because it undoes what came before. */
#pragma once
#include "exec/compile.h"

G_BEGIN_DECLS

/* Makes all outputs of the node at hand views of its input, when that is of use; else FALSE, and nothing is done. */
gboolean pare_compile_views (PareCompile *compile);
/* Where the elements of float32 input @index lie; it is moved only if they lie in blocks, or when it is a constant. */
PareSlot *pare_compile_input_strided (PareCompile *compile, guint index, PareStrided *strided, GError **error);
/* Output 0, in the order in which the Transpose that alone reads it, if any, moves nothing. The last axis stays dense.
 */
PareSlot *pare_compile_output_for_reader (PareCompile *compile, PareStrided *strided, GError **error);

G_END_DECLS
