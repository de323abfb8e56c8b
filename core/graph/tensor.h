/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/shape.h"

G_BEGIN_DECLS

/**
 * PareTensor:
 * @type: element type
 * @shape: shape, every size fixed
 *
 * An immutable, reference-counted, row-major tensor. Its bytes are shared: a copied graph, a slice of a mapped
 * file and a GstMemory may all stand on the same storage. Of type PARE_SEQUENCE it is a list of tensors, of type
 * PARE_ABSENT an optional that holds nothing.
 */
typedef struct _PareTensor PareTensor;
struct _PareTensor
{
  gatomicrefcount refs;
  PareDataType type;
  PareShape shape;
  GBytes *bytes;      /* elements, native byte order; for strings NULL */
  GPtrArray *strings; /* of GBytes, for PARE_STRING only */
  GPtrArray *items;   /* of PareTensor, for PARE_SEQUENCE only */
  gboolean typed;     /* the file kept it in a typed field and not in raw_data: written back the same way */
};

/* Takes @bytes (transfer full). Asserts that their size fits. */
PareTensor *pare_tensor_new (PareDataType type, const PareShape *shape, GBytes *bytes);
/* Takes @data (transfer full, g_malloc). */
PareTensor *pare_tensor_new_take (PareDataType type, const PareShape *shape, gpointer data);
/* Copies @data. */
PareTensor *pare_tensor_new_copy (PareDataType type, const PareShape *shape, gconstpointer data);
/* Takes @strings (transfer full): one GBytes per element. */
PareTensor *pare_tensor_new_strings (const PareShape *shape, GPtrArray *strings);
/* Takes @items (transfer full), an array of PareTensor that frees them; its shape is [items]. */
PareTensor *pare_tensor_new_sequence (GPtrArray *items);
PareTensor *pare_tensor_new_absent (void);
PareTensor *pare_tensor_new_floats (const PareShape *shape, const float *data);
PareTensor *pare_tensor_new_scalar_float (float value);
/* A one-dimensional int64 tensor: shapes, axes. */
PareTensor *pare_tensor_new_int64s (guint n, const gint64 *data);

PareTensor *pare_tensor_ref (PareTensor *tensor);
void pare_tensor_unref (PareTensor *tensor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareTensor, pare_tensor_unref)

gint64 pare_tensor_elements (const PareTensor *tensor);
gconstpointer pare_tensor_data (const PareTensor *tensor);
gsize pare_tensor_size (const PareTensor *tensor);

/* Bytes that @elements of @type take; 0 for strings. */
gsize pare_data_size (PareDataType type, gint64 elements);

/* The same bytes under another shape of as many elements. */
PareTensor *pare_tensor_reshape (const PareTensor *tensor, const PareShape *shape);

/* Converted elementwise (C rules; floats to integers truncate); a new reference when the type is right already. */
PareTensor *pare_tensor_cast (PareTensor *tensor, PareDataType type);

/* Element @index of any numeric tensor. */
double pare_tensor_get_double (const PareTensor *tensor, gint64 index);
gint64 pare_tensor_get_int (const PareTensor *tensor, gint64 index);

/* Same type, shape and bytes. */
gboolean pare_tensor_equal (const PareTensor *a, const PareTensor *b);

/* Converts @n elements between numeric types. float16, bfloat16 and bool included; the memories do not overlap. */
gboolean pare_convert (PareDataType from, gconstpointer source, PareDataType to, gpointer target, gint64 n);

G_END_DECLS
