/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Gives an XML document its meaning: fills in the parameters and collects elements, bins, chains and links. */
#include "gst/pipeline-description.h"
#include "gst/pipeline-parameters.h"
#include "graph/error.h"
#include "gst/pipeline.h"
#include <string.h>

typedef struct
{
  PipelineDescription *description;
  PipelineParameters *parameters;
} Reader;

/* Properties that hold the path of a file: written out in a description, they are relative to it. */
static const char *const path_properties[] = { "location", "labels", "record", NULL };

/* The attribute @name, parameters filled in; TRUE with *@text NULL when it is absent. */
static gboolean
read_attribute (Reader *reader, xmlNode *node, const char *name, char **text, GError **error)
{
  g_autofree char *written = gst_pare_xml_attribute (node, name);

  *text
      = written ? gst_pare_parameters_substitute (reader->parameters, gst_pare_xml_place (node), written, error) : NULL;
  return !written || *text;
}

/* "id" or "id.pad". */
static gboolean
read_end (Reader *reader, xmlNode *node, const char *attribute, PipelineEnd *end, GError **error)
{
  g_autofree char *text = NULL;

  if (!read_attribute (reader, node, attribute, &text, error))
    return FALSE;
  char *dot = strchr (text, '.');
  if (dot && dot[1])
    end->pad = g_strdup (dot + 1);
  end->id = dot ? g_strndup (text, dot - text) : g_steal_pointer (&text);
  return TRUE;
}

static char *
read_text (Reader *reader, xmlNode *node, GError **error)
{
  g_autofree char *written = gst_pare_xml_text (node);

  return gst_pare_parameters_substitute (reader->parameters, gst_pare_xml_place (node), written, error);
}

static gboolean
read_property (Reader *reader, PipelineElement *element, xmlNode *node, GError **error)
{
  PipelinePlace place = gst_pare_xml_place (node);
  g_autofree char *name = gst_pare_xml_attribute (node, "name");
  g_autofree char *written = gst_pare_xml_text (node);
  g_autofree char *text = read_text (reader, node, error);

  if (!text)
    return FALSE;
  for (guint i = 0; i < element->properties->len; i++)
    if (g_str_equal (((PipelineProperty *)element->properties->pdata[i])->name, name))
      {
        gst_pare_place_error (error, place, "The property '%s' is set twice.", name);
        return FALSE;
      }
  if (g_strv_contains (path_properties, name) && !strstr (written, "${"))
    {
      g_autofree char *beside = gst_pare_path_beside (place.file, text);
      gst_pare_element_set (element, name, beside, place);
    }
  else
    gst_pare_element_set (element, name, text, place);
  return TRUE;
}

static PipelineElement *
read_element (Reader *reader, PipelineElement *parent, xmlNode *node, GError **error)
{
  g_autofree char *factory = NULL;
  g_autoptr (GPtrArray) children = gst_pare_xml_children (node);

  if (!read_attribute (reader, node, "factory", &factory, error))
    return NULL;
  PipelineElement *element = gst_pare_description_add_element (reader->description, factory, gst_pare_xml_place (node));
  element->parent = parent;
  if (!read_attribute (reader, node, "id", &element->id, error)
      || !read_attribute (reader, node, "preset", &element->preset, error))
    return NULL;
  for (guint i = 0; i < children->len; i++)
    {
      int wanted = gst_pare_parameters_wanted (reader->parameters, children->pdata[i], error);
      if (wanted < 0 || (wanted && !read_property (reader, element, children->pdata[i], error)))
        return NULL;
    }
  return element;
}

static gboolean
read_link (Reader *reader, xmlNode *node, GError **error)
{
  PipelineLink *link = gst_pare_description_add_link (reader->description, gst_pare_xml_place (node));

  return read_end (reader, node, "from", &link->from, error) && read_end (reader, node, "to", &link->to, error)
         && read_attribute (reader, node, "caps", &link->caps, error);
}

static gboolean
read_ghost (Reader *reader, PipelineElement *bin, xmlNode *node, GError **error)
{
  PipelineGhost *ghost = g_new0 (PipelineGhost, 1);

  g_ptr_array_add (bin->ghosts, ghost);
  ghost->place = gst_pare_xml_place (node);
  if (!read_attribute (reader, node, "name", &ghost->name, error)
      || !read_end (reader, node, "pad", &ghost->inner, error))
    return FALSE;
  if (!ghost->inner.pad)
    gst_pare_place_error (error, ghost->place, "The ghost pad '%s' needs pad=\"id.pad\".", ghost->name);
  return ghost->inner.pad != NULL;
}

static gboolean read_pieces (Reader *reader, PipelineElement *parent, xmlNode *node, GError **error);

static PipelineElement *
read_bin (Reader *reader, PipelineElement *parent, xmlNode *node, GError **error)
{
  PipelineElement *bin = gst_pare_description_add_element (reader->description, NULL, gst_pare_xml_place (node));

  bin->parent = parent;
  if (!read_attribute (reader, node, "id", &bin->id, error) || !read_pieces (reader, bin, node, error))
    return NULL;
  return bin;
}

/* One thing in a chain, as the end of a link. Elements and bins are added; a reference stays a name for now. */
static gboolean
read_stop (Reader *reader, PipelineElement *parent, xmlNode *node, PipelineEnd *end, GError **error)
{
  if (gst_pare_xml_is (node, "ref"))
    return read_end (reader, node, "to", end, error);
  end->element = gst_pare_xml_is (node, "bin") ? read_bin (reader, parent, node, error)
                                               : read_element (reader, parent, node, error);
  return end->element != NULL;
}

static PipelineEnd
copy_end (const PipelineEnd *end)
{
  return (PipelineEnd){ g_strdup (end->id), g_strdup (end->pad), end->element };
}

static gboolean
chain_error (xmlNode *node, const char *message, GError **error)
{
  gst_pare_place_error (error, gst_pare_xml_place (node), "%s", message);
  return FALSE;
}

/* Links what is wanted in the chain one to the next; pieces that `when` leaves out are stepped over. */
static gboolean
link_chain (Reader *reader, PipelineElement *parent, GPtrArray *nodes, PipelineEnd *last, GError **error)
{
  g_autofree char *caps = NULL;

  for (guint i = 0; i < nodes->len; i++)
    {
      xmlNode *node = nodes->pdata[i];
      if (gst_pare_xml_is (node, "caps"))
        {
          if (i == 0 || i + 1 == nodes->len || caps)
            return chain_error (node, "<caps> must stand between two elements of a chain.", error);
          if (!(caps = read_text (reader, node, error)))
            return FALSE;
          continue;
        }
      PipelineEnd end = { NULL };
      PipelineLink *link = i ? gst_pare_description_add_link (reader->description, gst_pare_xml_place (node)) : NULL;
      gboolean good = read_stop (reader, parent, node, &end, error);
      if (link)
        {
          link->from = copy_end (last);
          link->to = copy_end (&end);
          link->caps = g_steal_pointer (&caps);
        }
      gst_pare_end_clear (last);
      *last = end;
      if (good && end.pad && i && i + 1 < nodes->len)
        good = chain_error (node, "Only the first and the last <ref> of a chain may name a pad.", error);
      if (!good)
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_chain (Reader *reader, PipelineElement *parent, xmlNode *node, GError **error)
{
  g_autoptr (GPtrArray) children = gst_pare_xml_children (node);
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  PipelineEnd last = { NULL };

  for (guint i = 0; i < children->len; i++)
    {
      int wanted = gst_pare_parameters_wanted (reader->parameters, children->pdata[i], error);
      if (wanted < 0)
        return FALSE;
      if (wanted)
        g_ptr_array_add (nodes, children->pdata[i]);
    }
  gboolean good = link_chain (reader, parent, nodes, &last, error);
  gst_pare_end_clear (&last);
  return good;
}

static gboolean
read_piece (Reader *reader, PipelineElement *parent, xmlNode *node, GError **error)
{
  if (gst_pare_xml_is (node, "element"))
    return read_element (reader, parent, node, error) != NULL;
  if (gst_pare_xml_is (node, "chain"))
    return read_chain (reader, parent, node, error);
  if (gst_pare_xml_is (node, "link"))
    return read_link (reader, node, error);
  if (gst_pare_xml_is (node, "bin"))
    return read_bin (reader, parent, node, error) != NULL;
  if (gst_pare_xml_is (node, "ghost"))
    return read_ghost (reader, parent, node, error);
  return TRUE; /* <param> was read before */
}

static gboolean
read_pieces (Reader *reader, PipelineElement *parent, xmlNode *node, GError **error)
{
  g_autoptr (GPtrArray) children = gst_pare_xml_children (node);

  for (guint i = 0; i < children->len; i++)
    {
      int wanted = gst_pare_parameters_wanted (reader->parameters, children->pdata[i], error);
      if (wanted < 0 || (wanted && !read_piece (reader, parent, children->pdata[i], error)))
        return FALSE;
    }
  return TRUE;
}

/* The "element.property=value" among @assignments. */
static gboolean
override_properties (PipelineDescription *description, const char *const *assignments, GError **error)
{
  for (; assignments && *assignments; assignments++)
    {
      const char *value;
      g_autofree char *left = NULL;
      PipelinePlace place = { g_intern_string (*assignments), 0 };
      if (!gst_pare_assignment_split (*assignments, &left, &value, error))
        return FALSE;
      char *dot = strchr (left, '.');
      if (!dot)
        continue;
      *dot = '\0';
      PipelineElement *element = gst_pare_description_find (description, left, place, error);
      if (!element)
        return FALSE;
      gst_pare_element_set (element, dot + 1, value, place);
    }
  return TRUE;
}

PipelineDescription *
gst_pare_description_read (const char *path, const char *const *assignments, GError **error)
{
  g_autoptr (PipelineDocument) document = gst_pare_document_load (path, error);
  xmlNode *root = document ? gst_pare_document_root (document) : NULL;
  g_autoptr (PipelineParameters) parameters = root ? gst_pare_parameters_new (root, error) : NULL;
  g_autoptr (PipelineDescription) description = gst_pare_description_new ();
  Reader reader = { description, parameters };

  if (!parameters || !gst_pare_parameters_assign (parameters, assignments, error)
      || !read_pieces (&reader, NULL, root, error) || !gst_pare_description_resolve (description, error)
      || !override_properties (description, assignments, error))
    return NULL;
  if (!description->elements->len)
    {
      gst_pare_place_error (error, gst_pare_xml_place (root), "This pipeline has no elements.");
      return NULL;
    }
  return g_steal_pointer (&description);
}

static void
clear_parameter (gpointer data)
{
  GstPareParameter *parameter = data;

  g_free (parameter->name);
  g_free (parameter->type);
  g_free (parameter->fallback);
  g_free (parameter->doc);
}

GArray *
gst_pare_pipeline_parameters (const char *path, char **doc, GError **error)
{
  g_autoptr (PipelineDocument) document = gst_pare_document_load (path, error);
  xmlNode *root = document ? gst_pare_document_root (document) : NULL;
  g_autoptr (PipelineParameters) parameters = root ? gst_pare_parameters_new (root, error) : NULL;

  if (!parameters)
    return NULL;
  GArray *described = gst_pare_parameters_describe (parameters);
  g_array_set_clear_func (described, clear_parameter);
  if (doc)
    *doc = gst_pare_xml_attribute (root, "doc");
  return described;
}

GstElement *
gst_pare_pipeline_load (const char *path, const char *const *assignments, GError **error)
{
  g_autoptr (PipelineDescription) description = gst_pare_description_read (path, assignments, error);

  return description ? gst_pare_description_build (description, error) : NULL;
}

char *
gst_pare_pipeline_to_launch (const char *path, const char *const *assignments, GError **error)
{
  g_autoptr (PipelineDescription) description = gst_pare_description_read (path, assignments, error);
  g_autoptr (GstElement) pipeline = description ? gst_pare_description_build (description, error) : NULL;

  if (!pipeline)
    return NULL;
  gst_object_ref_sink (pipeline);
  return gst_pare_description_print_launch (description);
}

char *
gst_pare_pipeline_from_launch (const char *launch, GError **error)
{
  g_autoptr (PipelineDescription) description = gst_pare_description_parse_launch (launch, error);

  return description ? gst_pare_description_print_xml (description) : NULL;
}
