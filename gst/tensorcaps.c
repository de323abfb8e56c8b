/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The boundary between ONNX shapes and other/tensors caps. */
#include "gst/tensorcaps.h"
