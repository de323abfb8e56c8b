/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Loops over all threads: every item once, on one pool of workers, whoever asks. */
#include "ops/compute.h"
#include "ops/parallel.h"
#include <omp.h>

#define ITEMS 1000

typedef struct
{
  guint8 *seen;
  GThread *thread; /* the one that runs the first piece: the pool's own */
} Loop;

static void
mark (gint64 from, gint64 to, gconstpointer data)
{
  const Loop *loop = data;

  for (gint64 i = from; i < to; i++)
    loop->seen[i]++;
  if (from == 0)
    ((Loop *)loop)->thread = g_thread_self ();
}

static gpointer
run_loop (gpointer unused)
{
  guint8 seen[ITEMS] = { 0 };
  Loop loop = { seen, NULL };

  pare_parallel (ITEMS, 10, mark, &loop);
  for (guint i = 0; i < ITEMS; i++)
    g_assert_cmpuint (seen[i], ==, 1);
  return loop.thread;
}

/* OpenMP would start workers for every thread that asks, and then let none of them wait for work awake. */
static void
test_all_threads_share_one_pool (void)
{
  GThread *other = g_thread_new ("other", run_loop, NULL);
  gpointer first = run_loop (NULL);

  g_assert_true (first != g_thread_self ());
  g_assert_true (g_thread_join (other) == first);
}

static void
run_inner (gint64 from, gint64 to, gconstpointer data)
{
  for (gint64 i = from; i < to; i++)
    pare_parallel (10, 1, mark, &((const Loop *)data)[i]);
}

/* A worker does not wait for the thread that waits for it. */
static void
test_a_loop_in_a_loop_ends (void)
{
  guint8 seen[ITEMS] = { 0 };
  Loop loops[ITEMS / 10];

  for (guint i = 0; i < G_N_ELEMENTS (loops); i++)
    loops[i] = (Loop){ seen + 10 * i, NULL };
  pare_set_threads (4);
  pare_parallel (G_N_ELEMENTS (loops), 1, run_inner, loops);
  pare_set_threads (0);
  for (guint i = 0; i < ITEMS; i++)
    g_assert_cmpuint (seen[i], ==, 1);
}

static gboolean
count_threads (gpointer data, GError **error)
{
  *(int *)data = omp_get_max_threads ();
  return TRUE;
}

static void
test_threads_are_as_many_as_asked (void)
{
  int threads = 0;

  pare_set_threads (3);
  g_assert_true (pare_compute (count_threads, &threads, NULL));
  g_assert_cmpint (threads, ==, 3);
  pare_set_threads (0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/parallel/all-threads-share-one-pool", test_all_threads_share_one_pool);
  g_test_add_func ("/parallel/a-loop-in-a-loop-ends", test_a_loop_in_a_loop_ends);
  g_test_add_func ("/parallel/threads-are-as-many-as-asked", test_threads_are_as_many_as_asked);
  return g_test_run ();
}
