/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What a pipeline description means, parameters filled in: elements, bins and links. XML and gst-launch strings are
 * both read into it, and pipelines, XML and gst-launch strings are all made from it. */
#pragma once
#include "gst/pipeline-document.h"
#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct
{
  char *name;
  char *text;
  PipelinePlace place;
} PipelineProperty;

typedef struct _PipelineElement PipelineElement;

/* One end of a link as written: an element or bin, and perhaps a pad. */
typedef struct
{
  char *id; /* NULL when @element was known from the start */
  char *pad;
  PipelineElement *element; /* borrowed */
  /* Once resolved, the same with bins seen through to what their ghost pads show. */
  PipelineElement *inner_element;
  char *inner_pad;
} PipelineEnd;

typedef struct
{
  char *name;
  PipelineEnd inner;
  PipelinePlace place;
} PipelineGhost;

struct _PipelineElement
{
  char *id;
  gboolean named; /* the id was written, not made up */
  char *factory;  /* NULL for a bin */
  char *preset;
  GPtrArray *properties;   /* PipelineProperty */
  GPtrArray *ghosts;       /* PipelineGhost, of a bin */
  PipelineElement *parent; /* the bin it is in, or NULL */
  PipelinePlace place;
};

typedef struct
{
  PipelineEnd from, to;
  char *caps; /* or NULL */
  PipelinePlace place;
} PipelineLink;

typedef struct
{
  GPtrArray *elements; /* PipelineElement, a bin before what it holds */
  GPtrArray *links;    /* PipelineLink */
} PipelineDescription;

G_GNUC_INTERNAL PipelineDescription *gst_pare_description_new (void);
G_GNUC_INTERNAL void gst_pare_description_free (PipelineDescription *description);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PipelineDescription, gst_pare_description_free)

G_GNUC_INTERNAL void gst_pare_end_clear (PipelineEnd *end);
G_GNUC_INTERNAL PipelineElement *
gst_pare_description_add_element (PipelineDescription *description, const char *factory, PipelinePlace place);
G_GNUC_INTERNAL PipelineLink *gst_pare_description_add_link (PipelineDescription *description, PipelinePlace place);
/* Adds or replaces a property. */
G_GNUC_INTERNAL void
gst_pare_element_set (PipelineElement *element, const char *name, const char *text, PipelinePlace place);
G_GNUC_INTERNAL PipelineElement *
gst_pare_description_find (const PipelineDescription *description, const char *id, PipelinePlace place, GError **error);
/* Gives an id to every element, refuses duplicates, and points every end of a link at an element. */
G_GNUC_INTERNAL gboolean gst_pare_description_resolve (PipelineDescription *description, GError **error);

/* Reading. */
G_GNUC_INTERNAL PipelineDescription *
gst_pare_description_read (const char *path, const char *const *assignments, GError **error);
G_GNUC_INTERNAL PipelineDescription *gst_pare_description_parse_launch (const char *launch, GError **error);

/* Making. */
G_GNUC_INTERNAL GstElement *gst_pare_description_build (const PipelineDescription *description, GError **error);
G_GNUC_INTERNAL char *gst_pare_description_print_launch (const PipelineDescription *description);
G_GNUC_INTERNAL char *gst_pare_description_print_xml (const PipelineDescription *description);
G_GNUC_INTERNAL gboolean gst_pare_property_apply (GstElement *object, const PipelineProperty *property, GError **error);
G_GNUC_INTERNAL gboolean gst_pare_link_make (const PipelineLink *link, GstElement *from, GstElement *to,
                                             GError **error);

G_END_DECLS
