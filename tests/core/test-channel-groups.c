/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Channels without effect can be taken out of networks of all shapes, and the network computes what it did. */
#include "network.h"
#include "sparsify/remove.h"
#include <string.h>

static PareChannelGroups *
find_groups (Net *net)
{
  g_autoptr (GError) error = NULL;
  PareChannelGroups *groups = pare_channel_groups_new (net->graph, NULL, &error);

  g_assert_no_error (error);
  return groups;
}

static PareChannelGroup *
group_named (PareChannelGroups *groups, const char *name)
{
  for (guint i = 0; i < pare_channel_groups_length (groups); i++)
    if (strcmp (pare_channel_groups_get (groups, i)->name, name) == 0)
      return pare_channel_groups_get (groups, i);
  g_error ("no group %s", name);
}

/* Zeros at the channels that are not kept, wherever the group reads or writes them. */
static void
silence (Net *net, const PareChannelGroup *group, const gboolean *keep)
{
  for (guint s = 0; s < group->slices->len; s++)
    {
      const PareChannelSlice *slice = group->slices->pdata[s];
      PareTensor *old = pare_channel_slice_tensor (slice);
      g_autofree float *data = g_memdup2 (pare_tensor_data (old), pare_tensor_size (old));
      gint64 inner = pare_shape_span (&old->shape, slice->axis + 1, old->shape.rank);
      g_autoptr (PareTensor) tensor = NULL;

      if (slice->role != PARE_CHANNELS_CONSUMED)
        continue;
      for (gint64 i = 0; i < pare_tensor_elements (old); i++)
        {
          gint channel = pare_channel_group_channel (group, slice, i / inner % slice->n);
          if (channel >= 0 && !keep[channel])
            data[i] = 0;
        }
      tensor = pare_tensor_new_floats (&old->shape, data);
      pare_value_set_constant (pare_node_input (slice->node, slice->input), tensor);
    }
}

/* Takes every third channel out of each free group, after its readers were made to ignore it: the output stays. Returns
 * how many channels went. */
static guint
remove_unread (Net *net)
{
  g_autoptr (PareChannelGroups) groups = find_groups (net);
  g_autoptr (GPtrArray) inputs = network_inputs (net, 2), before = NULL, after = NULL;
  g_autoptr (GError) error = NULL;
  guint removed = 0;

  for (guint pass = 0; pass < 2; pass++)
    {
      for (guint g = 0; g < pare_channel_groups_length (groups); g++)
        {
          PareChannelGroup *group = pare_channel_groups_get (groups, g);
          g_autofree gboolean *keep = g_new (gboolean, group->n);

          for (guint i = 0; i < group->n; i++)
            keep[i] = i % 3 != 1;
          if (group->reason)
            continue;
          if (pass == 0)
            silence (net, group, keep);
          else
            {
              guint n = group->n;
              pare_channel_group_remove (groups, group, keep, &error);
              g_assert_no_error (error);
              removed += n - group->n;
            }
        }
      if (pass == 0)
        before = network_run (net->graph, inputs);
    }
  pare_graph_assert_consistent (net->graph);
  g_assert_true (pare_channel_groups_check (groups, NULL, NULL));
  after = network_run (net->graph, inputs);
  network_assert_close (after, before, 1e-5);
  return removed;
}

static PareValue *
conv (Net *net, const char *output, PareValue *x, int in, int out, int kernel)
{
  g_autofree char *weight = g_strconcat (output, ".weight", NULL), *bias = g_strconcat (output, ".bias", NULL);
  PareValue *y
      = OP (net, "Conv", output, x, net_random (net, weight, pare_shape_of (4, out, in, kernel, kernel), -1, 1),
            net_random (net, bias, pare_shape_of (1, out), -1, 1));
  gint64 pads[] = { kernel / 2, kernel / 2, kernel / 2, kernel / 2 };

  net_set_ints (y, "pads", 4, pads);
  return y;
}

static PareValue *
gemm (Net *net, const char *output, PareValue *x, int in, int out)
{
  g_autofree char *weight = g_strconcat (output, ".weight", NULL), *bias = g_strconcat (output, ".bias", NULL);

  return OP (net, "Gemm", output, x, net_random (net, weight, pare_shape_of (2, in, out), -1, 1),
             net_random (net, bias, pare_shape_of (1, out), -1, 1));
}

static void
set_int (PareValue *value, const char *name, gint64 number)
{
  pare_node_set_attribute (value->producer, pare_attribute_new_int (name, number));
}

static PareValue *
ints (Net *net, const char *name, guint n, const gint64 *data)
{
  g_autoptr (PareTensor) tensor = pare_tensor_new_int64s (n, data);

  return pare_graph_add_constant (net->graph, name, tensor);
}

static PareValue *
image (Net *net)
{
  return net_input (net, "x", pare_shape_of (4, -1, 3, 6, 6));
}

/* Pools what is left to a vector, and ends. */
static void
classify (Net *net, PareValue *x, int channels)
{
  PareValue *pooled = OP (net, "GlobalAveragePool", "pooled", x);

  net_output (net, gemm (net, "scores", OP (net, "Flatten", "flat", pooled), channels, 5));
}

static void
test_a_chain_shrinks (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = OP (&net, "Relu", "ra", net_batchnorm (&net, "na", conv (&net, "a", image (&net), 3, 6, 3), 6));

  classify (&net, OP (&net, "MaxPool", "pool", conv (&net, "b", a, 6, 9, 3)), 9);
  net_set_ints (pare_graph_find_value (net.graph, "pool"), "kernel_shape", 2, (gint64[]){ 2, 2 });
  g_assert_cmpuint (remove_unread (&net), ==, 2 + 3);
  g_assert_cmpint (pare_node_constant (pare_graph_find_value (net.graph, "b")->producer, 1)->shape.dims[0], ==, 6);
  g_assert_cmpint (pare_node_constant (pare_graph_find_value (net.graph, "b")->producer, 1)->shape.dims[1], ==, 4);
}

static void
test_layers_that_are_added_share_a_group (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = conv (&net, "a", image (&net), 3, 6, 1), *b = conv (&net, "b", OP (&net, "Relu", "r", a), 6, 6, 3);
  g_autoptr (PareChannelGroups) groups = NULL;

  classify (&net, OP (&net, "Add", "sum", a, b), 6);
  groups = find_groups (&net);
  g_assert_cmpuint (pare_channel_groups_length (groups), ==, 2);
  g_assert_cmpuint (group_named (groups, "a")->n, ==, 6);
  g_assert_cmpuint (remove_unread (&net), ==, 2);
}

static void
test_concatenated_layers_shrink_alone (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = image (&net), *a = conv (&net, "a", x, 3, 4, 1), *b = conv (&net, "b", x, 3, 6, 3);
  PareValue *both = OP (&net, "Concat", "both", a, x, b);

  set_int (both, "axis", 1);
  classify (&net, net_batchnorm (&net, "n", both, 13), 13);
  g_assert_cmpuint (remove_unread (&net), ==, 1 + 2);
  g_assert_cmpint (pare_node_constant (pare_graph_find_value (net.graph, "scores")->producer, 1)->shape.dims[0], ==,
                   10);
}

static void
test_depthwise_layers_follow (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = conv (&net, "a", image (&net), 3, 6, 1);
  PareValue *d = OP (&net, "Conv", "d", a, net_random (&net, "d.weight", pare_shape_of (4, 12, 1, 3, 3), -1, 1),
                     net_random (&net, "d.bias", pare_shape_of (1, 12), -1, 1));

  set_int (d, "group", 6);
  classify (&net, d, 12);
  g_assert_cmpuint (remove_unread (&net), ==, 2);
  g_assert_cmpint (pare_node_get_int (d->producer, "group", 1), ==, 4);
  g_assert_cmpint (pare_node_constant (d->producer, 1)->shape.dims[0], ==, 8);
}

/* 2 groups of 6: each loses the same ones. */
static void
test_groups_of_a_convolution_stay_equal (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = conv (&net, "a", image (&net), 3, 12, 1);
  PareValue *g = OP (&net, "Conv", "g", a, net_random (&net, "g.weight", pare_shape_of (4, 6, 6, 3, 3), -1, 1));
  g_autoptr (PareChannelGroups) groups = NULL;

  set_int (g, "group", 2);
  classify (&net, g, 6);
  groups = find_groups (&net);
  g_assert_cmpuint (group_named (groups, "a")->n, ==, 6);
  g_assert_cmpuint (group_named (groups, "g")->n, ==, 3);
  remove_unread (&net);
  g_assert_cmpint (pare_node_get_int (g->producer, "group", 1), ==, 2);
  g_assert_cmpint (pare_node_constant (g->producer, 1)->shape.dims[0], ==, 4);
  g_assert_cmpint (pare_node_constant (g->producer, 1)->shape.dims[1], ==, 4);
}

/* 4 groups of 2 inputs and 3 outputs go as a whole. */
static void
test_small_groups_of_a_convolution_go_as_a_whole (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = conv (&net, "a", image (&net), 3, 8, 1);
  PareValue *g = OP (&net, "Conv", "g", a, net_random (&net, "g.weight", pare_shape_of (4, 12, 2, 3, 3), -1, 1));

  set_int (g, "group", 4);
  classify (&net, g, 12);
  g_assert_cmpuint (remove_unread (&net), ==, 1);
  g_assert_cmpint (pare_node_get_int (g->producer, "group", 1), ==, 3);
  g_assert_cmpint (pare_node_constant (g->producer, 1)->shape.dims[0], ==, 9);
}

static void
test_flattened_channels_are_ranges (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = conv (&net, "a", image (&net), 3, 6, 1);
  PareValue *shape = ints (&net, "shape", 2, (gint64[]){ -1, 6 * 36 });

  net_output (&net, gemm (&net, "scores", OP (&net, "Reshape", "flat", a, shape), 6 * 36, 5));
  g_assert_cmpuint (remove_unread (&net), ==, 2);
  g_assert_cmpint (pare_node_constant (pare_graph_find_value (net.graph, "scores")->producer, 1)->shape.dims[0], ==,
                   4 * 36);
}

/* Half of the channels takes a way of its own, then both are shuffled (ShuffleNet). */
static void
test_split_and_shuffled_channels (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = conv (&net, "a", image (&net), 3, 12, 1);
  PareValue *split = OP (&net, "Split", "left", a, ints (&net, "sizes", 2, (gint64[]){ 6, 6 })), *right, *both;

  right = pare_graph_add_value (net.graph, "right");
  pare_node_add_output (split->producer, right);
  set_int (split, "axis", 1);
  both = OP (&net, "Concat", "both", split, conv (&net, "b", right, 6, 6, 3));
  set_int (both, "axis", 1);
  both = OP (&net, "Reshape", "pairs", both, ints (&net, "apart", 5, (gint64[]){ 0, 2, 6, 6, 6 }));
  both = OP (&net, "Transpose", "turned", both);
  net_set_ints (both, "perm", 5, (gint64[]){ 0, 2, 1, 3, 4 });
  both = OP (&net, "Reshape", "shuffled", both, ints (&net, "together", 4, (gint64[]){ 0, 12, 6, 6 }));
  classify (&net, both, 12);
  g_assert_cmpuint (remove_unread (&net), >=, 4);
}

/* Squeeze and excitation: a small network computes a factor for each channel. */
static void
test_channels_and_their_gates_go_together (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = conv (&net, "a", image (&net), 3, 6, 1), *s, *e;
  g_autoptr (PareChannelGroups) groups = NULL;

  s = OP (&net, "Relu", "relu", conv (&net, "s", OP (&net, "GlobalAveragePool", "means", a), 6, 3, 1));
  e = OP (&net, "Sigmoid", "gate", conv (&net, "e", s, 3, 6, 1));
  classify (&net, OP (&net, "Mul", "scaled", a, e), 6);
  groups = find_groups (&net);
  g_assert_cmpuint (group_named (groups, "a")->n, ==, 6);
  g_assert_cmpuint (pare_channel_groups_length (groups), ==, 3);
  g_assert_cmpuint (remove_unread (&net), ==, 2 + 1);
}

static void
test_instances_are_normalized_by_channel (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = OP (&net, "InstanceNormalization", "n", conv (&net, "a", image (&net), 3, 6, 1),
                     net_random (&net, "scale", pare_shape_of (1, 6), -1, 1),
                     net_random (&net, "shift", pare_shape_of (1, 6), -1, 1));
  PareValue *first = OP (&net, "Gather", "row", a, ints (&net, "index", 1, (gint64[]){ 2 }));

  set_int (first, "axis", 2);
  classify (&net, first, 6);
  g_assert_cmpuint (remove_unread (&net), ==, 2);
  g_assert_cmpint (pare_node_constant (a->producer, 2)->shape.dims[0], ==, 4);
}

/* Channels last, a mean over the image, a scale and a slice of the channels. */
static void
test_channels_move_with_their_axis (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = conv (&net, "a", image (&net), 3, 9, 1), *last = OP (&net, "Transpose", "last", a);

  net_set_ints (last, "perm", 4, (gint64[]){ 0, 2, 3, 1 });
  last = OP (&net, "Mul", "scaled", last, net_random (&net, "scale", pare_shape_of (1, 9), -1, 1));
  last = OP (&net, "Slice", "some", last, ints (&net, "start", 1, (gint64[]){ 2 }),
             ints (&net, "end", 1, (gint64[]){ 8 }), ints (&net, "axis", 1, (gint64[]){ -1 }));
  last = OP (&net, "ReduceMean", "means", last);
  net_set_ints (last, "axes", 2, (gint64[]){ 1, 2 });
  set_int (last, "keepdims", 0);
  net_output (&net, gemm (&net, "scores", last, 6, 5));
  g_assert_cmpuint (remove_unread (&net), ==, 3);
  g_assert_cmpint (pare_node_constant (pare_graph_find_value (net.graph, "scores")->producer, 1)->shape.dims[0], ==, 4);
}

/* Up by a transposed convolution, depthwise in part, and joined with what is on the way down (U-Net). */
static void
test_transposed_convolutions_shrink (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = conv (&net, "a", image (&net), 3, 6, 1), *up, *deep, *sizes, *both;

  up = OP (&net, "ConvTranspose", "up", conv (&net, "b", a, 6, 9, 1),
           net_random (&net, "up.weight", pare_shape_of (4, 9, 6, 2, 2), -1, 1),
           net_random (&net, "up.bias", pare_shape_of (1, 6), -1, 1));
  deep = OP (&net, "ConvTranspose", "deep", up, net_random (&net, "deep.weight", pare_shape_of (4, 6, 1, 1, 1), -1, 1));
  set_int (deep, "group", 6);
  sizes = ints (&net, "sizes", 4, (gint64[]){ 2, 6, 7, 7 });
  both = OP (&net, "Add", "both", deep, OP (&net, "Resize", "larger", a, NULL, NULL, sizes));
  classify (&net, OP (&net, "Pad", "wider", both, ints (&net, "pads", 8, (gint64[]){ 0, 0, 1, 1, 0, 0, 1, 1 })), 6);
  g_assert_cmpuint (remove_unread (&net), ==, 2 + 3);
  g_assert_cmpint (pare_node_constant (up->producer, 1)->shape.dims[0], ==, 6);
  g_assert_cmpint (pare_node_constant (up->producer, 1)->shape.dims[1], ==, 4);
  g_assert_cmpint (
      pare_tensor_get_int (pare_node_constant (pare_graph_find_value (net.graph, "larger")->producer, 3), 1), ==, 4);
}

static void
assert_blocked (Net *net, const char *group, const char *reason)
{
  g_autoptr (PareChannelGroups) groups = find_groups (net);
  g_autoptr (GError) error = NULL;
  PareChannelGroup *found = group_named (groups, group);
  g_autofree gboolean *keep = g_new0 (gboolean, found->n);

  g_assert_nonnull (found->reason);
  g_assert_nonnull (strstr (found->reason, reason));
  keep[0] = TRUE;
  g_assert_false (pare_channel_group_remove (groups, found, keep, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
}

/* The hidden channels of a perceptron shrink, what heads of attention see does not. */
static void
test_attention_stays_whole (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (3, -1, 5, 8)), *q, *k, *h;
  g_autoptr (PareChannelGroups) groups = NULL;

  q = OP (&net, "MatMul", "q", x, net_random (&net, "wq", pare_shape_of (2, 8, 6), -1, 1));
  k = OP (&net, "Transpose", "turned",
          OP (&net, "MatMul", "k", x, net_random (&net, "wk", pare_shape_of (2, 8, 6), -1, 1)));
  net_set_ints (k, "perm", 3, (gint64[]){ 0, 2, 1 });
  h = OP (&net, "MatMul", "mixed", OP (&net, "MatMul", "attention", q, k), x);
  h = OP (&net, "Add", "biased", OP (&net, "MatMul", "h", h, net_random (&net, "wh", pare_shape_of (2, 8, 12), -1, 1)),
          net_random (&net, "bias", pare_shape_of (1, 12), -1, 1));
  h = OP (&net, "PRelu", "bent", h, net_random (&net, "slope", pare_shape_of (1, 12), -1, 1));
  net_output (&net, OP (&net, "MatMul", "y", h, net_random (&net, "wy", pare_shape_of (2, 12, 8), -1, 1)));
  assert_blocked (&net, "q", "MatMul 'attention', which multiplies activations");
  assert_blocked (&net, "k", "MatMul 'attention'");
  g_assert_cmpuint (remove_unread (&net), ==, 4);
}

static void
test_outputs_stay_whole (void)
{
  g_auto (Net) net = net_new ();

  net_output (&net, OP (&net, "Relu", "y", conv (&net, "a", image (&net), 3, 6, 1)));
  assert_blocked (&net, "a", "output 'y'");
}

static void
test_what_mixes_channels_is_named (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = gemm (&net, "a", net_input (&net, "x", pare_shape_of (2, -1, 4)), 4, 6);

  net_output (&net, gemm (&net, "scores", OP (&net, "Softmax", "attention", a), 6, 5));
  assert_blocked (&net, "a", "Softmax 'attention'");
}

static void
test_picked_channels_stay_whole (void)
{
  g_auto (Net) net = net_new ();
  PareValue *picked = OP (&net, "Gather", "picked", conv (&net, "a", image (&net), 3, 6, 1),
                          ints (&net, "index", 2, (gint64[]){ 4, 1 }));

  set_int (picked, "axis", 1);
  classify (&net, picked, 2);
  assert_blocked (&net, "a", "Gather 'picked', which picks some of them");
}

static void
test_shared_weights_stay_whole (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = net_input (&net, "x", pare_shape_of (2, -1, 4));
  PareValue *w = net_random (&net, "w", pare_shape_of (2, 4, 4), -1, 1);

  net_output (&net, gemm (&net, "scores", OP (&net, "MatMul", "b", OP (&net, "MatMul", "a", x, w), w), 4, 5));
  assert_blocked (&net, "a", "MatMul 'a', whose weight others read too");
}

static void
test_what_meets_the_input_stays_whole (void)
{
  g_auto (Net) net = net_new ();
  PareValue *x = image (&net);

  classify (&net, OP (&net, "Add", "sum", x, conv (&net, "a", x, 3, 3, 1)), 3);
  assert_blocked (&net, "a", "Add 'sum'");
}

/* The sizes to flatten to are computed: [batch, 6 36], whatever the channels are. */
static void
test_shapes_that_do_not_follow_keep_their_channels_only (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = conv (&net, "a", conv (&net, "before", image (&net), 3, 6, 1), 6, 6, 1), *batch, *sizes, *flat;
  g_autoptr (PareChannelGroups) groups = NULL;

  batch = OP (&net, "Slice", "batch", OP (&net, "Shape", "shape", a), ints (&net, "from", 1, (gint64[]){ 0 }),
              ints (&net, "to", 1, (gint64[]){ 1 }));
  sizes = OP (&net, "Concat", "sizes", batch, ints (&net, "flattened", 1, (gint64[]){ 6 * 36 }));
  set_int (sizes, "axis", 0);
  flat = gemm (&net, "hidden", OP (&net, "Reshape", "flat", a, sizes), 6 * 36, 9);
  net_output (&net, gemm (&net, "scores", OP (&net, "Relu", "bent", flat), 9, 5));
  groups = find_groups (&net);
  g_assert_null (group_named (groups, "before")->reason);
  g_assert_null (group_named (groups, "hidden")->reason);
  g_assert_nonnull (strstr (group_named (groups, "a")->reason, "do not follow"));
  g_assert_cmpuint (remove_unread (&net), ==, 2 + 3);
}

static void
test_no_layer_loses_its_last_channel (void)
{
  g_auto (Net) net = net_new ();
  PareValue *a = conv (&net, "a", image (&net), 3, 4, 1), *split, *right;
  g_autoptr (PareChannelGroups) groups = NULL;
  gboolean first_half[] = { TRUE, TRUE, FALSE, FALSE }, none[] = { FALSE, FALSE, FALSE, FALSE };
  g_autoptr (GError) error = NULL;

  split = OP (&net, "Split", "left", a, ints (&net, "sizes", 2, (gint64[]){ 2, 2 }));
  right = pare_graph_add_value (net.graph, "right");
  pare_node_add_output (split->producer, right);
  set_int (split, "axis", 1);
  net_output (&net, conv (&net, "l", split, 2, 3, 1));
  net_output (&net, conv (&net, "r", right, 2, 3, 1));
  groups = find_groups (&net);
  g_assert_false (pare_channel_group_allows (groups, group_named (groups, "a"), first_half));
  g_assert_false (pare_channel_group_remove (groups, group_named (groups, "a"), none, &error));
  g_assert_error (error, PARE_ERROR, PARE_ERROR_SETTINGS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/channel-groups/" #name, test_##name)
  ADD (a_chain_shrinks);
  ADD (layers_that_are_added_share_a_group);
  ADD (concatenated_layers_shrink_alone);
  ADD (depthwise_layers_follow);
  ADD (groups_of_a_convolution_stay_equal);
  ADD (small_groups_of_a_convolution_go_as_a_whole);
  ADD (flattened_channels_are_ranges);
  ADD (split_and_shuffled_channels);
  ADD (channels_and_their_gates_go_together);
  ADD (instances_are_normalized_by_channel);
  ADD (channels_move_with_their_axis);
  ADD (transposed_convolutions_shrink);
  ADD (attention_stays_whole);
  ADD (outputs_stay_whole);
  ADD (what_mixes_channels_is_named);
  ADD (picked_channels_stay_whole);
  ADD (shared_weights_stay_whole);
  ADD (what_meets_the_input_stays_whole);
  ADD (shapes_that_do_not_follow_keep_their_channels_only);
  ADD (no_layer_loses_its_last_channel);
  return g_test_run ();
}
