#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# In `meson devenv`, GStreamer's own tools find every element of ours, and the pare command is there.
. "$(dirname "$0")/job.sh"
[ -z "${PARE_PRELOAD:-}" ] || skip 'plain gst-inspect-1.0 cannot load plugins with sanitizers.'
unset GST_PLUGIN_PATH GST_PRESET_PATH PARE_RECIPES

# Not --exists, which asks for GStreamer's own version too.
for element in "$@"; do
  meson devenv -C "$PARE_BUILD" gst-inspect-1.0 "$element" >/dev/null || fail "$element is not found."
done
meson devenv -C "$PARE_BUILD" gst-inspect-1.0 onnxloader | grep -q location || fail 'gst-inspect-1.0 shows no properties.'
meson devenv -C "$PARE_BUILD" pare list | grep -q ptq-int8 || fail 'pare list shows no recipe.'
