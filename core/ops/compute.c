/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The compute thread. */
#include "ops/compute.h"
#include <omp.h>

typedef struct
{
  PareWork work;
  gpointer data;
  GError *error;
  gboolean succeeded, done;
} Job;

typedef struct
{
  GThread *thread;
  GMutex lock;
  GCond queued, finished;
  GQueue jobs;
  gint threads; /* atomic; 0: OpenMP's choice */
} Computer;

static gpointer
compute_loop (gpointer data)
{
  Computer *computer = data;
  gint usual = omp_get_max_threads ();

  g_mutex_lock (&computer->lock);
  for (;;)
    {
      Job *job;
      gint threads;
      while (!(job = g_queue_pop_head (&computer->jobs)))
        g_cond_wait (&computer->queued, &computer->lock);
      g_mutex_unlock (&computer->lock);
      threads = g_atomic_int_get (&computer->threads);
      omp_set_num_threads (threads > 0 ? threads : usual);
      job->succeeded = job->work (job->data, &job->error);
      g_mutex_lock (&computer->lock);
      job->done = TRUE;
      g_cond_broadcast (&computer->finished);
    }
  return NULL;
}

static gpointer
computer_new (gpointer unused)
{
  Computer *computer = g_new0 (Computer, 1);

  g_mutex_init (&computer->lock);
  g_cond_init (&computer->queued);
  g_cond_init (&computer->finished);
  g_queue_init (&computer->jobs);
  computer->thread = g_thread_new ("pare-compute", compute_loop, computer);
  return computer;
}

static Computer *
get_computer (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, computer_new, NULL);
}

gboolean
pare_compute (PareWork work, gpointer data, GError **error)
{
  Computer *computer = get_computer ();
  Job job = { .work = work, .data = data };

  if (g_thread_self () == computer->thread || omp_in_parallel ())
    return work (data, error);
  g_mutex_lock (&computer->lock);
  g_queue_push_tail (&computer->jobs, &job);
  g_cond_signal (&computer->queued);
  while (!job.done)
    g_cond_wait (&computer->finished, &computer->lock);
  g_mutex_unlock (&computer->lock);
  if (job.error)
    g_propagate_error (error, job.error);
  return job.succeeded;
}

void
pare_set_threads (guint threads)
{
  g_atomic_int_set (&get_computer ()->threads, (gint)threads);
}
