/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The command line itself: help, version, and what cannot be understood. */
#include "process.h"
#include <string.h>

static void
test_help_lists_commands (void)
{
  g_auto (Process) process = pare ("--help", NULL);

  assert_said (&process, "\n  inspect ");
  assert_said (&process, "\n  launch ");
}

static void
test_command_help_lists_its_options (void)
{
  g_auto (Process) process = pare ("inspect", "--help", NULL);

  assert_said (&process, "Usage: pare inspect MODEL.onnx");
  assert_said (&process, "--json");
  g_assert_null (strstr (process.out, "--runs"));
}

static void
test_version (void)
{
  g_auto (Process) process = pare ("--version", NULL);

  assert_said (&process, "pare " VERSION "\n");
}

static void
test_nothing_to_do_is_refused (void)
{
  g_auto (Process) process = pare (NULL, NULL);

  assert_refused (&process, "--help");
}

static void
test_unknown_command_names_the_nearest (void)
{
  g_auto (Process) process = pare ("inspct", "model.onnx", NULL);

  assert_refused (&process, "did you mean 'inspect'");
}

static void
test_unknown_option_is_refused (void)
{
  g_auto (Process) process = pare ("inspect", "model.onnx", "--sizes=3", NULL);

  assert_refused (&process, "--sizes");
}

static void
test_impossible_number_is_refused (void)
{
  g_auto (Process) process = pare ("inspect", "model.onnx", "--batch=-3", NULL);

  assert_refused (&process, "--batch");
}

static void
test_missing_and_surplus_words_are_refused (void)
{
  g_auto (Process) missing = pare ("inspect", NULL);
  g_auto (Process) surplus = pare ("inspect", "a.onnx", "b.onnx", NULL);

  assert_refused (&missing, "MODEL.onnx");
  assert_refused (&surplus, "'b.onnx'");
}

static void
test_missing_model_is_named (void)
{
  g_auto (Process) process = pare ("inspect", "no-such-model.onnx", NULL);

  assert_refused (&process, "no-such-model.onnx");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/command-line/help-lists-commands", test_help_lists_commands);
  g_test_add_func ("/command-line/command-help-lists-its-options", test_command_help_lists_its_options);
  g_test_add_func ("/command-line/version", test_version);
  g_test_add_func ("/command-line/nothing-to-do", test_nothing_to_do_is_refused);
  g_test_add_func ("/command-line/unknown-command", test_unknown_command_names_the_nearest);
  g_test_add_func ("/command-line/unknown-option", test_unknown_option_is_refused);
  g_test_add_func ("/command-line/impossible-number", test_impossible_number_is_refused);
  g_test_add_func ("/command-line/missing-and-surplus-words", test_missing_and_surplus_words_are_refused);
  g_test_add_func ("/command-line/missing-model", test_missing_model_is_named);
  return g_test_run ();
}
