/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/error.h"
#include "graph/tensor.h"

G_BEGIN_DECLS

/* The most tensors that a sample carries, in caps, buffers and data repositories. */
#define PARE_WIRE_TENSORS 16
/* Bytes in front of each flexible tensor. */
#define PARE_WIRE_HEADER 128

/* TRUE for the types that caps can name. */
gboolean pare_wire_carries (PareDataType type);

/* The fields "dimensions" and "types" of tensor caps as specs, in ONNX order: "3:224:224:1,1" with "float32,int64".
 * "," and "." between tensors are understood alike. */
GArray *pare_wire_parse_specs (const char *dimensions, const char *types, GError **error);
/* The dimensions and types of @specs as such text. */
char *pare_wire_dimensions (guint n, const PareSpec *specs);
char *pare_wire_types (guint n, const PareSpec *specs);

/* What the header at the start of @data describes; FALSE when it is none or describes something else than @size bytes
 * (header included). */
gboolean pare_wire_parse_header (const guint8 *data, gsize size, PareSpec *spec);

/* Writes the PARE_WIRE_HEADER bytes that describe a tensor of @spec; its type travels. */
void pare_wire_write_header (const PareSpec *spec, guint8 *data);

G_END_DECLS
