#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# `meson install` into a prefix: the installed pare and gst-launch-1.0 with the installed plugins do a job.
. "$(dirname "$0")/job.sh"
require_fashion
install_pare
PARE=$PARE_PREFIX/bin/pare
[ -x "$PARE" ] || fail 'there is no pare command.'

for recipe in "$PARE_PREFIX"/share/pare/pipelines/*.xml; do
  "$PARE" run "$(basename "$recipe" .xml)" --help >/dev/null || fail "the installed recipe '$recipe' cannot be read."
done
quantize "$models/fashion-mobilenet.onnx" "$scratch/recipe.onnx" samples=32 rounding=
GST_PLUGIN_PATH="$installed_plugins" launch \
  onnxloader "location=$models/fashion-mobilenet.onnx" ! graphfuser ! graphcalibrator name=c ! graphquantizer \
  ! onnxexporter "location=$scratch/launch.onnx" \
  tensorsrc "location=$train" samples=32 ! tensorizer mean=0.2860 std=0.3530 ! c.tensors
cmp "$scratch/recipe.onnx" "$scratch/launch.onnx" || fail 'the installed recipe and line give different bytes.'
