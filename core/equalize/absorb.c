/* SPDX-License-Identifier: LGPL-2.1-or-later
 * High-bias absorption (Nagel et al. 2019, section 4.2): a channel that is always above some c > 0 before its ReLU can
 * be computed as x - c, with c in the biases of the layers that read it:
 *
 *   r (W x + b) = r (W x + b - c) + c,   W' (h + c) + b' = W' h + (W' c + b')
 *
 * c is the least number that the samples show, which makes it exact on them; without samples, and where a
 * BatchNormalization tells of the channel's distribution, c = max (0, beta - 3 gamma). */
#include "equalize/extents.h"
#include "equalize/work.h"
#include "fuse/layer.h"
#include "fuse/numbers.h"
#include "ops/operator.h"
#include "reconstruct/walk.h"
#include <math.h>

#define NAME "absorb"

/* The only node that computes the group; NULL when there are several, or something joins them. */
static const PareScaledPart *
only_producer (const PareScaleGroup *group)
{
  const PareScaledPart *producer = NULL;

  for (guint i = 0; i < group->parts->len; i++)
    {
      const PareScaledPart *part = group->parts->pdata[i];
      if (part->role == PARE_SCALED_INPUT)
        continue;
      if (part->role != PARE_SCALED_OUTPUT || producer)
        return NULL;
      producer = part;
    }
  return producer;
}

static gboolean
is_padded (const PareNode *node)
{
  g_autofree char *automatic = pare_node_get_string (node, "auto_pad");
  guint n;
  const gint64 *pads = pare_node_get_ints (node, "pads", &n);

  for (guint i = 0; i < n; i++)
    if (pads[i])
      return TRUE;
  return automatic && g_str_has_prefix (automatic, "SAME");
}

/* A positively homogeneous function of one input that does not mix channels is r (x + c) = r (x) + c for x, c > 0,
 * unless zeros from a border come in. */
static gboolean
passes_shift (const PareNode *node)
{
  return pare_operator_of (node)->factors == PARE_FACTORS_MOVE || (node->inputs->len == 1 && !is_padded (node));
}

/* Why the layer that reads @part cannot take a shift into its bias; NULL when it can. */
static const char *
refuses_shift (const PareScaledPart *part)
{
  const char *reason;
  g_autoptr (PareLayer) layer = pare_layer_open (part->node, &reason);

  if (!layer)
    return "a layer that reads them cannot be edited";
  if (!layer->trait.has_bias)
    return "a layer that reads them has no place for a bias";
  return pare_layer_sees_shift_everywhere (layer)
             ? NULL
             : "a layer that reads them has padding, which would not see the shift";
}

static gboolean
has_place (const PareScaledPart *producer)
{
  const PareOperator *op = pare_operator_of (producer->node);
  PareWeightTrait weight;
  PareAffineTrait affine;

  if (pare_node_weight (producer->node, &weight))
    return weight.has_bias;
  return op->affine (producer->node, &affine) && pare_node_constant (producer->node, affine.shift);
}

/* Why nothing can be absorbed in @group; NULL when it can. */
static const char *
refusal (const PareScaleGroup *group)
{
  const PareScaledPart *producer = only_producer (group);
  const char *reason = group->reason;

  if (!reason && !pare_scale_group_has (group, PARE_SCALED_INPUT))
    reason = "no layer reads them";
  if (!reason && !producer)
    reason = "they are joined or clipped on the way";
  if (!reason && !has_place (producer))
    reason = "what computes them has no place for a bias";
  for (guint i = 0; i < group->passes->len && !reason; i++)
    if (!passes_shift (group->passes->pdata[i]))
      reason = "a function on the way does not let a shift pass";
  for (guint i = 0; i < group->parts->len && !reason; i++)
    if (((const PareScaledPart *)group->parts->pdata[i])->role == PARE_SCALED_INPUT)
      reason = refuses_shift (group->parts->pdata[i]);
  return reason;
}

/* @shifts receives max (0, beta - 3 gamma); FALSE when no BatchNormalization tells. */
static gboolean
expect_shifts (const PareScaledPart *producer, double *shifts)
{
  const PareOperator *op = pare_operator_of (producer->node);
  PareAffineTrait affine;

  if (op->quantize != PARE_QUANTIZE_NORMALIZE || !op->affine (producer->node, &affine))
    return FALSE;
  for (guint c = 0; c < producer->at->n; c++)
    {
      double beta = pare_tensor_get_double (pare_node_constant (producer->node, affine.shift), c);
      double gamma = fabs (pare_tensor_get_double (pare_node_constant (producer->node, affine.scale), c));
      shifts[c] = MAX (0, beta - 3 * gamma);
    }
  return TRUE;
}

/* y - c for what the layer or normalization computes. */
static gboolean
lower_producer (const PareScaledPart *producer, const double *shifts, GError **error)
{
  PareNode *node = producer->node;
  guint n = producer->at->n, index;
  g_autofree double *ones = g_new (double, n), *less = g_new (double, n);
  gboolean copied, done;
  const char *reason;
  PareAffineTrait affine;
  PareWeightTrait weight;

  for (guint c = 0; c < n; c++)
    {
      ones[c] = 1;
      less[c] = -shifts[c];
    }
  if (pare_node_weight (node, &weight))
    {
      g_autoptr (PareLayer) layer = pare_layer_open (node, &reason);
      pare_layer_affine_behind (layer, n, ones, less);
      done = pare_layer_write (layer, &copied, &reason);
    }
  else
    {
      pare_operator_of (node)->affine (node, &affine);
      index = affine.shift;
      PareTensor *old = pare_node_constant (node, index);
      g_autofree double *numbers = pare_numbers_read (old);
      g_autoptr (PareTensor) tensor = NULL;
      for (guint c = 0; c < n; c++)
        numbers[c] += less[c];
      tensor = pare_numbers_tensor (old->type, &old->shape, numbers);
      done = tensor != NULL;
      if (done)
        pare_numbers_write (node, index, tensor, &copied);
    }
  if (!done)
    pare_node_error (error, PARE_ERROR_FORMAT, node, "its bias gets too large for its type: put it into skip-layers.");
  return done;
}

/* W (x + c) + b. */
static gboolean
raise_reader (const PareScaledPart *part, const double *shifts, GError **error)
{
  g_autofree double *ones = g_new (double, part->at->n), *more = g_new (double, part->at->n);
  gboolean copied;
  const char *reason;
  g_autoptr (PareLayer) layer = pare_layer_open (part->node, &reason);

  for (guint i = 0; i < part->at->n; i++)
    {
      ones[i] = 1;
      more[i] = shifts[part->at->channels[i]];
    }
  pare_layer_affine_before (layer, part->at->n, ones, more);
  if (pare_layer_write (layer, &copied, &reason))
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, part->node,
                   "its bias gets too large for its type: put it into skip-layers.");
  return FALSE;
}

static gboolean
absorb (const PareEqualizing *work, const PareScaleGroup *group, const double *shifts, GError **error)
{
  double largest = 0, shifted = 0;

  for (guint c = 0; c < group->n; c++)
    {
      largest = MAX (largest, shifts[c]);
      shifted += shifts[c] > 0;
    }
  if (largest == 0)
    {
      pare_equalizing_leave (work, group, NAME, "no channel is always above zero");
      return TRUE;
    }
  if (!lower_producer (only_producer (group), shifts, error))
    return FALSE;
  for (guint i = 0; i < group->parts->len; i++)
    {
      const PareScaledPart *part = group->parts->pdata[i];
      if (part->role == PARE_SCALED_INPUT && !raise_reader (part, shifts, error))
        return FALSE;
    }
  pare_record_add (work->graph->record, PARE_EQUALIZE_STAGE, pare_scale_group_name (group), "absorbed", NAME,
                   "channels", (double)group->n, "shifted", shifted, "largest_shift", largest, NULL);
  return TRUE;
}

/* The extents of what computes each of @groups. */
static PareExtents *
watch (const PareEqualizing *work, const GPtrArray *groups, GError **error)
{
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (work->graph);
  g_autoptr (PareWalk) walk = pare_walk_new (work->graph, work->samples, work->settings->memory_limit);
  g_autoptr (GArray) queries = g_array_new (FALSE, FALSE, sizeof (PareExtentQuery));
  g_autoptr (PareExtents) extents = NULL;

  for (guint i = 0; i < groups->len; i++)
    {
      const PareScaledValue *first = ((const PareScaleGroup *)groups->pdata[i])->values->pdata[0];
      PareExtentQuery query = { first->value, first->rank, (gint)first->axis };
      g_array_append_val (queries, query);
    }
  extents = pare_extents_new (work->graph, queries->len, (const PareExtentQuery *)queries->data);
  if (!pare_walk_ask (walk, inputs->len, (PareValue **)inputs->pdata, error))
    return NULL;
  for (guint b = 0; b < pare_walk_batches (walk); b++)
    {
      guint valid;
      g_autoptr (GPtrArray) batch = pare_walk_get (walk, b, &valid, error);
      if (!batch || !pare_extents_add (extents, batch, error)
          || !pare_equalizing_report (work, b, pare_walk_batches (walk), error))
        return NULL;
    }
  return g_steal_pointer (&extents);
}

static GPtrArray *
absorbing_groups (const PareEqualizing *work, const GPtrArray *all)
{
  GPtrArray *groups = g_ptr_array_new ();

  for (guint i = 0; i < all->len; i++)
    {
      const char *reason = refusal (all->pdata[i]);
      if (reason)
        pare_equalizing_leave (work, all->pdata[i], NAME, reason);
      else
        g_ptr_array_add (groups, all->pdata[i]);
    }
  return groups;
}

static gboolean
absorb_seen (const PareEqualizing *work, const GPtrArray *groups, GError **error)
{
  g_autoptr (PareExtents) extents = groups->len ? watch (work, groups, error) : NULL;

  if (groups->len && !extents)
    return FALSE;
  for (guint i = 0; i < groups->len; i++)
    {
      PareScaleGroup *group = groups->pdata[i];
      const PareExtent *extent = pare_extents_get (extents, i);
      g_autofree double *shifts = g_new (double, group->n);
      for (guint c = 0; c < group->n; c++)
        shifts[c] = (float)MAX (0, extent->low[c]);
      if (!absorb (work, group, shifts, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
absorb_expected (const PareEqualizing *work, const GPtrArray *groups, GError **error)
{
  guint known = 0;

  for (guint i = 0; i < groups->len; i++)
    {
      PareScaleGroup *group = groups->pdata[i];
      g_autofree double *shifts = g_new0 (double, group->n);
      gboolean tells = expect_shifts (only_producer (group), shifts);
      known += tells;
      if (!tells)
        pare_equalizing_leave (work, group, NAME, "neither samples nor a BatchNormalization tell how large they are");
      else if (!absorb (work, group, shifts, error))
        return FALSE;
    }
  if (known || !groups->len)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA,
               "The algorithm '" NAME "' needs samples where normalization is folded already: connect some to the pad "
               "'tensors'.");
  return FALSE;
}

static gboolean
run (PareEqualizing *work, GError **error)
{
  g_autoptr (GPtrArray) all = pare_equalizing_groups (work, error);
  g_autoptr (GPtrArray) groups = all ? absorbing_groups (work, all) : NULL;

  if (!groups || !(work->samples ? absorb_seen : absorb_expected) (work, groups, error))
    return FALSE;
  return pare_equalizing_report (work, 1, 1, error);
}

PARE_EQUALIZER (absorb) = {
  .name = NAME,
  .description
  = "what a channel is always above of goes into the next layers' biases (Nagel 2019); exact on the samples",
  .run = run,
};
