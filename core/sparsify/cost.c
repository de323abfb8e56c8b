/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Costs by what is left of the axes of constants. */
#include "sparsify/cost.h"
#include "sparsify/channels-private.h"
#include "sparsify/latency.h"

/* Weights have their channels along these two; of another constant any axis behind counts as the second. */
#define AXES 2

/* Of an axis of a constant the entries that belong to a group. */
typedef struct
{
  guint group;
  guint axis;
  double share;
} Part;

/* One layer or constant. */
typedef struct
{
  double full;
  PareLatency *latency; /* in place of @full times what is left of the axes */
  double fixed[AXES];   /* of the entries, what nobody removes */
  GArray *parts;        /* of Part */
} Term;

struct _PareCost
{
  guint n_groups;
  guint *sizes;
  GPtrArray *terms;
  GPtrArray **by_group; /* terms that depend on a group */
};

static void
term_free (gpointer data)
{
  Term *term = data;

  g_clear_pointer (&term->latency, pare_latency_free);
  g_array_unref (term->parts);
  g_free (term);
}

void
pare_cost_free (PareCost *cost)
{
  for (guint g = 0; g < cost->n_groups; g++)
    g_ptr_array_unref (cost->by_group[g]);
  g_free (cost->by_group);
  g_free (cost->sizes);
  g_ptr_array_unref (cost->terms);
  g_free (cost);
}

static void
add_part (PareCost *cost, Term *term, guint axis, guint group, double share)
{
  Part part = { group, axis, share };

  g_array_append_val (term->parts, part);
  if (!g_ptr_array_find (cost->by_group[group], term, NULL))
    g_ptr_array_add (cost->by_group[group], term);
}

/* How many of the slice's entries belong to @group. */
static guint
count_entries (const PareChannelGroup *group, const PareChannelSlice *slice)
{
  guint n = 0;

  for (guint i = 0; i < slice->n; i++)
    n += pare_channel_group_channel (group, slice, i) >= 0;
  return n;
}

/* What of the constant @input of @node belongs to the groups. */
static void
add_parts (PareCost *cost, const PareChannelGroups *groups, Term *term, const PareNode *node, guint input)
{
  for (guint g = 0; g < cost->n_groups; g++)
    {
      const PareChannelGroup *group = pare_channel_groups_get (groups, g);
      for (guint s = 0; s < group->slices->len; s++)
        {
          const PareChannelSlice *slice = group->slices->pdata[s];
          guint axis = MIN (slice->axis, AXES - 1);
          double share = (double)count_entries (group, slice) / slice->n;
          if (slice->node != node || slice->input != input)
            continue;
          term->fixed[axis] -= share;
          add_part (cost, term, axis, g, share);
        }
    }
}

static Term *
add_term (PareCost *cost, const PareChannelGroups *groups, const PareNode *node, guint input, double full)
{
  Term *term = g_new0 (Term, 1);

  term->full = full;
  term->parts = g_array_new (FALSE, FALSE, sizeof (Part));
  for (guint a = 0; a < AXES; a++)
    term->fixed[a] = 1;
  g_ptr_array_add (cost->terms, term);
  add_parts (cost, groups, term, node, input);
  return term;
}

static gboolean
add_layer (PareCost *cost, const PareChannelGroups *groups, const PareInference *inference, PareNode *node,
           PareCostKind kind, GError **error)
{
  guint64 macs = pare_inference_macs (inference, node);
  gboolean shrinks[AXES] = { FALSE };
  PareWeightTrait trait;
  Term *term;

  if (!macs || (!pare_node_weight (node, &trait) && kind == PARE_COST_LATENCY))
    return TRUE;
  term = add_term (cost, groups, node, pare_node_weight (node, &trait) ? trait.input : G_MAXUINT, (double)macs);
  if (kind != PARE_COST_LATENCY)
    return TRUE;
  for (guint p = 0; p < term->parts->len; p++)
    shrinks[g_array_index (term->parts, Part, p).axis] = TRUE;
  term->latency = pare_latency_measure (groups->graph, inference, node, shrinks, error);
  return term->latency != NULL;
}

static void
add_constants (PareCost *cost, const PareChannelGroups *groups, PareNode *node)
{
  for (guint i = 0; i < node->inputs->len; i++)
    {
      const PareTensor *tensor = pare_node_literal (node, i);
      if (tensor)
        add_term (cost, groups, node, i, (double)pare_tensor_elements (tensor));
    }
}

PareCost *
pare_cost_new (const PareChannelGroups *groups, PareCostKind kind, GError **error)
{
  PareGraph *graph = groups->graph;
  g_autoptr (GArray) specs = NULL;
  g_autoptr (PareCost) cost = g_new0 (PareCost, 1);
  g_autoptr (PareInference) inference = NULL;
  guint n = pare_channel_groups_length (groups);

  cost->n_groups = n;
  cost->sizes = g_new (guint, n);
  cost->terms = g_ptr_array_new_with_free_func (term_free);
  cost->by_group = g_new (GPtrArray *, n);
  for (guint g = 0; g < n; g++)
    {
      cost->sizes[g] = pare_channel_groups_get (groups, g)->n;
      cost->by_group[g] = g_ptr_array_new ();
    }
  if (!pare_graph_default_specs (graph, 1, PARE_USUAL_SIZE, &specs, error))
    return NULL;
  inference = pare_inference_new (graph, specs->len, (const PareSpec *)specs->data, error);
  if (!inference)
    return NULL;
  for (guint i = 0; i < graph->nodes->len; i++)
    if (kind == PARE_COST_PARAMETERS)
      add_constants (cost, groups, graph->nodes->pdata[i]);
    else if (!add_layer (cost, groups, inference, graph->nodes->pdata[i], kind, error))
      return NULL;
  return g_steal_pointer (&cost);
}

static double
term_cost (const PareCost *cost, const Term *term, const guint *left, guint group, guint instead)
{
  double axes[AXES] = { 0 }, product = term->full;

  for (guint a = 0; a < AXES; a++)
    axes[a] = term->fixed[a];
  for (guint p = 0; p < term->parts->len; p++)
    {
      const Part *part = &g_array_index (term->parts, Part, p);
      guint n = part->group == group ? instead : left[part->group];
      axes[part->axis] += part->share * n / cost->sizes[part->group];
    }
  if (term->latency)
    return pare_latency_at (term->latency, axes);
  for (guint a = 0; a < AXES; a++)
    product *= axes[a];
  return product;
}

double
pare_cost_of (const PareCost *cost, const guint *left)
{
  double sum = 0;

  for (guint i = 0; i < cost->terms->len; i++)
    sum += term_cost (cost, cost->terms->pdata[i], left, G_MAXUINT, 0);
  return sum;
}

double
pare_cost_saved (const PareCost *cost, const guint *left, guint group, guint fewer)
{
  double saved = 0;

  for (guint i = 0; i < cost->by_group[group]->len; i++)
    {
      const Term *term = cost->by_group[group]->pdata[i];
      saved += term_cost (cost, term, left, G_MAXUINT, 0) - term_cost (cost, term, left, group, fewer);
    }
  return saved;
}
