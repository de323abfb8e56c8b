/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "graph/graph.h"

/* What the file holds as data of @value (NULL: a tensor): a tensor, a sequence or an optional. */
PareTensor *data_load (const char *path, const PareValue *value, GError **error);
