/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/error.h"
#include <glib.h>

G_BEGIN_DECLS

/* The options that commands share; each command says which of them it takes. */
typedef enum
{
  PARE_TAKES_JSON = 1 << 0,
  PARE_TAKES_THREADS = 1 << 1, /* and --max-memory, for all that compute */
  PARE_TAKES_BATCH = 1 << 2,
  PARE_TAKES_SIZE = 1 << 3,
  PARE_TAKES_RUNS = 1 << 4,
  PARE_TAKES_OUTPUT = 1 << 5,
  PARE_TAKES_INTEGER = 1 << 6,
} PareTakes;

/**
 * PareArguments:
 * @words: what is not an option, NULL-terminated: names, files and NAME=VALUE pairs
 * @n_words: their number
 *
 * A parsed command line, after the command's name.
 */
typedef struct
{
  char **words;
  guint n_words;
  gboolean help;
  gboolean json;
  gboolean integer;
  int threads;
  gint64 batch;
  gint64 size;
  int runs;
  char *output;
  char *max_memory; /* as written; it is in force when the command runs */
} PareArguments;

/**
 * PareCommand:
 * @name: what follows `pare`
 * @words: its words, for the usage line
 * @summary: one line for the overview
 * @details: more for its own help, or NULL
 * @parameters: help lines for its NAME=VALUE words, or NULL
 * @takes: its options
 * @least: how many words it needs
 * @most: how many it understands
 * @run: does it. An error is one sentence that says what to do
 * @help: prints more help about the given words (a recipe's parameters), or NULL
 *
 * A subcommand. One file each.
 */
typedef struct
{
  const char *name;
  const char *words;
  const char *summary;
  const char *details;
  char *(*parameters) (void);
  PareTakes takes;
  guint least;
  guint most;
  gboolean (*run) (const PareArguments *arguments, GError **error);
  gboolean (*help) (const PareArguments *arguments, GError **error);
} PareCommand;

/* Parses @argv, which starts with the command's name, by the options that @command takes. */
gboolean pare_arguments_parse (PareArguments *arguments, const PareCommand *command, char **argv, GError **error);
void pare_arguments_clear (PareArguments *arguments);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (PareArguments, pare_arguments_clear)
/* The help page of @command. */
char *pare_command_help (const PareCommand *command);

G_END_DECLS
