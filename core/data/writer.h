/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/tensor.h"

G_BEGIN_DECLS

/**
 * PareWriter:
 *
 * Writes samples into one file, stacked along a new first axis. Memory is one sample, whatever their number: until the
 * end they wait in unnamed files in the target's folder. Nothing is at the target before pare_writer_finish().
 */
typedef struct _PareWriter PareWriter;

/* @path ends with .npy (one tensor in a sample) or .npz (any number: arr_0, arr_1, .. as numpy.savez names them). */
PareWriter *pare_writer_new (const char *path, guint n, const PareSpec *specs, GError **error);
/* Adds a sample: tensors of the specs given at the start. */
gboolean pare_writer_add (PareWriter *writer, PareTensor *const *sample, guint n, GError **error);
gboolean pare_writer_finish (PareWriter *writer, GError **error);
/* Without pare_writer_finish() before, forgets everything. */
void pare_writer_free (PareWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareWriter, pare_writer_free)

G_END_DECLS
