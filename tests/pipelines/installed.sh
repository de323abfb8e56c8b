#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# `meson install` into a prefix: the installed pare and gst-launch-1.0 with the installed plugins do a job.
. "$(dirname "$0")/job.sh"
require_fashion
case $PARE_PREFIX in
"$PARE_BUILD"/*) ;;
*) skip 'the build is not configured for a prefix of its own (--prefix inside the build folder, as ./check does).' ;;
esac

meson install -C "$PARE_BUILD" --no-rebuild --quiet >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; fail 'meson install failed.'; }
unset GST_PLUGIN_PATH PARE_RECIPES
export GST_REGISTRY="$scratch/registry.bin" LD_LIBRARY_PATH="$PARE_PREFIX/$PARE_LIBDIR"
PARE=$PARE_PREFIX/bin/pare
[ -x "$PARE" ] || fail 'there is no pare command.'

quantize "$models/fashion-mobilenet.onnx" "$scratch/recipe.onnx" samples=32
GST_PLUGIN_PATH="$PARE_PREFIX/$PARE_LIBDIR/gstreamer-1.0" launch \
  onnxloader "location=$models/fashion-mobilenet.onnx" ! graphfuser ! graphcalibrator name=c ! graphquantizer \
  ! onnxexporter "location=$scratch/launch.onnx" \
  tensorsrc "location=$train" samples=32 ! tensorizer mean=0.2860 std=0.3530 ! c.tensors
cmp "$scratch/recipe.onnx" "$scratch/launch.onnx" || fail 'the installed recipe and line give different bytes.'
pkg_config_path=$PARE_PREFIX/$PARE_LIBDIR/pkgconfig
PKG_CONFIG_PATH=$pkg_config_path pkg-config --exists gstpare-1.0 || fail 'gstpare-1.0.pc is not there.'
