/* SPDX-License-Identifier: LGPL-2.1-or-later
 * float16 and bfloat16: operators compute them in float32, with one rounding at the end. */
#include "ops/infer.h"
#include <string.h>

static gboolean
is_half (PareDataType type)
{
  return type == PARE_FLOAT16 || type == PARE_BFLOAT16;
}

gboolean
pare_kernel_is_half (const PareKernel *kernel)
{
  for (guint i = 0; i < kernel->n_inputs; i++)
    if (is_half (kernel->inputs[i].type))
      return TRUE;
  return FALSE;
}

/* A float32 memory of the view's shape. */
static gpointer
widen (PareView *view, GPtrArray *memories)
{
  view->type = PARE_FLOAT32;
  view->data = g_malloc (MAX (pare_data_size (PARE_FLOAT32, pare_view_elements (view)), 1));
  g_ptr_array_add (memories, view->data);
  return view->data;
}

gboolean
pare_forward_widened (const PareKernel *kernel, PareForward forward, GError **error)
{
  g_autoptr (GPtrArray) memories = g_ptr_array_new_with_free_func (g_free);
  g_autofree PareView *inputs = g_new0 (PareView, kernel->n_inputs + 1);
  g_autofree PareView *outputs = g_new0 (PareView, kernel->n_outputs + 1);
  PareKernel wide = *kernel;

  for (guint i = 0; i < kernel->n_inputs; i++)
    {
      inputs[i] = kernel->inputs[i];
      if (is_half (inputs[i].type))
        pare_convert (kernel->inputs[i].type, kernel->inputs[i].data, PARE_FLOAT32, widen (&inputs[i], memories),
                      pare_view_elements (&inputs[i]));
    }
  for (guint i = 0; i < kernel->n_outputs; i++)
    {
      outputs[i] = kernel->outputs[i];
      if (is_half (outputs[i].type))
        widen (&outputs[i], memories);
    }
  wide.inputs = inputs;
  wide.outputs = outputs;
  if (!forward (&wide, error))
    return FALSE;
  for (guint i = 0; i < kernel->n_outputs; i++)
    if (is_half (kernel->outputs[i].type))
      pare_convert (PARE_FLOAT32, outputs[i].data, kernel->outputs[i].type, kernel->outputs[i].data,
                    pare_view_elements (&outputs[i]));
  return TRUE;
}

gboolean
pare_forward_copy (const PareKernel *kernel, GError **error)
{
  const PareView *x = &kernel->inputs[0], *y = &kernel->outputs[0];
  gsize size = pare_data_size (x->type, pare_view_elements (x));

  if (size && x->data != y->data)
    memcpy (y->data, x->data, size);
  return TRUE;
}
