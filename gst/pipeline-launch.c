/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Reads a gst-launch string as text, without making any element. */
#include "gst/pipeline-description.h"

PipelineDescription *
gst_pare_description_parse_launch (const char *launch, GError **error)
{
  gst_pare_place_error (error, (PipelinePlace){ "gst-launch string", 0 }, "not yet");
  return NULL;
}
