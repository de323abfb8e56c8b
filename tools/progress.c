/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Progress bars: a block of lines that is redrawn in place. */
#include "progress.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR_WIDTH 30

typedef struct
{
  char *name;
  gint64 current, total;
  gint64 begun; /* microseconds */
} Bar;

struct _PareProgress
{
  gboolean terminal;
  guint lines; /* on the screen */
  GArray *bars;
};

static void
bar_clear (gpointer data)
{
  g_free (((Bar *)data)->name);
}

PareProgress *
pare_progress_new (void)
{
  PareProgress *progress = g_new0 (PareProgress, 1);

  progress->terminal = isatty (STDERR_FILENO) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
  progress->bars = g_array_new (FALSE, TRUE, sizeof (Bar));
  g_array_set_clear_func (progress->bars, bar_clear);
  return progress;
}

void
pare_progress_free (PareProgress *progress)
{
  g_array_unref (progress->bars);
  g_free (progress);
}

static Bar *
find_bar (PareProgress *progress, const char *name)
{
  Bar bar = { .begun = g_get_monotonic_time () };

  for (guint i = 0; i < progress->bars->len; i++)
    if (strcmp (g_array_index (progress->bars, Bar, i).name, name) == 0)
      return &g_array_index (progress->bars, Bar, i);
  bar.name = g_strdup (name);
  g_array_append_val (progress->bars, bar);
  return &g_array_index (progress->bars, Bar, progress->bars->len - 1);
}

/* "calibrator  [########......] 256 of 512, 3 s" */
static void
draw_bar (const Bar *bar)
{
  char drawing[BAR_WIDTH + 1];
  double share = bar->total > 0 ? CLAMP ((double)bar->current / bar->total, 0, 1) : 0;
  gint64 seconds = (g_get_monotonic_time () - bar->begun) / G_USEC_PER_SEC;

  for (guint i = 0; i < BAR_WIDTH; i++)
    drawing[i] = i < share * BAR_WIDTH ? '#' : '.';
  drawing[BAR_WIDTH] = 0;
  fprintf (stderr, "\r%-20.20s [%s] %" G_GINT64_FORMAT, bar->name, drawing, bar->current);
  if (bar->total > 0)
    fprintf (stderr, " of %" G_GINT64_FORMAT, bar->total);
  fprintf (stderr, ", %" G_GINT64_FORMAT " s\033[K\n", seconds);
}

void
pare_progress_update (PareProgress *progress, const char *name, gint64 current, gint64 total)
{
  Bar *bar;

  if (!progress->terminal)
    return;
  bar = find_bar (progress, name);
  bar->current = current;
  bar->total = total;
  if (progress->lines > 0)
    fprintf (stderr, "\033[%uA", progress->lines);
  for (guint i = 0; i < progress->bars->len; i++)
    draw_bar (&g_array_index (progress->bars, Bar, i));
  progress->lines = progress->bars->len;
  fflush (stderr);
}
