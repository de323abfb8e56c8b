/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Configurations of the compression toolkit AMCT, read as settings of our stages. */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/**
 * PareAmctConfig:
 *
 * What a configuration for quantization after training says: the simplified one (AMCTConfig in protobuf text) or the
 * one in JSON that AMCT makes of it.
 */
typedef struct _PareAmctConfig PareAmctConfig;

/* A setting of a stage: a property and its value as text. */
typedef struct
{
  char *name, *value;
} PareAmctAssignment;

/* Reads @path. An error names file and line, and what there is in the place of an unknown field. */
PareAmctConfig *pare_amct_config_load (const char *path, GError **error);
void pare_amct_config_free (PareAmctConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareAmctConfig, pare_amct_config_free)

/* What @config says to the stage of the factory @stage when it works on @graph: of PareAmctAssignment, sorted by name.
 * NULL and an error when a layer does not exist. */
GPtrArray *
pare_amct_config_assign (const PareAmctConfig *config, const PareGraph *graph, const char *stage, GError **error);

G_END_DECLS
