/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/tensor.h"

G_BEGIN_DECLS

/**
 * PareOutputPool:
 *
 * Memory for large outputs, used again when their tensors are freed: memory fresh from the system costs more than the
 * copy. Tensors may outlive the pool and be freed on any thread.
 */
typedef struct _PareOutputPool PareOutputPool;

PareOutputPool *pare_output_pool_new (void);
void pare_output_pool_free (PareOutputPool *pool);
/* A tensor that is yet to be filled: *@data is its memory. */
PareTensor *pare_output_pool_take (PareOutputPool *pool, const PareSpec *spec, gpointer *data);

/* memcpy() on all threads. */
void pare_copy (gpointer to, gconstpointer from, gsize size);

G_END_DECLS
