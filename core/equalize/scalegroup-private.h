/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "equalize/scalegroup.h"

G_BEGIN_DECLS

PareScaleGroup *pare_scale_group_new (PareGraph *graph, guint n);
/* Copies @value. */
const PareScaledValue *pare_scale_group_add_value (PareScaleGroup *group, const PareScaledValue *value);
void pare_scale_group_add_part (PareScaleGroup *group, PareScaledRole role, PareNode *node, guint input,
                                const PareScaledValue *at);

G_END_DECLS
