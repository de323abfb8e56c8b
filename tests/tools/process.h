/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <gio/gio.h>
#include <json-glib/json-glib.h>

/* A finished pare process. */
typedef struct
{
  int status;
  char *out, *err;
} Process;

/* Runs pare with the given words, NULL-terminated, in the build tree's environment. */
Process pare (const char *word, ...) G_GNUC_NULL_TERMINATED;
void process_clear (Process *process);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Process, process_clear)

/* Succeeded, and its standard output is one JSON object: returns it. */
JsonObject *assert_json (const Process *process);
/* Failed with exactly one line on standard error, which mentions @mention, and nothing on standard output. */
void assert_refused (const Process *process, const char *mention);
/* Succeeded, and its last line holds @mention. */
void assert_said (const Process *process, const char *mention);

/* A reference model, and a path in this test's own folder, which is removed at the end. */
char *model_path (const char *name);
char *scratch_path (const char *name);
/* Before and after the tests. */
void scratch_create (void);
void scratch_remove (void);

/* Writes @n float32 numbers under @shape ("1, 1, 28, 28") as a .npy file: element i is (i mod 11) / 8. */
void write_npy (const char *path, const char *shape, guint n);
