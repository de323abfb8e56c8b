/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Reads XML files that may be hostile: bounded size, no network, no document type, no entities; and their includes.
 *
 * XInclude is resolved here rather than by libxml2: an included tree stays in its own document, so every node still
 * knows the file and line it came from, and only local files can ever be opened. */
#include "gst/pipeline-document.h"
#include "graph/error.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>

#define INCLUDE_NAMESPACE "http://www.w3.org/2001/XInclude"
#define LONGEST_FILE (1024 * 1024)
#define MOST_INCLUDES 64
#define DEEPEST_INCLUDE 8

struct _PipelineDocument
{
  GPtrArray *files; /* xmlDoc; the first is the main one */
};

static char *
read_bounded (const char *path, gsize *length, GError **error)
{
  g_autofree char *bytes = NULL;
  FILE *file = g_file_test (path, G_FILE_TEST_IS_DIR) ? (errno = EISDIR, NULL) : g_fopen (path, "rbe");

  if (!file)
    {
      pare_set_error_errno (error, "Cannot read pipeline", path);
      return NULL;
    }
  bytes = g_malloc (LONGEST_FILE + 1);
  *length = fread (bytes, 1, LONGEST_FILE + 1, file);
  fclose (file);
  if (*length > LONGEST_FILE)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "'%s' is longer than 1 MiB, which no pipeline description is; check the file name.", path);
      return NULL;
    }
  return g_steal_pointer (&bytes);
}

/* Called at <!DOCTYPE: stops before any entity is declared. */
static void
refuse_doctype (void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
  xmlParserCtxtPtr parser = context;

  *(int *)parser->_private = parser->input->line;
  xmlStopParser (parser);
}

static xmlDoc *
parse_file (const char *path, GError **error)
{
  gsize length;
  int doctype_line = 0;
  g_autofree char *bytes = read_bounded (path, &length, error);

  if (!bytes)
    return NULL;
  xmlParserCtxtPtr parser = xmlNewParserCtxt ();
  parser->_private = &doctype_line;
  parser->sax->internalSubset = refuse_doctype;
  xmlDoc *doc = xmlCtxtReadMemory (parser, bytes, length, NULL, NULL,
                                   XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES);
  if (doctype_line)
    gst_pare_place_error (error, (PipelinePlace){ path, doctype_line },
                          "A document type is not allowed in a pipeline description; remove the <!DOCTYPE>.");
  else if (!doc || !xmlDocGetRootElement (doc))
    {
      g_autofree char *reason = g_strdup (parser->lastError.message ? parser->lastError.message : "no element");
      gst_pare_place_error (error, (PipelinePlace){ path, MAX (parser->lastError.line, 1) },
                            "This is not well-formed XML: %s.", g_strchomp (reason));
    }
  else
    doc->_private = (void *)g_intern_string (path);
  if (doc && !doc->_private)
    g_clear_pointer (&doc, xmlFreeDoc);
  xmlFreeParserCtxt (parser);
  return doc;
}

/* The file that the xi:include @node names, relative to the file it stands in. */
static char *
include_path (xmlNode *node, GError **error)
{
  g_autofree char *href = gst_pare_xml_attribute (node, "href");
  g_autofree char *folder = g_path_get_dirname (node->doc->_private);
  g_autofree char *scheme = href ? g_uri_parse_scheme (href) : NULL;

  if (!href || !*href || scheme || strpbrk (href, "#?"))
    {
      gst_pare_place_error (error, gst_pare_xml_place (node),
                            "xi:include needs href=\"FILE\", the path of a local file; '%s' is not one.",
                            href ? href : "");
      return NULL;
    }
  return g_path_is_absolute (href) || g_str_equal (folder, ".") ? g_strdup (href)
                                                                : g_build_filename (folder, href, NULL);
}

static gboolean load_includes (PipelineDocument *document, xmlNode *node, guint depth, GError **error);

static gboolean
load_include (PipelineDocument *document, xmlNode *node, guint depth, GError **error)
{
  g_autofree char *path = include_path (node, error);

  if (!path)
    return FALSE;
  /* A file that includes itself, and fans of includes, both end here. */
  if (depth >= DEEPEST_INCLUDE || document->files->len > MOST_INCLUDES)
    {
      gst_pare_place_error (error, gst_pare_xml_place (node),
                            "Includes nest too deeply or are too many here; does '%s' include itself?", path);
      return FALSE;
    }
  xmlDoc *doc = parse_file (path, error);
  if (!doc)
    {
      PipelinePlace place = gst_pare_xml_place (node);
      g_prefix_error (error, "%s:%u: ", place.file, place.line);
      return FALSE;
    }
  g_ptr_array_add (document->files, doc);
  node->_private = xmlDocGetRootElement (doc);
  return load_includes (document, node->_private, depth + 1, error);
}

static gboolean
load_includes (PipelineDocument *document, xmlNode *node, guint depth, GError **error)
{
  if (gst_pare_xml_is_include (node))
    return load_include (document, node, depth, error);
  for (xmlNode *child = xmlFirstElementChild (node); child; child = xmlNextElementSibling (child))
    if (!load_includes (document, child, depth, error))
      return FALSE;
  return TRUE;
}

PipelineDocument *
gst_pare_document_load (const char *path, GError **error)
{
  g_autoptr (PipelineDocument) document = g_new0 (PipelineDocument, 1);
  xmlDoc *doc = parse_file (path, error);

  document->files = g_ptr_array_new_with_free_func ((GDestroyNotify)xmlFreeDoc);
  if (!doc)
    return NULL;
  g_ptr_array_add (document->files, doc);
  xmlNode *root = xmlDocGetRootElement (doc);
  if (!load_includes (document, root, 0, error) || !gst_pare_grammar_check (root, error))
    return NULL;
  return g_steal_pointer (&document);
}

void
gst_pare_document_free (PipelineDocument *document)
{
  g_ptr_array_unref (document->files);
  g_free (document);
}

xmlNode *
gst_pare_document_root (PipelineDocument *document)
{
  return xmlDocGetRootElement (document->files->pdata[0]);
}

gboolean
gst_pare_xml_is (const xmlNode *node, const char *name)
{
  return node->ns && g_str_equal (node->ns->href, GST_PARE_PIPELINE_NAMESPACE) && g_str_equal (node->name, name);
}

gboolean
gst_pare_xml_is_include (const xmlNode *node)
{
  return node->ns && g_str_equal (node->ns->href, INCLUDE_NAMESPACE) && g_str_equal (node->name, "include");
}

xmlNode *
gst_pare_xml_included (const xmlNode *include)
{
  return include->_private;
}

static void
collect_children (xmlNode *node, GPtrArray *children)
{
  for (xmlNode *child = xmlFirstElementChild (node); child; child = xmlNextElementSibling (child))
    {
      xmlNode *real = child;
      while (real && gst_pare_xml_is_include (real))
        real = gst_pare_xml_included (real);
      if (real && gst_pare_xml_is (real, "fragment"))
        collect_children (real, children);
      else if (real)
        g_ptr_array_add (children, real);
    }
}

GPtrArray *
gst_pare_xml_children (xmlNode *node)
{
  GPtrArray *children = g_ptr_array_new ();

  collect_children (node, children);
  return children;
}

char *
gst_pare_xml_attribute (xmlNode *node, const char *name)
{
  xmlChar *text = xmlGetNoNsProp (node, (const xmlChar *)name);
  char *copy = g_strdup ((const char *)text);

  xmlFree (text);
  return copy;
}

char *
gst_pare_xml_text (xmlNode *node)
{
  xmlChar *text = xmlNodeGetContent (node);
  char *copy = g_strdup ((const char *)text);

  xmlFree (text);
  return strchr (copy, '\n') ? g_strstrip (copy) : copy;
}

PipelinePlace
gst_pare_xml_place (const xmlNode *node)
{
  return (PipelinePlace){ node->doc->_private, xmlGetLineNo (node) };
}

void
gst_pare_place_error (GError **error, PipelinePlace place, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  if (place.line)
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "%s:%u: %s", place.file, place.line, message);
  else
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "%s: %s", place.file, message);
}

char *
gst_pare_did_you_mean (const char *word, const char *const *names)
{
  const char *nearest = pare_nearest_name (word, names);

  return nearest ? g_strdup_printf ("; did you mean '%s'?", nearest) : g_strdup (".");
}
