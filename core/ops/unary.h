/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Elementwise operators of one input: everything but the loop. Private to the operators. */
#pragma once
#include "ops/infer.h"

/* y[i] = f (x[i]); @y may be @x. @arguments is what the caller of pare_map() gave. */
typedef void (*PareMap) (gint64 n, gconstpointer x, gpointer y, const float *arguments);

/* Applies @map to all of input 0, on all threads when it is large. */
void pare_map (const PareKernel *kernel, PareMap map, const float *arguments);

/* A map of that name, for an expression of x and of the arguments a and b. */
#define PARE_MAP(prefix, name, type, expression)                                                                       \
  static prefix void name (gint64 n, gconstpointer input, gpointer output, const float *arguments)                     \
  {                                                                                                                    \
    const type *source = input;                                                                                        \
    type *y = output;                                                                                                  \
    G_GNUC_UNUSED const float a = arguments[0], b = arguments[1];                                                      \
    PARE_INDEPENDENT for (gint64 i = 0; i < n; i++)                                                                    \
    {                                                                                                                  \
      const type x = source[i];                                                                                        \
      y[i] = (expression);                                                                                             \
    }                                                                                                                  \
  }
