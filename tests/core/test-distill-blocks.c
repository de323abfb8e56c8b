/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How a student is cut into blocks, and which value of the teacher each should compute. */
#include "net.h"
#include "train/distill-blocks.h"
#include <string.h>

static const PareBlockSettings one_by_one = { 1, NULL };

static PareValue *
conv (Net *net, const char *name, PareValue *x, int in, int out)
{
  g_autofree char *weight = g_strconcat (name, "_w", NULL);

  return OP (net, "Conv", name, x, net_random (net, weight, pare_shape_of (4, out, in, 1, 1), -1, 1));
}

/* a = conv, Relu; b = conv, BatchNormalization, + a, Relu; c = conv. @with_norm: the batch normalization is there. */
static Net
residual (gboolean with_norm)
{
  Net net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 3, 5, 5));
  PareValue *a = OP (&net, "Relu", "a_relu", conv (&net, "a", x, 3, 4));
  PareValue *b = conv (&net, with_norm ? "b" : "b_norm", a, 4, 4);

  if (with_norm)
    b = net_batchnorm (&net, "b_norm", b, 4);
  b = OP (&net, "Relu", "b_relu", OP (&net, "Add", "b_sum", b, a));
  net_output (&net, conv (&net, "c", b, 4, 2));
  return net;
}

static GPtrArray *
find (const Net *student, const Net *teacher, const PareBlockSettings *settings, GError **error)
{
  PareSpec spec = { PARE_FLOAT32, pare_shape_of (4, 2, 3, 5, 5) };

  return pare_blocks_find (student->graph, teacher->graph, 1, &spec, settings, error);
}

/* "name(inputs)->output=target" of each block */
static char *
describe (const GPtrArray *blocks)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < blocks->len; i++)
    {
      const PareBlock *block = blocks->pdata[i];
      g_string_append_printf (text, "%s%s(", i ? " " : "", block->name);
      for (guint k = 0; k < block->inputs->len; k++)
        g_string_append_printf (text, "%s%s", k ? "," : "", ((PareValue *)block->inputs->pdata[k])->name);
      g_string_append_printf (text, ")->%s=%s", block->output->name, block->target->name);
    }
  return g_string_free (text, FALSE);
}

static void
assert_blocks (const Net *student, const Net *teacher, const PareBlockSettings *settings, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) blocks = find (student, teacher, settings, &error);
  g_autofree char *found = NULL;

  g_assert_no_error (error);
  found = describe (blocks);
  g_assert_cmpstr (found, ==, expected);
}

static void
assert_refused (const Net *student, const Net *teacher, const PareBlockSettings *settings, int code, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (find (student, teacher, settings, &error));
  g_assert_error (error, PARE_ERROR, code);
  g_assert_nonnull (strstr (error->message, text));
}

static void
test_a_block_ends_before_the_next_layer (void)
{
  g_auto (Net) net = residual (TRUE);

  assert_blocks (&net, &net, &one_by_one, "a(x)->a_relu=a_relu b(a_relu)->b_relu=b_relu c(b_relu)->c=c");
}

static void
test_blocks_are_joined_by_group_size (void)
{
  g_auto (Net) net = residual (TRUE);

  assert_blocks (&net, &net, &(PareBlockSettings){ 2, NULL }, "a..b(x)->b_relu=b_relu c(b_relu)->c=c");
  assert_blocks (&net, &net, &(PareBlockSettings){ 9, NULL }, "a..c(x)->c=c");
}

static void
test_a_fused_student_matches_its_teacher (void)
{
  g_auto (Net) student = residual (FALSE);
  g_auto (Net) teacher = residual (TRUE);

  assert_blocks (&student, &teacher, &one_by_one, "a(x)->a_relu=a_relu b_norm(a_relu)->b_relu=b_relu c(b_relu)->c=c");
}

static PareValue *
quantized (Net *net, PareValue *value)
{
  g_autofree char *integers = g_strconcat (value->name, "_quantized", NULL);
  g_autofree char *floats = g_strconcat (value->name, "_dequantized", NULL);
  g_autofree char *scale = g_strconcat (value->name, "_scale", NULL);
  PareValue *step = net_random (net, scale, pare_shape_of (0), 0.1, 0.2);

  return OP (net, "DequantizeLinear", floats, OP (net, "QuantizeLinear", integers, value, step), step);
}

static void
test_a_quantizer_belongs_to_the_block_before_it (void)
{
  g_auto (Net) teacher = net_new (), student = net_new ();
  Net *nets[] = { &teacher, &student };

  for (guint i = 0; i < 2; i++)
    {
      PareValue *x = net_input (nets[i], "x", pare_shape_of (4, -1, 3, 5, 5));
      if (i)
        x = quantized (nets[i], x);
      x = OP (nets[i], "Relu", "a_relu", conv (nets[i], "a", x, 3, 4));
      if (i)
        x = quantized (nets[i], x);
      net_output (nets[i], conv (nets[i], "b", x, 4, 2));
    }
  assert_blocks (&student, &teacher, &one_by_one, "a(x)->a_relu_dequantized=a_relu b(a_relu_dequantized)->b=b");
}

static void
test_halves_of_a_decomposed_layer_share_a_block (void)
{
  g_auto (Net) teacher = net_new (), student = net_new ();

  net_output (&teacher, conv (&teacher, "a", net_input (&teacher, "x", pare_shape_of (4, -1, 3, 5, 5)), 3, 4));
  net_output (&student,
              conv (&student, "a",
                    conv (&student, "a.0", net_input (&student, "x", pare_shape_of (4, -1, 3, 5, 5)), 3, 2), 2, 4));
  assert_blocks (&student, &teacher, &one_by_one, "a.0..a(x)->a=a");
}

static void
test_a_side_branch_is_not_joined (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (4, -1, 3, 5, 5));
  PareValue *side = conv (&net, "side", x, 3, 4), *a = conv (&net, "a", x, 3, 4);
  PareValue *b = conv (&net, "b", a, 4, 4);

  net_output (&net, OP (&net, "Add", "sum", b, side));
  /* side and a depend on each other in no way; a and b do */
  assert_blocks (&net, &net, &(PareBlockSettings){ 2, NULL }, "side(x)->side=side a..b(side,x)->sum=sum");
}

static void
test_values_read_twice_end_no_block (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = conv (&net, "a", net_input (&net, "x", pare_shape_of (4, -1, 3, 5, 5)), 3, 4);
  PareValue *gated = OP (&net, "Mul", "swish", a, OP (&net, "Sigmoid", "gate", a));

  net_output (&net, conv (&net, "b", gated, 4, 2));
  assert_blocks (&net, &net, &one_by_one, "a(x)->swish=swish b(swish)->b=b");
}

static void
test_groups_as_users_write_them (void)
{
  g_auto (Net) net = residual (TRUE);

  assert_blocks (&net, &net, &(PareBlockSettings){ 1, "c:c, a:b" }, "a..b(x)->b_relu=b_relu c(b_relu)->c=c");
  assert_blocks (&net, &net, &(PareBlockSettings){ 1, "b:b" }, "b(a_relu)->b_relu=b_relu");
}

static void
test_impossible_groups_are_refused (void)
{
  static const struct
  {
    const char *groups, *text;
  } cases[] = {
    { "a", "'a' is no group" },         { "a:bb", "'a:bb' is no group" },
    { "b:a", "ends before it starts" }, { "a:b,b:c", "Layer 'b' is in two groups" },
    { "a:b,", "'' is no group" },
  };
  g_auto (Net) net = residual (TRUE);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (&net, &net, &(PareBlockSettings){ 1, cases[i].groups }, PARE_ERROR_SETTINGS, cases[i].text);
}

static void
test_blocks_without_a_match_are_named (void)
{
  g_auto (Net) student = net_new (), teacher = net_new (), narrow = net_new ();

  net_output (&teacher, conv (&teacher, "a", net_input (&teacher, "x", pare_shape_of (4, -1, 3, 5, 5)), 3, 4));
  net_output (&student, conv (&student, "other", net_input (&student, "x", pare_shape_of (4, -1, 3, 5, 5)), 3, 4));
  net_output (&narrow, conv (&narrow, "a", net_input (&narrow, "x", pare_shape_of (4, -1, 3, 5, 5)), 3, 2));
  assert_refused (&student, &teacher, &one_by_one, PARE_ERROR_FORMAT, "'other'");
  /* the same name, but half of the channels */
  assert_refused (&narrow, &teacher, &one_by_one, PARE_ERROR_FORMAT, "'a'");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/distill-blocks/ends", test_a_block_ends_before_the_next_layer);
  g_test_add_func ("/distill-blocks/group-size", test_blocks_are_joined_by_group_size);
  g_test_add_func ("/distill-blocks/fused", test_a_fused_student_matches_its_teacher);
  g_test_add_func ("/distill-blocks/quantized", test_a_quantizer_belongs_to_the_block_before_it);
  g_test_add_func ("/distill-blocks/decomposed", test_halves_of_a_decomposed_layer_share_a_block);
  g_test_add_func ("/distill-blocks/side-branch", test_a_side_branch_is_not_joined);
  g_test_add_func ("/distill-blocks/read-twice", test_values_read_twice_end_no_block);
  g_test_add_func ("/distill-blocks/groups", test_groups_as_users_write_them);
  g_test_add_func ("/distill-blocks/bad-groups", test_impossible_groups_are_refused);
  g_test_add_func ("/distill-blocks/unmatched", test_blocks_without_a_match_are_named);
  return g_test_run ();
}
