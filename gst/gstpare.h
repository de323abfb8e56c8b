/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* libgstpare: everything that a stage needs. */
#include "gst/errors.h"
#include "gst/graphmeta.h"
#include "gst/passes.h"
#include "gst/plugin.h"
#include "gst/properties.h"
#include "gst/stage.h"
#include "gst/tensorcaps.h"
