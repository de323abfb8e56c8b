/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The activation functions that recurrent operators name in their attributes. */
#pragma once
#include <glib.h>

/**
 * PareGate:
 * @alpha, @beta: the values that hold unless the node gives others
 * @takes_alpha, @takes_beta: whether it takes a value off the node's lists
 * @apply: over @n numbers, in place
 * @slope: @gradient[i] times the derivative, which is known from the result @y
 */
typedef struct
{
  const char *name;
  float alpha, beta;
  gboolean takes_alpha, takes_beta;
  void (*apply) (gint64 n, float *y, float alpha, float beta);
  void (*slope) (gint64 n, const float *y, float *gradient, float alpha, float beta);
} PareGate;

/* By name, upper and lower case being the same; NULL when there is none. */
const PareGate *pare_gate_find (const char *name);
