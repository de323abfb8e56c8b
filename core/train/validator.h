/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "train/loss.h"

G_BEGIN_DECLS

/**
 * PareValidation:
 * @loss: mean of the samples, without label smoothing
 * @accuracy: how many of them had the highest score in their class, from 0 to 1; NaN when labels are no class numbers
 * @n: samples
 */
typedef struct
{
  double loss;
  double accuracy;
  guint64 n;
} PareValidation;

/* Measures a network by samples that it is not trained on. */
typedef struct _PareValidator PareValidator;

/* @network is copied. */
PareValidator *pare_validator_new (const PareGraph *network, const PareLoss *loss);
void pare_validator_free (PareValidator *validator);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareValidator, pare_validator_free)

/* A batch of @n tensors as in pare_trainer_step(). */
gboolean pare_validator_add (PareValidator *validator, PareTensor *const *batch, guint n, guint valid, GError **error);
PareValidation pare_validator_result (const PareValidator *validator);
/* Whether @a says more for a network than @b: accuracy first, then loss. */
gboolean pare_validation_is_better (const PareValidation *a, const PareValidation *b);

G_END_DECLS
