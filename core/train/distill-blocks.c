/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Blocks of a student and their counterparts in the teacher. */
#include "train/distill-blocks.h"
#include "train/distill-groups.h"
#include "train/distill-levels.h"

typedef struct
{
  PareGraph *student, *teacher;
  PareLevels *levels;
  PareInference *student_shapes, *teacher_shapes;
  GString *unmatched; /* labels of layers, for the error */
  guint n_unmatched;
} Search;

void
pare_block_free (PareBlock *block)
{
  g_free (block->name);
  g_strfreev (block->layers);
  g_ptr_array_unref (block->inputs);
  g_ptr_array_unref (block->teacher_inputs);
  g_free (block);
}

/* What a quantizer rounds, or NULL when @value does not come from one. */
static PareValue *
behind_quantizer (const PareValue *value)
{
  static const char *const quantizers[]
      = { "QuantizeLinear", "DequantizeLinear", "FakeQuantize", "FakeQuantizeOffset", "FakeQuantizeRange", NULL };
  const PareNode *node = value->producer;

  return node && g_strv_contains (quantizers, node->op_type) ? pare_node_input (node, 0) : NULL;
}

static gboolean
same_shape (const Search *search, const PareValue *value, const PareValue *target)
{
  const PareSpec *have = pare_inference_spec (search->student_shapes, value);
  const PareSpec *want = pare_inference_spec (search->teacher_shapes, target);

  return have->type == PARE_FLOAT32 && want->type == PARE_FLOAT32 && have->shape.rank > 1
         && pare_shape_equal (&have->shape, &want->shape);
}

/* The teacher's value that @value should equal, or NULL. */
static PareValue *
counterpart (const Search *search, const PareValue *value)
{
  for (const PareValue *named = value; named; named = behind_quantizer (named))
    {
      PareValue *target = pare_graph_find_value (search->teacher, named->name);
      if (target && !target->constant && same_shape (search, value, target))
        return target;
    }
  return NULL;
}

/* The end of the block whose last layer is @layer: the gate next to the following layer that has a counterpart. */
static gboolean
find_end (const Search *search, guint layer, PareBlock *block)
{
  g_autoptr (GPtrArray) gates = pare_levels_gates (search->levels, layer);

  for (guint i = gates->len; i-- > 0;)
    if ((block->target = counterpart (search, gates->pdata[i])))
      {
        block->output = gates->pdata[i];
        return TRUE;
      }
  return FALSE;
}

static void
add_all (GPtrArray *to, const GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    if (from->pdata[i])
      g_ptr_array_add (to, from->pdata[i]);
}

/* Whether layers before @first computed @value. What stands before the first layer of all, as the quantizer of the
 * network's input, is part of the first block. So is every computation with integers of any: shapes must be known
 * before anything runs. */
static gboolean
is_given (const Search *search, const PareValue *value, int first)
{
  int level = pare_levels_of (search->levels, value);

  return !value->producer
         || (pare_inference_spec (search->student_shapes, value)->type == PARE_FLOAT32 && level != PARE_LEVEL_CONSTANT
             && level < first && !(first == 0 && level == PARE_LEVEL_INPUT));
}

/* Everything that @output depends on (@seen), down to the block's inputs. */
static void
gather (const Search *search, PareValue *output, int first, GHashTable *seen, GPtrArray *inputs)
{
  g_autoptr (GPtrArray) pending = g_ptr_array_new ();

  g_ptr_array_add (pending, output);
  while (pending->len)
    {
      PareValue *value = g_ptr_array_steal_index_fast (pending, pending->len - 1);
      if (value->constant || !g_hash_table_add (seen, value))
        continue;
      if (is_given (search, value, first))
        {
          g_ptr_array_add (inputs, value);
          continue;
        }
      add_all (pending, value->producer->inputs);
      add_all (pending, value->producer->captures);
    }
}

static const char *
layer_label (const Search *search, guint layer)
{
  return pare_node_label (pare_levels_layers (search->levels)->pdata[layer]);
}

/* The block of layers @first to @last, or NULL when the teacher has no counterpart. @whole: also NULL when one of the
 * layers is on a side branch that the block's output does not see. */
static PareBlock *
block_new (const Search *search, guint first, guint last, gboolean whole)
{
  const GPtrArray *layers = pare_levels_layers (search->levels);
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);
  g_autoptr (GStrvBuilder) labels = g_strv_builder_new ();
  PareBlock end = { NULL }, *block;
  gboolean sees_all = TRUE;

  if (!find_end (search, last, &end))
    return NULL;
  block = g_new (PareBlock, 1);
  *block = end;
  block->inputs = g_ptr_array_new ();
  gather (search, block->output, first, seen, block->inputs);
  block->teacher_inputs = g_ptr_array_new ();
  for (guint i = 0; i < block->inputs->len; i++)
    g_ptr_array_add (block->teacher_inputs, counterpart (search, block->inputs->pdata[i]));
  for (guint i = first; i <= last; i++)
    if (g_hash_table_contains (seen, pare_node_output (layers->pdata[i], 0)))
      g_strv_builder_add (labels, layer_label (search, i));
    else
      sees_all = FALSE;
  block->layers = g_strv_builder_end (labels);
  block->name = first == last ? g_strdup (layer_label (search, first))
                              : g_strdup_printf ("%s..%s", layer_label (search, first), layer_label (search, last));
  if (!whole || sees_all)
    return block;
  pare_block_free (block);
  return NULL;
}

static void
add_unmatched (Search *search, guint layer)
{
  if (search->n_unmatched++ < 5)
    g_string_append_printf (search->unmatched, "%s'%s'", search->unmatched->len ? ", " : "",
                            layer_label (search, layer));
}

/* The block that starts at @first: of @size layers, or fewer when they do not hang together, or more until there is a
 * counterpart. */
static PareBlock *
next_block (const Search *search, guint first, guint size, guint *last)
{
  guint n = pare_levels_layers (search->levels)->len;
  PareBlock *block = NULL;

  for (*last = MIN (first + size, n); !block && *last > first;)
    block = block_new (search, first, --*last, TRUE);
  for (*last = block ? *last : first; !block && ++*last < n;)
    block = block_new (search, first, *last, FALSE);
  return block;
}

static void
cut_by_size (Search *search, guint size, GPtrArray *blocks)
{
  guint last, n = pare_levels_layers (search->levels)->len;

  for (guint first = 0; first < n; first = last + 1)
    {
      PareBlock *block = next_block (search, first, size, &last);
      if (block)
        g_ptr_array_add (blocks, block);
      else
        add_unmatched (search, last = first);
    }
}

static gboolean
cut_by_groups (Search *search, const char *text, GPtrArray *blocks, GError **error)
{
  g_autoptr (GArray) groups = pare_groups_parse (text, pare_levels_layers (search->levels), error);

  for (guint i = 0; groups && i < groups->len; i++)
    {
      const PareGroup *group = &g_array_index (groups, PareGroup, i);
      PareBlock *block = block_new (search, group->first, group->last, FALSE);
      if (block)
        g_ptr_array_add (blocks, block);
      else
        add_unmatched (search, group->last);
    }
  return groups != NULL;
}

static gboolean
check_found (const Search *search, const GPtrArray *blocks, GError **error)
{
  if (search->n_unmatched)
    g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                 "The teacher has no value that matches what %u blocks of the student compute (%s%s): names and shapes "
                 "of results must agree, so use the network that the student was made from as the teacher.",
                 search->n_unmatched, search->unmatched->str, search->n_unmatched > 5 ? ", .." : "");
  else if (!blocks->len)
    g_set_error (error, PARE_ERROR, PARE_ERROR_FORMAT,
                 "The student has no layer with weights: there is nothing to distill.");
  return !search->n_unmatched && blocks->len;
}

/* Shapes of both graphs; FALSE and an error when they cannot be told. */
static gboolean
search_init (Search *search, PareGraph *student, PareGraph *teacher, guint n_specs, const PareSpec *specs,
             GError **error)
{
  *search = (Search){ .student = student, .teacher = teacher };
  search->student_shapes = pare_inference_new (student, n_specs, specs, error);
  search->teacher_shapes = search->student_shapes ? pare_inference_new (teacher, n_specs, specs, error) : NULL;
  if (!search->teacher_shapes)
    return FALSE;
  search->levels = pare_levels_new (student);
  search->unmatched = g_string_new (NULL);
  return TRUE;
}

static void
search_clear (Search *search)
{
  g_clear_pointer (&search->levels, pare_levels_free);
  g_clear_pointer (&search->student_shapes, pare_inference_free);
  g_clear_pointer (&search->teacher_shapes, pare_inference_free);
  if (search->unmatched)
    g_string_free (search->unmatched, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Search, search_clear)

GPtrArray *
pare_blocks_find (PareGraph *student, PareGraph *teacher, guint n_specs, const PareSpec *specs,
                  const PareBlockSettings *settings, GError **error)
{
  g_auto (Search) search = { NULL };
  g_autoptr (GPtrArray) blocks = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_block_free);

  if (!search_init (&search, student, teacher, n_specs, specs, error))
    return NULL;
  if (!settings->groups || !*settings->groups)
    cut_by_size (&search, settings->group_size, blocks);
  else if (!cut_by_groups (&search, settings->groups, blocks, error))
    return NULL;
  return check_found (&search, blocks, error) ? g_steal_pointer (&blocks) : NULL;
}

PareBlock *
pare_block_find (PareGraph *student, PareGraph *teacher, guint n_specs, const PareSpec *specs, const PareNode *first,
                 const PareNode *last, GError **error)
{
  g_auto (Search) search = { NULL };
  const GPtrArray *layers;
  guint from, to;
  PareBlock *block;

  if (!search_init (&search, student, teacher, n_specs, specs, error))
    return NULL;
  layers = pare_levels_layers (search.levels);
  block = g_ptr_array_find ((GPtrArray *)layers, first, &from) && g_ptr_array_find ((GPtrArray *)layers, last, &to)
              ? block_new (&search, from, to, FALSE)
              : NULL;
  if (!block)
    pare_node_error (error, PARE_ERROR_FORMAT, last,
                     "the teacher has no value of the name and shape of what it computes: use the network that this "
                     "one was made from as the teacher.");
  return block;
}
