/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The two searches of the tuner without a network: which layers to raise, and how to share out a budget. */
#include "tune/budget.h"
#include "tune/search.h"
#include <math.h>

static void
layer_free (gpointer data)
{
  g_array_unref (((PareTuneLayer *)data)->options);
  g_free (data);
}

static GPtrArray *
layers_new (void)
{
  return g_ptr_array_new_with_free_func (layer_free);
}

static void
add_layer (GPtrArray *layers, guint n, const PareTuneOption *options)
{
  PareTuneLayer *layer = g_new0 (PareTuneLayer, 1);

  layer->options = g_array_new (FALSE, FALSE, sizeof *options);
  g_array_append_vals (layer->options, options, n);
  g_ptr_array_add (layers, layer);
}

/* 4 bits, 8 bits, float; the first layer is the most sensitive one. */
static GPtrArray *
ladders_new (guint n)
{
  GPtrArray *layers = layers_new ();

  for (guint i = 0; i < n; i++)
    add_layer (layers, 3, (PareTuneOption[]){ { 4, 0, n - i, 0 }, { 8, 0, 0.01 * (n - i), 0 }, { 0, 0, 0, 0 } });
  return layers;
}

/* The target is met when every layer has at least the option that it needs. */
typedef struct
{
  guint n;
  guint8 need[64];
  guint hits, misses;
} World;

static gboolean
try_world (const guint8 *choice, const char *step, gboolean *met, gpointer user_data, GError **error)
{
  World *world = user_data;

  *met = TRUE;
  for (guint i = 0; i < world->n; i++)
    *met &= choice[i] >= world->need[i];
  world->hits += *met;
  world->misses += !*met;
  return TRUE;
}

static void
search (World *world, gboolean safe, double miss_cost, guint8 *choice, gboolean *found)
{
  g_autoptr (GPtrArray) layers = ladders_new (world->n);
  g_autoptr (GError) error = NULL;

  g_assert_true (pare_tune_search (layers, safe, miss_cost, try_world, world, choice, found, &error));
  g_assert_no_error (error);
}

static void
test_search_raises_just_what_is_needed (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (5);

  for (int round = 0; round < 200; round++)
    {
      World world = { .n = g_rand_int_range (random, 1, 30) };
      guint8 choice[64];
      gboolean found;
      for (guint i = 0; i < world.n; i++)
        world.need[i] = g_rand_double (random) < 0.2 ? g_rand_int_range (random, 1, 3) : 0;
      world.need[g_rand_int_range (random, 0, (gint)world.n)] = 1; /* the cheapest choice misses */
      search (&world, TRUE, 0.1, choice, &found);
      g_assert_true (found);
      g_assert_cmpmem (choice, world.n, world.need, world.n);
    }
}

/* With hits and misses of one price the search halves: 2 n steps, none to take back. */
static void
test_search_for_a_prefix_is_logarithmic (void)
{
  World world = { .n = 50 };
  guint8 choice[64];
  gboolean found;

  world.need[0] = 1;
  search (&world, TRUE, 1, choice, &found);
  g_assert_cmpmem (choice, world.n, world.need, world.n);
  g_assert_cmpuint (world.hits + world.misses, <=, 7);
}

/* When misses cost nothing, one hit is enough. */
static void
test_search_avoids_hits_when_misses_are_cheap (void)
{
  World world = { .n = 20 };
  guint8 choice[64];
  gboolean found;

  world.need[0] = 1;
  search (&world, TRUE, 1e-6, choice, &found);
  g_assert_cmpuint (world.hits, ==, 1);
}

static void
test_search_says_when_nothing_helps (void)
{
  World world = { .n = 3 };
  guint8 choice[64];
  gboolean found;

  world.need[2] = 9;
  search (&world, FALSE, 0.1, choice, &found);
  g_assert_false (found);
  g_assert_cmpuint (world.misses, ==, 1);
}

static GPtrArray *
random_layers (GRand *random, guint n)
{
  GPtrArray *layers = layers_new ();

  for (guint i = 0; i < n; i++)
    {
      int size = g_rand_int_range (random, 1, 50);
      double base = g_rand_double (random);
      PareTuneOption options[3];
      for (guint o = 0; o < 3; o++)
        options[o] = (PareTuneOption){ 4 + 2 * o, 0, base * pow (0.2, o) * g_rand_double_range (random, 0.5, 2),
                                       size * (4.0 + 2 * o) };
      add_layer (layers, 3, options);
    }
  return layers;
}

/* All 3^n choices. */
static double
least_by_trying_all (GPtrArray *layers, double limit)
{
  double least = INFINITY;
  guint8 choice[8];

  for (guint code = 0; code < pow (3, layers->len); code++)
    {
      guint rest = code;
      for (guint i = 0; i < layers->len; i++, rest /= 3)
        choice[i] = rest % 3;
      if (pare_tune_price (layers, choice) <= limit)
        least = MIN (least, pare_tune_sensitivity (layers, choice));
    }
  return least;
}

/* Prices are whole and the limit is below 10,000: no two of them have one share. */
static void
test_budget_is_shared_out_as_well_as_can_be (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (9);

  for (int round = 0; round < 50; round++)
    {
      g_autoptr (GPtrArray) layers = random_layers (random, 6);
      guint8 choice[6] = { 0 };
      double limit = 1000;
      if (!pare_tune_allocate (layers, limit, choice))
        {
          g_assert_true (isinf (least_by_trying_all (layers, limit)));
          continue;
        }
      g_assert_cmpfloat (pare_tune_price (layers, choice), <=, limit);
      g_assert_cmpfloat_with_epsilon (pare_tune_sensitivity (layers, choice), least_by_trying_all (layers, limit),
                                      1e-12);
    }
}

static void
test_more_budget_never_costs_more (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (11);
  g_autoptr (GPtrArray) layers = random_layers (random, 20);
  guint8 choice[20] = { 0 };
  double last = INFINITY, least;

  pare_tune_allocate (layers, 1, choice);
  least = pare_tune_price (layers, choice);
  for (double limit = least; limit < 2.2 * least; limit *= 1.1)
    {
      g_assert_true (pare_tune_allocate (layers, limit, choice));
      g_assert_cmpfloat (pare_tune_price (layers, choice), <=, limit * (1 + 1e-9));
      g_assert_cmpfloat (pare_tune_sensitivity (layers, choice), <=, last);
      last = pare_tune_sensitivity (layers, choice);
    }
  g_assert_cmpuint (choice[0], ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tune/search-raises-just-what-is-needed", test_search_raises_just_what_is_needed);
  g_test_add_func ("/tune/search-for-a-prefix-is-logarithmic", test_search_for_a_prefix_is_logarithmic);
  g_test_add_func ("/tune/search-avoids-hits-when-misses-are-cheap", test_search_avoids_hits_when_misses_are_cheap);
  g_test_add_func ("/tune/search-says-when-nothing-helps", test_search_says_when_nothing_helps);
  g_test_add_func ("/tune/budget-is-shared-out-as-well-as-can-be", test_budget_is_shared_out_as_well_as_can_be);
  g_test_add_func ("/tune/more-budget-never-costs-more", test_more_budget_never_costs_more);
  return g_test_run ();
}
