/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/shape.h"
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Members of the object that @builder is in. NaN and infinity, which JSON lacks, become null. */
void pare_json_string (JsonBuilder *builder, const char *name, const char *value);
void pare_json_int (JsonBuilder *builder, const char *name, gint64 value);
void pare_json_double (JsonBuilder *builder, const char *name, double value);
/* [1,3,null,null]: null where a size is open. */
void pare_json_shape (JsonBuilder *builder, const char *name, const PareShape *shape);
void pare_json_begin_array (JsonBuilder *builder, const char *name);
void pare_json_begin_object (JsonBuilder *builder, const char *name);

/* Ends the outermost object and prints it on standard output. */
void pare_json_print (JsonBuilder *builder);

G_END_DECLS
