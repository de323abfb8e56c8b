/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The pare command: finds the subcommand and reports how it ended. */
#include "commands.h"
#include "graph/named.h"
#include <gio/gio.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const PareCommand *const commands[] = { PARE_COMMANDS };

static const PareCommand *
find_command (const char *name, GError **error)
{
  const char *names[G_N_ELEMENTS (commands) + 1] = { NULL };

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      if (strcmp (commands[i]->name, name) == 0)
        return commands[i];
      names[i] = commands[i]->name;
    }
  pare_set_error_unknown (error, "command", name, names, "'pare --help' lists them");
  return NULL;
}

static void
print_overview (void)
{
  g_print ("Usage: pare COMMAND ...\n\nMakes trained networks smaller and faster.\n\nCommands:\n");
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    g_print ("  %-9s %s\n", commands[i]->name, commands[i]->summary);
  g_print ("\n'pare COMMAND --help' tells more. Exit status: 0 when all went well, 130 when interrupted, else 1.\n");
}

static gboolean
run_command (char **argv, GError **error)
{
  const PareCommand *command = find_command (argv[0], error);
  g_auto (PareArguments) arguments = { 0 };

  if (!command || !pare_arguments_parse (&arguments, command, argv, error))
    return FALSE;
  if (arguments.help && command->help && arguments.n_words > 0)
    return command->help (&arguments, error);
  if (arguments.help)
    {
      g_autofree char *help = pare_command_help (command);
      g_print ("%s", help);
      return TRUE;
    }
  return command->run (&arguments, error);
}

/* Output that did not reach its file or pipe is a failure as well. */
static gboolean
flush_output (GError **error)
{
  if (fflush (stdout) == 0 && !ferror (stdout))
    return TRUE;
  pare_set_error_errno (error, "Cannot write", "standard output");
  return FALSE;
}

/* Between parallel loops OpenMP's threads wait by spinning, by default so long that on a busy machine (decoders, other
 * jobs) they take the time from those that work: measured 20 times slower. The limit is read when the process
 * starts, hence the second start. */
static void
limit_spinning (char **argv)
{
  if (g_getenv ("GOMP_SPINCOUNT") || g_getenv ("OMP_WAIT_POLICY"))
    return;
  g_setenv ("GOMP_SPINCOUNT", "10000", TRUE);
  execv ("/proc/self/exe", argv); /* when it fails, it is merely slower */
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  limit_spinning (argv);
  setlocale (LC_ALL, "");
  /* Numbers are read and written the same everywhere. */
  setlocale (LC_NUMERIC, "C");
  g_set_prgname ("pare");
  if (argc < 2)
    g_set_error (&error, PARE_ERROR, PARE_ERROR_SETTINGS, "Say what to do: 'pare --help' lists the commands.");
  else if (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h") || g_str_equal (argv[1], "help"))
    print_overview ();
  else if (g_str_equal (argv[1], "--version"))
    g_print ("pare %s\n", PARE_VERSION);
  else
    run_command (argv + 1, &error);
  if (!error)
    flush_output (&error);
  if (!error)
    return EXIT_SUCCESS;
  g_printerr ("pare: %s\n", error->message);
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ? 130 : EXIT_FAILURE;
}
