/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Ways to write a layer as a cascade of smaller ones: a table with one file per way. Private to the room. */
#pragma once
#include "decompose/target.h"
#include "linalg/linalg.h"

G_BEGIN_DECLS

#define PARE_MAX_FACTORS 3

/**
 * PareFactor:
 * @outputs: channels of a group's result
 * @inputs: channels of a group's data
 * @keeps: the axes of the kernel that this factor slides along; its kernel has size 1 on the others
 * @taps: positions of its kernel
 *
 * The sizes of one layer of a cascade, the first of which reads the data.
 */
typedef struct
{
  int outputs, inputs;
  gboolean keeps[PARE_MAX_RANK];
  int taps;
} PareFactor;

/**
 * PareSpectrum:
 * @n: the highest rank
 * @energies: what the cost falls by at each further rank, [n]
 * @eigen: of one or two matrices, what @fit goes on from
 *
 * What ranks are worth, of one group.
 */
typedef struct
{
  int n;
  double *energies;
  PareEigen *eigen[2];
} PareSpectrum;

PareSpectrum *pare_spectrum_new (int n);
void pare_spectrum_free (PareSpectrum *spectrum);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareSpectrum, pare_spectrum_free)

typedef struct _PareFactorization PareFactorization;

/**
 * PareFactorization:
 * @name: for the record
 * @method: what users choose it by; several may share one
 * @first_axis: of the kernel, that the first factor slides along, where only some do
 * @applies: whether kernels of this shape can be written so
 * @sides: rows and columns of the matrix whose singular values the spectrum holds, for the noise model of EVBMF
 * @factors: fills in the cascade's layers at a rank; returns their number
 * @spectrum: of one group
 * @fit: the factors' weights of one group: weights[f] is [outputs x inputs * taps] of factor f
 */
struct _PareFactorization
{
  const char *name, *method;
  int first_axis;
  gboolean (*applies) (const PareKernelShape *shape);
  void (*sides) (const PareFactorization *how, const PareKernelShape *shape, int *rows, int *columns);
  guint (*factors) (const PareFactorization *how, const PareKernelShape *shape, int rank,
                    PareFactor factors[PARE_MAX_FACTORS]);
  PareSpectrum *(*spectrum) (const PareFactorization *how, const PareTarget *target, GError **error);
  gboolean (*fit) (const PareFactorization *how, const PareTarget *target, PareSpectrum *spectrum, int rank,
                   double *const *weights, GError **error);
};

/* All of them, ended by NULL. */
extern const PareFactorization *const pare_factorization_table[];

/* The one layer that a cascade of @n factors amounts to, [outputs x columns] of @shape. */
double *pare_factors_compose (const PareKernelShape *shape, guint n, const PareFactor *factors, double *const *weights);

G_END_DECLS
