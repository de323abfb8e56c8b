/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Types that operators have no loops for. float16 and bfloat16 are computed in float32, with one rounding at the end;
 * what only moves integers of 4 bits moves bytes. */
#include "graph/packed.h"
#include "ops/infer.h"
#include <string.h>

static PareDataType
widened (PareDataType type)
{
  return type == PARE_FLOAT16 || type == PARE_BFLOAT16 ? PARE_FLOAT32 : type;
}

gboolean
pare_kernel_is_half (const PareKernel *kernel)
{
  for (guint i = 0; i < kernel->n_inputs; i++)
    if (widened (kernel->inputs[i].type) != kernel->inputs[i].type)
      return TRUE;
  for (guint i = 0; i < kernel->n_outputs; i++)
    if (widened (kernel->outputs[i].type) != kernel->outputs[i].type)
      return TRUE;
  return FALSE;
}

gboolean
pare_kernel_is_packed (const PareKernel *kernel)
{
  return pare_data_type_is_packed (kernel->inputs[0].type);
}

/* The same view with memory of its own, when @substitute has another type for it. */
static PareView
substitute_view (const PareView *view, PareDataType (*substitute) (PareDataType type), GPtrArray *memories)
{
  PareView other = *view;

  other.type = substitute (view->type);
  if (other.type == view->type)
    return other;
  other.data = g_malloc (MAX (pare_data_size (other.type, pare_view_elements (view)), 1));
  g_ptr_array_add (memories, other.data);
  return other;
}

static gboolean
forward_as (const PareKernel *kernel, PareForward forward, PareDataType (*substitute) (PareDataType type),
            GError **error)
{
  g_autoptr (GPtrArray) memories = g_ptr_array_new_with_free_func (g_free);
  g_autofree PareView *inputs = g_new0 (PareView, kernel->n_inputs + 1);
  g_autofree PareView *outputs = g_new0 (PareView, kernel->n_outputs + 1);
  PareKernel other = *kernel;

  for (guint i = 0; i < kernel->n_inputs; i++)
    {
      const PareView *from = &kernel->inputs[i];
      inputs[i] = substitute_view (from, substitute, memories);
      if (inputs[i].type != from->type)
        pare_convert (from->type, from->data, inputs[i].type, inputs[i].data, pare_view_elements (from));
    }
  for (guint i = 0; i < kernel->n_outputs; i++)
    outputs[i] = substitute_view (&kernel->outputs[i], substitute, memories);
  other.inputs = inputs;
  other.outputs = outputs;
  if (!forward (&other, error))
    return FALSE;
  for (guint i = 0; i < kernel->n_outputs; i++)
    {
      const PareView *to = &kernel->outputs[i];
      if (outputs[i].type != to->type)
        pare_convert (outputs[i].type, outputs[i].data, to->type, to->data, pare_view_elements (to));
    }
  return TRUE;
}

gboolean
pare_forward_widened (const PareKernel *kernel, PareForward forward, GError **error)
{
  return forward_as (kernel, forward, widened, error);
}

gboolean
pare_forward_unpacked (const PareKernel *kernel, PareForward forward, GError **error)
{
  return forward_as (kernel, forward, pare_data_type_unpacked, error);
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
