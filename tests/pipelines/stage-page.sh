#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The stage in docs/writing-a-stage.md builds against the installed libraries and runs between our elements.
. "$(dirname "$0")/job.sh"
install_pare

# block LANGUAGE: that page's first block of code.
block() { awk -v "start=\`\`\`$1" '$0 == start { inside = 1; next } /^```$/ && inside { exit } inside' "$PARE_SOURCE/docs/writing-a-stage.md"; }
mkdir "$scratch/stage"
block c >"$scratch/stage/graphlargest.c"
block meson >"$scratch/stage/meson.build"
meson setup "$scratch/stage/build" "$scratch/stage" -Dwerror=true >"$scratch/log" 2>&1 && ninja -C "$scratch/stage/build" >>"$scratch/log" 2>&1 ||
  { cat "$scratch/log" >&2; fail 'the stage does not build.'; }

GST_PLUGIN_PATH="$installed_plugins:$scratch/stage/build" launch onnxloader "location=$models/fashion-resnet.onnx" ! graphlargest \
  ! onnxexporter "location=$scratch/out.onnx" "record=$scratch/record.json"
grep -q graphlargest "$scratch/record.json" || fail 'the stage left no entry in the record.'
