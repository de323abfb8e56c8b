/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The checked-in list of models that do not run, and why. */
#pragma once
#include <glib.h>

/* From lines of "group/model: reason": group/model -> reason. Lines that begin with # say nothing. */
GHashTable *expectations_load (const char *path);
/* The reason in a few words, without the names of nodes and files, for a problem that @model has. */
char *expectations_reason (const char *model, const char *problem);
