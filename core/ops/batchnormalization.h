/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What BatchNormalization and its gradient share. Private to the operators. */
#pragma once
#include <glib.h>

/* The normalization as y = x factor + offset, per channel. */
void pare_batchnormalization_affine (gint64 channels, float epsilon, const float *scale, const float *shift,
                                     const float *mean, const float *variance, float *factor, float *offset);
