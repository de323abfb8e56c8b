/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The parameters of a description: declared in the file, assigned on the command line, substituted as ${name}. */
#pragma once
#include "gst/pipeline-document.h"

G_BEGIN_DECLS

typedef struct _PipelineParameters PipelineParameters;

/* Reads the <param> elements of the pipeline @root. */
G_GNUC_INTERNAL PipelineParameters *gst_pare_parameters_new (xmlNode *root, GError **error);
G_GNUC_INTERNAL void gst_pare_parameters_free (PipelineParameters *parameters);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PipelineParameters, gst_pare_parameters_free)

/* Takes those of @assignments that have no dot left of "="; afterwards every required one must have a value. */
G_GNUC_INTERNAL gboolean gst_pare_parameters_assign (PipelineParameters *parameters, const char *const *assignments,
                                                     GError **error);
/* @text with each ${name} replaced; "$$" stands for one "$". */
G_GNUC_INTERNAL char *gst_pare_parameters_substitute (const PipelineParameters *parameters, PipelinePlace place,
                                                      const char *text, GError **error);
/* Is the `when` attribute of @node absent or true? -1 on error. */
G_GNUC_INTERNAL int gst_pare_parameters_wanted (const PipelineParameters *parameters, xmlNode *node, GError **error);
/* As a GArray of GstPareParameter. */
G_GNUC_INTERNAL GArray *gst_pare_parameters_describe (const PipelineParameters *parameters);
/* Splits "left=right". */
G_GNUC_INTERNAL gboolean gst_pare_assignment_split (const char *assignment, char **left, const char **right,
                                                    GError **error);
/* Is @path one that a file written in @file means relative to its own folder? Returns the path to open. */
G_GNUC_INTERNAL char *gst_pare_path_beside (const char *file, const char *path);

G_END_DECLS
