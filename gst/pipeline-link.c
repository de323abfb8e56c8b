/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Links two elements as a description says, at once or as soon as a pad appears, and says why when that fails. */
#include "gst/pipeline-description.h"
#include <string.h>

/* A link that waits for a pad of its source (decodebin makes pads when it knows the stream). */
typedef struct
{
  GstElement *to; /* in the same pipeline as the source, so it lives as long */
  char *from_pad;
  char *to_pad;
  char *label;
  gint done;
} WaitingLink;

static void
waiting_link_clear (gpointer data)
{
  WaitingLink *waiting = data;

  g_free (waiting->from_pad);
  g_free (waiting->to_pad);
  g_free (waiting->label);
}

static void
waiting_link_release (gpointer data, GClosure *closure)
{
  g_atomic_rc_box_release_full (data, waiting_link_clear);
}

static void
link_new_pad (GstElement *from, GstPad *pad, gpointer data)
{
  WaitingLink *waiting = data;

  if (gst_pad_get_direction (pad) != GST_PAD_SRC || g_atomic_int_get (&waiting->done))
    return;
  if (waiting->from_pad && !g_str_equal (waiting->from_pad, GST_PAD_NAME (pad)))
    return;
  if (gst_element_link_pads (from, GST_PAD_NAME (pad), waiting->to, waiting->to_pad))
    g_atomic_int_set (&waiting->done, TRUE);
}

static void
complain_without_pad (GstElement *from, gpointer data)
{
  WaitingLink *waiting = data;

  if (!g_atomic_int_get (&waiting->done))
    GST_ELEMENT_ERROR (
        from, CORE, NEGOTIATION,
        ("%s: '%s' made no pad that fits '%s'.", waiting->label, GST_OBJECT_NAME (from), GST_OBJECT_NAME (waiting->to)),
        (NULL));
}

static void
link_later (const PipelineLink *link, GstElement *from, GstElement *to, const char *to_pad)
{
  WaitingLink *waiting = g_atomic_rc_box_new0 (WaitingLink);

  waiting->to = to;
  waiting->from_pad = g_strdup (link->from.pad);
  waiting->to_pad = g_strdup (to_pad);
  waiting->label = g_strdup_printf ("%s:%u", link->place.file, link->place.line);
  g_signal_connect_data (from, "pad-added", G_CALLBACK (link_new_pad), waiting, waiting_link_release, 0);
  g_signal_connect_data (from, "no-more-pads", G_CALLBACK (complain_without_pad), g_atomic_rc_box_acquire (waiting),
                         waiting_link_release, 0);
}

/* Could the template called @pattern ("src_%u") make a pad called @name? */
static gboolean
template_fits (const char *pattern, const char *name)
{
  const char *percent = strchr (pattern, '%');

  return percent ? strncmp (pattern, name, percent - pattern) == 0 : g_str_equal (pattern, name);
}

/* A template of @object for @direction and @name (NULL: any) with one of the presences in @presences (bits). */
static gboolean
has_template (GstElement *object, GstPadDirection direction, const char *name, guint presences)
{
  const GList *item = gst_element_class_get_pad_template_list (GST_ELEMENT_GET_CLASS (object));

  for (; item; item = item->next)
    {
      GstPadTemplate *template = item->data;
      if (GST_PAD_TEMPLATE_DIRECTION (template) == direction && presences & (1u << GST_PAD_TEMPLATE_PRESENCE (template))
          && (!name || template_fits (GST_PAD_TEMPLATE_NAME_TEMPLATE (template), name)))
        return TRUE;
    }
  return FALSE;
}

#define MADE_LATER (1u << GST_PAD_SOMETIMES)
#define MADE_NOW (1u << GST_PAD_REQUEST)

/* The names by which a pad of @object can be asked for. */
static GPtrArray *
list_pad_names (GstElement *object, GstPadDirection direction)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  const GList *item = direction == GST_PAD_SRC ? object->srcpads : object->sinkpads;

  for (; item; item = item->next)
    g_ptr_array_add (names, gst_pad_get_name (item->data));
  for (item = gst_element_class_get_pad_template_list (GST_ELEMENT_GET_CLASS (object)); item; item = item->next)
    {
      GstPadTemplate *template = item->data;
      if (GST_PAD_TEMPLATE_DIRECTION (template) == direction && GST_PAD_TEMPLATE_PRESENCE (template) != GST_PAD_ALWAYS)
        g_ptr_array_add (names, g_strdup (GST_PAD_TEMPLATE_NAME_TEMPLATE (template)));
    }
  g_ptr_array_add (names, NULL);
  return names;
}

/* Refuses a pad that @object does not have, or that is linked already. */
static gboolean
check_pad (GstElement *object, GstPadDirection direction, const char *name, PipelinePlace place, GError **error)
{
  const char *way = direction == GST_PAD_SRC ? "source" : "sink";
  g_autoptr (GstPad) pad = name ? gst_element_get_static_pad (object, name) : NULL;

  if (pad && gst_pad_get_direction (pad) == direction)
    {
      if (!gst_pad_is_linked (pad))
        return TRUE;
      gst_pare_place_error (error, place, "The pad '%s.%s' is linked already.", GST_OBJECT_NAME (object), name);
      return FALSE;
    }
  if (!pad && name && has_template (object, direction, name, MADE_NOW | (direction == GST_PAD_SRC ? MADE_LATER : 0)))
    return TRUE;
  g_autoptr (GPtrArray) names = list_pad_names (object, direction);
  if (!name && names->len > 1)
    return TRUE;
  if (!name)
    gst_pare_place_error (error, place, "'%s' has no %s pad to link.", GST_OBJECT_NAME (object), way);
  else
    {
      g_autofree char *hint = gst_pare_did_you_mean (name, (const char *const *)names->pdata);
      gst_pare_place_error (error, place, "'%s' has no %s pad '%s'%s", GST_OBJECT_NAME (object), way, name, hint);
    }
  return FALSE;
}

/* The media types that @object can have on its pads of one direction: the short form of its caps. */
static char *
describe_media (GstElement *object, GstPadDirection direction)
{
  g_autoptr (GString) media = g_string_new (NULL);
  const GList *item = gst_element_class_get_pad_template_list (GST_ELEMENT_GET_CLASS (object));

  for (; item; item = item->next)
    {
      GstPadTemplate *template = item->data;
      GstCaps *caps = GST_PAD_TEMPLATE_CAPS (template);
      if (GST_PAD_TEMPLATE_DIRECTION (template) != direction)
        continue;
      if (gst_caps_is_any (caps) && !media->len)
        g_string_append (media, "anything");
      for (guint i = 0; i < gst_caps_get_size (caps); i++)
        {
          const char *name = gst_structure_get_name (gst_caps_get_structure (caps, i));
          if (!strstr (media->str, name))
            g_string_append_printf (media, "%s%s", media->len ? " or " : "", name);
        }
    }
  return g_string_free (g_steal_pointer (&media), FALSE);
}

static gboolean
has_free_pad (GstElement *object, GstPadDirection direction, const char *name)
{
  const GList *item = direction == GST_PAD_SRC ? object->srcpads : object->sinkpads;

  for (; item; item = item->next)
    if (!gst_pad_is_linked (item->data) && (!name || g_str_equal (name, GST_PAD_NAME (item->data))))
      return TRUE;
  return has_template (object, direction, name, MADE_NOW | MADE_LATER);
}

static void
explain_failure (const PipelineLink *link, GstElement *from, GstElement *to, GError **error)
{
  gboolean from_free = has_free_pad (from, GST_PAD_SRC, link->from.pad);

  if (!from_free || !has_free_pad (to, GST_PAD_SINK, link->to.pad))
    gst_pare_place_error (error, link->place,
                          "'%s' cannot be linked to '%s': every fitting pad of '%s' is linked already.",
                          GST_OBJECT_NAME (from), GST_OBJECT_NAME (to), GST_OBJECT_NAME (from_free ? to : from));
  else
    {
      g_autofree char *given = describe_media (from, GST_PAD_SRC);
      g_autofree char *taken = describe_media (to, GST_PAD_SINK);
      gst_pare_place_error (error, link->place, "'%s' cannot be linked to '%s'%s%s: one gives %s, the other takes %s.",
                            GST_OBJECT_NAME (from), GST_OBJECT_NAME (to), link->caps ? " with the caps " : "",
                            link->caps ? link->caps : "", given, taken);
    }
}

/* The capsfilter for a link with caps, beside @from and linked to @to. */
static GstElement *
make_filter (const PipelineLink *link, GstElement *from, GstElement *to, GError **error)
{
  g_autoptr (GstCaps) caps = gst_caps_from_string (link->caps);
  GstElement *filter = caps ? gst_element_factory_make ("capsfilter", NULL) : NULL;

  if (!filter)
    {
      gst_pare_place_error (error, link->place, "'%s' are no caps; write TYPE/SUBTYPE, field=value, ...", link->caps);
      return NULL;
    }
  g_object_set (filter, "caps", caps, NULL);
  gst_bin_add (GST_BIN (GST_OBJECT_PARENT (from)), filter);
  if (gst_element_link_pads (filter, "src", to, link->to.pad))
    return filter;
  explain_failure (link, from, to, error);
  return NULL;
}

gboolean
gst_pare_link_make (const PipelineLink *link, GstElement *from, GstElement *to, GError **error)
{
  GstElement *next = to;
  const char *next_pad = link->to.pad;

  if (!check_pad (from, GST_PAD_SRC, link->from.pad, link->place, error)
      || !check_pad (to, GST_PAD_SINK, link->to.pad, link->place, error))
    return FALSE;
  if (link->caps)
    {
      next_pad = "sink";
      if (!(next = make_filter (link, from, to, error)))
        return FALSE;
    }
  if (gst_element_link_pads (from, link->from.pad, next, next_pad))
    return TRUE;
  g_autoptr (GstPad) present = link->from.pad ? gst_element_get_static_pad (from, link->from.pad) : NULL;
  if (!present && has_template (from, GST_PAD_SRC, link->from.pad, MADE_LATER))
    {
      link_later (link, from, next, next_pad);
      return TRUE;
    }
  if (next != to)
    gst_element_unlink (next, to); /* or its pad would look taken */
  explain_failure (link, from, to, error);
  return FALSE;
}
