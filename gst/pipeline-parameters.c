/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Declares, assigns and substitutes the parameters of a pipeline description. */
#include "gst/pipeline-parameters.h"
#include "graph/error.h"
#include "gst/pipeline.h"
#include <math.h>
#include <string.h>

typedef struct
{
  char *name;
  char *type;
  char *fallback;
  char *doc;
  char *value; /* NULL: required and not assigned yet */
} Parameter;

struct _PipelineParameters
{
  const char *file;
  GPtrArray *list; /* Parameter */
};

static const char *const true_words[] = { "true", "yes", "t", "1", NULL };
static const char *const false_words[] = { "false", "no", "f", "0", NULL };

static gboolean
is_any (const char *text)
{
  return TRUE;
}

static gboolean
is_int (const char *text)
{
  return g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, NULL, NULL);
}

static gboolean
is_number (const char *text)
{
  char *end;
  double number = g_ascii_strtod (text, &end);

  return end != text && !*end && isfinite (number);
}

static gboolean
is_boolean (const char *text)
{
  return g_strv_contains (true_words, text) || g_strv_contains (false_words, text);
}

static gboolean
is_list (const char *text)
{
  g_auto (GStrv) entries = g_strsplit (text, ",", -1);

  return !g_strv_contains ((const char *const *)entries, "");
}

static const struct
{
  const char *name;
  gboolean (*accepts) (const char *text);
  const char *means;
} types[] = {
  { "string", is_any, "text" },
  { "path", is_any, "a path" },
  { "int", is_int, "a whole number" },
  { "number", is_number, "a number" },
  { "boolean", is_boolean, "true or false" },
  { "list", is_list, "a list with commas and no empty entries" },
};

/* Empty stands for "not set" where that is what the default says. */
static gboolean
check_value (const Parameter *parameter, const char *value, PipelinePlace place, GError **error)
{
  if (!*value && parameter->fallback && !*parameter->fallback)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_equal (types[i].name, parameter->type))
      {
        if (types[i].accepts (value))
          return TRUE;
        gst_pare_place_error (error, place, "Parameter '%s' is '%s'; it must be %s.", parameter->name, value,
                              types[i].means);
        return FALSE;
      }
  const char *names[G_N_ELEMENTS (types) + 1] = { NULL };
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    names[i] = types[i].name;
  g_autofree char *hint = gst_pare_did_you_mean (parameter->type, names);
  gst_pare_place_error (error, place, "Parameter '%s' has the unknown type '%s'%s", parameter->name, parameter->type,
                        hint);
  return FALSE;
}

static void
parameter_free (Parameter *parameter)
{
  g_free (parameter->name);
  g_free (parameter->type);
  g_free (parameter->fallback);
  g_free (parameter->doc);
  g_free (parameter->value);
  g_free (parameter);
}

static Parameter *
find (const PipelineParameters *parameters, const char *name, PipelinePlace place, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < parameters->list->len; i++)
    {
      Parameter *parameter = parameters->list->pdata[i];
      if (g_str_equal (parameter->name, name))
        return parameter;
      g_ptr_array_add (names, parameter->name);
    }
  g_ptr_array_add (names, NULL);
  g_autofree char *hint = gst_pare_did_you_mean (name, (const char *const *)names->pdata);
  gst_pare_place_error (error, place, "There is no parameter '%s'%s", name, hint);
  return NULL;
}

char *
gst_pare_path_beside (const char *file, const char *path)
{
  g_autofree char *folder = g_path_get_dirname (file);

  if (!*path || g_path_is_absolute (path) || strstr (path, "://") || g_str_equal (folder, "."))
    return g_strdup (path);
  return g_build_filename (folder, path, NULL);
}

static gboolean
is_name (const char *text)
{
  gsize length = strspn (text, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_");

  return length > 0 && !text[length] && g_ascii_isalpha (*text);
}

static gboolean
declare (PipelineParameters *parameters, xmlNode *node, GError **error)
{
  PipelinePlace place = gst_pare_xml_place (node);
  Parameter *parameter = g_new0 (Parameter, 1);

  parameter->name = gst_pare_xml_attribute (node, "name");
  parameter->type = gst_pare_xml_attribute (node, "type");
  parameter->doc = gst_pare_xml_attribute (node, "doc");
  parameter->fallback = gst_pare_xml_attribute (node, "default");
  if (parameter->fallback && g_str_equal (parameter->type, "path"))
    {
      g_autofree char *written = g_steal_pointer (&parameter->fallback);
      parameter->fallback = gst_pare_path_beside (place.file, written);
    }
  parameter->value = g_strdup (parameter->fallback);
  gboolean twice = find (parameters, parameter->name, place, NULL) != NULL;
  g_ptr_array_add (parameters->list, parameter);
  if (twice || !is_name (parameter->name))
    {
      gst_pare_place_error (error, place,
                            twice ? "Parameter '%s' is declared twice."
                                  : "'%s' is no name for a parameter; use letters, digits, '-' and '_'.",
                            parameter->name);
      return FALSE;
    }
  return check_value (parameter, parameter->value ? parameter->value : "0", place, error);
}

PipelineParameters *
gst_pare_parameters_new (xmlNode *root, GError **error)
{
  g_autoptr (PipelineParameters) parameters = g_new0 (PipelineParameters, 1);
  g_autoptr (GPtrArray) children = gst_pare_xml_children (root);

  parameters->file = gst_pare_xml_place (root).file;
  parameters->list = g_ptr_array_new_with_free_func ((GDestroyNotify)parameter_free);
  for (guint i = 0; i < children->len; i++)
    if (gst_pare_xml_is (children->pdata[i], "param") && !declare (parameters, children->pdata[i], error))
      return NULL;
  return g_steal_pointer (&parameters);
}

void
gst_pare_parameters_free (PipelineParameters *parameters)
{
  g_ptr_array_unref (parameters->list);
  g_free (parameters);
}

gboolean
gst_pare_assignment_split (const char *assignment, char **left, const char **right, GError **error)
{
  const char *equals = strchr (assignment, '=');

  if (!equals || equals == assignment)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "'%s' is no assignment; write name=value or element.property=value.", assignment);
      return FALSE;
    }
  *left = g_strndup (assignment, equals - assignment);
  *right = equals + 1;
  return TRUE;
}

static gboolean
check_required (const PipelineParameters *parameters, GError **error)
{
  g_autoptr (GString) missing = g_string_new (NULL);

  for (guint i = 0; i < parameters->list->len; i++)
    {
      const Parameter *parameter = parameters->list->pdata[i];
      if (!parameter->value || (!parameter->fallback && !*parameter->value))
        g_string_append_printf (missing, "%s%s=... (%s)", missing->len ? ", " : "", parameter->name,
                                parameter->doc ? parameter->doc : parameter->type);
    }
  if (missing->len)
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "%s: This pipeline also needs %s.", parameters->file,
                 missing->str);
  return !missing->len;
}

gboolean
gst_pare_parameters_assign (PipelineParameters *parameters, const char *const *assignments, GError **error)
{
  for (; assignments && *assignments; assignments++)
    {
      const char *value;
      g_autofree char *name = NULL;
      if (!gst_pare_assignment_split (*assignments, &name, &value, error))
        return FALSE;
      if (strchr (name, '.'))
        continue;
      Parameter *parameter = find (parameters, name, (PipelinePlace){ parameters->file, 0 }, error);
      if (!parameter || !check_value (parameter, value, (PipelinePlace){ parameters->file, 0 }, error))
        return FALSE;
      g_free (parameter->value);
      parameter->value = g_strdup (value);
    }
  return check_required (parameters, error);
}

char *
gst_pare_parameters_substitute (const PipelineParameters *parameters, PipelinePlace place, const char *text,
                                GError **error)
{
  g_autoptr (GString) result = g_string_new (NULL);

  while (*text)
    {
      const char *end = text[0] == '$' && text[1] == '{' ? strchr (text, '}') : NULL;
      if (text[0] == '$' && text[1] == '{' && !end)
        {
          gst_pare_place_error (error, place, "'%s' has no closing '}'; write $$ for a plain '$'.", text);
          return NULL;
        }
      if (end)
        {
          g_autofree char *name = g_strndup (text + 2, end - text - 2);
          const Parameter *parameter = find (parameters, name, place, error);
          if (!parameter)
            return NULL;
          g_string_append (result, parameter->value);
          text = end + 1;
        }
      else
        {
          g_string_append_c (result, *text);
          text += text[0] == '$' && text[1] == '$' ? 2 : 1;
        }
    }
  return g_string_free (g_steal_pointer (&result), FALSE);
}

/* One "name", "!name", "name=value" or "!name=value"; -1 and an error when there is no such parameter. */
static int
condition_holds (const PipelineParameters *parameters, char *condition, xmlNode *node, GError **error)
{
  gboolean negated = condition[0] == '!';
  char *wanted = strchr (condition, '=');

  if (wanted)
    *wanted++ = '\0';
  const Parameter *parameter = find (parameters, condition + negated, gst_pare_xml_place (node), error);
  if (!parameter)
    return -1;
  if (wanted)
    return g_str_equal (parameter->value, wanted) != negated;
  gboolean off = g_str_equal (parameter->type, "boolean") && g_strv_contains (false_words, parameter->value);
  return (*parameter->value && !off) != negated;
}

int
gst_pare_parameters_wanted (const PipelineParameters *parameters, xmlNode *node, GError **error)
{
  g_autofree char *when = gst_pare_xml_attribute (node, "when");
  g_auto (GStrv) conditions = g_strsplit (when ? when : "", " ", -1);
  int wanted = !when;

  if (when && !*when)
    return condition_holds (parameters, when, node, error); /* an error: there is none without a name */
  for (char **condition = conditions; *condition && wanted >= 0; condition++)
    {
      int holds = condition_holds (parameters, *condition, node, error);
      wanted = holds < 0 ? -1 : wanted || holds;
    }
  return wanted;
}

GArray *
gst_pare_parameters_describe (const PipelineParameters *parameters)
{
  GArray *described = g_array_new (FALSE, TRUE, sizeof (GstPareParameter));

  for (guint i = 0; i < parameters->list->len; i++)
    {
      const Parameter *from = parameters->list->pdata[i];
      GstPareParameter to = { g_strdup (from->name), g_strdup (from->type), g_strdup (from->fallback),
                              g_strdup (from->doc ? from->doc : "") };
      g_array_append_val (described, to);
    }
  return described;
}
