/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Block reconstruction: layers between two places where all paths of the network meet (a residual block) learn together
 * which way their weights are rounded, and how wide the steps of their activations are, for the output of the block.
 * (Li et al., BRECQ, 2021; with activations that are quantized at random, Wei et al., QDrop, 2022.) */
#include "exec/inference.h"
#include "rounding/reconstruct.h"
#include "train/distill-levels.h"

/* More layers than this do not learn together: layers of networks whose paths hardly ever meet learn alone. */
#define MOST_LAYERS 12

/* What a quantizer rounds: the two are on the same path. */
static const PareValue *
unquantized (const PareValue *value)
{
  ParePair pair;

  return value->producer && pare_pair_read (value->producer, &pair) ? pair.input : value;
}

static gboolean
is_read_behind (const PareLevels *levels, const PareValue *value, int level)
{
  for (guint i = 0; i < value->consumers->len; i++)
    {
      const PareNode *reader = value->consumers->pdata[i];
      if (pare_node_output (reader, 0) && pare_levels_of (levels, pare_node_output (reader, 0)) > level)
        return TRUE;
    }
  return FALSE;
}

/* Whether a single float value crosses from layers up to @level to those behind. */
static gboolean
paths_meet (const PareGraph *graph, const PareLevels *levels, const PareInference *shapes, int level)
{
  const PareValue *crossing = NULL;

  for (guint i = 0; i < graph->values->len; i++)
    {
      const PareValue *value = graph->values->pdata[i];
      const PareSpec *spec = pare_inference_spec (shapes, value);
      int own = pare_levels_of (levels, value);
      if (!spec || spec->type != PARE_FLOAT32 || own == PARE_LEVEL_CONSTANT || own > level
          || !is_read_behind (levels, value, level))
        continue;
      if (crossing && crossing != unquantized (value))
        return FALSE;
      crossing = unquantized (value);
    }
  return TRUE;
}

static int
level_of (const PareRoundingWork *work, const PareLevels *levels, guint index)
{
  return pare_levels_of (levels, pare_node_output (pare_rounding_work_layer (work, index)->node, 0));
}

static guint
block_span (const PareRoundingWork *work, guint first, guint most)
{
  const GArray *specs = pare_samples_specs (work->samples);
  g_autoptr (PareLevels) levels = pare_levels_new (work->graph);
  g_autoptr (PareInference) shapes = pare_inference_new (work->graph, specs->len, (const PareSpec *)specs->data, NULL);

  for (guint n = 1; shapes && n <= MIN (most, MOST_LAYERS); n++)
    if (paths_meet (work->graph, levels, shapes, level_of (work, levels, first + n - 1)))
      return n;
  return 1;
}

static gboolean
round_block (PareRoundingWork *work, guint first, guint n, GError **error)
{
  const PareReconstruction how = { .iterations = 600,
                                   .learning_rate = 0.1,
                                   .penalty = 0.01,
                                   .activation_rate = 0.01,
                                   .block = { .learn_activations = TRUE, .drop = work->settings->drop } };

  return pare_rounding_reconstruct (work, first, n, &how, error);
}

PARE_ROUNDING (block) = {
  .name = "block",
  .description = "Each weight up or down and the steps of activations, learnt block by block",
  .needs_samples = TRUE,
  .span = block_span,
  .round = round_block,
};
