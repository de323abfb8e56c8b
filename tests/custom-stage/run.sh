#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The stage in this folder builds outside the tree, against the installed libraries, and runs between our elements.
. "$(dirname "$0")/../pipelines/job.sh"
install_pare

meson setup "$scratch/build" "$PARE_SOURCE/tests/custom-stage" -Dwerror=true >"$scratch/log" 2>&1 &&
  ninja -C "$scratch/build" >>"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; fail 'the stage does not build.'; }
export GST_PLUGIN_PATH="$installed_plugins:$scratch/build"

launch onnxloader "location=$models/fashion-resnet.onnx" ! graphnamer text=pullover ! onnxexporter "location=$scratch/out.onnx"
grep -aq pullover "$scratch/out.onnx" || fail 'the network did not get its name.'

launch onnxloader "location=$models/fashion-resnet.onnx" ! graphnamer ! onnxexporter "location=$scratch/none.onnx" 2>"$scratch/error" &&
  fail 'a stage that fails did not stop the pipeline.'
grep -q 'graphnamer has no name to give' "$scratch/error" || fail 'its error is not on the bus.'
[ ! -e "$scratch/none.onnx" ] || fail 'a file was written all the same.'
