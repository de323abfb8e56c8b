/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare list: what there is to work with. */
#include "command.h"
#include "calibrate/observer.h"
#include "equalize/equalize.h"
#include "fuse/fuse.h"
#include "gst/pipeline.h"
#include "json.h"
#include "ops/operator.h"
#include "train/gradient.h"
#include "plugins.h"
#include "quantize/weight-algorithm.h"
#include "rounding/rounding.h"
#include "sparsify/nm-algorithm.h"
#include "sparsify/ranking.h"

/* Called once per thing; @description may be NULL. */
typedef void (*Visit) (const char *name, const char *description, gpointer user_data);

static void
each_recipe (Visit visit, gpointer user_data)
{
  g_auto (GStrv) names = gst_pare_recipes_list ();

  for (guint i = 0; names[i]; i++)
    {
      g_autofree char *path = gst_pare_recipe_find (names[i], NULL);
      g_autofree char *doc = NULL;
      g_autoptr (GArray) parameters = path ? gst_pare_pipeline_parameters (path, &doc, NULL) : NULL;
      /* One that cannot be read is listed all the same: running it tells why. */
      visit (names[i], doc, user_data);
    }
}

static void
each_stage (Visit visit, gpointer user_data)
{
  GList *factories = pare_plugins_factories ();

  for (GList *item = factories; item; item = item->next)
    visit (GST_OBJECT_NAME (item->data),
           gst_element_factory_get_metadata (item->data, GST_ELEMENT_METADATA_DESCRIPTION), user_data);
  gst_plugin_feature_list_free (factories);
}

/* The registries of core: tables of structs with a name and a description. */
#define EACH(what, Type, table)                                                                                        \
  static void each_##what (Visit visit, gpointer user_data)                                                            \
  {                                                                                                                    \
    guint n;                                                                                                           \
    const Type *const *entries = table (&n);                                                                           \
                                                                                                                       \
    for (guint i = 0; i < n; i++)                                                                                      \
      visit (entries[i]->name, entries[i]->description, user_data);                                                    \
  }

EACH (observer, PareObserver, pare_observers)
EACH (weight_algorithm, PareWeightAlgorithm, pare_weight_algorithms)
EACH (rounding, PareRounding, pare_roundings)
EACH (nm_algorithm, PareNmAlgorithm, pare_nm_algorithms)
EACH (ranking, PareRanking, pare_rankings)
EACH (equalizer, PareEqualizer, pare_equalizers)
EACH (form, PareForm, pare_forms)
EACH (fusion, PareFusion, pare_fusions)

static int
by_string (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *)a, *(const char *const *)b);
}

static void
each_operator (Visit visit, gpointer user_data)
{
  guint n;
  const PareOperator *const *operators = pare_operators (&n);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  /* Those of Pare's own are of no use in a file. */
  for (guint i = 0; i < n; i++)
    if (g_strcmp0 (operators[i]->domain, PARE_DOMAIN))
      g_ptr_array_add (names, (gpointer)operators[i]->name);
  g_ptr_array_sort (names, by_string);
  for (guint i = 0; i < names->len; i++)
    visit (names->pdata[i], NULL, user_data);
}

static const struct
{
  const char *kind;
  const char *title;
  void (*each) (Visit visit, gpointer user_data);
} kinds[] = {
  { "recipes", "Recipes (pare run RECIPE --help)", each_recipe },
  { "stages", "Stages and other elements", each_stage },
  { "algorithms", "Calibration algorithms (graphcalibrator algorithm=, calibration= of recipes)", each_observer },
  { "weights", "Weight algorithms (graphquantizer weight-algorithm=)", each_weight_algorithm },
  { "roundings", "Roundings of weights (graphrounder algorithm=, rounding= of recipes)", each_rounding },
  { "sparsity", "Algorithms for n:m sparsity (graphsparsifier algorithm=)", each_nm_algorithm },
  { "rankings", "Rankings of filters (graphsparsifier mode=filter algorithm=)", each_ranking },
  { "equalizers", "Methods of equalization (graphequalizer algorithm=, equalize= of recipes)", each_equalizer },
  { "forms", "Output forms (form=)", each_form },
  { "fusions", "Fusions (skip=)", each_fusion },
  { "operators", "Operators that Pare executes", each_operator },
};

static void
print_line (const char *name, const char *description, gpointer user_data)
{
  if (description)
    g_print ("  %-22s %s\n", name, description);
  else
    g_print ("  %s\n", name);
}

static void
add_member (const char *name, const char *description, gpointer user_data)
{
  JsonBuilder *builder = user_data;

  json_builder_begin_object (builder);
  pare_json_string (builder, "name", name);
  if (description)
    pare_json_string (builder, "description", description);
  json_builder_end_object (builder);
}

static void
print_all (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_print ("%s%s:\n", i ? "\n" : "", kinds[i].title);
      kinds[i].each (print_line, NULL);
    }
}

static gboolean
run (const PareArguments *arguments, GError **error)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  if (!pare_plugins_init (error))
    return FALSE;
  if (!arguments->json)
    {
      print_all ();
      return TRUE;
    }
  json_builder_begin_object (builder);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      pare_json_begin_array (builder, kinds[i].kind);
      kinds[i].each (add_member, builder);
      json_builder_end_array (builder);
    }
  pare_json_print (builder);
  return TRUE;
}

const PareCommand pare_command_list = {
  .name = "list",
  .words = "[--json]",
  .summary = "List recipes, stages, algorithms, output forms, fusions and operators",
  .takes = PARE_TAKES_JSON,
  .run = run,
};
