/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "train/loss.h"
#include "train/optimizer.h"
#include "train/schedule.h"

G_BEGIN_DECLS

/**
 * PareTrainSettings:
 * @loss: by name; likewise @optimizer, @schedule and how @quantizers learn
 * @learning_rate: of weights
 * @quantizer_rate: of scales and ranges of quantizers
 * @weight_quantizer_rate: of those among them that round weights; 0: the same
 * @weight_decay: of weights; biases, normalisations and quantizers have none
 * @clip_norm: gradients longer than this, all parameters together, are shortened to it; 0: never
 * @frozen_batchnorm: BatchNormalization keeps the statistics that it has
 * @keep_zeros: weights that are exactly zero when training begins stay zero; those of an n:m sparse weight do in any
 *   case, unless its mask is drawn anew
 * @mask_decay: pull towards zero of weights that such a mask hides
 *
 * How to train.
 */
typedef struct
{
  const char *loss, *optimizer, *schedule, *quantizers;
  double learning_rate, quantizer_rate, weight_quantizer_rate;
  double weight_decay;
  double clip_norm;
  gboolean frozen_batchnorm;
  gboolean keep_zeros;
  double mask_decay;
  PareLossSettings loss_settings;
  PareOptimizerSettings optimizer_settings;
  PareScheduleSettings schedule_settings;
} PareTrainSettings;

/* cross-entropy, sgd with momentum 0.9, constant rate 0.01, LSQ, nothing else. */
void pare_train_settings_init (PareTrainSettings *settings);

/**
 * PareTrainStep:
 * @step: counted from 1
 * @samples: that it saw
 * @loss: mean of the samples
 * @correct: samples whose class had the highest score; -1 when labels are no class numbers
 * @rate: learning rate of weights
 * @norm: of the gradient, before clipping
 */
typedef struct
{
  guint64 step;
  guint samples;
  double loss;
  gint64 correct;
  double rate;
  double norm;
} PareTrainStep;

/**
 * PareTrainer:
 *
 * Trains the constants of a network by gradient descent. The network, its loss and all gradients are one graph whose
 * parameters are inputs; the executor runs it. The same samples give the same numbers on any number of threads.
 */
typedef struct _PareTrainer PareTrainer;

/* @graph is copied. */
PareTrainer *pare_trainer_new (const PareGraph *graph, const PareTrainSettings *settings, GError **error);
void pare_trainer_free (PareTrainer *trainer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareTrainer, pare_trainer_free)

/* How long it will take, for schedules: steps of a pass over the samples, and of all. Before the first step. */
void pare_trainer_set_length (PareTrainer *trainer, guint64 epoch, guint64 total);
/* Its schedule cannot do without that. */
gboolean pare_trainer_needs_length (const PareTrainer *trainer);
/* One step on a batch of @n tensors: one per input of the network, then the labels. The first @valid samples count. A
 * loss or gradient that is not finite is an error that names the first layer with such a number; the parameters stay as
 * they were. So is a step that takes parameters out of the range of numbers; they are spoilt then. */
gboolean pare_trainer_step (PareTrainer *trainer, PareTensor *const *batch, guint n, guint valid, PareTrainStep *step,
                            GError **error);
/* The last step failed since its loss, its gradient or what it made of the parameters was not finite. */
gboolean pare_trainer_has_diverged (const PareTrainer *trainer);
/* Steps done. */
guint64 pare_trainer_steps (const PareTrainer *trainer);
/* Number of trained values. */
guint pare_trainer_parameters (const PareTrainer *trainer);
/* Puts the present parameters into @graph, a copy of the graph of pare_trainer_new(). */
gboolean pare_trainer_apply (const PareTrainer *trainer, PareGraph *graph, GError **error);

/* The present parameters alone, and putting them back. */
GVariant *pare_trainer_get_weights (const PareTrainer *trainer);
gboolean pare_trainer_set_weights (PareTrainer *trainer, GVariant *weights, GError **error);
/* All that the next step depends on, and putting it back. An error when it belongs to another network or optimizer. */
GVariant *pare_trainer_get_state (const PareTrainer *trainer);
gboolean pare_trainer_set_state (PareTrainer *trainer, GVariant *state, GError **error);

G_END_DECLS
