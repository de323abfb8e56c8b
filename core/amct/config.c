/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Reads AMCT's configurations (AMCTConfig of amct.proto; JSON of create_quant_config) into settings of stages. */
#include "amct/config-private.h"
#include "amct/jsontree.h"
#include "amct/textproto.h"
#include "amct/vocabulary.h"
#include "graph/named.h"
#include "graph/textfile.h"
#include <string.h>

#define ENABLE "graphquantizer enable"

#define LARGEST (16 << 20) /* bytes */

static GHashTable *
settings_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static void
override_free (gpointer data)
{
  PareAmctOverride *override = data;

  g_free (override->name);
  g_hash_table_unref (override->settings);
  g_free (override);
}

static PareAmctOverride *
add_override (PareAmctConfig *config, const char *name, gboolean is_type)
{
  PareAmctOverride *override = g_new0 (PareAmctOverride, 1);

  override->name = g_strdup (name);
  override->is_type = is_type;
  override->settings = settings_new ();
  g_ptr_array_add (config->overrides, override);
  return override;
}

static gboolean
fail (const PareAmctConfig *config, const PareTextField *field, GError **error, const char *format, ...)
{
  g_autofree char *place = field->line ? g_strdup_printf ("%s:%u", config->path, field->line) : g_strdup (config->path);
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "%s: %s", place, what);
  return FALSE;
}

/* @names: of what could stand there, NULL-terminated. */
static gboolean
fail_unknown (const PareAmctConfig *config, const PareTextField *field, const GPtrArray *names, GError **error)
{
  const char *nearest = pare_nearest_name (field->name, (const char *const *)names->pdata);
  g_autofree char *all = nearest ? NULL : g_strjoinv (", ", (char **)names->pdata);

  return fail (config, field, error, "A configuration for quantization after training has no '%s' here%s%s%s.",
               field->name, nearest ? ", but '" : "; it may have ", nearest ? nearest : all, nearest ? "'" : "");
}

static gboolean
put (const PareAmctConfig *config, GHashTable *settings, const PareAmctWord *word, const PareTextField *field,
     GError **error)
{
  g_autofree char *key = g_strconcat (word->stage, " ", word->property, NULL), *value = NULL;
  const char *before = g_hash_table_lookup (settings, key);

  value = word->value ? g_strdup (word->value) : word->convert ? word->convert (field->text) : g_strdup (field->text);
  if (!value)
    return fail (config, field, error, "'%s' cannot be '%s'.", field->name, field->text);
  if (before && strcmp (before, value))
    return fail (config, field, error, "'%s' is at odds with a field before it: %s of %s can be %s or %s, not both.",
                 field->name, word->property, word->stage, before, value);
  g_hash_table_insert (settings, g_steal_pointer (&key), g_steal_pointer (&value));
  return TRUE;
}

/* Field @field of @message (NULL: of the layer itself), the @index-th of its name, goes into @settings. */
static gboolean
read_word (const PareAmctConfig *config, GHashTable *settings, const char *message, const PareTextField *field,
           guint index, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  gboolean known = FALSE;

  for (guint i = 0; i < pare_amct_n_words (); i++)
    {
      const PareAmctWord *word = &pare_amct_words[i];
      if (g_strcmp0 (word->message, message) || !word->field)
        continue;
      g_ptr_array_add (names, (gpointer)word->field);
      if (strcmp (word->field, field->name))
        continue;
      if (!field->text)
        return fail (config, field, error, "'%s' is one value, not a message.", field->name);
      known |= !word->choice || strcmp (word->choice, field->text) == 0;
      if (word->stage && word->index == index && (!word->choice || strcmp (word->choice, field->text) == 0)
          && !put (config, settings, word, field, error))
        return FALSE;
    }
  g_ptr_array_add (names, NULL);
  if (known)
    return TRUE;
  if (g_strv_contains ((const char *const *)names->pdata, field->name))
    return fail (config, field, error, "'%s' cannot be '%s'.", field->name, field->text);
  return fail_unknown (config, field, names, error);
}

static guint
index_of (const GPtrArray *fields, guint position)
{
  const PareTextField *field = fields->pdata[position];
  guint index = 0;

  for (guint i = 0; i < position; i++)
    index += strcmp (((PareTextField *)fields->pdata[i])->name, field->name) == 0;
  return index;
}

/* A message of a layer, such as ifmr_quantize: what it says by being there, and its fields. */
static gboolean
read_message (const PareAmctConfig *config, GHashTable *settings, const PareTextField *message, GError **error)
{
  gboolean known = FALSE;

  for (guint i = 0; i < pare_amct_n_words (); i++)
    {
      const PareAmctWord *word = &pare_amct_words[i];
      if (g_strcmp0 (word->message, message->name))
        continue;
      known = TRUE;
      if (!word->field && !put (config, settings, word, message, error))
        return FALSE;
    }
  if (!known)
    return fail (config, message, error, "'%s' is nothing that can be said of a layer here.", message->name);
  for (guint i = 0; i < message->fields->len; i++)
    if (!read_word (config, settings, message->name, message->fields->pdata[i], index_of (message->fields, i), error))
      return FALSE;
  return TRUE;
}

/* CalibrationConfig, and the object of a layer in JSON. */
static gboolean
read_layer (const PareAmctConfig *config, GHashTable *settings, const GPtrArray *fields, GError **error)
{
  for (guint i = 0; i < fields->len; i++)
    {
      const PareTextField *field = fields->pdata[i];
      if (!(field->fields ? read_message (config, settings, field, error)
                          : read_word (config, settings, NULL, field, index_of (fields, i), error)))
        return FALSE;
    }
  return TRUE;
}

/* The top */

static gboolean
read_skip_layers (PareAmctConfig *config, const PareTextField *field, GError **error)
{
  g_ptr_array_add (config->skip_layers, g_strdup (field->text));
  return TRUE;
}

static gboolean
read_skip_types (PareAmctConfig *config, const PareTextField *field, GError **error)
{
  g_ptr_array_add (config->skip_types, g_strdup (field->text));
  return TRUE;
}

static gboolean
read_skip_fusion (PareAmctConfig *config, const PareTextField *field, GError **error)
{
  g_ptr_array_add (config->skip_fusion, g_strdup (field->text));
  return TRUE;
}

static gboolean
check_truth (const PareAmctConfig *config, const PareTextField *field, GError **error)
{
  return strcmp (field->text, "true") == 0 || strcmp (field->text, "false") == 0
         || fail (config, field, error, "'%s' cannot be '%s': write true or false.", field->name, field->text);
}

static gboolean
read_fusion (PareAmctConfig *config, const PareTextField *field, GError **error)
{
  if (!check_truth (config, field, error))
    return FALSE;
  if (strcmp (field->text, "false") == 0)
    g_hash_table_insert (config->common, g_strdup ("graphfuser skip"),
                         g_strdup ("layer-batchnorm,batchnorm-layer,layer-arithmetic,arithmetic-layer"));
  return TRUE;
}

static gboolean
read_offset (PareAmctConfig *config, const PareTextField *field, GError **error)
{
  if (!check_truth (config, field, error))
    return FALSE;
  g_hash_table_insert (config->common, g_strdup ("graphquantizer symmetric"),
                       g_strdup (strcmp (field->text, "false") ? "false" : "true"));
  return TRUE;
}

/* How many batches a script feeds, or which version of the format it is: the stream says the one, we read all of the
 * other. */
static gboolean
read_nothing (PareAmctConfig *config, const PareTextField *field, GError **error)
{
  return TRUE;
}

static gboolean
read_common (PareAmctConfig *config, const PareTextField *field, GError **error)
{
  g_autoptr (GHashTable) settings = settings_new ();
  GHashTableIter iter;
  gpointer key, value;

  if (!read_layer (config, settings, field->fields, error))
    return FALSE;
  g_hash_table_iter_init (&iter, settings);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_replace (config->common, g_strdup (key), g_strdup (value));
  return TRUE;
}

/* { @name_field: "conv1" calibration_config { .. } } */
static gboolean
read_override (PareAmctConfig *config, const PareTextField *field, const char *name_field, GError **error)
{
  const PareTextField *settings = NULL;
  const char *name = NULL;

  for (guint i = 0; i < field->fields->len; i++)
    {
      const PareTextField *part = field->fields->pdata[i];
      if (strcmp (part->name, name_field) == 0 && part->text)
        name = part->text;
      else if (strcmp (part->name, "calibration_config") == 0 && part->fields)
        settings = part;
      else
        return fail (config, part, error, "Here stand %s and calibration_config, not '%s'.", name_field, part->name);
    }
  if (!name || !settings)
    return fail (config, field, error, "'%s' needs %s and calibration_config.", field->name, name_field);
  return read_layer (config, add_override (config, name, strcmp (name_field, "layer_type") == 0)->settings,
                     settings->fields, error);
}

static gboolean
read_override_type (PareAmctConfig *config, const PareTextField *field, GError **error)
{
  return read_override (config, field, "layer_type", error);
}

static gboolean
read_override_layer (PareAmctConfig *config, const PareTextField *field, GError **error)
{
  return read_override (config, field, "layer_name", error);
}

static const struct
{
  const char *name;
  gboolean is_message;
  gboolean (*read) (PareAmctConfig *config, const PareTextField *field, GError **error);
} top[] = {
  { "version", FALSE, read_nothing },
  { "batch_num", FALSE, read_nothing },
  { "fakequant_precision_mode", FALSE, read_nothing },
  { "activation_offset", FALSE, read_offset },
  { "do_fusion", FALSE, read_fusion },
  { "skip_fusion_layers", FALSE, read_skip_fusion },
  { "skip_layers", FALSE, read_skip_layers },
  { "skip_layer_types", FALSE, read_skip_types },
  { "common_config", TRUE, read_common },
  { "override_layer_types", TRUE, read_override_type },
  { "override_layer_configs", TRUE, read_override_layer },
};

/* In JSON, any other name is that of a layer. */
static gboolean
read_top (PareAmctConfig *config, const PareTextField *field, gboolean json, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (top); i++)
    {
      g_ptr_array_add (names, (gpointer)top[i].name);
      if (strcmp (top[i].name, field->name))
        continue;
      if (top[i].is_message != (field->fields != NULL))
        return fail (config, field, error, "'%s' is a %s.", field->name,
                     top[i].is_message ? "message" : "single value");
      return top[i].read (config, field, error);
    }
  if (json && field->fields)
    return read_layer (config, add_override (config, field->name, FALSE)->settings, field->fields, error);
  g_ptr_array_add (names, NULL);
  return fail_unknown (config, field, names, error);
}

static gboolean
is_disabled (GHashTable *settings)
{
  return g_strcmp0 (g_hash_table_lookup (settings, ENABLE), "false") == 0;
}

/* A layer that is switched off keeps its parameters in such files, which then say nothing. */
static void
forget_disabled (PareAmctConfig *config)
{
  for (guint i = 0; i < config->overrides->len; i++)
    {
      GHashTable *settings = ((PareAmctOverride *)config->overrides->pdata[i])->settings;
      if (!is_disabled (settings))
        continue;
      g_hash_table_remove_all (settings);
      g_hash_table_insert (settings, g_strdup (ENABLE), g_strdup ("false"));
    }
}

static gboolean
is_of_all (const GPtrArray *layers, const char *name, const char *value)
{
  for (guint i = 0; i < layers->len; i++)
    if (g_strcmp0 (g_hash_table_lookup (layers->pdata[i], name), value) != 0)
      return FALSE;
  return TRUE;
}

/* JSON says of every layer what holds for all: that becomes common, for stages have some of it for the network only. */
static void
hoist (PareAmctConfig *config)
{
  g_autoptr (GPtrArray) layers = g_ptr_array_new (); /* settings of those that are quantized */
  GHashTableIter iter;
  gpointer key, value;

  for (guint i = 0; i < config->overrides->len; i++)
    {
      GHashTable *settings = ((PareAmctOverride *)config->overrides->pdata[i])->settings;
      if (!is_disabled (settings))
        g_ptr_array_add (layers, settings);
    }
  if (!layers->len)
    return;
  g_hash_table_iter_init (&iter, layers->pdata[0]);
  while (g_hash_table_iter_next (&iter, &key, &value))
    {
      g_autofree char *name = g_strdup (key), *shared = g_strdup (value);
      if (!is_of_all (layers, name, shared) || strcmp (name, ENABLE) == 0)
        continue;
      g_hash_table_iter_remove (&iter);
      for (guint i = 1; i < layers->len; i++)
        g_hash_table_remove (layers->pdata[i], name);
      g_hash_table_replace (config->common, g_steal_pointer (&name), g_steal_pointer (&shared));
    }
}

PareAmctConfig *
pare_amct_config_load (const char *path, GError **error)
{
  g_autoptr (PareAmctConfig) config = g_new0 (PareAmctConfig, 1);
  g_autofree char *text = pare_read_text (path, "a configuration", LARGEST, error);
  g_autoptr (GPtrArray) fields = NULL;
  gboolean json;

  config->path = g_strdup (path);
  config->common = settings_new ();
  config->overrides = g_ptr_array_new_with_free_func (override_free);
  config->skip_layers = g_ptr_array_new_with_free_func (g_free);
  config->skip_types = g_ptr_array_new_with_free_func (g_free);
  config->skip_fusion = g_ptr_array_new_with_free_func (g_free);
  if (!text)
    return NULL;
  json = text[strspn (text, " \t\r\n")] == '{';
  fields = json ? pare_json_tree_parse (text, path, error) : pare_textproto_parse (text, path, error);
  for (guint i = 0; fields && i < fields->len; i++)
    if (!read_top (config, fields->pdata[i], json, error))
      return NULL;
  forget_disabled (config);
  if (json)
    hoist (config);
  return fields ? g_steal_pointer (&config) : NULL;
}

void
pare_amct_config_free (PareAmctConfig *config)
{
  g_free (config->path);
  g_hash_table_unref (config->common);
  g_ptr_array_unref (config->overrides);
  g_ptr_array_unref (config->skip_layers);
  g_ptr_array_unref (config->skip_types);
  g_ptr_array_unref (config->skip_fusion);
  g_free (config);
}
