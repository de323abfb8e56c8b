/* SPDX-License-Identifier: LGPL-2.1-or-later
 * How work that takes long tells how far it is. */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/**
 * PareProgress:
 * @done: steps that are done
 * @total: steps that there are; it may grow
 * @user_data: of the caller
 *
 * Returns: FALSE to cancel the work
 */
typedef gboolean (*PareProgress) (guint64 done, guint64 total, gpointer user_data);

G_END_DECLS
