/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Resampling along one axis. Private to the operators. */
#pragma once
#include <glib.h>

/* Positions and weights that make up one output; the number of positions is that of the kind. */
typedef enum
{
  PARE_RESAMPLE_NEAREST,
  PARE_RESAMPLE_LINEAR,
  PARE_RESAMPLE_CUBIC,
} PareResampleKind;

typedef struct
{
  gint64 from, to; /* sizes */
  float scale;
  float start, end; /* of the region of interest, as fractions of the axis */
  gint64 inner;     /* elements behind each position */
} PareResampleAxis;

typedef struct
{
  PareResampleKind kind;
  double (*position) (const PareResampleAxis *axis, gint64 at);
  double (*round) (double position);
  gboolean crop;            /* positions outside the input give @outside */
  gboolean exclude_outside; /* weights outside the input count nothing; not for the nearest */
  gboolean antialias;       /* shrinking looks at all that an output covers; not for the nearest */
  float cubic_a;
  float outside;
} PareResample;

/* Sets what the names in the specification mean; FALSE when one is unknown. */
gboolean pare_resample_set (PareResample *method, const char *mode, const char *coordinates, const char *rounding);
/* FALSE when the axis stays as it is. */
gboolean pare_resample_changes (const PareResample *method, const PareResampleAxis *axis);
/* [outer, from, inner] to newly allocated [outer, to, inner]. */
float *pare_resample (const PareResample *method, const PareResampleAxis *axis, gint64 outer, const float *x);
/* The transposed map, for gradients: [outer, to, inner] to newly allocated [outer, from, inner]. */
float *
pare_resample_transposed (const PareResample *method, const PareResampleAxis *axis, gint64 outer, const float *dy);
