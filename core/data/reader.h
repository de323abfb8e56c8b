/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/tensor.h"

G_BEGIN_DECLS

/**
 * PareReader:
 *
 * Samples in a file: .npy, .npz, IDX (plain or gz), ONNX .pb tensors, an NNStreamer data repository (.json beside raw data).
 * The first axis of each array counts the samples; a sample has the remaining axes. Reading is by streaming: memory is
 * one sample, whatever the file's size.
 */
typedef struct _PareReader PareReader;

/* The format is told by the content, not by the name. */
PareReader *pare_reader_open (const char *path, GError **error);
void pare_reader_free (PareReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareReader, pare_reader_free)

/* Number of samples. */
gint64 pare_reader_samples (const PareReader *reader);
/* Number of tensors in a sample, and the spec of each (without the sample axis). */
guint pare_reader_tensors (const PareReader *reader);
const PareSpec *pare_reader_spec (const PareReader *reader, guint index);
/* Name of array @index in a .npz, else NULL. */
const char *pare_reader_name (const PareReader *reader, guint index);
/* Reads the next sample into @sample (room for pare_reader_tensors() new tensors). Returns 1, 0 at the end, -1 on error. */
int pare_reader_next (PareReader *reader, PareTensor **sample, GError **error);

/* Whole arrays, with the first axis. */
PareTensor *pare_npy_load (const char *path, GError **error);
gboolean pare_npy_save (PareTensor *tensor, const char *path, GError **error);
/* Arrays named @names into one .npz (stored, deterministic bytes). */
gboolean pare_npz_save (guint n, const char *const *names, PareTensor *const *tensors, const char *path, GError **error);

G_END_DECLS
