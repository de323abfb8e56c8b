/* SPDX-License-Identifier: LGPL-2.1-or-later
 * One model of ONNX's backend test data, run in a process of its own. */
#pragma once
#include <glib.h>

/**
 * Outcome:
 * @operators: names of the standard operators in the model, each once
 * @problem: why it does not pass, or NULL
 *
 * What became of a model.
 */
typedef struct
{
  GPtrArray *operators;
  char *problem;
} Outcome;

void outcome_clear (Outcome *outcome);

/* Runs the model in @folder on all of its data sets, raised to operator set @opset when that is newer (0: as it is).
 * Whatever it does, the caller survives. */
void model_run (const char *folder, gint64 opset, Outcome *outcome);
