#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The commands in README.md work as they are written there, one block after the other.
. "$(dirname "$0")/job.sh"
require_fashion
[ -z "${PARE_PRELOAD:-}" ] || skip 'the commands are for a plain build.'

# Blocks that start with pare or gst-launch-1.0; ./quickstart and the meson commands have tests of their own.
awk '/^```sh$/ { block = ""; inside = 1; next }
     /^```$/ { if (inside && block ~ /^(pare|gst-launch-1.0) /) printf "%s", block; inside = 0 }
     inside { block = block $0 "\n" }' "$PARE_SOURCE/README.md" >"$scratch/commands"
[ "$(grep -c '^pare\|^gst-launch' "$scratch/commands")" -ge 4 ] || fail 'README.md lost its commands.'

mkdir -p "$scratch/tests"
ln -s "$models" "$scratch/tests/models"
cd "$scratch"
PATH=$(dirname "$PARE"):$PATH sh -eux commands || fail 'a command of README.md fails.'
[ -s fashion-resnet.int8.onnx ] && [ -s record.json ] || fail 'README.md leaves no model.'
