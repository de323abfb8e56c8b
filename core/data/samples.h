/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Samples that a method looks at more than once: kept as they came, read back as batches that always have
 * the same shape. */
#pragma once
#include "graph/tensor.h"

G_BEGIN_DECLS

typedef struct _PareSamples PareSamples;

/* Samples of @n_inputs tensors; beyond @memory_limit bytes they go to a file. */
PareSamples *pare_samples_new (guint n_inputs, guint64 memory_limit);
void pare_samples_free (PareSamples *samples);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareSamples, pare_samples_free)

/* Keeps the first @valid samples of a batch of @n tensors; what is behind the inputs is labels, and dropped. */
gboolean pare_samples_add (PareSamples *samples, PareTensor *const *batch, guint n, guint valid, GError **error);
guint64 pare_samples_count (PareSamples *samples);
/* Specs of the inputs of a batch (of PareSpec). After the first one. */
const GArray *pare_samples_specs (const PareSamples *samples);
/* The samples in a batch: as many as the largest that came. */
guint pare_samples_batch (const PareSamples *samples);
/* A batch of the @n samples @indices, filled up with the last of them. Of PareTensor. */
GPtrArray *pare_samples_stack (PareSamples *samples, const guint64 *indices, guint n, GError **error);

G_END_DECLS
