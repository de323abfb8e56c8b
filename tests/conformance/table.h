/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The page of operators: what runs. */
#pragma once
#include <glib.h>

typedef struct
{
  guint passed, models;
} Count;

/* @counts: operator -> Count; @failures: group/model -> reason. */
void table_print (GHashTable *counts, GHashTable *failures, const Count *total);
