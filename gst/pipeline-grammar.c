/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The structure of a pipeline description as a table, the friendly twin of pipeline.rng. */
#include "gst/pipeline-document.h"
#include <string.h>

#define LIST(...)                                                                                                      \
  (const char *const[]) { __VA_ARGS__, NULL }
#define NONE                                                                                                           \
  (const char *const[]) { NULL }

typedef struct
{
  const char *name;
  const char *const *required;
  const char *const *optional;
  const char *const *children;
  gboolean text;
} Rule;

static const Rule rules[] = {
  { "pipeline", NONE, LIST ("version", "doc"), LIST ("param", "element", "chain", "link", "bin", "fragment") },
  { "param", LIST ("name", "type"), LIST ("default", "doc"), NONE },
  { "element", LIST ("factory"), LIST ("id", "preset", "when"), LIST ("property") },
  { "property", LIST ("name"), LIST ("when"), NONE, TRUE },
  { "chain", NONE, LIST ("when"), LIST ("element", "bin", "caps", "ref", "fragment") },
  { "caps", NONE, LIST ("when"), NONE, TRUE },
  { "ref", LIST ("to"), LIST ("when"), NONE },
  { "link", LIST ("from", "to"), LIST ("caps", "when"), NONE },
  { "bin", LIST ("id"), LIST ("when"), LIST ("element", "chain", "link", "bin", "ghost", "fragment") },
  { "ghost", LIST ("name", "pad"), LIST ("when"), NONE },
  { "fragment", NONE, NONE, NONE }, /* its children are checked as those of what it stands in */
  { "xi:include", LIST ("href"), NONE, NONE },
};

static const Rule top = { "a pipeline file", NONE, NONE, LIST ("pipeline") };

static const Rule *
find_rule (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
    if (g_str_equal (rules[i].name, name))
      return &rules[i];
  return NULL;
}

static gboolean
check_attributes (xmlNode *node, const Rule *rule, GError **error)
{
  g_auto (GStrv) known = NULL;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_addv (builder, (const char **)rule->required);
  g_strv_builder_addv (builder, (const char **)rule->optional);
  known = g_strv_builder_end (builder);
  for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
    if (attribute->ns || !g_strv_contains ((const char *const *)known, (const char *)attribute->name))
      {
        const char *name = (const char *)attribute->name;
        g_autofree char *hint = gst_pare_did_you_mean (name, (const char *const *)known);
        gst_pare_place_error (error, gst_pare_xml_place (node), "<%s> has no attribute '%s'%s", rule->name, name, hint);
        return FALSE;
      }
  for (const char *const *name = rule->required; *name; name++)
    if (!xmlHasProp (node, (const xmlChar *)*name))
      {
        gst_pare_place_error (error, gst_pare_xml_place (node), "<%s> needs the attribute '%s'.", rule->name, *name);
        return FALSE;
      }
  return TRUE;
}

/* Text may stand only where the rule says so; comments and processing instructions anywhere. */
static gboolean
check_text (xmlNode *node, const Rule *rule, GError **error)
{
  for (xmlNode *child = node->children; child; child = child->next)
    if (child->type == XML_ENTITY_REF_NODE)
      {
        gst_pare_place_error (error, gst_pare_xml_place (node), "<%s> holds the unknown entity '&%s;'.", rule->name,
                              child->name);
        return FALSE;
      }
    else if (!rule->text && (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE)
             && !xmlIsBlankNode (child))
      {
        g_autofree char *text = g_strstrip (g_strdup ((const char *)child->content));
        gst_pare_place_error (error, gst_pare_xml_place (node),
                              "<%s> holds the text '%.40s', which has no place there.", rule->name, text);
        return FALSE;
      }
  return TRUE;
}

static gboolean check_children (xmlNode *node, const Rule *parent, GError **error);

static gboolean
check_node (xmlNode *node, const Rule *parent, GError **error)
{
  gboolean include = gst_pare_xml_is_include (node);
  const char *name = include ? "xi:include" : (const char *)node->name;
  const Rule *rule = find_rule (name);

  if (!include && (!rule || !gst_pare_xml_is (node, name) || !g_strv_contains (parent->children, name)))
    {
      g_autofree char *hint = gst_pare_did_you_mean (name, parent->children);
      if (rule && g_strv_contains (parent->children, name))
        gst_pare_place_error (error, gst_pare_xml_place (node), "<%s> is not in the namespace %s.", name,
                              GST_PARE_PIPELINE_NAMESPACE);
      else
        gst_pare_place_error (error, gst_pare_xml_place (node), "<%s> cannot stand in <%s>%s", name, parent->name,
                              hint);
      return FALSE;
    }
  if (!check_attributes (node, rule, error) || !check_text (node, rule, error))
    return FALSE;
  if (include && gst_pare_xml_included (node))
    return check_children (node, rule, error) && check_node (gst_pare_xml_included (node), parent, error);
  return check_children (node, g_str_equal (name, "fragment") ? parent : rule, error);
}

static gboolean
check_children (xmlNode *node, const Rule *parent, GError **error)
{
  for (xmlNode *child = xmlFirstElementChild (node); child; child = xmlNextElementSibling (child))
    if (!check_node (child, parent, error))
      return FALSE;
  return TRUE;
}

gboolean
gst_pare_grammar_check (xmlNode *root, GError **error)
{
  g_autofree char *version = gst_pare_xml_attribute (root, "version");

  if (!gst_pare_xml_is (root, "pipeline"))
    {
      gst_pare_place_error (error, gst_pare_xml_place (root),
                            "The root is <%s>; it must be <pipeline xmlns=\"%s\" version=\"1\">.", root->name,
                            GST_PARE_PIPELINE_NAMESPACE);
      return FALSE;
    }
  if (!check_node (root, &top, error))
    return FALSE;
  if (version && !g_str_equal (version, "1"))
    {
      gst_pare_place_error (error, gst_pare_xml_place (root), "Version '%s' is not known here; this is version 1.",
                            version);
      return FALSE;
    }
  return TRUE;
}
