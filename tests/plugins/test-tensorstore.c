/* SPDX-License-Identifier: LGPL-2.1-or-later
 * tensorstore with consumers that are slow, have enough early, come late, or want samples in other orders. Sample i is
 * the number i. */
#include "gst/gstpare.h"
#include <gst/check/gstharness.h>
#include <string.h>

#define ONE_NUMBER                                                                                                     \
  "other/tensors, format=(string)static, num_tensors=1, dimensions=(string)1, types=(string)int32, framerate=0/1"
#define TWO_NUMBERS                                                                                                    \
  "other/tensors, format=(string)static, num_tensors=1, dimensions=(string)2, types=(string)int32, framerate=0/1"

#define MARK -1    /* in what a consumer heard: the end of a pass */
#define END -2     /* the end of the stream */
#define TWO -3     /* from here on samples are two numbers */
#define ONE -4     /* ...and one again */
#define SKIPPED -5 /* the store leaves the rest of this pass out */
#define REFUSED -6 /* it does not, because this is the last one */

typedef struct
{
  GstPad *pad;
  GMutex lock;
  GCond changed;
  GArray *heard;  /* int: samples and what is defined above */
  guint enough;   /* answers GST_FLOW_EOS to that many samples and later; 0 never does */
  gboolean stuck; /* does not return */
  int skip;       /* asks for the next pass at that sample; 0 never does */
} Consumer;

static void
consumer_note (Consumer *consumer, int what)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&consumer->lock);

  g_array_append_val (consumer->heard, what);
  g_cond_broadcast (&consumer->changed);
}

/* What a stage sends that has enough of a pass. */
static gboolean
consumer_skips (GstPad *pad)
{
  GstStructure *fields = gst_structure_new (GST_PARE_PASS_ENOUGH, "consumer", GST_TYPE_PAD, pad, NULL);

  return gst_pad_push_event (pad, gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM, fields));
}

static GstFlowReturn
consumer_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Consumer *consumer = gst_pad_get_element_private (pad);
  int number;

  gst_buffer_extract (buffer, 0, &number, sizeof number);
  g_assert_cmpuint (GST_BUFFER_OFFSET (buffer), ==, number);
  g_assert_false (GST_BUFFER_PTS_IS_VALID (buffer));
  gst_buffer_unref (buffer);
  consumer_note (consumer, number);
  if (consumer->skip && number == consumer->skip)
    consumer_note (consumer, consumer_skips (pad) ? SKIPPED : REFUSED);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&consumer->lock);
  while (consumer->stuck)
    g_cond_wait (&consumer->changed, &consumer->lock);
  return consumer->enough && consumer->heard->len >= consumer->enough ? GST_FLOW_EOS : GST_FLOW_OK;
}

static gboolean
consumer_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  Consumer *consumer = gst_pad_get_element_private (pad);
  g_autoptr (GstCaps) one = gst_caps_from_string (ONE_NUMBER);
  GstCaps *caps;

  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    consumer_note (consumer, END);
  else if (gst_event_has_name (event, GST_PARE_PASS_END))
    {
      g_assert_true (GST_EVENT_IS_SERIALIZED (event));
      consumer_note (consumer, MARK);
    }
  else if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS)
    {
      gst_event_parse_caps (event, &caps);
      if (!gst_caps_is_equal (caps, one))
        consumer_note (consumer, TWO);
      else if (consumer->heard->len)
        consumer_note (consumer, ONE);
    }
  gst_event_unref (event);
  return TRUE;
}

static void
consumer_free (Consumer *consumer)
{
  gst_pad_set_active (consumer->pad, FALSE);
  gst_object_unref (consumer->pad);
  g_array_unref (consumer->heard);
  g_free (consumer);
}

static void
consumer_await (Consumer *consumer, guint n)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&consumer->lock);

  while (consumer->heard->len < n)
    g_assert_true (g_cond_wait_until (&consumer->changed, &consumer->lock, deadline));
}

static void
consumer_await_end (Consumer *consumer)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_TIME_SPAN_SECOND;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&consumer->lock);

  while (!consumer->heard->len || g_array_index (consumer->heard, int, consumer->heard->len - 1) != END)
    g_assert_true (g_cond_wait_until (&consumer->changed, &consumer->lock, deadline));
}

#define assert_heard(consumer, ...)                                                                                    \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    const int expected[] = { __VA_ARGS__ };                                                                            \
    consumer_await (consumer, G_N_ELEMENTS (expected));                                                                \
    g_assert_cmpmem ((consumer)->heard->data, (consumer)->heard->len * sizeof (int), expected, sizeof expected);       \
  }                                                                                                                    \
  G_STMT_END

typedef struct
{
  GstElement *store;
  GstBus *bus;
  GstHarness *input;
  GPtrArray *consumers;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  fixture->store = gst_object_ref_sink (gst_element_factory_make ("tensorstore", "store"));
  fixture->bus = gst_bus_new ();
  gst_element_set_bus (fixture->store, fixture->bus);
  fixture->consumers = g_ptr_array_new_with_free_func ((GDestroyNotify)consumer_free);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  /* Stops the threads of the store, wherever they wait. */
  gst_element_set_state (fixture->store, GST_STATE_NULL);
  gst_harness_teardown (fixture->input);
  gst_element_set_bus (fixture->store, NULL);
  gst_object_unref (fixture->bus);
  g_assert_cmpint (GST_OBJECT_REFCOUNT (fixture->store), ==, 1);
  gst_object_unref (fixture->store);
  g_ptr_array_unref (fixture->consumers);
}

static GstStaticPadTemplate consumer_template
    = GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_PARE_TENSORS_CAPS));

/* A consumer at the pad @name. */
static Consumer *
consume (Fixture *fixture, const char *name)
{
  Consumer *consumer = g_new0 (Consumer, 1);
  g_autoptr (GstPad) source = gst_element_request_pad_simple (fixture->store, name);

  g_assert_nonnull (source);
  consumer->pad = gst_pad_new_from_static_template (&consumer_template, NULL);
  consumer->heard = g_array_new (FALSE, FALSE, sizeof (int));
  gst_pad_set_element_private (consumer->pad, consumer);
  gst_pad_set_chain_function (consumer->pad, consumer_chain);
  gst_pad_set_event_function (consumer->pad, consumer_event);
  gst_pad_set_active (consumer->pad, TRUE);
  g_assert_cmpint (gst_pad_link (source, consumer->pad), ==, GST_PAD_LINK_OK);
  g_ptr_array_add (fixture->consumers, consumer);
  return consumer;
}

static void
play (Fixture *fixture)
{
  fixture->input = gst_harness_new_with_element (fixture->store, "sink", NULL);
  gst_harness_set_src_caps_str (fixture->input, ONE_NUMBER);
}

static GstFlowReturn
push (Fixture *fixture, int number)
{
  return gst_harness_push (fixture->input, gst_buffer_new_memdup (&number, sizeof number));
}

static void
push_all (Fixture *fixture, int n)
{
  for (int i = 0; i < n; i++)
    g_assert_cmpint (push (fixture, i), ==, GST_FLOW_OK);
  g_assert_true (gst_harness_push_event (fixture->input, gst_event_new_eos ()));
}

#define set(fixture, ...) gst_child_proxy_set (GST_CHILD_PROXY ((fixture)->store), __VA_ARGS__, NULL)

static void
test_every_consumer_gets_its_passes (Fixture *fixture, gconstpointer data)
{
  Consumer *once = consume (fixture, "src_once"), *twice = consume (fixture, "src_%u");

  set (fixture, "src_once::passes", 1, "src_0::passes", 2);
  play (fixture);
  push_all (fixture, 3);
  assert_heard (once, 0, 1, 2, MARK, END);
  assert_heard (twice, 0, 1, 2, MARK, 0, 1, 2, MARK, END);
}

static void
test_first_pass_does_not_wait_for_the_end (Fixture *fixture, gconstpointer data)
{
  Consumer *consumer = consume (fixture, "src_0");

  set (fixture, "src_0::passes", 1);
  play (fixture);
  push (fixture, 0);
  assert_heard (consumer, 0);
  push (fixture, 1);
  assert_heard (consumer, 0, 1);
}

/* What a consumer heard in pass @pass of @n samples, as a set of bits; each may come once. */
static guint64
pass_set (Consumer *consumer, guint pass, guint n)
{
  guint64 seen = 0;

  for (guint i = 0; i < n; i++)
    {
      int number = g_array_index (consumer->heard, int, pass *(n + 1) + i);
      g_assert_cmpint (number, >=, 0);
      g_assert_cmpuint (seen >> number & 1, ==, 0);
      seen |= G_GUINT64_CONSTANT (1) << number;
    }
  g_assert_cmpint (g_array_index (consumer->heard, int, pass *(n + 1) + n), ==, MARK);
  return seen;
}

static void
test_every_pass_is_shuffled_anew (Fixture *fixture, gconstpointer data)
{
  Consumer *one = consume (fixture, "src_one"), *same = consume (fixture, "src_same");
  Consumer *other = consume (fixture, "src_other");
  const int *heard;

  set (fixture, "src_one::passes", 2, "src_one::shuffle", TRUE, "src_one::seed", (guint64)1);
  set (fixture, "src_same::passes", 2, "src_same::shuffle", TRUE, "src_same::seed", (guint64)1);
  set (fixture, "src_other::passes", 2, "src_other::shuffle", TRUE, "src_other::seed", (guint64)2);
  play (fixture);
  push_all (fixture, 20);
  for (guint i = 0; i < 3; i++)
    {
      Consumer *consumer = fixture->consumers->pdata[i];
      consumer_await (consumer, 43);
      g_assert_cmpuint (pass_set (consumer, 0, 20), ==, (1 << 20) - 1);
      g_assert_cmpuint (pass_set (consumer, 1, 20), ==, (1 << 20) - 1);
    }
  heard = (const int *)(gpointer)one->heard->data;
  g_assert_cmpmem (heard, 43 * sizeof (int), same->heard->data, 43 * sizeof (int));
  g_assert_cmpint (memcmp (heard, heard + 21, 20 * sizeof (int)), !=, 0);
  g_assert_cmpint (memcmp (heard, other->heard->data, 20 * sizeof (int)), !=, 0);
}

static void
set_part (Fixture *fixture, const char *name, const char *part)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (fixture->store, name);

  gst_util_set_object_arg (G_OBJECT (pad), "part", part);
}

static void
test_parts_are_disjoint_and_complete (Fixture *fixture, gconstpointer data)
{
  Consumer *train = consume (fixture, "src_train"), *validation = consume (fixture, "src_validation");
  guint64 seen[2] = { 0 };

  g_object_set (fixture->store, "validation-split", 0.3, "seed", (guint64)4, NULL);
  set (fixture, "src_train::passes", 1, "src_train::shuffle", TRUE);
  set (fixture, "src_validation::passes", 1);
  set_part (fixture, "src_train", "train");
  set_part (fixture, "src_validation", "validation");
  play (fixture);
  push_all (fixture, 60);
  for (guint i = 0; i < 2; i++)
    {
      Consumer *consumer = i ? validation : train;
      consumer_await_end (consumer);
      seen[i] = pass_set (consumer, 0, consumer->heard->len - 2);
    }
  g_assert_cmpuint (seen[0] & seen[1], ==, 0);
  g_assert_cmpuint (seen[0] | seen[1], ==, (G_GUINT64_CONSTANT (1) << 60) - 1);
  g_assert_cmpuint (validation->heard->len, >, 8);
  g_assert_cmpuint (validation->heard->len, <, 32);
}

static void
test_validation_without_a_split_is_an_error (Fixture *fixture, gconstpointer data)
{
  Consumer *consumer = consume (fixture, "src_0");
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  set_part (fixture, "src_0", "validation");
  play (fixture);
  push_all (fixture, 2);
  message = gst_bus_timed_pop_filtered (fixture->bus, 10 * GST_SECOND, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, "validation-split"));
  assert_heard (consumer, END);
}

static void
test_samples_are_the_first_ones_and_no_more_are_taken (Fixture *fixture, gconstpointer data)
{
  Consumer *two = consume (fixture, "src_0"), *three = consume (fixture, "src_1");
  guint64 stored;

  set (fixture, "src_0::passes", 2, "src_0::samples", (guint64)2);
  set (fixture, "src_1::passes", 1, "src_1::samples", (guint64)3);
  play (fixture);
  g_assert_cmpint (push (fixture, 0), ==, GST_FLOW_OK);
  g_assert_cmpint (push (fixture, 1), ==, GST_FLOW_OK);
  /* The third is the last that anybody asks for: upstream may stop. */
  g_assert_cmpint (push (fixture, 2), ==, GST_FLOW_EOS);
  g_assert_cmpint (push (fixture, 3), ==, GST_FLOW_EOS);
  assert_heard (two, 0, 1, MARK, 0, 1, MARK, END);
  assert_heard (three, 0, 1, 2, MARK, END);
  g_object_get (fixture->store, "stored", &stored, NULL);
  g_assert_cmpuint (stored, ==, 3);
}

static void
test_slow_consumer_holds_up_nobody (Fixture *fixture, gconstpointer data)
{
  Consumer *slow = consume (fixture, "src_0"), *quick = consume (fixture, "src_1");

  slow->stuck = TRUE;
  set (fixture, "src_0::passes", 1, "src_1::passes", 1);
  play (fixture);
  push_all (fixture, 4);
  assert_heard (quick, 0, 1, 2, 3, MARK, END);
  assert_heard (slow, 0);
  g_mutex_lock (&slow->lock);
  slow->stuck = FALSE;
  g_cond_broadcast (&slow->changed);
  g_mutex_unlock (&slow->lock);
  assert_heard (slow, 0, 1, 2, 3, MARK, END);
}

static void
test_consumer_that_has_enough_ends_alone (Fixture *fixture, gconstpointer data)
{
  Consumer *short_one = consume (fixture, "src_0"), *long_one = consume (fixture, "src_1");

  short_one->enough = 2;
  long_one->enough = 8;
  play (fixture);
  push_all (fixture, 4);
  assert_heard (short_one, 0, 1, END);
  assert_heard (long_one, 0, 1, 2, 3, MARK, 0, 1, 2, END);
}

static void
test_consumer_may_skip_to_the_next_pass (Fixture *fixture, gconstpointer data)
{
  Consumer *skipping = consume (fixture, "src_0"), *other = consume (fixture, "src_1");

  skipping->skip = 1;
  set (fixture, "src_0::passes", 3);
  set (fixture, "src_1::passes", 1);
  play (fixture);
  push_all (fixture, 3);
  assert_heard (skipping, 0, 1, SKIPPED, 0, 1, SKIPPED, 0, 1, REFUSED, 2, MARK, END);
  assert_heard (other, 0, 1, 2, MARK, END);
}

static void
test_upstream_stops_when_all_have_enough (Fixture *fixture, gconstpointer data)
{
  Consumer *consumer = consume (fixture, "src_0");

  consumer->enough = 1;
  play (fixture);
  push (fixture, 0);
  assert_heard (consumer, 0, END);
  g_assert_cmpint (push (fixture, 1), ==, GST_FLOW_EOS);
}

static void
test_no_samples_are_no_pass (Fixture *fixture, gconstpointer data)
{
  Consumer *plain = consume (fixture, "src_0"), *shuffled = consume (fixture, "src_1");

  set (fixture, "src_1::shuffle", TRUE);
  play (fixture);
  push_all (fixture, 0);
  assert_heard (plain, END);
  assert_heard (shuffled, END);
}

static void
test_file_takes_what_memory_does_not (Fixture *fixture, gconstpointer data)
{
  Consumer *consumer = consume (fixture, "src_0");
  guint64 spilled;

  g_object_set (fixture->store, "memory-limit", (guint64)8, NULL);
  set (fixture, "src_0::passes", 2);
  play (fixture);
  push_all (fixture, 5);
  assert_heard (consumer, 0, 1, 2, 3, 4, MARK, 0, 1, 2, 3, 4, MARK, END);
  g_object_get (fixture->store, "spilled", &spilled, NULL);
  g_assert_cmpuint (spilled, ==, 3 * sizeof (int));
}

static void
test_folder_that_is_missing_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  consume (fixture, "src_0");
  g_object_set (fixture->store, "memory-limit", (guint64)0, "spill-directory", "/nonexistent", NULL);
  play (fixture);
  g_assert_cmpint (push (fixture, 0), ==, GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (fixture->bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "'/nonexistent': No such file or directory. Raise memory-limit"));
}

static void
test_samples_keep_their_caps (Fixture *fixture, gconstpointer data)
{
  Consumer *consumer = consume (fixture, "src_0");
  const int two[] = { 1, 10 };

  set (fixture, "src_0::passes", 2);
  play (fixture);
  push (fixture, 0);
  gst_harness_set_src_caps_str (fixture->input, TWO_NUMBERS);
  gst_harness_push (fixture->input, gst_buffer_new_memdup (two, sizeof two));
  gst_harness_set_src_caps_str (fixture->input, ONE_NUMBER);
  push (fixture, 2);
  gst_harness_push_event (fixture->input, gst_event_new_eos ());
  assert_heard (consumer, 0, TWO, 1, ONE, 2, MARK, 0, TWO, 1, ONE, 2, MARK, END);
}

static void
test_flush_begins_anew (Fixture *fixture, gconstpointer data)
{
  Consumer *consumer = consume (fixture, "src_0"), *shuffled = consume (fixture, "src_1");
  GstSegment segment;

  set (fixture, "src_0::passes", 1, "src_1::passes", 1, "src_1::shuffle", TRUE);
  play (fixture);
  push (fixture, 0);
  push (fixture, 1);
  assert_heard (consumer, 0, 1);
  gst_harness_push_event (fixture->input, gst_event_new_flush_start ());
  gst_harness_push_event (fixture->input, gst_event_new_flush_stop (TRUE));
  g_array_set_size (consumer->heard, 0);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (fixture->input, gst_event_new_segment (&segment));
  push (fixture, 0);
  gst_harness_push_event (fixture->input, gst_event_new_eos ());
  consumer_await (consumer, 3);
  consumer_await (shuffled, 3);
  g_assert_cmpint (g_array_index (consumer->heard, int, consumer->heard->len - 1), ==, END);
  g_assert_cmpint (g_array_index (consumer->heard, int, consumer->heard->len - 3), ==, 0);
  assert_heard (shuffled, 0, MARK, END);
}

static void
test_unlinked_consumer_waits_for_the_next (Fixture *fixture, gconstpointer data)
{
  Consumer *first = consume (fixture, "src_0"), *second = consume (fixture, "src_1");
  g_autoptr (GstPad) source = gst_element_get_static_pad (fixture->store, "src_0");
  g_autoptr (GstPad) other = gst_element_get_static_pad (fixture->store, "src_1");

  set (fixture, "src_0::passes", 1);
  gst_pad_unlink (other, second->pad);
  play (fixture);
  push (fixture, 0);
  assert_heard (first, 0);
  gst_pad_unlink (source, first->pad);
  for (int i = 1; i < 3; i++)
    g_assert_cmpint (push (fixture, i), ==, GST_FLOW_OK);
  gst_harness_push_event (fixture->input, gst_event_new_eos ());
  g_assert_cmpint (gst_pad_link (source, second->pad), ==, GST_PAD_LINK_OK);
  assert_heard (second, 1, 2, MARK, END);
  assert_heard (first, 0);
}

static void
test_consumer_that_comes_late_gets_all (Fixture *fixture, gconstpointer data)
{
  Consumer *early = consume (fixture, "src_0"), *late;

  early->enough = 4;
  play (fixture);
  push_all (fixture, 2);
  assert_heard (early, 0, 1, MARK, 0, END);
  late = consume (fixture, "src_%u");
  consumer_await (late, 9);
  g_assert_cmpmem (late->heard->data, 6 * sizeof (int), ((int[]){ 0, 1, MARK, 0, 1, MARK }), 6 * sizeof (int));
}

static void
test_released_pad_is_no_consumer (Fixture *fixture, gconstpointer data)
{
  Consumer *stays = consume (fixture, "src_0");
  g_autoptr (GstPad) source = NULL;

  consume (fixture, "src_1");
  source = gst_element_get_static_pad (fixture->store, "src_1");
  set (fixture, "src_0::passes", 1);
  play (fixture);
  push (fixture, 0);
  gst_element_release_request_pad (fixture->store, source);
  g_assert_cmpuint (gst_child_proxy_get_children_count (GST_CHILD_PROXY (fixture->store)), ==, 1);
  push (fixture, 1);
  gst_harness_push_event (fixture->input, gst_event_new_eos ());
  assert_heard (stays, 0, 1, MARK, END);
}

static void
test_store_without_a_consumer_is_not_linked (Fixture *fixture, gconstpointer data)
{
  play (fixture);
  g_assert_cmpint (push (fixture, 0), ==, GST_FLOW_NOT_LINKED);
}

static void
test_length_of_a_pass_is_its_duration (Fixture *fixture, gconstpointer data)
{
  Consumer *all = consume (fixture, "src_0"), *some = consume (fixture, "src_1");
  gint64 duration;

  set (fixture, "src_1::samples", (guint64)2, "src_0::passes", 3, "src_1::passes", 1);
  play (fixture);
  push_all (fixture, 5);
  g_assert_true (gst_pad_peer_query_duration (all->pad, GST_FORMAT_BUFFERS, &duration));
  g_assert_cmpint (duration, ==, 5);
  g_assert_true (gst_pad_peer_query_duration (some->pad, GST_FORMAT_BUFFERS, &duration));
  g_assert_cmpint (duration, ==, 2);
  g_assert_false (gst_pad_peer_query_duration (all->pad, GST_FORMAT_TIME, &duration));
}

#define ADD(name) g_test_add ("/tensorstore/" #name, Fixture, NULL, setup, test_##name, teardown)

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  ADD (every_consumer_gets_its_passes);
  ADD (first_pass_does_not_wait_for_the_end);
  ADD (every_pass_is_shuffled_anew);
  ADD (parts_are_disjoint_and_complete);
  ADD (validation_without_a_split_is_an_error);
  ADD (samples_are_the_first_ones_and_no_more_are_taken);
  ADD (slow_consumer_holds_up_nobody);
  ADD (consumer_that_has_enough_ends_alone);
  ADD (consumer_may_skip_to_the_next_pass);
  ADD (upstream_stops_when_all_have_enough);
  ADD (no_samples_are_no_pass);
  ADD (file_takes_what_memory_does_not);
  ADD (folder_that_is_missing_is_an_error);
  ADD (samples_keep_their_caps);
  ADD (flush_begins_anew);
  ADD (unlinked_consumer_waits_for_the_next);
  ADD (consumer_that_comes_late_gets_all);
  ADD (released_pad_is_no_consumer);
  ADD (store_without_a_consumer_is_not_linked);
  ADD (length_of_a_pass_is_its_duration);
  return g_test_run ();
}
