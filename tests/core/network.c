/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Running a network of net.h with the executor and with the naive one, on the same random numbers. */
#include "network.h"
#include "fuse/fuse.h"
#include "train/gradient.h"
#include "naive.h"
#include <math.h>
#include <string.h>

GPtrArray *
network_inputs (Net *net, gint64 batch)
{
  g_autoptr (GPtrArray) values = pare_graph_free_inputs (net->graph);
  GPtrArray *inputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);

  for (guint i = 0; i < values->len; i++)
    {
      PareShape shape = ((PareValue *)values->pdata[i])->shape;
      for (guint d = 0; d < shape.rank; d++)
        shape.dims[d] = shape.dims[d] < 0 ? batch : shape.dims[d];
      gint64 n = pare_shape_elements (&shape);
      float *data = g_new (float, MAX (n, 1));
      for (gint64 k = 0; k < n; k++)
        data[k] = g_rand_double_range (net->random, -1, 1);
      g_ptr_array_add (inputs, pare_tensor_new_take (PARE_FLOAT32, &shape, data));
    }
  return inputs;
}

GPtrArray *
network_run_with (PareExecutor *executor, PareGraph *graph, GPtrArray *inputs)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *outputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);

  g_ptr_array_set_size (outputs, graph->outputs->len);
  if (!pare_executor_run (executor, (PareTensor *const *)inputs->pdata, inputs->len, (PareTensor **)outputs->pdata,
                          &error))
    g_error ("%s", error->message);
  return outputs;
}

GPtrArray *
network_run (PareGraph *graph, GPtrArray *inputs)
{
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);

  return network_run_with (executor, graph, inputs);
}

GPtrArray *
network_expect (PareGraph *graph, GPtrArray *inputs)
{
  g_autofree NaiveArray *arrays = g_new0 (NaiveArray, inputs->len + 1);
  g_autoptr (GPtrArray) naive = NULL;
  GPtrArray *outputs = g_ptr_array_new_with_free_func ((GDestroyNotify)pare_tensor_unref);

  for (guint i = 0; i < inputs->len; i++)
    {
      PareTensor *tensor = inputs->pdata[i];
      arrays[i].shape = tensor->shape;
      arrays[i].data = g_new (double, pare_tensor_elements (tensor) + 1);
      pare_convert (PARE_FLOAT32, pare_tensor_data (tensor), PARE_FLOAT64, arrays[i].data,
                    pare_tensor_elements (tensor));
    }
  naive = naive_run (graph, inputs->len, arrays);
  for (guint i = 0; i < naive->len; i++)
    {
      const NaiveArray *array = naive->pdata[i];
      float *data = g_new (float, pare_shape_elements (&array->shape) + 1);
      pare_convert (PARE_FLOAT64, array->data, PARE_FLOAT32, data, pare_shape_elements (&array->shape));
      g_ptr_array_add (outputs, pare_tensor_new_take (PARE_FLOAT32, &array->shape, data));
    }
  for (guint i = 0; i < inputs->len; i++)
    g_free (arrays[i].data);
  return outputs;
}

void
network_assert_close (GPtrArray *found, GPtrArray *expected, double tolerance)
{
  g_assert_cmpuint (found->len, ==, expected->len);
  for (guint i = 0; i < found->len; i++)
    {
      PareTensor *a = found->pdata[i], *b = expected->pdata[i];
      g_autofree char *a_shape = pare_shape_to_string (&a->shape), *b_shape = pare_shape_to_string (&b->shape);
      double largest = 1e-30;

      g_assert_cmpstr (a_shape, ==, b_shape);
      for (gint64 k = 0; k < pare_tensor_elements (b); k++)
        largest = MAX (largest, fabs (pare_tensor_get_double (b, k)));
      for (gint64 k = 0; k < pare_tensor_elements (b); k++)
        {
          double x = pare_tensor_get_double (a, k), y = pare_tensor_get_double (b, k);
          if (!(fabs (x - y) <= tolerance * largest))
            g_error ("Output %u %s, element %" G_GINT64_FORMAT ": %g instead of %g", i, a_shape, k, x, y);
        }
    }
}

void
network_check (Net *net)
{
  g_autoptr (GPtrArray) inputs = network_inputs (net, 2);
  g_autoptr (GPtrArray) found = network_run (net->graph, inputs);
  g_autoptr (GPtrArray) expected = network_expect (net->graph, inputs);

  network_assert_close (found, expected, 1e-5);
}

void
network_assert_fails (PareGraph *graph, GPtrArray *inputs, int code, const char *text)
{
  g_autoptr (PareExecutor) executor = pare_executor_new (graph);
  g_autoptr (GError) error = NULL;
  g_autofree PareTensor **outputs = g_new0 (PareTensor *, graph->outputs->len + 1);

  g_assert_false (pare_executor_run (executor, (PareTensor *const *)inputs->pdata, inputs->len, outputs, &error));
  g_assert_error (error, PARE_ERROR, code);
  if (!strstr (error->message, text))
    g_error ("'%s' does not say '%s'", error->message, text);
  for (guint i = 0; i < graph->outputs->len; i++)
    g_assert_null (outputs[i]);
}

static char *
list_operators (const PareGraph *graph)
{
  GString *nodes = g_string_new (NULL);

  for (guint i = 0; i < graph->nodes->len; i++)
    {
      const PareNode *node = graph->nodes->pdata[i];
      g_string_append_printf (nodes, "%s%s%s", i ? " " : "", node->op_type,
                              g_str_equal (node->domain, PARE_DOMAIN) ? "*" : "");
    }
  return g_string_free (nodes, FALSE);
}

void
network_check_executed (Net *net, const char *expected)
{
  g_autoptr (PareGraph) executed = pare_graph_copy (net->graph);
  g_autofree char *nodes = NULL;

  pare_graph_recognise (executed);
  pare_graph_assert_consistent (executed);
  nodes = list_operators (executed);
  g_assert_cmpstr (nodes, ==, expected);
  for (gint64 batch = 1; batch <= 3; batch += 2)
    {
      g_autoptr (GPtrArray) inputs = network_inputs (net, batch);
      g_autoptr (GPtrArray) before = network_run (net->graph, inputs), after = network_run (executed, inputs);
      network_assert_close (after, before, 1e-5);
    }
}
