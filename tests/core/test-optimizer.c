/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Optimizers against sequences worked out by hand, schedules against their closed forms. */
#include "train/loss.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include <math.h>

#define N 3

typedef struct
{
  float weights[N], gradient[N], first[N], second[N];
} Numbers;

/* One step of all numbers with the gradient (1, -2, 0). */
static void
step (const char *name, const PareOptimizerSettings *settings, Numbers *numbers, guint64 index, double decay)
{
  PareUpdate update = { .step = index,
                        .rate = 0.1,
                        .decay = decay,
                        .gradient_scale = 1,
                        .n = N,
                        .weights = numbers->weights,
                        .gradient = numbers->gradient,
                        .state = { numbers->first, numbers->second } };
  const PareOptimizer *optimizer = pare_optimizer_find (name, NULL);

  g_assert_nonnull (optimizer);
  pare_optimizer_run (optimizer, settings, &update);
}

static Numbers
start (void)
{
  return (Numbers){ .weights = { 1, 1, 1 }, .gradient = { 1, -2, 0 } };
}

static void
assert_weights (const Numbers *numbers, double a, double b, double c)
{
  g_assert_cmpfloat_with_epsilon (numbers->weights[0], a, 1e-5);
  g_assert_cmpfloat_with_epsilon (numbers->weights[1], b, 1e-5);
  g_assert_cmpfloat_with_epsilon (numbers->weights[2], c, 1e-5);
}

/* Velocity 1, then 1.9: 1 - 0.1 - 0.19. */
static void
test_momentum_accumulates (void)
{
  PareOptimizerSettings settings;
  Numbers numbers = start ();

  pare_optimizer_settings_init (&settings);
  step ("sgd", &settings, &numbers, 1, 0);
  assert_weights (&numbers, 0.9, 1.2, 1);
  step ("sgd", &settings, &numbers, 2, 0);
  assert_weights (&numbers, 0.71, 1.58, 1);
}

/* d + 0.9 v: 1.9, then 1 + 0.9 * 1.9 = 2.71. */
static void
test_nesterov_looks_ahead (void)
{
  PareOptimizerSettings settings;
  Numbers numbers = start ();

  pare_optimizer_settings_init (&settings);
  settings.nesterov = TRUE;
  step ("sgd", &settings, &numbers, 1, 0);
  assert_weights (&numbers, 0.81, 1.38, 1);
  step ("sgd", &settings, &numbers, 2, 0);
  assert_weights (&numbers, 0.539, 1.922, 1);
}

/* Without momentum the decay 0.5 adds 0.5 w to the gradient. */
static void
test_decay_of_sgd_is_part_of_the_gradient (void)
{
  PareOptimizerSettings settings = { .momentum = 0 };
  Numbers numbers = start ();

  step ("sgd", &settings, &numbers, 1, 0.5);
  assert_weights (&numbers, 0.85, 1.15, 0.95);
}

/* With a constant gradient both corrected means are exact: every step is the rate, whatever the gradient's size. */
static void
test_adam_steps_by_the_rate (void)
{
  PareOptimizerSettings settings;
  Numbers numbers = start ();

  pare_optimizer_settings_init (&settings);
  for (guint i = 1; i <= 3; i++)
    {
      step ("adam", &settings, &numbers, i, 0);
      assert_weights (&numbers, 1 - 0.1 * i, 1 + 0.1 * i, 1);
    }
}

/* AdamW shrinks a weight without gradient by rate x decay; Adam turns the same decay into a whole step. */
static void
test_decay_of_adamw_is_apart (void)
{
  PareOptimizerSettings settings;
  Numbers apart = start (), part = start ();

  pare_optimizer_settings_init (&settings);
  step ("adamw", &settings, &apart, 1, 0.5);
  assert_weights (&apart, 0.95 - 0.1, 0.95 + 0.1, 0.95);
  step ("adam", &settings, &part, 1, 0.5);
  assert_weights (&part, 0.9, 1.1, 0.9);
}

static double
factor (const char *name, const PareScheduleSettings *settings, guint64 index)
{
  const PareSchedule *schedule = pare_schedule_find (name, NULL);

  g_assert_nonnull (schedule);
  return pare_schedule_factor (schedule, settings, index);
}

static void
test_schedules_are_their_formulas (void)
{
  PareScheduleSettings settings = { .total = 100, .epoch = 10, .step_epochs = 3, .step_factor = 0.1 };

  for (guint i = 0; i < 100; i++)
    {
      double rise = (i - 0.0) / 19, fall = (i - 19.0) / 80;
      g_assert_cmpfloat (factor ("constant", &settings, i), ==, 1);
      g_assert_cmpfloat_with_epsilon (factor ("step", &settings, i), pow (0.1, i / 30), 1e-12);
      g_assert_cmpfloat_with_epsilon (factor ("cosine", &settings, i), 0.5 + 0.5 * cos (G_PI * i / 100), 1e-12);
      /* As torch.optim.lr_scheduler.OneCycleLR (pct_start 0.2) has it. */
      g_assert_cmpfloat_with_epsilon (factor ("one-cycle", &settings, i),
                                      i < 19 ? 1 + (0.04 - 1) * (1 + cos (G_PI * rise)) / 2
                                             : 4e-6 + (1 - 4e-6) * (1 + cos (G_PI * fall)) / 2,
                                      1e-9);
    }
}

static void
test_warm_up_rises_to_the_schedule (void)
{
  PareScheduleSettings settings = { .total = 100, .epoch = 10, .warmup = 4 };

  for (guint i = 0; i < 4; i++)
    g_assert_cmpfloat_with_epsilon (factor ("constant", &settings, i), (i + 1) / 4.0, 1e-12);
  g_assert_cmpfloat (factor ("constant", &settings, 4), ==, 1);
  /* The cosine begins where the rise ends. */
  g_assert_cmpfloat_with_epsilon (factor ("cosine", &settings, 4), 1, 1e-12);
}

static void
test_unknown_names_are_told_the_nearest (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (pare_optimizer_find ("adm", &error));
  g_assert_cmpstr (error->message, ==, "There is no optimizer 'adm': did you mean 'adam'?");
  g_clear_error (&error);
  g_assert_null (pare_schedule_find ("cosin", &error));
  g_assert_cmpstr (error->message, ==, "There is no schedule 'cosin': did you mean 'cosine'?");
  g_clear_error (&error);
  g_assert_null (pare_loss_find ("hinge-of-doom", &error));
  g_assert_cmpstr (error->message, ==,
                   "There is no loss 'hinge-of-doom': choose one of bce-with-logits, cross-entropy, l1, mse.");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/optimizer/momentum", test_momentum_accumulates);
  g_test_add_func ("/optimizer/nesterov", test_nesterov_looks_ahead);
  g_test_add_func ("/optimizer/sgd-decay", test_decay_of_sgd_is_part_of_the_gradient);
  g_test_add_func ("/optimizer/adam", test_adam_steps_by_the_rate);
  g_test_add_func ("/optimizer/adamw", test_decay_of_adamw_is_apart);
  g_test_add_func ("/schedule/formulas", test_schedules_are_their_formulas);
  g_test_add_func ("/schedule/warm-up", test_warm_up_rises_to_the_schedule);
  g_test_add_func ("/names", test_unknown_names_are_told_the_nearest);
  return g_test_run ();
}
