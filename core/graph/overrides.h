/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Settings of single layers as a user writes them: "conv1:bits=4,per-channel=false;fc:enable=false". */
#pragma once
#include "graph/graph.h"

G_BEGIN_DECLS

/**
 * PareOverrideType:
 * @PARE_OVERRIDE_BOOLEAN: true or false; the field is an int
 * @PARE_OVERRIDE_INTEGER: a whole number from minimum to maximum; the field is an int
 * @PARE_OVERRIDE_NUMBER: a number between minimum and maximum, neither of them included; the field is a double
 * @PARE_OVERRIDE_CHOICE: one of choices; the field is an int, its index
 */
typedef enum
{
  PARE_OVERRIDE_BOOLEAN,
  PARE_OVERRIDE_INTEGER,
  PARE_OVERRIDE_NUMBER,
  PARE_OVERRIDE_CHOICE,
} PareOverrideType;

/**
 * PareOverrideField:
 * @name: what the user writes before the equals sign
 * @offset: of the field in the stage's struct
 * @choices: of a choice, ended by NULL
 */
typedef struct
{
  const char *name;
  PareOverrideType type;
  gsize offset;
  double minimum, maximum;
  const char *const *choices;
} PareOverrideField;

/**
 * pare_overrides_parse:
 * @text: "conv1:ratio=0.5,rank=8;fc:enable=false", "@FILE#SECTION" to read one layer from each line of that section, or
 *   NULL
 * @fields: what can be said of a layer
 * @unset: a struct of @size bytes whose fields all say nothing, by values that none of @fields allows, such as -1
 *
 * A layer's name ends at the last colon before its first setting, so it may hold colons itself. Anything that is not in
 * @fields or out of range is an error that names the layer, and so is a layer that stands twice.
 *
 * Returns: a new table of label -> struct of @size bytes, or NULL and an error
 */
GHashTable *pare_overrides_parse (const char *text, const PareOverrideField *fields, guint n_fields,
                                  gconstpointer unset, gsize size, GError **error);

/* Whether every key of @overrides (may be NULL) is the label of a node of @graph; an error names the nearest one. */
gboolean pare_overrides_check_layers (GHashTable *overrides, const PareGraph *graph, GError **error);

/* What @overrides (may be NULL) say of the node labelled @label: a struct of the stage, or NULL. */
gconstpointer pare_overrides_find (GHashTable *overrides, const char *label);

G_END_DECLS
