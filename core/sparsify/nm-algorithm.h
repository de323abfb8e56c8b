/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Ways to choose which weights of a layer stay in an n:m pattern, and what they become. */
#pragma once
#include "reconstruct/hessian.h"

G_BEGIN_DECLS

/**
 * PareNmProblem:
 * @outputs: rows of the weights
 * @inputs: channels; groups of @m of them are formed
 * @taps: positions of the kernel
 * @columns: inputs * taps; column i * taps + t belongs to channel i and position t
 * @n: how many of every @m stay
 * @xx: [columns][columns], means of the products of the columns' data: positive definite; NULL without samples. For an
 *   algorithm that solves for weights of a layer with a bias: covariances, since the bias takes care of the means
 * @yx: [outputs][columns], the same of what is wanted with the columns: the best dense weights are yx xx^-1
 * @weights: [outputs][columns], dense; becomes sparse
 * @work: multiplications after which an algorithm that knows a cheaper way takes that
 *
 * One group of a layer: minimise w xx w^T - 2 w yx^T for each row w, under the pattern.
 */
typedef struct
{
  gint64 outputs, inputs, taps, columns;
  guint n, m;
  const double *xx, *yx;
  double *weights;
  double work;
} PareNmProblem;

/**
 * PareNmAlgorithm:
 * @name: what the user writes as algorithm=
 * @needs_samples: reads @xx and @yx
 * @changes_weights: those that stay do not stay as they are: the bias has to follow
 * @solve: called on the compute thread
 *
 * One file each, PARE_NM_ALGORITHM (NAME) = { .. }; with the file's name in core/sparsify/meson.build.
 */
typedef struct
{
  const char *name;
  const char *description;
  gboolean needs_samples;
  gboolean changes_weights;
  gboolean (*solve) (const PareNmProblem *problem, GError **error);
} PareNmAlgorithm;

#define PARE_NM_ALGORITHM(file) const PareNmAlgorithm pare_nm_algorithm_##file

const PareNmAlgorithm *const *pare_nm_algorithms (guint *n);
/* By name; an error names the nearest one. NULL: the best that goes with or without samples. */
const PareNmAlgorithm *pare_nm_algorithm_find (const char *name, gboolean samples, GError **error);

/* For methods that go through columns one by one: groups of a pattern are neighbours, position by position of the
 * kernel. */
gboolean pare_nm_hessian_init (PareHessian *hessian, const PareNmProblem *problem, GError **error);

/* Zeroes all weights but those of the highest @scores, which lie as the weights do. */
void pare_nm_keep_highest (const PareNmProblem *problem, const float *scores);

G_END_DECLS
