/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What reading a configuration and handing it to stages share. */
#pragma once
#include "amct/config.h"

G_BEGIN_DECLS

/* What is said of some layers: "stage property" -> value. */
typedef struct
{
  char *name; /* of a layer or of a type of layers */
  gboolean is_type;
  GHashTable *settings;
} PareAmctOverride;

struct _PareAmctConfig
{
  char *path;
  GHashTable *common;   /* "stage property" -> value */
  GPtrArray *overrides; /* of PareAmctOverride; the later ones win */
  GPtrArray *skip_layers, *skip_types, *skip_fusion;
};

G_END_DECLS
