/* SPDX-License-Identifier: LGPL-2.1-or-later
 * An XML description as parsed and structurally checked, before any meaning is given to it. */
#pragma once
#include <glib.h>
#include <libxml/tree.h>

G_BEGIN_DECLS

#define GST_PARE_PIPELINE_NAMESPACE "urn:pare:pipeline:1"

/* Where something was written; @file is interned. Line 0: not from a file, @file is then what to call it. */
typedef struct
{
  const char *file;
  guint line;
} PipelinePlace;

typedef struct _PipelineDocument PipelineDocument;

/* Reads @path and all that it includes, and checks every element and attribute against the grammar. */
G_GNUC_INTERNAL PipelineDocument *gst_pare_document_load (const char *path, GError **error);
G_GNUC_INTERNAL void gst_pare_document_free (PipelineDocument *document);
G_GNUC_INTERNAL xmlNode *gst_pare_document_root (PipelineDocument *document);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PipelineDocument, gst_pare_document_free)

/* The child elements of @node, with includes and fragments replaced by what they hold. */
G_GNUC_INTERNAL GPtrArray *gst_pare_xml_children (xmlNode *node);
G_GNUC_INTERNAL gboolean gst_pare_xml_is (const xmlNode *node, const char *name);
G_GNUC_INTERNAL gboolean gst_pare_xml_is_include (const xmlNode *node);
/* The root element that an include stands for; NULL while it is not loaded. */
G_GNUC_INTERNAL xmlNode *gst_pare_xml_included (const xmlNode *include);
G_GNUC_INTERNAL char *gst_pare_xml_attribute (xmlNode *node, const char *name);
/* The text in @node; white space around it goes when it spans lines. */
G_GNUC_INTERNAL char *gst_pare_xml_text (xmlNode *node);
G_GNUC_INTERNAL PipelinePlace gst_pare_xml_place (const xmlNode *node);

/* The grammar: does @node, an expanded document's root, hold only what the schema allows? */
G_GNUC_INTERNAL gboolean gst_pare_grammar_check (xmlNode *root, GError **error);

/* "FILE:LINE: message", PARE_ERROR_SETTINGS. */
G_GNUC_INTERNAL void
gst_pare_place_error (GError **error, PipelinePlace place, const char *format, ...) G_GNUC_PRINTF (3, 4);
/* "; did you mean 'x'?" or "". */
G_GNUC_INTERNAL char *gst_pare_did_you_mean (const char *word, const char *const *names);

G_END_DECLS
