/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Sharing out a budget, against trying everything. */
#include "decompose/choice.h"

#define LAYERS 3
#define OPTIONS 6

/* Random options of three layers of 100 multiply-accumulates each; the fewer, the more error. */
static GPtrArray *
options_new (guint32 seed)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  GPtrArray *options = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);

  for (guint l = 0; l < LAYERS; l++)
    {
      GArray *layer = g_array_new (FALSE, FALSE, sizeof (PareOption));
      double error = 0;
      for (int rank = OPTIONS; rank > 0; rank--)
        {
          PareOption option = { pare_factorization_table[0], rank, 100.0 * rank / (OPTIONS + 1),
                                error += g_rand_double_range (rand, 0, 0.15) };
          g_array_append_val (layer, option);
        }
      g_ptr_array_add (options, layer);
    }
  return options;
}

/* The most that any combination within @budget keeps; option 0 of each layer is the whole one. */
static double
best_kept (GPtrArray *options, double budget)
{
  double best = 0;

  for (guint code = 0; code < (OPTIONS + 1) * (OPTIONS + 1) * (OPTIONS + 1); code++)
    {
      double macs = 0, kept = 1;
      for (guint l = 0, rest = code; l < LAYERS; l++, rest /= OPTIONS + 1)
        {
          guint index = rest % (OPTIONS + 1);
          const PareOption *option = index ? &g_array_index ((GArray *)options->pdata[l], PareOption, index - 1) : NULL;
          macs += option ? option->macs : 100;
          kept *= option ? 1 - option->error : 1;
        }
      if (macs <= budget)
        best = MAX (best, kept);
    }
  return best;
}

/* What was spent is spent as well as it can be, apart from the last step, which may not fit exactly. */
static void
test_budgets_are_spent_well (void)
{
  static const double macs[LAYERS] = { 100, 100, 100 };
  guint exact = 0, n = 0;

  for (guint32 seed = 0; seed < 20; seed++)
    for (double budget = 90; budget < 300; budget += 30)
      {
        g_autoptr (GPtrArray) options = options_new (seed);
        PareOption choice[LAYERS];
        double best = best_kept (options, budget), kept = 1, spent = 0;

        g_assert_true (pare_allocate (options, macs, budget, choice));
        for (guint l = 0; l < LAYERS; l++)
          {
            kept *= 1 - choice[l].error;
            spent += choice[l].macs;
          }
        g_assert_cmpfloat (spent, <=, budget + 1e-9);
        g_assert_cmpfloat (kept, <=, best + 1e-12);
        g_assert_cmpfloat (kept, >=, 0.85 * best);
        exact += kept > best - 1e-12;
        n++;
      }
  g_assert_cmpuint (exact * 2, >, n);
}

static void
test_what_cannot_be_met_is_said (void)
{
  static const double macs[LAYERS] = { 100, 100, 100 };
  g_autoptr (GPtrArray) options = options_new (1);
  PareOption choice[LAYERS];

  g_assert_false (pare_allocate (options, macs, 30, choice));
  for (guint l = 0; l < LAYERS; l++)
    g_assert_cmpint (choice[l].rank, ==, 1);
}

static void
test_nothing_is_given_up_without_need (void)
{
  static const double macs[LAYERS] = { 100, 100, 100 };
  g_autoptr (GPtrArray) options = options_new (2);
  PareOption choice[LAYERS];

  g_assert_true (pare_allocate (options, macs, 300, choice));
  for (guint l = 0; l < LAYERS; l++)
    g_assert_null (choice[l].how);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/allocate/spent-well", test_budgets_are_spent_well);
  g_test_add_func ("/allocate/impossible", test_what_cannot_be_met_is_said);
  g_test_add_func ("/allocate/no-need", test_nothing_is_given_up_without_need);
  return g_test_run ();
}
