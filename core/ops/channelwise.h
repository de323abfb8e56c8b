/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Sums and affine functions per channel, in the layouts that convolutions leave behind: what batch normalization does
 * in training. Private to the operators. */
#pragma once
#include "exec/onednn.h"

/* Floats that PareSums has room for, per plane. */
#define PARE_CHANNEL_SUMS 32

/* y = x factor + offset per channel (+ @addend, which may be NULL), then max (y, 0) when @relu. Room for
 * pare_channels_padded() floats each. */
typedef struct
{
  const float *factor, *offset;
  gboolean relu;
  const float *addend;
} PareAffine;

/* The number of channels with the layout's padding. */
gint64 pare_channels_padded (const PareChannels *channels);
/* The number of planes, by which scratch memory for sums is allocated. */
gint64 pare_channels_planes (const PareChannels *channels);

/* Mean and population variance of each channel. @sums: scratch of PARE_CHANNEL_SUMS floats per plane. */
void pare_channels_statistics (const PareChannels *channels, const float *x, float *sums, float *mean, float *variance);
/* @y may be @x. */
void pare_channels_apply (const PareChannels *channels, const float *x, const PareAffine *affine, float *y);
/* With g = dy where @affine lets x through: the sums of g and of g (x - mean). */
void pare_channels_gradient_sums (const PareChannels *channels, const float *dy, const float *x, const float *mean,
                                  const PareAffine *affine, float *sums, float *by_g, float *by_product);
/* dx = k g - (p (x - mean) + q) with @k, @p, @q and @mean per channel, padded. @dx may be @dy. */
void pare_channels_gradient_apply (const PareChannels *channels, const float *dy, const float *x, const float *mean,
                                   const PareAffine *affine, const float *k, const float *p, const float *q, float *dx);
