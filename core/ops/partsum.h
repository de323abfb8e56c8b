/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The sum of results for parts of a batch. Private to the operators. */
#pragma once
#include <glib.h>

/* @sum[i] = the sum over the @n parts, @step floats apart, in their order: the same bits on any number of threads. */
void pare_sum_parts (const float *parts, guint n, gsize step, gint64 elements, float *sum);
