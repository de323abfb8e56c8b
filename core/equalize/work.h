/* SPDX-License-Identifier: LGPL-2.1-or-later
 * What methods of equalization work on. */
#pragma once
#include "equalize/equalize.h"
#include "equalize/scalegroup.h"

G_BEGIN_DECLS

#define PARE_EQUALIZE_STAGE "graphequalizer"

/**
 * PareEqualizing:
 * @samples: NULL when there are none, which a method that needs them never sees
 * @method: index of the method at work
 * @n_methods: how many there are
 */
struct _PareEqualizing
{
  PareGraph *graph;
  PareSamples *samples;
  const PareEqualizeSettings *settings;
  PareProgress progress;
  gpointer user_data;
  guint method, n_methods;
};

/* The groups of the graph as it is now. What the settings forbid has a reason, too. */
GPtrArray *pare_equalizing_groups (const PareEqualizing *work, GError **error);
/* Tells how far the method is; FALSE and an error when the work is cancelled. */
gboolean pare_equalizing_report (const PareEqualizing *work, guint done, guint total, GError **error);
/* What the settings say of the layer labelled @label, or NULL. */
const PareEqualizeLayer *pare_equalizing_layer (const PareEqualizing *work, const char *label);
/* Records that @group was left alone by the method @name. */
void
pare_equalizing_leave (const PareEqualizing *work, const PareScaleGroup *group, const char *name, const char *reason);

G_END_DECLS
