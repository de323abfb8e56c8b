/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Runs the pare command and looks at what it said. */
#include "process.h"
#include <glib/gstdio.h>
#include <string.h>

static char *scratch;

Process
pare (const char *word, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GSubprocess) subprocess = NULL;
  g_autoptr (GError) error = NULL;
  Process process = { 0 };
  va_list words;

  g_ptr_array_add (argv, (gpointer)PARE_COMMAND);
  va_start (words, word);
  for (; word; word = va_arg (words, const char *))
    g_ptr_array_add (argv, (gpointer)word);
  va_end (words);
  g_ptr_array_add (argv, NULL);
  subprocess = g_subprocess_newv ((const char *const *)argv->pdata,
                                  G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (subprocess, NULL, NULL, &process.out, &process.err, &error);
  g_assert_no_error (error);
  /* A crash is no failure that a test may expect. */
  if (!g_subprocess_get_if_exited (subprocess))
    g_error ("pare was killed by signal %d: %s", g_subprocess_get_term_sig (subprocess), process.err);
  process.status = g_subprocess_get_exit_status (subprocess);
  return process;
}

void
process_clear (Process *process)
{
  g_free (process->out);
  g_free (process->err);
}

JsonObject *
assert_json (const Process *process)
{
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (process->err, ==, "");
  g_assert_cmpint (process->status, ==, 0);
  root = json_from_string (process->out, &error);
  g_assert_no_error (error);
  g_assert_true (JSON_NODE_HOLDS_OBJECT (root));
  return json_object_ref (json_node_get_object (root));
}

void
assert_refused (const Process *process, const char *mention)
{
  const char *newline = strchr (process->err, '\n');

  g_assert_cmpint (process->status, ==, 1);
  g_assert_cmpstr (process->out, ==, "");
  /* One sentence, with its period, on one line. */
  if (!newline || newline[1] != 0 || newline == process->err || newline[-1] == ' ' || !strchr (".?", newline[-1]))
    g_error ("not one sentence: %s", process->err);
  if (!strstr (process->err, mention))
    g_error ("'%s' is not mentioned: %s", mention, process->err);
}

void
assert_said (const Process *process, const char *mention)
{
  g_assert_cmpstr (process->err, ==, "");
  g_assert_cmpint (process->status, ==, 0);
  if (!strstr (process->out, mention))
    g_error ("'%s' is not mentioned: %s", mention, process->out);
}

char *
model_path (const char *name)
{
  return g_build_filename (MODELS, name, NULL);
}

char *
scratch_path (const char *name)
{
  return g_build_filename (scratch, name, NULL);
}

void
scratch_create (void)
{
  g_autoptr (GError) error = NULL;

  scratch = g_dir_make_tmp ("pare-XXXXXX", &error);
  g_assert_no_error (error);
}

/* Fails when something was left behind, a temporary file for instance, that no test removed. */
void
scratch_remove (void)
{
  g_autoptr (GDir) folder = g_dir_open (scratch, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)))
    {
      g_autofree char *path = scratch_path (name);
      g_assert_false (g_str_has_prefix (name, "."));
      g_assert_cmpint (g_remove (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (scratch), ==, 0);
  g_clear_pointer (&scratch, g_free);
}

void
write_npy (const char *path, const char *shape, guint n)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *header = g_strdup_printf ("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", shape);
  guint16 length = 118;
  g_autofree char *padded = g_strdup_printf ("%-117s\n", header);

  g_byte_array_append (bytes, (const guint8 *)"\x93NUMPY\x01\x00", 8);
  length = GUINT16_TO_LE (length);
  g_byte_array_append (bytes, (const guint8 *)&length, 2);
  g_byte_array_append (bytes, (const guint8 *)padded, 118);
  for (guint i = 0; i < n; i++)
    {
      float number = (i % 11) / 8.0f;
      g_byte_array_append (bytes, (const guint8 *)&number, sizeof number);
    }
  g_file_set_contents (path, (const char *)bytes->data, bytes->len, &error);
  g_assert_no_error (error);
}
