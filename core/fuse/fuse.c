/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Runs the fusions until none matches. The table is generated from the list in meson.build. */
#include "fuse/fuse.h"
#include "exec/inference.h"
#include "fuse/quantized.h"
#include "graph/named.h"
#include "train/gradient.h"
#include <string.h>

extern const PareFusion *const pare_fusion_table[];

struct _PareFuse
{
  PareGraph *graph;
  const char *const *skip;
  const char *const *skip_layers;
  GPtrArray *left;          /* of Left, of this round */
  PareInference *inference; /* of this round, when somebody asked and it could be done */
  PareInference *larger;    /* the same for another batch, when nothing else is open */
  gboolean inferred;
  gboolean for_execution;
  guint budget; /* matches to go: every match uses something up, so that there is an end */
};

typedef struct
{
  char *layer;
  char *reason;
} Left;

static void
left_free (gpointer data)
{
  Left *left = data;

  g_free (left->layer);
  g_free (left->reason);
  g_free (left);
}

const PareFusion *const *
pare_fusions (guint *n)
{
  for (*n = 0; pare_fusion_table[*n];)
    ++*n;
  return pare_fusion_table;
}

PareGraph *
pare_fuse_graph (const PareFuse *fuse)
{
  return fuse->graph;
}

gboolean
pare_fuse_may_touch (const PareFuse *fuse, const PareNode *node)
{
  return !fuse->skip_layers || !g_strv_contains (fuse->skip_layers, pare_node_label (node));
}

gboolean
pare_fuse_skips (const PareFuse *fuse, const char *name)
{
  return fuse->skip && g_strv_contains (fuse->skip, name);
}

const char *
pare_fuse_domain (const PareFuse *fuse, gint64 since)
{
  if (since && pare_graph_opset (fuse->graph, "") >= since)
    return "";
  return fuse->for_execution ? PARE_DOMAIN : NULL;
}

/* The batch that tells what depends on it from what does not. */
#define LARGER_BATCH 3

/* Stands for open sizes: a prime, so that no number of channels equals it by chance. */
#define OPEN_SIZE 227

static PareInference *
infer_with (PareFuse *fuse, gint64 batch)
{
  g_autoptr (GArray) specs = NULL;

  if (!pare_graph_default_specs (fuse->graph, batch, OPEN_SIZE, &specs, NULL))
    return NULL;
  return pare_inference_new (fuse->graph, specs->len, (const PareSpec *)specs->data, NULL);
}

/* Nothing but first sizes is open, which shapes follow in proportion; others may be rounded or limited on their way. */
static gboolean
is_open_in_batch_only (const PareGraph *graph)
{
  for (guint i = 0; i < graph->inputs->len; i++)
    {
      const PareValue *value = graph->inputs->pdata[i];
      for (guint d = 1; d < value->shape.rank; d++)
        if (value->shape.dims[d] < 0)
          return FALSE;
    }
  return TRUE;
}

static void
infer (PareFuse *fuse)
{
  fuse->inferred = TRUE;
  fuse->inference = infer_with (fuse, 1);
  if (fuse->inference && is_open_in_batch_only (fuse->graph))
    fuse->larger = infer_with (fuse, LARGER_BATCH);
}

gboolean
pare_fuse_shapes (PareFuse *fuse, const PareValue *value, PareShape shapes[2])
{
  const PareSpec *one, *other;

  if (!fuse->inferred)
    infer (fuse);
  one = fuse->larger ? pare_inference_spec (fuse->inference, value) : NULL;
  other = fuse->larger ? pare_inference_spec (fuse->larger, value) : NULL;
  if (!one || !other || one->shape.rank != other->shape.rank)
    return FALSE;
  shapes[0] = one->shape;
  shapes[1] = other->shape;
  return TRUE;
}

PareTensor *
pare_fuse_known (PareFuse *fuse, const PareValue *value)
{
  PareTensor *one, *other;

  if (!fuse->inferred)
    infer (fuse);
  one = fuse->larger ? pare_inference_constant (fuse->inference, value) : NULL;
  other = fuse->larger ? pare_inference_constant (fuse->larger, value) : NULL;
  return one && other && pare_tensor_equal (one, other) ? one : NULL;
}

gboolean
pare_fuse_shape (PareFuse *fuse, const PareValue *value, PareShape *shape)
{
  const PareSpec *spec;

  if (!fuse->inferred)
    infer (fuse);
  spec = fuse->inference ? pare_inference_spec (fuse->inference, value) : NULL;
  if (!spec && !value->has_shape)
    return FALSE;
  *shape = spec ? spec->shape : value->shape;
  return TRUE;
}

void
pare_fuse_leave (PareFuse *fuse, const PareNode *node, const char *format, ...)
{
  Left *left = g_new0 (Left, 1);
  va_list args;

  va_start (args, format);
  left->layer = g_strdup (pare_node_label (node));
  left->reason = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (fuse->left, left);
}

gboolean
pare_fuse_was_left (const PareFuse *fuse, const PareNode *node)
{
  for (guint i = 0; i < fuse->left->len; i++)
    if (strcmp (((Left *)fuse->left->pdata[i])->layer, pare_node_label (node)) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
check_settings (const PareFuse *fuse, GError **error)
{
  for (const char *const *name = fuse->skip; name && *name; name++)
    if (!pare_find_named ("fusion", *name, (const void *const *)pare_fusion_table, error))
      return FALSE;
  return pare_graph_find_layers (fuse->graph, fuse->skip_layers, error);
}

/* One fusion over the whole graph. */
static gboolean
sweep (PareFuse *fuse, const PareFusion *fusion)
{
  GPtrArray *nodes = fuse->graph->nodes;
  gboolean matched = FALSE;

  for (guint i = 0; i < nodes->len;)
    {
      PareNode *node = nodes->pdata[i];
      if (!pare_fuse_may_touch (fuse, node) || !fusion->apply (fuse, node))
        {
          i++;
          continue;
        }
      g_assert (fuse->budget-- > 0);
      matched = TRUE;
    }
  return matched;
}

static gboolean
run_round (PareFuse *fuse)
{
  gboolean matched = FALSE;

  g_ptr_array_set_size (fuse->left, 0);
  g_clear_pointer (&fuse->inference, pare_inference_free);
  g_clear_pointer (&fuse->larger, pare_inference_free);
  fuse->inferred = FALSE;
  pare_graph_remove_dead (fuse->graph); /* a dead reader must not make a value look shared */
  for (guint i = 0; pare_fusion_table[i]; i++)
    if (!pare_fuse_skips (fuse, pare_fusion_table[i]->name)
        && (!fuse->for_execution || pare_fusion_table[i]->for_execution))
      matched |= sweep (fuse, pare_fusion_table[i]);
  return matched;
}

static void
finish (PareFuse *fuse)
{
  g_clear_pointer (&fuse->inference, pare_inference_free);
  g_clear_pointer (&fuse->larger, pare_inference_free);
  for (guint i = 0; i < fuse->left->len; i++)
    {
      const Left *entry = fuse->left->pdata[i];
      pare_record_add (fuse->graph->record, "graphfuser", entry->layer, "left alone", entry->reason, NULL);
    }
  pare_graph_remove_dead (fuse->graph);
}

gboolean
pare_graph_fuse (PareGraph *graph, const char *const *skip, const char *const *skip_layers, GError **error)
{
  g_autoptr (GPtrArray) left = g_ptr_array_new_with_free_func (left_free);
  PareFuse fuse
      = { .graph = graph, .skip = skip, .skip_layers = skip_layers, .left = left, .budget = 2 * graph->nodes->len };

  if (!check_settings (&fuse, error))
    return FALSE;
  while (run_round (&fuse))
    ;
  finish (&fuse);
  return TRUE;
}

void
pare_graph_recognise (PareGraph *graph)
{
  g_autoptr (GPtrArray) left = g_ptr_array_new_with_free_func (left_free);
  PareFuse fuse = { .graph = graph, .left = left, .for_execution = TRUE, .budget = 2 * graph->nodes->len };

  pare_graph_set_opset (graph, PARE_DOMAIN, 1);
  while (run_round (&fuse))
    ;
  finish (&fuse);
}

static gboolean
is_behind_quantized (const PareNode *node)
{
  const PareValue *value = pare_node_input (node, 0);

  return pare_node_is (node, "BatchNormalization") && value && value->producer
         && pare_layer_is_quantized (value->producer);
}

void
pare_graph_fold_batchnorm (PareGraph *graph)
{
  g_autoptr (GPtrArray) left = g_ptr_array_new_with_free_func (left_free);
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  PareFuse fuse = { .graph = graph, .left = left };

  for (guint i = 0; i < graph->nodes->len; i++)
    if (is_behind_quantized (graph->nodes->pdata[i]))
      g_ptr_array_add (found, graph->nodes->pdata[i]);
  for (guint i = 0; i < found->len; i++)
    {
      const char *reason;
      g_autoptr (PareAffine) affine = pare_affine_read_batchnorm (found->pdata[i], &reason);
      if (!affine)
        pare_fuse_leave (&fuse, found->pdata[i], "BatchNormalization cannot be fused: %s.", reason);
      else
        pare_absorb_behind (&fuse, found->pdata[i], affine);
    }
  if (found->len)
    finish (&fuse);
}
