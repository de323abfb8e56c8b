/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Plays a pipeline to its end, and notices every other way in which it can stop. */
#include "progress.h"
#include "runner.h"
#include "graph/error.h"
#include <gio/gio.h>
#include <glib-unix.h>
#include <string.h>

/* Seconds without any running streaming thread before a pipeline counts as stuck. */
#define IDLE_LIMIT 3

typedef struct
{
  GstElement *pipeline;
  GMainLoop *loop;
  PareProgress *progress;
  PareMessageFunc message;
  gpointer user_data;
  guint idle; /* seconds */
  GError *error;
} Play;

static void
stop (Play *play, GError *error)
{
  /* The first error is the cause, the others its consequences. */
  if (play->error)
    g_clear_error (&error);
  else
    play->error = error;
  g_main_loop_quit (play->loop);
}

/* A flow error of GStreamer's base classes says nothing in its message: the element and the reason are elsewhere. */
static GError *
explain (GstMessage *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *debug = NULL;
  const char *reason;

  gst_message_parse_error (message, &error, &debug);
  reason = debug ? strstr (debug, "streaming stopped, reason") : NULL;
  if (!reason)
    return g_steal_pointer (&error);
  return g_error_new (error->domain, error->code, "Element '%s' failed: %s.", GST_MESSAGE_SRC_NAME (message), reason);
}

static void
on_element_message (Play *play, GstMessage *message)
{
  const GstStructure *structure = gst_message_get_structure (message);
  gint64 current = 0, total = 0;

  if (!gst_structure_has_name (structure, "progress"))
    {
      if (play->message && GST_IS_ELEMENT (GST_MESSAGE_SRC (message)))
        play->message (GST_ELEMENT (GST_MESSAGE_SRC (message)), structure, play->user_data);
      return;
    }
  gst_structure_get_int64 (structure, "current", &current);
  gst_structure_get_int64 (structure, "total", &total);
  pare_progress_update (play->progress, GST_MESSAGE_SRC_NAME (message), current, total);
}

static gboolean
on_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  Play *play = user_data;

  switch (GST_MESSAGE_TYPE (message))
    {
    case GST_MESSAGE_ERROR:
      stop (play, explain (message));
      break;
    case GST_MESSAGE_EOS:
      g_main_loop_quit (play->loop);
      break;
    case GST_MESSAGE_ELEMENT:
      on_element_message (play, message);
      break;
    default:
      break;
    }
  return G_SOURCE_CONTINUE;
}

static gboolean
on_signal (gpointer user_data)
{
  stop (user_data, g_error_new (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Interrupted: nothing more was written."));
  /* Whoever insists ends the process at once. */
  return G_SOURCE_REMOVE;
}

static void
find_running_pad (const GValue *item, gpointer user_data)
{
  gboolean *running = user_data;
  GstElement *element = g_value_get_object (item);

  GST_OBJECT_LOCK (element);
  for (GList *pad = element->pads; pad; pad = pad->next)
    if (gst_pad_get_task_state (pad->data) == GST_TASK_STARTED)
      *running = TRUE;
  GST_OBJECT_UNLOCK (element);
}

/* Whether any streaming thread of the pipeline still works or waits. */
static gboolean
is_streaming (GstElement *pipeline)
{
  gboolean running = FALSE;
  g_autoptr (GstIterator) elements = gst_bin_iterate_recurse (GST_BIN (pipeline));

  while (gst_iterator_foreach (elements, find_running_pad, &running) == GST_ITERATOR_RESYNC)
    gst_iterator_resync (elements);
  return running;
}

/* Once no streaming thread runs, nobody is left who could bring the end of the stream. */
static gboolean
on_second (gpointer user_data)
{
  Play *play = user_data;

  play->idle = is_streaming (play->pipeline) ? 0 : play->idle + 1;
  if (play->idle >= IDLE_LIMIT)
    stop (play, g_error_new (PARE_ERROR, PARE_ERROR_SETTINGS,
                             "The pipeline stopped before its end: link every branch from a source to a sink."));
  return G_SOURCE_CONTINUE;
}

static void
play_loop (Play *play)
{
  GMainContext *context = g_main_loop_get_context (play->loop);
  g_autoptr (GstBus) bus = gst_element_get_bus (play->pipeline);
  g_autoptr (GSource) interrupt = g_unix_signal_source_new (SIGINT);
  g_autoptr (GSource) terminate = g_unix_signal_source_new (SIGTERM);
  g_autoptr (GSource) second = g_timeout_source_new_seconds (1);
  g_autoptr (GSource) messages = gst_bus_create_watch (bus);

  g_source_set_callback (interrupt, on_signal, play, NULL);
  g_source_set_callback (terminate, on_signal, play, NULL);
  g_source_set_callback (second, on_second, play, NULL);
  g_source_set_callback (messages, G_SOURCE_FUNC (on_message), play, NULL);
  g_source_attach (interrupt, context);
  g_source_attach (terminate, context);
  g_source_attach (second, context);
  g_source_attach (messages, context);
  if (gst_element_set_state (play->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE)
    {
      /* The reason is on the bus. */
      while (!play->error && g_main_context_iteration (context, FALSE))
        ;
      stop (play, g_error_new (PARE_ERROR, PARE_ERROR_SETTINGS, "The pipeline could not be started."));
    }
  else
    g_main_loop_run (play->loop);
  gst_element_set_state (play->pipeline, GST_STATE_NULL);
  g_source_destroy (interrupt);
  g_source_destroy (terminate);
  g_source_destroy (second);
  g_source_destroy (messages);
}

gboolean
pare_pipeline_play (GstElement *pipeline, PareMessageFunc message, gpointer user_data, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (PareProgress) progress = pare_progress_new ();
  Play play = { pipeline, loop, progress, message, user_data, 0, NULL };

  if (!pare_pipeline_check (pipeline, error))
    return FALSE;
  play_loop (&play);
  if (!play.error)
    return TRUE;
  g_propagate_error (error, play.error);
  return FALSE;
}
