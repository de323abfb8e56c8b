/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "comparison.h"
#include "gst/stage.h"

G_BEGIN_DECLS

#define PARE_TYPE_DIFFER (pare_differ_get_type ())
G_DECLARE_FINAL_TYPE (PareDiffer, pare_differ, PARE, DIFFER, GstPareStage)

/* Once the pipeline has ended; NULL when it never saw both graphs. Owned by the stage. */
const PareComparison *pare_differ_comparison (PareDiffer *differ);

G_END_DECLS
