/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Options and words of a subcommand's command line. */
#include "command.h"
#include "graph/memory.h"
#include <string.h>

#define MOST_OPTIONS 10

/* Which entry belongs to which flag; the entries point into @arguments. */
static void
fill_entries (PareArguments *arguments, PareTakes takes, GOptionEntry *entries)
{
  const struct
  {
    PareTakes flag;
    GOptionEntry entry;
  } all[] = {
    { 0, { "help", 'h', 0, G_OPTION_ARG_NONE, &arguments->help, "Show this page", NULL } },
    { PARE_TAKES_OUTPUT,
      { "output", 'o', 0, G_OPTION_ARG_FILENAME, &arguments->output, "File to write, replaced as a whole", "FILE" } },
    { PARE_TAKES_BATCH,
      { "batch", 0, 0, G_OPTION_ARG_INT64, &arguments->batch, "Samples at once, where the model leaves it open",
        "N" } },
    { PARE_TAKES_SIZE,
      { "size", 0, 0, G_OPTION_ARG_INT64, &arguments->size, "Any other size that the model leaves open (224)", "N" } },
    { PARE_TAKES_RUNS, { "runs", 0, 0, G_OPTION_ARG_INT, &arguments->runs, "Timed runs (20)", "N" } },
    { PARE_TAKES_THREADS,
      { "threads", 0, 0, G_OPTION_ARG_INT, &arguments->threads, "Threads to compute with (all cores)", "N" } },
    { PARE_TAKES_THREADS,
      { "max-memory", 0, 0, G_OPTION_ARG_STRING, &arguments->max_memory,
        "Memory that running a network may take, as 4G (7/8 of the machine's)", "SIZE" } },
    { PARE_TAKES_INTEGER,
      { "integer", 0, 0, G_OPTION_ARG_NONE, &arguments->integer, "Execute a quantized model on integers", NULL } },
    { PARE_TAKES_JSON,
      { "json", 0, 0, G_OPTION_ARG_NONE, &arguments->json, "Print one JSON object instead of text", NULL } },
  };
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (all[i].flag == 0 || takes & all[i].flag)
      entries[n++] = all[i].entry;
}

static GOptionContext *
context_new (const PareCommand *command, const GOptionEntry *entries)
{
  GOptionContext *context = g_option_context_new (NULL);

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, entries, NULL);
  return context;
}

/* -1 stands for "not given" until here. */
static gboolean
check_number (const char *option, gint64 *value, gint64 fallback, gint64 most, GError **error)
{
  if (*value == -1)
    *value = fallback;
  if (*value >= MIN (fallback, 1) && *value <= most)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "Option --%s takes a number from %d to %" G_GINT64_FORMAT ", not %" G_GINT64_FORMAT ".", option,
               (int)MIN (fallback, 1), most, *value);
  return FALSE;
}

static gboolean
check_numbers (PareArguments *arguments, GError **error)
{
  gint64 threads = arguments->threads, runs = arguments->runs;

  if (!check_number ("threads", &threads, 0, 1024, error) || !check_number ("runs", &runs, 20, 1000000, error)
      || !check_number ("batch", &arguments->batch, 1, 1 << 20, error)
      || !check_number ("size", &arguments->size, 224, 1 << 20, error))
    return FALSE;
  arguments->threads = threads;
  arguments->runs = runs;
  return TRUE;
}

/* The limit goes where elements look for it, too; threads that read the environment come later. */
static gboolean
limit_memory (const PareArguments *arguments, GError **error)
{
  if (!arguments->max_memory)
    return TRUE;
  if (!pare_memory_parse (arguments->max_memory, error))
    {
      g_prefix_error (error, "Option --max-memory: ");
      return FALSE;
    }
  return g_setenv (PARE_MEMORY_VARIABLE, arguments->max_memory, TRUE);
}

static gboolean
check_words (const PareArguments *arguments, const PareCommand *command, GError **error)
{
  if (arguments->n_words >= command->least && arguments->n_words <= command->most)
    return TRUE;
  if (arguments->n_words < command->least)
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "Something is missing: write 'pare %s %s'.", command->name,
                 command->words);
  else
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "'%s' is one word too many: write 'pare %s %s'.",
                 arguments->words[command->most], command->name, command->words);
  return FALSE;
}

gboolean
pare_arguments_parse (PareArguments *arguments, const PareCommand *command, char **argv, GError **error)
{
  GOptionEntry entries[MOST_OPTIONS] = { 0 };
  g_autoptr (GOptionContext) context = NULL;
  g_autoptr (GError) problem = NULL;
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  g_auto (GStrv) rest = g_strdupv (argv);
  gboolean only_words = FALSE;

  *arguments = (PareArguments){ .threads = -1, .batch = -1, .size = -1, .runs = -1 };
  fill_entries (arguments, command->takes, entries);
  context = context_new (command, entries);
  if (!g_option_context_parse_strv (context, &rest, &problem))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "%s: 'pare %s --help' lists the options.", problem->message,
                   command->name);
      return FALSE;
    }
  for (guint i = 1; rest[i]; i++)
    if (!only_words && g_str_equal (rest[i], "--"))
      only_words = TRUE;
    else
      g_strv_builder_add (words, rest[i]);
  arguments->words = g_strv_builder_end (words);
  arguments->n_words = g_strv_length (arguments->words);
  return arguments->help
         || (check_numbers (arguments, error) && limit_memory (arguments, error)
             && check_words (arguments, command, error));
}

void
pare_arguments_clear (PareArguments *arguments)
{
  g_clear_pointer (&arguments->words, g_strfreev);
  g_clear_pointer (&arguments->output, g_free);
  g_clear_pointer (&arguments->max_memory, g_free);
}

char *
pare_command_help (const PareCommand *command)
{
  PareArguments arguments;
  GOptionEntry entries[MOST_OPTIONS] = { 0 };
  g_autoptr (GOptionContext) context = NULL;
  g_autofree char *options = NULL;
  g_autofree char *parameters = command->parameters ? command->parameters () : NULL;
  GString *page;

  fill_entries (&arguments, command->takes, entries);
  context = context_new (command, entries);
  options = g_option_context_get_help (context, TRUE, NULL);
  /* GLib's usage line does not know the words: ours replaces it. */
  page = g_string_new (NULL);
  g_string_append_printf (page, "Usage: pare %s %s\n\n%s\n", command->name, command->words, command->summary);
  if (command->details)
    g_string_append_printf (page, "\n%s", command->details);
  if (parameters)
    g_string_append_printf (page, "\nParameters:\n%s", parameters);
  g_string_append (page, strstr (options, "\n\n") ? strstr (options, "\n\n") + 1 : options);
  return g_string_free (page, FALSE);
}
