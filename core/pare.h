/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* libpare: everything public. */
#include "calibrate/observer.h"
#include "data/reader.h"
#include "exec/executor.h"
#include "fuse/fuse.h"
#include "graph/graph.h"
#include "onnx/onnx.h"
#include "ops/operator.h"
#include "quantize/quantize.h"
