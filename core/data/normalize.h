/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/error.h"
#include "graph/tensor.h"

G_BEGIN_DECLS

/* The numbers that one channel is normalized with: (x * scale - mean) / std, in float. */
typedef struct
{
  float scale, mean, std;
} PareChannel;

/**
 * ParePlane:
 * @data: of the first element
 * @row: bytes from one row to the next
 * @step: elements from one column to the next
 *
 * Where the elements of one channel lie.
 */
typedef struct
{
  gpointer data;
  gsize row;
  gsize step;
} ParePlane;

/* Numbers that a user wrote with commas, such as "0.485,0.456,0.406". An error names @property. */
GArray *pare_channel_values_parse (const char *text, const char *property, GError **error);

/* Normalizes one channel of @rows x @columns elements of @type into @to, of float. FALSE for types that are no numbers
 * of at least 8 bits. */
gboolean pare_normalize_plane (PareDataType type, const ParePlane *from, const ParePlane *to, gsize rows, gsize columns,
                               const PareChannel *channel);

G_END_DECLS
