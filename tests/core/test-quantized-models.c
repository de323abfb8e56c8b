/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Models that come quantized, written as PyTorch exports them: conversions around activations, and weights as floats
 * behind a pair or as stored integers. */
#include "exec/executor.h"
#include "fuse/fuse.h"
#include "net.h"
#include "quantize/pair.h"
#include "quantize/quantize.h"
#include "quantize/trainable.h"
#include <math.h>
#include <string.h>

typedef struct
{
  gboolean stored; /* integers instead of floats behind a pair */
  gboolean per_channel;
  gboolean integer_bias;
  gboolean flip; /* BatchNormalization with negative factors, and integers that have no negative */
} Form;

static PareValue *
constant (Net *net, const char *name, PareTensor *tensor)
{
  g_autoptr (PareTensor) owned = tensor;

  return pare_graph_add_constant (net->graph, name, owned);
}

static PareValue *
scalar (Net *net, const char *name, float value)
{
  return constant (net, name, pare_tensor_new_scalar_float (value));
}

static PareValue *
byte (Net *net, const char *name, PareDataType type, int value)
{
  PareShape shape = { 0 };
  guint8 data = value;

  return constant (net, name, pare_tensor_new_copy (type, &shape, &data));
}

/* Activations: narrower than their type, with a Clip of the integers between. */
static PareValue *
fake (Net *net, const char *name, PareValue *x, float scale, int zero_point, gboolean clipped)
{
  g_autofree char *q = g_strconcat (name, "_q", NULL), *c = g_strconcat (name, "_c", NULL);
  PareValue *s = scalar (net, "s", scale), *z = byte (net, "z", PARE_UINT8, zero_point);
  PareValue *integers = OP (net, "QuantizeLinear", q, x, s, z);

  if (clipped)
    integers = OP (net, "Clip", c, integers, byte (net, "low", PARE_UINT8, 0), byte (net, "high", PARE_UINT8, 127));
  return OP (net, "DequantizeLinear", name, integers, s, z);
}

#define OUT 4
#define IN 3

static PareValue *
weight (Net *net, const Form *form)
{
  PareShape shape = pare_shape_of (4, OUT, IN, 3, 3), channels = pare_shape_of (1, OUT), none = { 0 };
  float scales[OUT] = { 0.02f, 0.013f, 0.05f, 0.007f };
  gint8 zeros[OUT] = { 0 }, *integers = g_malloc (OUT * IN * 9);
  float floats[OUT * IN * 9];
  PareValue *s, *z, *dequantized, *data;

  for (int i = 0; i < OUT * IN * 9; i++)
    {
      integers[i] = form->flip && i == 5 ? -128 : g_rand_int_range (net->random, -127, 128);
      floats[i] = integers[i] * scales[form->per_channel ? i / (IN * 9) : 0];
      floats[i] *= g_rand_double_range (net->random, 0.999, 1.001);
    }
  if (form->per_channel)
    {
      s = constant (net, "ws", pare_tensor_new_floats (&channels, scales));
      z = constant (net, "wz", pare_tensor_new_copy (PARE_INT8, &channels, zeros));
    }
  else
    {
      s = constant (net, "ws", pare_tensor_new_floats (&none, scales));
      z = constant (net, "wz", pare_tensor_new_copy (PARE_INT8, &none, zeros));
    }
  data = form->stored ? constant (net, "w", pare_tensor_new_copy (PARE_INT8, &shape, integers))
                      : constant (net, "w", pare_tensor_new_floats (&shape, floats));
  g_free (integers);
  if (!form->stored)
    {
      data = OP (net, "QuantizeLinear", "wq", data, s, z);
      pare_node_set_attribute (data->producer, pare_attribute_new_int ("axis", 0));
    }
  dequantized = OP (net, "DequantizeLinear", "wd", data, s, z);
  pare_node_set_attribute (dequantized->producer, pare_attribute_new_int ("axis", 0));
  return dequantized;
}

static PareValue *
bias (Net *net, const Form *form)
{
  PareShape channels = pare_shape_of (1, OUT);

  if (!form->integer_bias)
    return net_random (net, "b", channels, -1, 1);
  return OP (net, "DequantizeLinear", "bd",
             constant (net, "b", pare_tensor_new_copy (PARE_INT32, &channels, (gint32[]){ 900, -3000, 17, 0 })),
             scalar (net, "bs", 0.0003f));
}

/* x -> pair -> Conv -> BatchNormalization -> Relu -> pair -> y */
static PareGraph *
model (const Form *form)
{
  g_auto (Net) net = net_new ();
  PareShape channels = pare_shape_of (1, OUT);
  PareValue *x = net_input (&net, "x", pare_shape_of (4, 2, IN, 6, 6));
  PareValue *conv
      = OP (&net, "Conv", "conv", fake (&net, "xd", x, 0.03f, 100, FALSE), weight (&net, form), bias (&net, form));
  PareValue *normal = OP (&net, "BatchNormalization", "bn", conv,
                          net_random (&net, "gamma", channels, form->flip ? -2 : 0.3, form->flip ? -1 : 2),
                          net_random (&net, "beta", channels, -1, 1), net_random (&net, "mean", channels, -1, 1),
                          net_random (&net, "variance", channels, 0.3, 2));

  net_output (&net, fake (&net, "y", OP (&net, "Relu", "relu", normal), 0.05f, 0, TRUE));
  return g_object_ref (net.graph);
}

static PareTensor *
run (PareGraph *graph)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (3);
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  g_autoptr (PareTensor) input = NULL;
  g_autoptr (GError) error = NULL;
  PareShape shape = pare_shape_of (4, 2, IN, 6, 6);
  float data[2 * IN * 36];
  PareTensor *output = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    data[i] = g_rand_double_range (random, -3, 3);
  input = pare_tensor_new_floats (&shape, data);
  pare_executor_run (executor, &input, 1, &output, &error);
  g_assert_no_error (error);
  return output;
}

/* The last quantizer has steps of 0.05: sums in another order may end on a neighbour, rarely. */
static void
assert_same_function (PareTensor *a, PareTensor *b)
{
  guint steps = 0;

  g_assert_cmpint (pare_tensor_elements (a), ==, pare_tensor_elements (b));
  for (gint64 i = 0; i < pare_tensor_elements (a); i++)
    {
      double difference = fabs (pare_tensor_get_double (a, i) - pare_tensor_get_double (b, i));
      g_assert_cmpfloat (difference, <, 0.0501);
      steps += difference > 1e-4;
    }
  g_assert_cmpuint (steps, <=, 1);
}

static guint
count (PareGraph *graph, const char *op_type)
{
  guint n = 0;

  for (guint i = 0; i < graph->nodes->len; i++)
    n += pare_node_is (graph->nodes->pdata[i], op_type);
  return n;
}

/* The integers of the convolution's weight. */
static PareTensor *
integers_of (PareGraph *graph)
{
  PareNode *conv = NULL;
  g_autoptr (GError) error = NULL;
  PareTensor *result = NULL;
  ParePair pair;

  for (guint i = 0; i < graph->nodes->len; i++)
    if (pare_node_is (graph->nodes->pdata[i], "Conv"))
      conv = graph->nodes->pdata[i];
  g_assert_nonnull (conv);
  g_assert_true (pare_pair_read (pare_node_input (conv, 1)->producer, &pair));
  if (!pair.quantize)
    return pare_tensor_ref (pair.input->constant);
  pare_evaluate_node (pair.quantize,
                      (PareTensor *[]){ pair.input->constant, pair.scale->constant, pair.zero_point->constant },
                      &result, &error);
  g_assert_no_error (error);
  return result;
}

static const Form forms[] = {
  { FALSE, FALSE, FALSE, FALSE }, { FALSE, TRUE, FALSE, FALSE }, { TRUE, FALSE, FALSE, FALSE },
  { TRUE, TRUE, FALSE, FALSE },   { TRUE, TRUE, TRUE, FALSE },   { FALSE, FALSE, TRUE, FALSE },
};

static void
test_normalisation_goes_into_scales (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autoptr (PareGraph) graph = model (&forms[i]);
      g_autoptr (PareTensor) before = run (graph), after = NULL;
      g_autoptr (PareTensor) integers = integers_of (graph), kept = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_true (pare_graph_fuse (graph, NULL, NULL, &error));
      g_assert_no_error (error);
      pare_graph_assert_consistent (graph);
      g_assert_cmpuint (count (graph, "BatchNormalization"), ==, 0);
      g_assert_cmpuint (count (graph, "QuantizeLinear"), ==, forms[i].stored ? 2 : 3);
      kept = integers_of (graph);
      g_assert_true (pare_tensor_equal (integers, kept));
      after = run (graph);
      assert_same_function (before, after);
    }
}

/* -128 has no negative in 8 bits. */
static void
test_what_would_leave_the_grid_is_left (void)
{
  g_autoptr (PareGraph) graph = model (&(Form){ TRUE, TRUE, FALSE, TRUE });
  gboolean found = FALSE;

  g_assert_true (pare_graph_fuse (graph, NULL, NULL, NULL));
  g_assert_cmpuint (count (graph, "BatchNormalization"), ==, 1);
  for (guint i = 0; i < pare_record_length (graph->record); i++)
    {
      const char *reason = pare_record_entry_reason (pare_record_get (graph->record, i));
      found |= reason && strstr (reason, "leave its grid");
    }
  g_assert_true (found);
}

static void
test_quantizer_keeps_what_is_there (void)
{
  g_autoptr (PareGraph) graph = model (&forms[1]);
  PareQuantizeSettings settings;
  g_autoptr (GPtrArray) values = NULL;
  g_autoptr (GError) error = NULL;
  guint nodes;
  const PareRecordEntry *entry;

  pare_quantize_settings_init (&settings);
  g_assert_true (pare_graph_fuse (graph, NULL, NULL, NULL));
  nodes = graph->nodes->len;
  values = pare_quantize_values (graph, &settings, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (values->len, ==, 0);
  g_assert_true (pare_graph_quantize (graph, &settings, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (graph->nodes->len, ==, nodes);
  entry = pare_record_get (graph->record, pare_record_length (graph->record) - 1);
  g_assert_cmpstr (pare_record_entry_layer (entry), ==, "bn"); /* named after its output */
  g_assert_cmpstr (pare_record_entry_action (entry), ==, "kept");
}

static void
test_every_form_computes_the_same (void)
{
  guint n;
  const PareForm *const *outputs = pare_forms (&n);

  for (guint k = 0; k < n; k++)
    for (guint i = 0; i < G_N_ELEMENTS (forms); i++)
      {
        g_autoptr (PareGraph) graph = model (&forms[i]);
        g_autoptr (PareTensor) before = run (graph), after = NULL;
        g_autoptr (GError) error = NULL;
        gboolean lowered = outputs[k]->lower (graph, &error);
        /* What is written for one kind of hardware alone may refuse what that cannot do. */
        if (g_error_matches (error, PARE_ERROR, PARE_ERROR_NOT_IMPLEMENTED)
            || (g_str_equal (outputs[k]->name, "ascend") && g_error_matches (error, PARE_ERROR, PARE_ERROR_SETTINGS)))
          continue;
        g_assert_no_error (error);
        g_assert_true (lowered);
        pare_graph_assert_consistent (graph);
        if (strcmp (outputs[k]->name, "fakequant") == 0)
          g_assert_cmpuint (count (graph, "QuantizeLinear"), ==, 3);
        if (strcmp (outputs[k]->name, "qdq") == 0)
          g_assert_cmpuint (count (graph, "QuantizeLinear"), ==, 2);
        after = run (graph);
        assert_same_function (before, after);
      }
}

static void
test_stored_integers_are_trained_as_floats (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++)
    {
      g_autoptr (PareGraph) graph = model (&forms[i]);
      g_autoptr (PareTensor) before = run (graph), opened = NULL, closed = NULL;
      g_autoptr (PareTensor) integers = integers_of (graph), kept = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (pare_graph_open_quantizers (graph, PARE_TRAINABLE_LSQ, &error), ==, 3);
      g_assert_no_error (error);
      g_assert_cmpuint (count (graph, "DequantizeLinear"), ==, 0);
      opened = run (graph);
      assert_same_function (before, opened);
      g_assert_true (pare_graph_close_quantizers (graph, &error));
      g_assert_no_error (error);
      closed = run (graph);
      kept = integers_of (graph);
      g_assert_true (pare_tensor_equal (integers, kept));
      assert_same_function (before, closed);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quantized-models/normalisation-goes-into-scales", test_normalisation_goes_into_scales);
  g_test_add_func ("/quantized-models/what-would-leave-the-grid-is-left", test_what_would_leave_the_grid_is_left);
  g_test_add_func ("/quantized-models/quantizer-keeps-what-is-there", test_quantizer_keeps_what_is_there);
  g_test_add_func ("/quantized-models/every-form-computes-the-same", test_every_form_computes_the_same);
  g_test_add_func ("/quantized-models/stored-integers-are-trained-as-floats",
                   test_stored_integers_are_trained_as_floats);
  return g_test_run ();
}
