/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The samples of a distillation: kept as they came, read back as batches that always have the same shape. */
#pragma once
#include "graph/tensor.h"

G_BEGIN_DECLS

typedef struct _PareDistillSamples PareDistillSamples;

/* Samples of @n_inputs tensors; beyond @memory_limit bytes they go to a file. */
PareDistillSamples *pare_distill_samples_new (guint n_inputs, guint64 memory_limit);
void pare_distill_samples_free (PareDistillSamples *samples);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareDistillSamples, pare_distill_samples_free)

/* Keeps the first @valid samples of a batch of @n tensors; what is behind the inputs is labels, and dropped. */
gboolean
pare_distill_samples_add (PareDistillSamples *samples, PareTensor *const *batch, guint n, guint valid, GError **error);
guint64 pare_distill_samples_count (PareDistillSamples *samples);
/* Specs of the inputs of a batch (of PareSpec). After the first one. */
const GArray *pare_distill_samples_specs (const PareDistillSamples *samples);
/* The samples in a batch: as many as the largest that came. */
guint pare_distill_samples_batch (const PareDistillSamples *samples);
/* A batch of the @n samples @indices, filled up with the last of them. Of PareTensor. */
GPtrArray *pare_distill_samples_stack (PareDistillSamples *samples, const guint64 *indices, guint n, GError **error);

G_END_DECLS
