/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * GstPareProperty:
 * @name: as users write it
 * @description: one sentence
 * @type: %G_TYPE_STRING, %G_TYPE_BOOLEAN, %G_TYPE_UINT, %G_TYPE_UINT64 or %G_TYPE_DOUBLE. An enumeration's type is
 *   only known at run time: its class_init fills it into a copy of the table.
 * @offset: of the field in the instance: G_STRUCT_OFFSET (MyStage, field)
 * @initial: default of numbers, booleans and enumerations
 * @text: default of strings
 * @minimum: of numbers
 * @maximum: of numbers
 * @read_only: a result
 *
 * A property that is one field of the instance struct: char *, gboolean, guint, guint64, double or an enumeration.
 */
typedef struct
{
  const char *name;
  const char *description;
  GType type;
  glong offset;
  double initial;
  const char *text;
  double minimum, maximum;
  gboolean read_only;
} GstPareProperty;

/**
 * gst_pare_class_install_properties:
 * @klass: class of an element, in class_init
 * @properties: table of @n properties; only read now
 *
 * Installs the properties, and handlers for them when @klass has none of its own. Strings are freed with the instance.
 * Fields can be written in the states NULL and READY only, so stages read them without locks. A class with handlers of
 * its own chains up for ids that it does not know.
 */
void gst_pare_class_install_properties (GObjectClass *klass, const GstPareProperty *properties, guint n);

/* Sets a property of a table from text, in any state: for the thread that reads the field. */
gboolean gst_pare_object_assign (GObject *object, const char *name, const char *text, GError **error);

/* A list that a user wrote with commas, NULL-terminated; NULL when there is nothing in it. Names are stripped. */
char **gst_pare_split_names (const char *text);

G_END_DECLS
