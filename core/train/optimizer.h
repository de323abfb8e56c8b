/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/error.h"

G_BEGIN_DECLS

#define PARE_OPTIMIZER_STATES 2

/* Settings that optimizers read; each ignores what it does not know. */
typedef struct
{
  double momentum; /* of sgd */
  gboolean nesterov;
  double beta1, beta2, epsilon; /* of adam and adamw */
} PareOptimizerSettings;

/**
 * PareUpdate:
 * @step: counted from 1
 * @rate: learning rate of this step
 * @decay: weight decay of this parameter
 * @gradient_scale: multiplies the gradient before all else (clipping)
 * @weights: updated in place
 * @state: what the optimizer keeps per weight between steps, zero at first
 *
 * One step of one parameter, or of a piece of it: no element depends on another.
 */
typedef struct
{
  guint64 step;
  double rate;
  double decay;
  float gradient_scale;
  gint64 n;
  float *weights;
  const float *gradient;
  float *state[PARE_OPTIMIZER_STATES];
} PareUpdate;

/**
 * PareOptimizer:
 * @name: what the user writes as optimizer=
 * @description: one sentence
 * @states: how many arrays of PareUpdate.state it uses
 *
 * A way to change weights along a gradient. One file each, as PARE_OPTIMIZER (sgd) = { .. }; with the file's name in
 * core/train/meson.build.
 */
typedef struct
{
  const char *name;
  const char *description;
  guint states;
  void (*update) (const PareOptimizerSettings *settings, const PareUpdate *update);
} PareOptimizer;

#define PARE_OPTIMIZER(file) const PareOptimizer pare_optimizer_##file

/* What the field uses: momentum 0.9, betas 0.9 and 0.999, epsilon 1e-8. */
void pare_optimizer_settings_init (PareOptimizerSettings *settings);
const PareOptimizer *const *pare_optimizers (guint *n);
/* By name; an error names the nearest one. */
const PareOptimizer *pare_optimizer_find (const char *name, GError **error);
/* One step, on all threads; the result does not depend on their number. */
void
pare_optimizer_run (const PareOptimizer *optimizer, const PareOptimizerSettings *settings, const PareUpdate *update);

G_END_DECLS
