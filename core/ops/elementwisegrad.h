/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Derivatives of functions of one element. Private to the operators. */
#pragma once
#include "train/gradient.h"

/* The backward of a function of one element: adds the node "<op_type>Grad" of the internal operators. @a and @b are the
 * function's arguments. */
void pare_backward_elementwise (PareGradient *gradient, const char *op_type, float a, float b);
