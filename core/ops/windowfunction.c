/* SPDX-License-Identifier: LGPL-2.1-or-later
 * HannWindow, HammingWindow and BlackmanWindow: sums of cosines over so many samples. */
#include "ops/infer.h"
#include <math.h>

/* a - b cos (2 pi i / n) + c cos (4 pi i / n) */
static const struct
{
  const char *name;
  double a, b, c;
} windows[] = {
  { "HannWindow", 0.5, 0.5, 0 },
  { "HammingWindow", 25.0 / 46, 21.0 / 46, 0 },
  { "BlackmanWindow", 0.42, 0.5, 0.08 },
};

static gboolean
window_infer (PareInfer *infer, GError **error)
{
  gint64 type = pare_node_get_int (infer->node, "output_datatype", PARE_FLOAT32);

  if (!pare_infer_counts (infer, 1, 1, error) || !pare_infer_require (infer, 0, pare_types_index, error)
      || !pare_infer_require_constant (infer, 0, error))
    return FALSE;
  if (type != PARE_FLOAT32 || pare_tensor_elements (infer->constants[0]) != 1
      || pare_tensor_get_int (infer->constants[0], 0) < 0)
    {
      pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, infer->node, "its size or its type is not possible here.");
      return FALSE;
    }
  infer->outputs[0] = (PareSpec){ PARE_FLOAT32, { 1, { pare_tensor_get_int (infer->constants[0], 0) } } };
  return TRUE;
}

static gboolean
window_forward (const PareKernel *kernel, GError **error)
{
  gint64 n = kernel->outputs[0].shape.dims[0];
  double period = pare_node_get_int (kernel->node, "periodic", 1) ? n : n - 1;
  float *y = kernel->outputs[0].data;

  for (guint k = 0; k < G_N_ELEMENTS (windows); k++)
    for (gint64 i = 0; pare_node_is (kernel->node, windows[k].name) && i < n; i++)
      y[i] = windows[k].a - windows[k].b * cos (2 * G_PI * i / MAX (period, 1))
             + windows[k].c * cos (4 * G_PI * i / MAX (period, 1));
  return TRUE;
}

PARE_OPERATORS (windowfunction) = {
  { .name = "HannWindow", .since = 17, .infer = window_infer, .forward = window_forward },
  { .name = "HammingWindow", .since = 17, .infer = window_infer, .forward = window_forward },
  { .name = "BlackmanWindow", .since = 17, .infer = window_infer, .forward = window_forward },
  { NULL },
};
