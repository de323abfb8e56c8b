/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How much memory running networks may take: asked before anything large is allocated. */
#include "graph/memory.h"
#include "graph/error.h"
#include <string.h>
#include <unistd.h>

guint64
pare_memory_parse (const char *text, GError **error)
{
  static const char units[] = "KMGT";
  char *end = NULL;
  double number = g_ascii_strtod (text, &end);
  const char *unit = *end ? strchr (units, g_ascii_toupper (*end)) : NULL;

  if (unit)
    {
      number *= (double)(G_GUINT64_CONSTANT (1) << (10 * (unit - units + 1)));
      end++;
    }
  if (end != text && !*end && number >= 1 && number < 9e18)
    return number;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
               "'%s' is no amount of memory: write a number of bytes, or one with K, M, G or T behind it, as in 4G.",
               text);
  return 0;
}

/* What the control group of the process, as containers have one, may use; G_MAXUINT64 when nothing limits it. */
static guint64
group_memory (void)
{
  g_autofree char *text = NULL;
  guint64 bytes;

  if (!g_file_get_contents ("/sys/fs/cgroup/memory.max", &text, NULL, NULL))
    return G_MAXUINT64;
  g_strchomp (text);
  return g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT64, &bytes, NULL) ? bytes : G_MAXUINT64;
}

static gpointer
usual_limit (gpointer unused)
{
  guint64 memory = (guint64)sysconf (_SC_PHYS_PAGES) * sysconf (_SC_PAGESIZE);

  memory = MIN (memory, group_memory ());
  memory -= memory / 8;
  return g_memdup2 (&memory, sizeof memory);
}

guint64
pare_memory_limit (GError **error)
{
  static GOnce usual = G_ONCE_INIT;
  const char *text = g_getenv (PARE_MEMORY_VARIABLE);
  guint64 bytes = text ? pare_memory_parse (text, error) : *(guint64 *)g_once (&usual, usual_limit, NULL);

  if (!bytes)
    g_prefix_error (error, "%s: ", PARE_MEMORY_VARIABLE);
  return bytes;
}

gboolean
pare_memory_affords (guint64 bytes, const char *what, const char *advice, GError **error)
{
  GError *problem = NULL;
  guint64 limit = pare_memory_limit (&problem);
  g_autofree char *size = g_format_size_full (bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *most = g_format_size_full (limit, G_FORMAT_SIZE_IEC_UNITS);

  if (problem)
    g_propagate_error (error, problem);
  else if (bytes > limit)
    g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                 "%s takes %s of memory, and %s may be used: %s, or allow more with --max-memory or %s.", what, size,
                 most, advice, PARE_MEMORY_VARIABLE);
  return !problem && bytes <= limit;
}
