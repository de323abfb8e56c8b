/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What tests of roundings that learn have in common. */
#pragma once
#include "exec/executor.h"
#include "net.h"
#include "rounding/rounding.h"

#define ADAPTIVE_SAMPLES 96
#define ADAPTIVE_BATCH 32

/* Weights that a grid of few integers spans, quantized. */
PareValue *adaptive_weight (Net *net, const char *name, PareShape shape);
/* @input quantized to 16 steps from 0 on. */
PareValue *adaptive_activation (Net *net, PareValue *input, double step);
/* Positive numbers, so that inputs go together and errors of weights can make up for each other. */
PareSamples *adaptive_samples (const PareShape *shape);
PareRoundingSettings adaptive_settings (const char *algorithm);
/* A rounded copy of the network. */
PareGraph *adaptive_round (const Net *net, PareSamples *samples, const PareRoundingSettings *settings);
/* Mean squared difference of the outputs of @graph and of the float network. */
double adaptive_error (const Net *net, PareGraph *graph, PareSamples *samples);
/* The constant @name. */
PareTensor *adaptive_weight_of (PareGraph *graph, const char *name);
