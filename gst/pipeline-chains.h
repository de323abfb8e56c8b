/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A description cut into chains, the way one writes it on a line. */
#pragma once
#include "gst/pipeline-description.h"

G_BEGIN_DECLS

/* A thing in a chain; exactly one of the three is set, @pad only beside @reference. */
typedef struct
{
  const PipelineElement *element;
  const PipelineElement *reference;
  const char *pad;
  const char *caps;
} PipelineStop;

/* Chains (GPtrArray) of stops (GArray of PipelineStop). Every element appears once as itself, every link once. */
G_GNUC_INTERNAL GPtrArray *gst_pare_chains_new (const PipelineDescription *description);
/* Is some chain referring to @element, so that it needs a name? */
G_GNUC_INTERNAL gboolean gst_pare_chains_refer_to (const GPtrArray *chains, const PipelineElement *element);

G_END_DECLS
