#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sparsity, quantizers and shifts at once, trained on a few images: the zeros are in both files, the settings of layers come
# from a file, and ONNX Runtime gets what we get from what the recipe wrote.
. "$(dirname "$0")/job.sh"
require_fashion
labels=$fashion/train-labels-idx1-ubyte.gz
data="data=$test_images labels=$test_labels $pixels samples=2000"

cat >"$scratch/layers.conf" <<'END'
[graphsparsifier]
[graphquantizer]
/body/body.0/c1/Conv: bits=4      # one layer with fewer
[graphshifter]
/fc/Gemm: shift=5
/stem/stem.0/Conv: enable=false
END
# shellcheck disable=SC2086  # two words
"$PARE" run combine "model=$models/fashion-resnet.onnx" "data=$train" "labels=$labels" samples=1024 $pixels sparsify-samples=128 \
  calibration-samples=128 batch-size=32 "config=$scratch/layers.conf" "output=$scratch/int8.onnx" \
  "simulated=$scratch/simulated.onnx" "record=$scratch/record.json" >/dev/null

# sparse FILE: how many layers are 2:4 in it.
sparse() { "$PARE" inspect "$1" | grep -c ' 2:4$'; }
[ "$(sparse "$scratch/int8.onnx")" = 13 ] || fail 'not every layer behind the first is 2:4 in the file for runtimes.'
[ "$(sparse "$scratch/simulated.onnx")" = 13 ] || fail 'not every layer behind the first is 2:4 in the simulated file.'
"$PARE" inspect "$scratch/int8.onnx" | grep -q '^/body/body.0/c1/Conv .* 4  *[0-9.]*%  *2:4$' || fail 'the 4 bits of the settings are not there.'

# shifts LAYER: its shifts in the record, each once.
shifts()
{
  tr -d ' \n' <"$scratch/record.json" | grep -o "\"layer\":\"$1\",\"action\":\"shifted\"[^]]*\]" | sed 's/.*\[//; s/\]//' \
    | tr ',' '\n' | sort -u
}
[ "$(shifts /fc/Gemm)" = 5.0 ] || fail 'the shift of the settings is not in the record.'
[ -n "$(shifts /body/body.0/c1/Conv)" ] || fail 'no shift was found.'
[ -z "$(shifts /stem/stem.0/Conv)" ] || fail 'a layer that was to be left alone has shifts.'

# shellcheck disable=SC2086
{
  ours=$("$PARE" eval "$scratch/int8.onnx" $data --json | number top1)
  simulated=$("$PARE" eval "$scratch/simulated.onnx" $data --json | number top1)
}
echo "top-1 $ours, simulated $simulated"
holds "$ours > 85" || fail 'the network was lost.'
holds "$ours - $simulated < 1 && $simulated - $ours < 1" || fail '16 bits with the shifts that were found compute something else.'

# shellcheck disable=SC2086
{
  theirs=$(judge eval "$scratch/int8.onnx" $data) || exit $?
  theirs_simulated=$(judge eval "$scratch/simulated.onnx" $data) || exit $?
}
theirs=$(echo "$theirs" | number top1)
theirs_simulated=$(echo "$theirs_simulated" | number top1)
echo "in ONNX Runtime $theirs, simulated $theirs_simulated"
holds "$ours - $theirs < 0.21 && $theirs - $ours < 0.21" || fail 'ONNX Runtime gets something else.'
holds "$simulated - $theirs_simulated < 0.21 && $theirs_simulated - $simulated < 0.21" \
  || fail 'ONNX Runtime gets something else from the simulated file.'

# Whole filters instead: half of the work goes, and settings of single layers hold here, too.
sed -i 's|^\[graphsparsifier\]|&\n/body/body.2/c1/Conv: enable=false|; /^\/body.*bits=4/d' "$scratch/layers.conf"
# shellcheck disable=SC2086
"$PARE" run combine "model=$models/fashion-resnet.onnx" mode=filter ratio=0.5 "data=$train" "labels=$labels" samples=1024 $pixels \
  sparsify-samples=64 calibration-samples=128 batch-size=32 "config=$scratch/layers.conf" "output=$scratch/small.onnx" >/dev/null
macs() { "$PARE" inspect "$1" | sed -n 's/.* \([0-9][0-9]*\) MACs.*/\1/p'; }
whole=$(macs "$models/fashion-resnet.onnx")
left=$(macs "$scratch/small.onnx")
holds "$left <= $whole / 2 && $left > 0.4 * $whole" || fail "$left of $whole MACs are left, which is not half."
"$PARE" inspect "$scratch/small.onnx" | grep -q '^/body/body.2/c1/Conv .* \[1,32,14,14\]' || fail 'a layer that was to be left alone lost filters.'
# shellcheck disable=SC2086
{
  ours=$("$PARE" eval "$scratch/small.onnx" $data --json | number top1)
  theirs=$(judge eval "$scratch/small.onnx" $data | number top1)
}
echo "top-1 $ours with half of the work, in ONNX Runtime $theirs"
holds "$ours > 85" || fail 'the small network was lost.'
holds "$ours - $theirs < 0.21 && $theirs - $ours < 0.21" || fail 'ONNX Runtime gets something else from the small network.'
