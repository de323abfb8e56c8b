/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"
#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * GstPareGraphMeta:
 * @graph: the graph; owned by the meta and shared with everyone who holds the buffer, so nobody changes it
 *
 * What a graph pad's buffers carry instead of memory.
 */
typedef struct
{
  GstMeta meta;
  PareGraph *graph;
} GstPareGraphMeta;

GType gst_pare_graph_meta_api_get_type (void);
const GstMetaInfo *gst_pare_graph_meta_get_info (void);

/* A buffer without memory that refs @graph, which must not change any more. */
GstBuffer *gst_pare_buffer_new_graph (PareGraph *graph);
/* The graph that @buffer carries, or NULL; owned by the buffer. */
PareGraph *gst_pare_buffer_get_graph (GstBuffer *buffer);

G_END_DECLS
