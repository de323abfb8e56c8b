# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scripts of this folder share: where things are, a scratch folder, and how a test fails or is skipped.
# Meson sets PARE, PARE_SOURCE, PARE_BUILD, PARE_JUDGE and GStreamer's paths; PARE_PRELOAD under sanitizers.
set -eu

models=$PARE_SOURCE/tests/models
fashion=/usr/share/datasets/fashion-mnist
train=$fashion/train-images-idx3-ubyte.gz
test_images=$fashion/t10k-images-idx3-ubyte.gz
test_labels=$fashion/t10k-labels-idx1-ubyte.gz
pixels='mean=0.2860 std=0.3530'

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail()
{
  echo "FAILED: $*" >&2
  exit 1
}

skip()
{
  echo "Skipped: $*" >&2
  exit 77
}

require_fashion() { [ -e "$train" ] || skip 'the package dataset-fashion-mnist is not installed.'; }

# A program that is not built with the sanitizers loads plugins that are; the search for leaks crashes in it.
launch()
{
  ASAN_OPTIONS="${ASAN_OPTIONS:-}${ASAN_OPTIONS:+,}detect_leaks=0" LD_PRELOAD="${PARE_PRELOAD:-}" gst-launch-1.0 -q "$@"
}

# quantize MODEL OUTPUT [NAME=VALUE..]: the ptq-int8 recipe on training images.
quantize()
{
  quantize_from=$1 quantize_to=$2
  shift 2
  case " $* " in *' samples='*) ;; *) set -- samples=512 "$@" ;; esac
  # shellcheck disable=SC2086  # two words
  "$PARE" run ptq-int8 "model=$quantize_from" "data=$train" $pixels "output=$quantize_to" "$@" >/dev/null
}

judge() { node "$PARE_SOURCE/tests/judge/judge.mjs" "$@"; }

# number KEY: the last number under that key of the JSON on standard input.
number() { tr -d '\n' | sed -n "s/.*\"$1\" *: *\([-0-9.eE+]*\).*/\1/p"; }

# holds EXPRESSION: whether it is true, in awk's arithmetic.
holds() { awk "BEGIN { exit !($1) }"; }

# Installs into the prefix and leaves the environment of the build: what runs afterwards finds only what is installed.
install_pare()
{
  case $PARE_PREFIX in
  "$PARE_BUILD"/*) ;;
  *) skip 'the build is not configured for a prefix of its own (-Dprefix inside the build folder, as ./check does).' ;;
  esac
  meson install -C "$PARE_BUILD" --no-rebuild --quiet >"$scratch/install.log" 2>&1 || {
    cat "$scratch/install.log" >&2
    fail 'meson install failed.'
  }
  installed_plugins=$PARE_PREFIX/$PARE_LIBDIR/gstreamer-1.0
  unset GST_PLUGIN_PATH GST_PRESET_PATH PARE_RECIPES
  export GST_REGISTRY="$scratch/registry.bin" LD_LIBRARY_PATH="$PARE_PREFIX/$PARE_LIBDIR"
  export PKG_CONFIG_PATH="$PARE_PREFIX/$PARE_LIBDIR/pkgconfig"
}
