/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Distillation of small networks: what it reaches, what it leaves alone, and what it refuses. Distances are measured
 * here, from what the naive network makes of the teacher, on samples that no distiller saw. */
#include "network.h"
#include "quantize/quantize.h"
#include "train/distill.h"
#include <math.h>
#include <string.h>

#define SIZE 6
#define BATCH 8

typedef struct
{
  Net teacher;
  PareGraph *student;
  PareDistillSettings settings;
} Case;

static PareValue *
conv (Net *net, const char *name, PareValue *x, int in, int out)
{
  g_autofree char *weight = g_strconcat (name, "_w", NULL), *bias = g_strconcat (name, "_b", NULL);

  x = OP (net, "Conv", name, x, net_random (net, weight, pare_shape_of (4, out, in, 1, 1), -1, 1),
          net_random (net, bias, pare_shape_of (1, out), -0.5, 0.5));
  /* A name of its own: quantizing the network's output gives the node's output another one. */
  g_free (x->producer->name);
  x->producer->name = g_strdup (name);
  return x;
}

static void
teacher_init (Net *net)
{
  PareValue *x, *a;

  *net = net_new ();
  x = net_input (net, "x", pare_shape_of (4, -1, 3, SIZE, SIZE));
  a = OP (net, "Relu", "a_relu", conv (net, "a", x, 3, 8));
  x = OP (net, "Relu", "b_relu", OP (net, "Add", "sum", conv (net, "b", a, 8, 8), a));
  net_output (net, conv (net, "c", x, 8, 4));
}

/* Every value gets the range that it has on a few samples. */
static void
set_ranges (Net *net)
{
  g_autoptr (GPtrArray) inputs = network_inputs (net, 4);
  g_autoptr (PareGraph) all = pare_graph_copy (net->graph);
  g_autoptr (GPtrArray) values = g_ptr_array_new (), found = NULL;

  g_ptr_array_set_size (all->outputs, 0);
  for (guint i = 0; i < all->values->len; i++)
    if (!((PareValue *)all->values->pdata[i])->constant)
      {
        g_ptr_array_add (all->outputs, all->values->pdata[i]);
        g_ptr_array_add (values, net->graph->values->pdata[i]);
      }
  found = network_run (all, inputs);
  for (guint i = 0; i < values->len; i++)
    {
      PareRange *range = &((PareValue *)values->pdata[i])->range;
      *range = (PareRange){ 0, 0 };
      for (gint64 k = 0; k < pare_tensor_elements (found->pdata[i]); k++)
        {
          range->low = fmin (range->low, pare_tensor_get_double (found->pdata[i], k));
          range->high = fmax (range->high, pare_tensor_get_double (found->pdata[i], k));
        }
    }
}

static void
setup_quantized (Case *c, gconstpointer data)
{
  PareQuantizeSettings settings;
  g_autoptr (GError) error = NULL;

  teacher_init (&c->teacher);
  set_ranges (&c->teacher);
  c->student = pare_graph_copy (c->teacher.graph);
  pare_quantize_settings_init (&settings);
  settings.bits = settings.edge_bits = 3;
  settings.activation_bits = 5;
  pare_graph_quantize (c->student, &settings, &error);
  g_assert_no_error (error);
  pare_distill_settings_init (&c->settings);
  c->settings.epochs = 4;
  c->settings.learning_rate = 5e-3;
  c->settings.clip_rate = 0.01;
}

/* A student without quantizers whose weights went wrong. */
static void
setup_float (Case *c, gconstpointer data)
{
  static const char *const weights[] = { "a_w", "b_w", "c_w" };

  teacher_init (&c->teacher);
  c->student = pare_graph_copy (c->teacher.graph);
  for (guint i = 0; i < G_N_ELEMENTS (weights); i++)
    {
      PareValue *value = pare_graph_find_value (c->student, weights[i]);
      gint64 n = pare_tensor_elements (value->constant);
      g_autofree float *numbers = g_memdup2 (pare_tensor_data (value->constant), n * sizeof (float));
      g_autoptr (PareTensor) tensor = NULL;
      for (gint64 k = 0; k < n; k++)
        numbers[k] += 0.1f * ((k * 7 + i) % 5 - 2.0f) / 2;
      tensor = pare_tensor_new_floats (&value->constant->shape, numbers);
      pare_value_set_constant (value, tensor);
    }
  pare_distill_settings_init (&c->settings);
  c->settings.epochs = 12;
  c->settings.learning_rate = 1e-2;
}

static void
teardown (Case *c, gconstpointer data)
{
  g_object_unref (c->student);
  net_clear (&c->teacher);
}

static gboolean
stop_at_step (guint64 step, guint64 total, gpointer last)
{
  g_assert_cmpint (step, <=, total);
  return step != GPOINTER_TO_UINT (last);
}

/* Distills with @n samples; the result, or NULL when it failed or stopped at step @last. */
static PareGraph *
distill (Case *c, guint n, guint last, GError **error)
{
  g_autoptr (PareDistiller) distiller = pare_distiller_new (c->student, c->teacher.graph, &c->settings, error);
  g_autoptr (PareSamples) samples = pare_samples_new (1, c->settings.memory_limit);
  g_autoptr (PareGraph) result = pare_graph_copy (c->student);
  GRand *random = c->teacher.random;

  if (!distiller)
    return NULL;
  /* The same samples in every call. */
  c->teacher.random = g_rand_new_with_seed (5);
  for (guint done = 0; done < n; done += BATCH)
    {
      g_autoptr (GPtrArray) batch = network_inputs (&c->teacher, MIN (BATCH, n - done));
      g_assert_true (pare_samples_add (samples, (PareTensor **)batch->pdata, 1, MIN (BATCH, n - done), error));
    }
  g_rand_free (c->teacher.random);
  c->teacher.random = random;
  return pare_distiller_run (distiller, samples, result, stop_at_step, GUINT_TO_POINTER (last), error)
             ? g_steal_pointer (&result)
             : NULL;
}

static PareGraph *
distill_well (Case *c, guint n)
{
  g_autoptr (GError) error = NULL;
  PareGraph *result = distill (c, n, 0, &error);

  g_assert_no_error (error);
  pare_graph_assert_consistent (result);
  return result;
}

static double
distance (Case *c, PareGraph *graph)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (99);
  GRand *own = c->teacher.random;
  g_autoptr (GPtrArray) inputs = NULL, have = NULL, want = NULL;
  double sum = 0;

  c->teacher.random = random;
  inputs = network_inputs (&c->teacher, 32);
  c->teacher.random = own;
  have = network_run (graph, inputs);
  want = network_expect (c->teacher.graph, inputs);
  for (gint64 i = 0; i < pare_tensor_elements (want->pdata[0]); i++)
    sum += pow (pare_tensor_get_double (have->pdata[0], i) - pare_tensor_get_double (want->pdata[0], i), 2);
  return sum / pare_tensor_elements (want->pdata[0]);
}

/* Equal constants of equal names. */
static void
assert_same (const PareGraph *a, const PareGraph *b)
{
  g_assert_cmpint (a->values->len, ==, b->values->len);
  g_assert_cmpint (a->nodes->len, ==, b->nodes->len);
  for (guint i = 0; i < a->values->len; i++)
    {
      const PareValue *x = a->values->pdata[i], *y = b->values->pdata[i];
      g_assert_cmpstr (x->name, ==, y->name);
      g_assert_true (!x->constant == !y->constant);
      g_assert_true (!x->constant || pare_tensor_equal (x->constant, y->constant));
    }
}

static const PareRecordEntry *
last_entry (const PareGraph *graph)
{
  return pare_record_get (graph->record, pare_record_length (graph->record) - 1);
}

static void
test_a_quantized_student_comes_closer (Case *c, gconstpointer data)
{
  g_autoptr (PareGraph) result = distill_well (c, 160);

  g_assert_cmpfloat (distance (c, result), <, 0.8 * distance (c, c->student));
}

static void
test_a_damaged_float_student_recovers (Case *c, gconstpointer data)
{
  g_autoptr (PareGraph) result = distill_well (c, 160);

  g_assert_cmpfloat (distance (c, result), <, 0.05 * distance (c, c->student));
}

static void
test_teachers_inputs_help_as_well (Case *c, gconstpointer data)
{
  g_autoptr (PareGraph) result = NULL;

  c->settings.input = PARE_DISTILL_TEACHER;
  result = distill_well (c, 160);
  g_assert_cmpfloat (distance (c, result), <, 0.05 * distance (c, c->student));
}

static void
test_one_block_of_all_layers (Case *c, gconstpointer data)
{
  g_autoptr (PareGraph) result = NULL;

  c->settings.blocks.group_size = 3;
  result = distill_well (c, 160);
  g_assert_cmpfloat (distance (c, result), <, distance (c, c->student));
}

static void
test_the_result_is_a_pair_form_again (Case *c, gconstpointer data)
{
  g_autoptr (PareGraph) result = distill_well (c, 64);
  guint quantizers[2] = { 0 };
  const PareGraph *graphs[] = { c->student, result };

  for (guint g = 0; g < 2; g++)
    for (guint i = 0; i < graphs[g]->nodes->len; i++)
      {
        const PareNode *node = graphs[g]->nodes->pdata[i];
        g_assert_cmpstr (node->domain, ==, "");
        quantizers[g] += pare_node_is (node, "QuantizeLinear");
      }
  g_assert_cmpint (quantizers[0], >, 0);
  g_assert_cmpint (quantizers[1], ==, quantizers[0]);
}

static void
test_every_layer_is_in_the_record (Case *c, gconstpointer data)
{
  static const char *const layers[] = { "a", "b", "c", "" };
  g_autoptr (PareGraph) result = distill_well (c, 64);
  guint first = pare_record_length (result->record) - 4;
  double before, after;

  for (guint i = 0; i < 4; i++)
    {
      const PareRecordEntry *entry = pare_record_get (result->record, first + i);
      g_assert_cmpstr (pare_record_entry_stage (entry), ==, "graphdistiller");
      g_assert_cmpstr (pare_record_entry_layer (entry), ==, layers[i]);
      g_assert_true (pare_record_entry_number (entry, "before", &before));
      g_assert_true (pare_record_entry_number (entry, "after", &after));
      g_assert_cmpstr (pare_record_entry_action (entry), ==, after < before ? "distilled" : "left as it was");
    }
}

static void
test_runs_and_memory_change_nothing (Case *c, gconstpointer data)
{
  g_autoptr (PareGraph) first = distill_well (c, 44), second = distill_well (c, 44), forgetful = NULL;

  c->settings.memory_limit = 0;
  forgetful = distill_well (c, 44);
  g_assert_cmpfloat (distance (c, first), !=, distance (c, c->student));
  assert_same (first, second);
  assert_same (first, forgetful);
}

/* Steps so large that every block gets worse, or runs away. */
static void
test_a_student_that_gets_worse_is_restored (Case *c, gconstpointer data)
{
  g_autoptr (PareGraph) result = NULL;

  c->settings.learning_rate = c->settings.clip_rate = c->settings.scale_rate = 1e5;
  result = distill_well (c, 32);
  assert_same (result, c->student);
  g_assert_cmpstr (pare_record_entry_action (last_entry (result)), ==, "left as it was");
  g_assert_nonnull (pare_record_entry_reason (last_entry (result)));
}

static void
test_layers_in_no_group_are_left_alone (Case *c, gconstpointer data)
{
  g_autoptr (PareGraph) result = NULL;
  const PareRecordEntry *entry;

  c->settings.blocks.groups = "a:b";
  result = distill_well (c, 32);
  entry = pare_record_get (result->record, pare_record_length (result->record) - 2);
  g_assert_cmpstr (pare_record_entry_layer (entry), ==, "c");
  g_assert_cmpstr (pare_record_entry_reason (entry), ==, "it is in no group");
  g_assert_true (pare_tensor_equal (pare_graph_find_value (result, "c_w")->constant,
                                    pare_graph_find_value (c->student, "c_w")->constant));
}

static void
test_numbers_that_are_not_finite_are_an_error (Case *c, gconstpointer data)
{
  PareValue *weight = pare_graph_find_value (c->student, "c_w");
  g_autofree float *numbers = g_memdup2 (pare_tensor_data (weight->constant), pare_tensor_size (weight->constant));
  g_autoptr (PareTensor) broken = NULL;
  g_autoptr (GError) error = NULL;

  numbers[0] = NAN;
  broken = pare_tensor_new_floats (&weight->constant->shape, numbers);
  pare_value_set_constant (weight, broken);
  g_assert_null (distill (c, 16, 0, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
  g_assert_nonnull (strstr (error->message, "not finite"));
}

static void
test_it_stops_when_asked (Case *c, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (distill (c, 64, 5, &error));
  g_assert_no_error (error);
}

static void
test_bad_settings_are_refused (Case *c, gconstpointer data)
{
  g_autoptr (GError) no_data = NULL, labels = NULL, unknown = NULL;

  g_assert_null (distill (c, 1, 0, &no_data));
  g_assert_error (no_data, PARE_ERROR, PARE_ERROR_NO_DATA);
  c->settings.loss = "cross-entropy";
  g_assert_null (distill (c, 8, 0, &labels));
  g_assert_error (labels, PARE_ERROR, PARE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (labels->message, "mse"));
  c->settings.loss = "mse";
  c->settings.optimizer = "adamm";
  g_assert_null (distill (c, 8, 0, &unknown));
  g_assert_error (unknown, PARE_ERROR, PARE_ERROR_SETTINGS);
}

static void
test_samples_of_two_sizes_are_refused (Case *c, gconstpointer data)
{
  g_autoptr (PareSamples) samples = pare_samples_new (1, 0);
  const PareShape shapes[] = { pare_shape_of (4, 1, 3, SIZE, SIZE), pare_shape_of (4, 1, 3, SIZE, SIZE + 1) };
  const float numbers[3 * SIZE * (SIZE + 1)] = { 0 };
  g_autoptr (PareTensor) first = pare_tensor_new_floats (&shapes[0], numbers);
  g_autoptr (PareTensor) second = pare_tensor_new_floats (&shapes[1], numbers);
  g_autoptr (GError) error = NULL;

  g_assert_true (pare_samples_add (samples, &first, 1, 1, NULL));
  g_assert_false (pare_samples_add (samples, &second, 1, 1, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_FORMAT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Networks this small only wait for a second thread. */
  pare_set_threads (1);
#define QUANTIZED(path, function) g_test_add (path, Case, NULL, setup_quantized, function, teardown)
#define FLOAT(path, function) g_test_add (path, Case, NULL, setup_float, function, teardown)
  QUANTIZED ("/distill/quantized", test_a_quantized_student_comes_closer);
  FLOAT ("/distill/float", test_a_damaged_float_student_recovers);
  FLOAT ("/distill/teacher-input", test_teachers_inputs_help_as_well);
  QUANTIZED ("/distill/one-block", test_one_block_of_all_layers);
  QUANTIZED ("/distill/pairs", test_the_result_is_a_pair_form_again);
  QUANTIZED ("/distill/record", test_every_layer_is_in_the_record);
  QUANTIZED ("/distill/deterministic", test_runs_and_memory_change_nothing);
  QUANTIZED ("/distill/restored", test_a_student_that_gets_worse_is_restored);
  FLOAT ("/distill/no-group", test_layers_in_no_group_are_left_alone);
  FLOAT ("/distill/not-finite", test_numbers_that_are_not_finite_are_an_error);
  QUANTIZED ("/distill/stop", test_it_stops_when_asked);
  QUANTIZED ("/distill/settings", test_bad_settings_are_refused);
  QUANTIZED ("/distill/sizes", test_samples_of_two_sizes_are_refused);
  return g_test_run ();
}
