/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "data/reader.h"
#include "data/stream.h"

G_BEGIN_DECLS

/* Bytes of the file that a format may look at to know its own. */
#define PARE_FORMAT_HEAD 8

/* Private to this room: what a file format does. */
typedef struct
{
  const char *name;
  gboolean (*probe) (const guint8 *head, gsize size);
  /* Fills in samples, specs and names, and keeps its state. */
  gboolean (*open) (PareReader *reader, GError **error);
  /* Puts out the tensors of the next sample. What it has put out before it fails is freed by the caller. */
  gboolean (*next) (PareReader *reader, PareTensor **sample, GError **error);
  void (*close) (PareReader *reader);
} PareFormat;

struct _PareReader
{
  const PareFormat *format;
  char *path;
  gint64 samples, position;
  GArray *specs;    /* of PareSpec */
  GPtrArray *names; /* of char *, empty when the format has no names */
  gpointer state;   /* of the format */
};

extern const PareFormat pare_format_npy, pare_format_npz, pare_format_idx, pare_format_nnstreamer, pare_format_onnx;

/* An array that comes sample by sample from a stream. */
typedef struct
{
  PareStream *stream;
  PareDataType type;
  PareShape shape; /* with the axis of samples */
  gboolean swap;   /* the other byte order */
} PareArray;

void pare_array_free (PareArray *array);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareArray, pare_array_free)

/* Checks type and shape against each other and, where the stream knows its size, against it; @header bytes are read. */
gboolean pare_array_check (const PareArray *array, gsize header, GError **error);
/* The next @n elements as a tensor of @shape. */
PareTensor *pare_array_read (PareArray *array, const PareShape *shape, GError **error);
/* An array that stands behind a .npy header. Takes @stream. */
PareArray *pare_array_open_npy (PareStream *stream, GError **error);

/* For formats whose state is a GPtrArray of PareArray, one per tensor. */
gboolean pare_arrays_begin (PareReader *reader, GPtrArray *arrays, GError **error);
gboolean pare_arrays_next (PareReader *reader, PareTensor **sample, GError **error);
void pare_arrays_close (PareReader *reader);

/* Reverses the bytes of each of @n elements of @size bytes. */
void pare_swap_bytes (gpointer data, gsize size, gsize n);

G_END_DECLS
