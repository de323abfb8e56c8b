/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Equalization: settings, and one method after the other. */
#include "equalize/equalize.h"
#include "equalize/clip.h"
#include "equalize/work.h"
#include "graph/named.h"
#include "graph/overrides.h"
#include <math.h>
#include <string.h>

extern const PareEqualizer *const pare_equalizer_table[];

const PareEqualizer *const *
pare_equalizers (guint *n)
{
  for (*n = 0; pare_equalizer_table[*n];)
    ++*n;
  return pare_equalizer_table;
}

const PareEqualizer *
pare_equalizer_find (const char *name, GError **error)
{
  return pare_find_named ("equalization algorithm", name, (const void *const *)pare_equalizer_table, error);
}

void
pare_equalize_settings_init (PareEqualizeSettings *settings)
{
  *settings = (PareEqualizeSettings){ .algorithm = "cross-layer",
                                      .clip = "per-channel",
                                      .bits = 8,
                                      .activation_bits = 8,
                                      .per_channel = TRUE,
                                      .memory_limit = G_GUINT64_CONSTANT (1) << 30 };
}

static const PareOverrideField fields[] = {
  { "enable", PARE_OVERRIDE_BOOLEAN, G_STRUCT_OFFSET (PareEqualizeLayer, enable) },
  { "strength", PARE_OVERRIDE_NUMBER, G_STRUCT_OFFSET (PareEqualizeLayer, strength), .minimum = 0, .maximum = 1 },
};

GHashTable *
pare_equalize_layers_parse (const char *text, GError **error)
{
  static const PareEqualizeLayer unset = { -1, -1 };

  return pare_overrides_parse (text, fields, G_N_ELEMENTS (fields), &unset, sizeof unset, error);
}

/* The methods that @text names: none where it is empty. */
static GPtrArray *
parse_algorithm (const char *text, GError **error)
{
  g_auto (GStrv) names = g_strsplit (text ? text : "", ",", -1);
  g_autoptr (GPtrArray) methods = g_ptr_array_new ();

  for (guint i = 0; names[i]; i++)
    {
      const PareEqualizer *method = pare_equalizer_find (g_strstrip (names[i]), error);
      if (!method)
        return NULL;
      g_ptr_array_add (methods, (gpointer)method);
    }
  return g_steal_pointer (&methods);
}

static gboolean
is_width (guint bits)
{
  return (bits >= 2 && bits <= 8) || bits == 16;
}

static gboolean
check_numbers (const PareEqualizeSettings *settings, GError **error)
{
  if (!is_width (settings->bits) || !is_width (settings->activation_bits))
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                 "bits=%u and activation-bits=%u are not possible: both are from 2 to 8, or 16.", settings->bits,
                 settings->activation_bits);
  else if (!(settings->strength >= 0 && settings->strength <= 1))
    g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                 "strength=%g is not possible: write a number from 0 (searched) to 1.", settings->strength);
  else
    return TRUE;
  return FALSE;
}

static gboolean
check_graph (PareGraph *graph, GError **error)
{
  for (guint i = 0; i < graph->values->len; i++)
    {
      const PareValue *value = graph->values->pdata[i];
      if (value->range.low > value->range.high)
        continue;
      g_set_error (
          error, PARE_ERROR, PARE_ERROR_SETTINGS,
          "The range of '%s' is known already, and equalization would change it: put the graphequalizer before "
          "the graphcalibrator.",
          value->name);
      return FALSE;
    }
  return TRUE;
}

static gboolean
check (PareGraph *graph, PareSamples *samples, const PareEqualizeSettings *settings, const GPtrArray *methods,
       GError **error)
{
  if (!pare_clip_find (settings->clip, error) || !check_numbers (settings, error) || !check_graph (graph, error)
      || !pare_overrides_check_layers (settings->layers, graph, error)
      || !pare_graph_find_layers (graph, settings->skip_layers, error))
    return FALSE;
  for (guint i = 0; i < methods->len; i++)
    {
      const PareEqualizer *method = methods->pdata[i];
      if (!method->needs_samples || (samples && pare_samples_count (samples)))
        continue;
      g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA,
                   "The algorithm '%s' needs samples, and none came: connect some to the pad 'tensors', or write "
                   "algorithm=cross-layer.",
                   method->name);
      return FALSE;
    }
  return TRUE;
}

const PareEqualizeLayer *
pare_equalizing_layer (const PareEqualizing *work, const char *label)
{
  return pare_overrides_find (work->settings->layers, label);
}

static gboolean
is_skipped (const PareEqualizing *work, const char *label)
{
  const PareEqualizeLayer *layer = pare_equalizing_layer (work, label);

  if (layer && layer->enable >= 0)
    return !layer->enable;
  return work->settings->skip_layers && g_strv_contains (work->settings->skip_layers, label);
}

/* The inputs' sizes as the samples have them, of one sample where the batch is open; NULL without samples. */
static GArray *
single_specs (const PareEqualizing *work)
{
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (work->graph);
  GArray *specs = work->samples ? g_array_copy ((GArray *)pare_samples_specs (work->samples)) : NULL;

  for (guint i = 0; specs && i < MIN (specs->len, inputs->len); i++)
    {
      const PareValue *input = inputs->pdata[i];
      PareShape *shape = &g_array_index (specs, PareSpec, i).shape;
      if (shape->rank && input->has_shape && input->shape.rank && input->shape.dims[0] < 0)
        shape->dims[0] = 1;
    }
  return specs;
}

GPtrArray *
pare_equalizing_groups (const PareEqualizing *work, GError **error)
{
  g_autoptr (GArray) specs = single_specs (work);
  GPtrArray *groups = pare_scale_groups_find (work->graph, specs, error);

  for (guint g = 0; groups && g < groups->len; g++)
    {
      PareScaleGroup *group = groups->pdata[g];
      for (guint i = 0; i < group->parts->len && !group->reason; i++)
        {
          const PareScaledPart *part = group->parts->pdata[i];
          if (is_skipped (work, pare_node_label (part->node)))
            group->reason = g_strdup_printf ("the settings skip '%s'", pare_node_label (part->node));
          else if (part->role == PARE_SCALED_BOUNDS && strcmp (work->settings->clip, "keep") == 0)
            group->reason = g_strdup_printf ("'%s' clips them, and clip=keep", pare_node_label (part->node));
        }
    }
  return groups;
}

gboolean
pare_equalizing_report (const PareEqualizing *work, guint done, guint total, GError **error)
{
  if (!work->progress
      || work->progress ((guint64)work->method * total + done, (guint64)work->n_methods * total, work->user_data))
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "Equalization was cancelled.");
  return FALSE;
}

void
pare_equalizing_leave (const PareEqualizing *work, const PareScaleGroup *group, const char *name, const char *reason)
{
  g_autofree char *text = g_strdup_printf ("%s: %s", name, reason);

  pare_record_add (work->graph->record, PARE_EQUALIZE_STAGE, pare_scale_group_name (group), "left alone", text,
                   "channels", (double)group->n, NULL);
}

gboolean
pare_graph_equalize (PareGraph *graph, PareSamples *samples, const PareEqualizeSettings *settings,
                     PareProgress progress, gpointer user_data, GError **error)
{
  g_autoptr (GPtrArray) methods = parse_algorithm (settings->algorithm, error);
  PareEqualizing work = { graph, samples, settings, progress, user_data, 0, 0 };

  if (!methods || !check (graph, samples, settings, methods, error))
    return FALSE;
  if (samples && !pare_samples_count (samples))
    work.samples = NULL;
  if (strcmp (settings->clip, "relu") == 0)
    pare_clips_to_relus (graph);
  work.n_methods = methods->len;
  for (; work.method < methods->len; work.method++)
    if (!((const PareEqualizer *)methods->pdata[work.method])->run (&work, error))
      return FALSE;
  pare_graph_remove_dead (graph);
  return TRUE;
}
